#pragma once

#include "conf/configuration.hpp"
#include "conf/reader.hpp"
#include "console/registry.hpp"
#include "console/server.hpp"
#include "daemon/control.hpp"
#include "daemon/custom_states.hpp"
#include "daemon/ending.hpp"
#include "daemon/exit_status.hpp"
#include "daemon/hub.hpp"
#include "daemon/module_manager.hpp"
#include "daemon/reloader.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <tl/expected.hpp>

#include <cstdint>
#include <memory>

namespace lamplight::daemon {

/// What the command line says.
struct Options {
    std::filesystem::path lamplight_conf{conf::default_lamplight_conf};
    conf::MainFile main_file = conf::MainFile::may_be_missing;
    log::Foreground foreground = log::Foreground::no;
    int verbose = 0;
    int debug = 0;
};

/// The whole of lamplightd: its objects, in the order in which they need each other.
///
/// ```
///  store ── custom states ─┐                        ┌── modules (plugins)
///  configuration ──────────┼── hub: engine, hints ──┤
///  log ── commands ────────┘                        └── control ── commands of the console ── its socket
/// ```
class Daemon {
public:
    /// Starts everything: folders, store, hub, console, modules. On failure nothing is left behind but
    /// folders and the store's file. `loaded` has no errors.
    static tl::expected<std::unique_ptr<Daemon>, StartError> start(const Options& options,
                                                                   conf::Loaded loaded);
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// Until somebody ends it; says what is to be done then.
    After run();

private:
    Daemon(const Options& options, conf::Loaded& loaded);
    tl::expected<void, StartError> build(const Options& options, std::vector<std::string> files_read);
    tl::expected<void, StartError> open_console();
    tl::expected<void, StartError> configure_log(const Options& options);
    void wait_for_signal();
    void on_signal(int number);
    void on_hangup();
    bool is_quiet() const;

    boost::asio::io_context loop_{1};
    conf::Configuration configuration_;
    conf::MainFile main_file_;
    log::Log log_;
    console::Registry commands_;
    std::unique_ptr<CustomStates> custom_states_;
    std::unique_ptr<Hub> hub_;
    std::unique_ptr<ModuleManager> modules_;
    std::unique_ptr<Reloader> reloader_;
    std::unique_ptr<Ending> ending_;
    std::unique_ptr<Control> control_;
    console::Registry::Registration registration_;
    std::unique_ptr<console::Server> console_;
    boost::asio::signal_set signals_;
    After after_ = After::exit;
};

}  // namespace lamplight::daemon
