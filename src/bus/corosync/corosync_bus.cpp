#include "bus/corosync/corosync_bus.hpp"

#include "conf/reader.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lamplight::bus::corosync {

namespace {

using namespace std::chrono_literals;

/// The contract of say_goodbye gives 2 s; most of it belongs to taking votes back.
constexpr auto asterisk_patience = 1'400ms;
constexpr auto goodbye_patience = 1'800ms;
constexpr auto names_again_after = 250ms;
constexpr auto start_patience = 1s;  ///< after it, that we are still out is worth a line in the log

plain::Switches switches_of(const conf::CorosyncSettings::Events& events) {
    return {.mwi = events.mwi,
            .device_state = events.device_state,
            .ping = events.ping,
            .cluster_discovery = events.cluster_discovery};
}

plain::Settings settings_of(const conf::CorosyncSettings& file, const conf::Configuration& main) {
    plain::Settings settings;
    settings.bus = state::Bus::corosync_plain;
    settings.dialect.hash = main.asterisk_hash == conf::AsteriskHash::legacy ? wire::event::HashRule::legacy
                                                                             : wire::event::HashRule::modern;
    settings.publish = switches_of(file.publish);
    settings.subscribe = switches_of(file.subscribe);
    return settings;
}

std::string lines_of(const conf::Problems& problems) {
    std::string lines;
    for (const conf::Problem& problem : problems) {
        if (problem.severity != conf::Severity::error) continue;
        if (!lines.empty()) lines += '\n';
        lines += conf::to_string(problem);
    }
    return lines;
}

/// What is no error.
void tell_of(log::Log& log, const conf::Problems& problems) {
    for (const conf::Problem& problem : problems) {
        if (problem.severity == conf::Severity::notice)
            log.notice("{}", conf::to_string(problem));
        else
            log.warning("{}", conf::to_string(problem));
    }
}

void note_files(Host& host, const std::vector<std::string>& files) {
    for (const std::string& file : files)
        host.note_file_read(file);
}

}  // namespace

CorosyncBus::CorosyncBus(Host& host, const conf::CorosyncSettings& settings)
    : host_(host),
      log_(host.log()),
      settings_(settings_of(settings, host.configuration())),
      wants_asterisk_(host.configuration().asterisk_group),
      worker_(host.loop()),
      asterisk_(std::make_unique<AsteriskGroup>(host, worker_, names_, settings_,
                                                [this] { return own_.joined(); })),
      own_(host, worker_, names_,
           {.on_joined = [this] { on_joined(); },
            .on_lamplights =
                [this](const std::vector<ring::Member>& lamplights) { asterisk_->on_lamplights(lamplights); },
            .on_lost = [this](const std::string& why) { on_lost(why); }}),
      names_timer_(host.loop()),
      start_timer_(host.loop()),
      goodbye_timer_(host.loop()),
      questions_(host.loop()),
      alive_(std::make_shared<CorosyncBus*>(this)) {}

CorosyncBus::~CorosyncBus() {
    alive_.reset();
}

tl::expected<std::unique_ptr<Module>, std::string> CorosyncBus::make(Host& host) {
    const auto file = conf::load_corosync(host.configuration(), conf::DiskFiles());
    note_files(host, file.files_read);
    if (!file.ok()) return tl::unexpected(lines_of(file.problems));
    tell_of(host.log(), file.problems);
    std::unique_ptr<CorosyncBus> bus(new CorosyncBus(host, file.value));
    bus->start();
    return bus;
}

void CorosyncBus::start() {
    commands_ = host_.commands().add(commands_of(*this));
    // Members have names then. Without an answer Corosync is not there yet, and both wait for it.
    learn_names([this] { own_.start(); });
    tell_when_not_joined();
}

void CorosyncBus::tell_when_not_joined() {
    start_timer_.expires_after(start_patience);
    start_timer_.async_wait([alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        const auto bus = alive.lock();
        if (error || !bus || (*bus)->own_.joined()) return;
        (*bus)->log_.warning("Corosync: {}; joining as soon as it can be done", (*bus)->own_.status().detail);
    });
}

