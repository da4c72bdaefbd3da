#pragma once

#include "conf/configuration.hpp"
#include "conf/reader.hpp"
#include "console/daemon_control.hpp"
#include "daemon/hub.hpp"
#include "daemon/module_manager.hpp"
#include "log/channels.hpp"

#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace lamplight::daemon {

/// The running configuration, where it came from, and the way a new one takes its place.
///
/// Files are read on a thread of its own, one reload after the other. A part with an error changes nothing,
/// and the answer holds every problem; with warnings only it takes effect and the answer holds them. What
/// cannot change while the daemon runs (name, EID, folders) keeps its value, and the answer says that a
/// restart is needed.
class Reloader {
public:
    struct Source {
        std::filesystem::path lamplight_conf;
        conf::MainFile main_file{};
    };
    /// `running` is changed by reloads; hub and modules are told. All of them outlive the reloader.
    struct Parts {
        boost::asio::io_context& loop;
        log::Log& log;
        log::Foreground foreground{};
        conf::Configuration& running;
        Hub& hub;
        ModuleManager& modules;
    };
    Reloader(const Parts& parts, Source source, std::vector<std::string> files_read);
    /// Waits for the files that are being read; who waits for them gets no answer.
    ~Reloader();
    Reloader(const Reloader&) = delete;
    Reloader& operator=(const Reloader&) = delete;

    void reload(console::Scope scope, console::Done done);
    /// Reads everything and answers with the problems, as `lamplightd -t` does; changes nothing.
    void check(console::Done done);

    const conf::Configuration& running() const { return parts_.running; }
    const Source& source() const { return source_; }
    std::vector<std::filesystem::path> files_read() const;
    /// Of the last reload that took effect; empty before the first.
    std::optional<std::chrono::system_clock::time_point> reloaded() const { return reloaded_; }

private:
    template <typename Load, typename Take>
    void in_background(Load load, Take take);
    void reload_all(console::Done done);
    void take_all(conf::Loaded& loaded, const console::Done& done);
    void reload_dialplan(console::Done done);
    void reload_logger(console::Done done);
    void reload_modules(const console::Done& done);
    void finish(std::string warnings, std::string failures, const console::Done& done);

    Parts parts_;
    Source source_;
    std::vector<std::string> files_read_;
    std::optional<std::chrono::system_clock::time_point> reloaded_;
    conf::DiskFiles disk_;
    std::shared_ptr<const int> alive_ = std::make_shared<const int>();
    boost::asio::thread_pool thread_{1};
};

/// A line each.
std::string to_lines(const conf::Problems& problems);

/// logger.conf as the log takes it. Without one: everything to console and terminal; in the background
/// notices and above to syslog, too.
log::Channels log_channels(const conf::LoggerSettings& settings, log::Foreground foreground);

/// Keeps in `fresh` what cannot change while the daemon runs, and says what that was, a line each.
std::string keep_identity(const conf::Configuration& running, conf::Configuration& fresh);

}  // namespace lamplight::daemon
