#include "daemon/daemon.hpp"

#include "console/commands.hpp"
#include "daemon/folders.hpp"
#include "daemon/system_notice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <sstream>
#include <utility>

namespace lamplight::daemon {

namespace {

ExitStatus status_of(StoreError::Kind kind) {
    switch (kind) {
        case StoreError::Kind::in_use:
            return ExitStatus::running;
        case StoreError::Kind::damaged:
        case StoreError::Kind::newer:
            return ExitStatus::bad_data;
        case StoreError::Kind::full:
            return ExitStatus::try_again;
        case StoreError::Kind::denied:
            return ExitStatus::cannot_create;
        case StoreError::Kind::removed:
        case StoreError::Kind::failed:
            return ExitStatus::io_error;
    }
    return ExitStatus::failed;
}

tl::unexpected<StartError> failed(const StoreError& error) {
    return tl::unexpected(StartError{status_of(error.kind), error.text});
}

std::uint64_t seconds_since_1970() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(1, std::chrono::floor<std::chrono::seconds>(now).count()));
}

}  // namespace

Daemon::Daemon(const Options& options, conf::Loaded& loaded)
    : configuration_(std::move(loaded.value)), main_file_(options.main_file), signals_(loop_) {}

Daemon::~Daemon() = default;

tl::expected<std::unique_ptr<Daemon>, StartError> Daemon::start(const Options& options, conf::Loaded loaded) {
    std::unique_ptr<Daemon> daemon(new Daemon(options, loaded));
    if (auto built = daemon->build(options, std::move(loaded.files_read)); !built)
        return tl::unexpected(built.error());
    conf::log_others(daemon->log_, loaded.problems);
    return daemon;
}

tl::expected<void, StartError> Daemon::build(const Options& options, std::vector<std::string> files_read) {
    for (const auto& [folder, option] :
         {std::pair(configuration_.run_dir, "run_dir"), std::pair(configuration_.state_dir, "state_dir")}) {
        if (auto made = ensure_folder(folder, option); !made) return made;
    }
    if (auto configured = configure_log(options); !configured) return configured;

    // From here on a signal waits for the loop, so that no end leaves a socket behind.
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1})
        signals_.add(number);

    // The console's socket first: a daemon of this name that lives is found there, and keeps everything.
    if (auto opened = open_console(); !opened) return opened;

    auto store = Store::open(configuration_.state_dir / (configuration_.name + ".db"));
    if (!store) return failed(store.error());
    const auto incarnation = store->next_incarnation(configuration_.eid, seconds_since_1970());
    if (!incarnation) return failed(incarnation.error());
    auto custom_states = CustomStates::make(loop_, std::move(*store));
    if (!custom_states) return failed(custom_states.error());
    custom_states_ = std::move(*custom_states);

    hub_ = std::make_unique<Hub>(Hub::Parts{loop_, log_, commands_, configuration_, *custom_states_},
                                 *incarnation);
    modules_ = std::make_unique<ModuleManager>(*hub_, default_module_dir());
    hub_->set_outlets(
        {[this](const state::Changes& changes) { modules_->on_changes(changes); },
         [this] { modules_->on_own_nodes_changed(); },
         [this](std::span<const state::MwiOwnChange> changes) { modules_->on_mwi_changes(changes); }});
    reloader_ = std::make_unique<Reloader>(
        Reloader::Parts{loop_, log_, options.foreground, configuration_, *hub_, *modules_},
        Reloader::Source{configuration_.lamplight_conf, main_file_}, std::move(files_read));
    ending_ = std::make_unique<Ending>(
        loop_, Ending::Steps{[this] { return is_quiet(); },
                             [this](bus::Goodbye how, std::function<void()> done) {
                                 system_notice::stopping();
                                 hub_->say_no_more();
                                 modules_->say_goodbye(
                                     how, [this, done = std::move(done)] { console_->drain(done); });
                             },
                             [this](After after) {
                                 after_ = after;
                                 loop_.stop();
                             }});
    control_ =
        std::make_unique<Control>(Control::Parts{*hub_, *custom_states_, *modules_, *reloader_, *ending_});
    registration_ = console::add_commands({hub_->engine(), hub_->hints(), *control_, log_, commands_});
    if (auto started = modules_->start(configuration_.modules); !started)
        return tl::unexpected(StartError{ExitStatus::unavailable, started.error()});
    wait_for_signal();
    return {};
}

tl::expected<void, StartError> Daemon::open_console() {
    console::ServerOptions options;
    options.socket = configuration_.run_dir / (configuration_.name + ".ctl");
    options.name = configuration_.name;
    options.version = LAMPLIGHT_VERSION;
    auto server = console::Server::make(loop_, commands_, log_, std::move(options));
    if (!server) return tl::unexpected(StartError{ExitStatus::running, server.error()});
    console_ = std::move(*server);
    return {};
}

tl::expected<void, StartError> Daemon::configure_log(const Options& options) {
    log_.set_verbose(std::max<int>(options.verbose, configuration_.verbose));
    log_.set_debug(std::max<int>(options.debug, configuration_.debug));
    const auto configured = log_.configure(log_channels(configuration_.logger, options.foreground));
    if (!configured) return tl::unexpected(StartError{ExitStatus::bad_configuration, configured.error()});
    return {};
}

void Daemon::wait_for_signal() {
    signals_.async_wait([this](boost::system::error_code error, int number) {
        if (error) return;
        on_signal(number);
        wait_for_signal();
    });
}

void Daemon::on_signal(int number) {
    if (number == SIGHUP) return on_hangup();
    if (number == SIGUSR1) {
        for (const std::string& problem : log_.reopen())
            log_.warning("{}", problem);
        return;
    }
    log_.notice("Ending: signal {}", number);
    // Whoever sends it most often starts another one at once; who does not is taken for gone soon.
    ending_->begin({bus::Goodbye::restart, After::exit, console::When::now});
}

void Daemon::on_hangup() {
    system_notice::reloading();
    log_.notice("Reloading everything: signal {}", SIGHUP);
    reloader_->reload(console::Scope::all, [this](tl::expected<std::string, std::string> result) {
        system_notice::ready("running");
        if (!result) log_.error("Not reloaded, what ran goes on:");
        std::istringstream lines(result ? *result : result.error());
        for (std::string line; std::getline(lines, line);) {
            if (result)
                log_.warning("{}", line);
            else
                log_.error("{}", line);
        }
    });
}

bool Daemon::is_quiet() const {
    return modules_->waiting_votes() == 0 && custom_states_->is_idle();
}

After Daemon::run() {
    system_notice::ready("running");
    log_.notice("Lamplight {} running as {}, entity ID {}", LAMPLIGHT_VERSION, configuration_.name,
                state::to_string(configuration_.eid));
    loop_.run();
    log_.notice("Ended");
    return after_;
}

}  // namespace lamplight::daemon