/// Asks Corosync for the names of its nodes, again while it does not know, and goes on after the first try.
void CorosyncBus::learn_names(std::function<void()> then) {
    ring::describe_ring(worker_, [alive = std::weak_ptr(alive_),
                                  then = std::move(then)](const ring::Description& description) {
        const auto bus = alive.lock();
        if (!bus) return;
        CorosyncBus& self = **bus;
        if (description) {
            self.names_.learn(*description);
            self.asterisk_->on_names();
        } else if (self.own_.joined()) {
            self.names_timer_.expires_after(names_again_after);
            self.names_timer_.async_wait([alive](boost::system::error_code error) {
                const auto again = alive.lock();
                if (!error && again) (*again)->learn_names([] {});
            });
        }
        then();
    });
}

void CorosyncBus::on_joined() {
    log_.notice("Corosync: joined the group lamplight as {}", names_.label(own_.link().group().self()));
    told_lost_ = false;
    learn_names([] {});
    if (wants_asterisk_ && !goodbye_done_) asterisk_->start();
}

void CorosyncBus::on_lost(const std::string& why) {
    if (goodbye_done_ || std::exchange(told_lost_, true)) return;
    log_.warning(
        "Corosync: the connection is lost: {}. What others said is marked as stale and counts for their "
        "hold; "
        "what this server says waits. Connecting again as soon as Corosync answers",
        why);
}

void CorosyncBus::on_changes(const state::Changes& changes) {
    own_.on_changes(changes);
    asterisk_->on_changes(changes);
}

void CorosyncBus::on_mwi_changes(std::span<const state::MwiOwnChange> changes) {
    own_.on_mwi_changes(changes);
    asterisk_->on_mwi_changes(changes);
}

void CorosyncBus::on_own_nodes_changed() {
    own_.on_own_nodes_changed();
    asterisk_->on_own_nodes_changed();
}

tl::expected<void, std::string> CorosyncBus::reload() {
    const auto file = conf::load_corosync(host_.configuration(), conf::DiskFiles());
    note_files(host_, file.files_read);
    if (!file.ok()) return tl::unexpected(lines_of(file.problems));
    tell_of(log_, file.problems);
    settings_ = settings_of(file.value, host_.configuration());
    asterisk_->configure(settings_);
    if (host_.configuration().asterisk_group != wants_asterisk_)
        log_.warning(
            "Corosync: another asterisk_group in lamplight.conf counts when res_corosync.so is loaded "
            "again (module unload, module load)");
    return {};
}

// --- the end ---

/// First Asterisk's group, so that to everybody there we are a Lamplight to the last; then our own.
void CorosyncBus::say_goodbye(Goodbye how, std::function<void()> done) {
    goodbye_done_ = std::move(done);
    auto said = std::make_shared<bool>(false);
    const auto next = [alive = std::weak_ptr(alive_), how, said] {
        const auto bus = alive.lock();
        if (!bus || std::exchange(*said, true)) return;
        CorosyncBus& self = **bus;
        self.goodbye_timer_.expires_after(goodbye_patience - asterisk_patience);
        self.goodbye_timer_.async_wait([alive](boost::system::error_code error) {
            const auto late = alive.lock();
            if (error || !late) return;
            (*late)->log_.warning("Corosync: the goodbye did not come back in time");
            (*late)->finish_goodbye();
        });
        self.own_.say_goodbye(how, [alive] {
            if (const auto gone = alive.lock()) (*gone)->finish_goodbye();
        });
    };
    goodbye_timer_.expires_after(asterisk_patience);
    goodbye_timer_.async_wait([alive = std::weak_ptr(alive_), next](boost::system::error_code error) {
        const auto bus = alive.lock();
        if (error || !bus) return;
        (*bus)->log_.warning("Corosync: {} messages for Asterisk servers were not taken in time",
                             (*bus)->asterisk_->exchange().waiting());
        next();
    });
    asterisk_->say_goodbye(how, next);
}

void CorosyncBus::finish_goodbye() {
    goodbye_timer_.cancel();
    if (goodbye_done_) std::exchange(goodbye_done_, nullptr)();
}

// --- questions ---

std::vector<Status> CorosyncBus::status() const {
    std::vector<Status> rows{own_.status()};
    if (wants_asterisk_) rows.push_back(asterisk_->status());
    return rows;
}

unsigned CorosyncBus::use_count() const {
    return static_cast<unsigned>(own_.exchange().peers() + asterisk_->exchange().members());
}

}  // namespace lamplight::bus::corosync
