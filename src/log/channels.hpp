#pragma once

#include "log/log.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::log {

/// A set of levels, one bit for each.
using LevelSet = std::uint8_t;
constexpr LevelSet level_bit(Level level) {
    return static_cast<LevelSet>(1u << static_cast<unsigned>(level));
}
inline constexpr LevelSet all_levels = 0x1f;
inline constexpr LevelSet notice_and_above =
    level_bit(Level::error) | level_bit(Level::warning) | level_bit(Level::notice);

/// Where lines go.
enum class Target : std::uint8_t {
    console,  ///< `lamplight -r`, and the terminal when the daemon is in the foreground
    file,
    syslog,
    journal,  ///< stderr of a daemon in the background; a priority in front where systemd reads it
};
/// `Console`, `File`, `Syslog`, `Journal`.
std::string_view to_string(Target target);

/// One line of logger.conf's [logfiles].
struct Channel {
    Target target = Target::console;
    std::string name;  ///< a file's full path, a syslog facility (`local0`); else empty
    LevelSet levels = 0;
    std::optional<int> verbose_depth;  ///< of `verbose(3)`; else as `core set verbose` says

    bool operator==(const Channel&) const = default;
};

/// Whether the console's lines also go to the terminal (stderr).
enum class Foreground : std::uint8_t { no, yes };

/// What `logger rotate` does with a file (logger.conf's rotatestrategy).
enum class Rotation : std::uint8_t {
    sequential,  ///< to the number above the highest: the newest has the highest
    rotate,      ///< to 0, after 0 went to 1 and so on: the newest has 0
    timestamp,   ///< to the seconds since 1970
    none,        ///< only opened again
};

/// What logger.conf says.
struct Channels {
    /// strftime(3), and %q, %1q … %6q: digits of the second's fraction, three without a number.
    std::string date_format = "%b %e %H:%M:%S";
    Foreground foreground = Foreground::no;
    Rotation rotation = Rotation::sequential;
    std::vector<Channel> channels;

    /// Without a logger.conf: everything on the console; in the background notices and above to the journal
    /// too.
    static Channels without_file(Foreground foreground);
};

/// A line of `logger show channels`.
struct ChannelView {
    Channel channel;
    std::string problem;  ///< why nothing is written there now; empty when it works
};

}  // namespace lamplight::log
