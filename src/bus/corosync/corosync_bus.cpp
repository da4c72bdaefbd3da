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
constexpr auto asterisk_patience = 1'800ms - lan::SharedRing::goodbye_patience;

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
      shared_(lan::SharedRing::of(host, state::Bus::corosync)),
      asterisk_(host, shared_->worker(), shared_->names(), settings_, [this] { return shared_->joined(); }),
      goodbye_timer_(host.loop()),
      questions_(host.loop(), shared_->worker()),
      alive_(std::make_shared<CorosyncBus*>(this)) {}

CorosyncBus::~CorosyncBus() {
    alive_.reset();
    shared_->forget(user_);
}

tl::expected<std::unique_ptr<Module>, std::string> CorosyncBus::make(Host& host) {
    const auto file = conf::load_corosync(host.configuration(), conf::DiskFiles());
    note_files(host, file.files_read);
    if (!file.ok()) return tl::unexpected(conf::error_lines(file.problems));
    conf::log_others(host.log(), file.problems);
    std::unique_ptr<CorosyncBus> bus(new CorosyncBus(host, file.value));
    bus->start();
    return bus;
}

void CorosyncBus::start() {
    commands_ = host_.commands().add(commands_of(*this));
    user_ = shared_->attach(
        {.name = "res_corosync.so",
         .on_joined =
             [this] {
                 if (wants_asterisk_ && !goodbye_done_) asterisk_.start();
             },
         .on_lamplights =
             [this](const std::vector<ring::Member>& lamplights) { asterisk_.on_lamplights(lamplights); },
         .on_lost = {},
         .on_names = [this] { asterisk_.on_names(); }});
}

void CorosyncBus::on_changes(const state::Changes& changes) {
    shared_->on_changes(user_, changes);
    asterisk_.on_changes(changes);
}

void CorosyncBus::on_mwi_changes(std::span<const state::MwiOwnChange> changes) {
    shared_->on_mwi_changes(user_, changes);
    asterisk_.on_mwi_changes(changes);
}

void CorosyncBus::on_own_nodes_changed() {
    shared_->on_own_nodes_changed(user_);
    asterisk_.on_own_nodes_changed();
}

tl::expected<void, std::string> CorosyncBus::reload() {
    const auto file = conf::load_corosync(host_.configuration(), conf::DiskFiles());
    note_files(host_, file.files_read);
    if (!file.ok()) return tl::unexpected(conf::error_lines(file.problems));
    conf::log_others(log_, file.problems);
    settings_ = settings_of(file.value, host_.configuration());
    asterisk_.configure(settings_);
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
        self.goodbye_timer_.cancel();
        self.shared_->detach(self.user_, how, [&self] { self.finish_goodbye(); });
    };
    goodbye_timer_.expires_after(asterisk_patience);
    goodbye_timer_.async_wait([alive = std::weak_ptr(alive_), next](boost::system::error_code error) {
        const auto bus = alive.lock();
        if (error || !bus) return;
        (*bus)->log_.warning("Corosync: {} messages for Asterisk servers were not taken in time",
                             (*bus)->asterisk_.exchange().waiting());
        next();
    });
    asterisk_.say_goodbye(how, next);
}

void CorosyncBus::finish_goodbye() {
    if (goodbye_done_) std::exchange(goodbye_done_, nullptr)();
}

// --- questions ---

std::vector<Status> CorosyncBus::status() const {
    std::vector<Status> rows;
    if (shared_->is_first(user_)) rows.push_back(shared_->status());
    if (wants_asterisk_) rows.push_back(asterisk_.status());
    return rows;
}

unsigned CorosyncBus::use_count() const {
    return static_cast<unsigned>(shared_->own_group().exchange().peers() + asterisk_.exchange().members());
}

}  // namespace lamplight::bus::corosync
