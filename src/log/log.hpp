#pragma once

#include <fmt/format.h>
#include <tl/expected.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace lamplight::log {

/// Asterisk's levels, as logger.conf names them.
enum class Level : std::uint8_t { error, warning, notice, verbose, debug };
/// `ERROR`, `WARNING`, `NOTICE`, `VERBOSE`, `DEBUG`.
std::string_view to_string(Level level);

/// What stands before a line's text on consoles and terminals. Files, syslog and journal know one form.
enum class Form : std::uint8_t {
    full,  ///< date, level, thread, place
    bare,  ///< the date as syslog(3) writes it and a blank: `Nov 13 06:55:30 corosync [CLM   ] …`
};

/// One line on its way to the channels.
struct Record {
    Level level{};
    std::uint8_t depth = 0;  ///< of verbose and debug: shown when `core set verbose|debug` is at least this
    std::chrono::system_clock::time_point time;
    std::int64_t thread = 0;  ///< kernel thread id
    std::string_view file;    ///< base name: `engine_trace.cpp`
    std::uint32_t line = 0;
    std::string_view function;  ///< bare name, without namespace and arguments
    std::string_view text;
    Form form = Form::full;
};

/// A format string that remembers where it stands, so that log functions need no macro.
template <typename... Args>
struct Format {
    fmt::format_string<Args...> text;
    std::source_location where;

    template <typename T>
    consteval Format(const T& t, std::source_location w = std::source_location::current())
        : text(t), where(w) {}
};

struct Channels;
struct ChannelView;

/// Receives every record that the console's levels let through; see Log::attach. The record's views die with
/// the call.
using Listener = std::function<void(const Record&)>;
enum class ListenerId : std::uint32_t {};

/// The daemon's log. One object, made by the daemon and handed to whoever writes; may be called from any
/// thread. Levels that nothing shows cost one atomic load and no formatting. Lines reach files, syslog and
/// terminal through a thread of its own and a queue of 8,192 lines, so that a slow disk or a reader that
/// sleeps never holds the writer up; what does not fit is dropped, counted and said. A daemon that forks does
/// so before it makes its log. Until configure() is called, notices and above go to stderr.
class Log {
public:
    Log();
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    template <typename... Args>
    void error(Format<std::type_identity_t<Args>...> format, Args&&... args) {
        write(Level::error, 0, format.where, format.text, fmt::make_format_args(args...));
    }
    template <typename... Args>
    void warning(Format<std::type_identity_t<Args>...> format, Args&&... args) {
        write(Level::warning, 0, format.where, format.text, fmt::make_format_args(args...));
    }
    template <typename... Args>
    void notice(Format<std::type_identity_t<Args>...> format, Args&&... args) {
        write(Level::notice, 0, format.where, format.text, fmt::make_format_args(args...));
    }
    /// A notice in another program's words: on consoles and terminals only a date stands before it.
    template <typename... Args>
    void bare(Format<std::type_identity_t<Args>...> format, Args&&... args) {
        write(Level::notice, 0, format.where, format.text, fmt::make_format_args(args...), Form::bare);
    }
    template <typename... Args>
    void verbose(int depth, Format<std::type_identity_t<Args>...> format, Args&&... args) {
        if (shows(Level::verbose, depth, format.where.file_name()))
            write(Level::verbose, depth, format.where, format.text, fmt::make_format_args(args...));
    }
    template <typename... Args>
    void debug(int depth, Format<std::type_identity_t<Args>...> format, Args&&... args) {
        if (shows(Level::debug, depth, format.where.file_name()))
            write(Level::debug, depth, format.where, format.text, fmt::make_format_args(args...));
    }

    /// Whether a line of this level, depth and source file would be shown anywhere.
    bool shows(Level level, int depth, std::string_view file) const;

    /// `core set debug N [module]`, `core set verbose N`; answers the value before. A module is a source
    /// file's base name without ending or a module's name (`res_corosync`). Depth 0 turns it off.
    int set_debug(int depth);
    int set_debug(int depth, std::string_view module);
    int set_verbose(int depth);
    int debug_depth() const;
    int verbose_depth() const;
    /// Modules with a depth of their own, sorted.
    std::vector<std::pair<std::string, int>> debug_modules() const;

    /// A console session hears live lines: those of the console channel's levels. Called on the thread that
    /// writes them; must not block, log, attach or detach. After detach returns it is not called any more.
    ListenerId attach(Listener listener);
    void detach(ListenerId id);

    /// Puts these channels in place of those before. A failure (unknown facility, a date format that gives
    /// nothing) leaves everything as it was. A file that cannot be opened is no failure: the other channels
    /// work, it is said once there and returned here, a line each, and tried again by the next configure() or
    /// reopen().
    tl::expected<std::vector<std::string>, std::string> configure(const Channels& channels);
    /// Opens the files again, as after logrotate(8) moved them. Gives what could not be opened.
    std::vector<std::string> reopen();
    /// Renames each file as Channels::rotation says and opens it anew. Gives what went wrong.
    std::vector<std::string> rotate();
    std::vector<ChannelView> channels() const;
    /// Waits until what was logged before is written; gives false when `patience` ran out. For the end of a
    /// program and for tests.
    bool flush(std::chrono::milliseconds patience);
    std::string date_format() const;

private:
    void write(Level level, int depth, const std::source_location& where, fmt::string_view format,
               fmt::format_args args, Form form = Form::full);

    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::log
