#pragma once

#include "log/channels.hpp"

#include <tl/expected.hpp>

#include <memory>
#include <string>

namespace lamplight::log {

/// Where the lines of one channel end. Used by one thread at a time.
class Outlet {
public:
    virtual ~Outlet() = default;

    /// Takes one line; a failure says why it is lost (`No space left on device`).
    virtual tl::expected<void, std::string> write(const Record& record, std::string_view date_format) = 0;
    /// Hands on what write() kept; called after a burst.
    virtual tl::expected<void, std::string> flush() { return {}; }
};

/// How a line looks on stderr: as on the console, or for the journal (a priority in front) when systemd says
/// that it reads there, else as in a file.
enum class StderrForm : std::uint8_t { console, journal };

/// Appends to `path`, which is made when missing; fails for what is neither a regular file nor a character
/// device, since opening a pipe may wait for ever.
tl::expected<std::unique_ptr<Outlet>, std::string> make_file_outlet(const std::string& path);
/// Never waits longer than a tenth of a second for who reads stderr.
std::unique_ptr<Outlet> make_stderr_outlet(StderrForm form);
/// `facility` as syslog.conf(5) names it: `daemon`, `local0` …; fails for any other.
tl::expected<std::unique_ptr<Outlet>, std::string> make_syslog_outlet(std::string_view facility);

}  // namespace lamplight::log
