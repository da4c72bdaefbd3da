#include "bus/ais/ais_bus.hpp"

#include "conf/reader.hpp"

#include <algorithm>
#include <utility>

namespace lamplight::bus::ais {

namespace {

using namespace std::chrono_literals;

/// The contract of say_goodbye gives 2 s; most of it belongs to taking votes back. To leave the group there
/// is what is left of the time for both: a Corosync that stands still does not answer that either.
constexpr auto channels_patience = 1'800ms - lan::SharedRing::goodbye_patience;
constexpr auto votes_patience = channels_patience - 200ms;
constexpr auto last_frames_patience = 100ms;

evt::Settings evt_settings(const conf::AisSettings& settings) {
    evt::Settings evt;
    evt.queue_limit = settings.queue_limit;
    evt.queue_resume = settings.queue_resume;
    evt.program = "lamplightd " LAMPLIGHT_VERSION;
    return evt;
}

/// What the daemon read itself it has spoken about.
bool is_known(const conf::AisSettings& read, const conf::AisSettings& running) {
    const auto same = [](const conf::AisChannel& one, const conf::AisChannel& other) {
        return one.name == other.name && one.publish == other.publish && one.subscribe == other.subscribe;
    };
    return read.present == running.present && read.queue_limit == running.queue_limit &&
           read.queue_resume == running.queue_resume &&
           std::ranges::equal(read.channels, running.channels, same);
}

tl::expected<conf::AisSettings, std::string> read_settings(Host& host) {
    auto file = conf::load_ais(host.configuration(), conf::DiskFiles());
    for (const std::string& name : file.files_read)
        host.note_file_read(name);
    if (!file.ok()) return tl::unexpected(conf::error_lines(file.problems));
    if (!is_known(file.value, host.configuration().ais)) conf::log_others(host.log(), file.problems);
    return std::move(file.value);
}

}  // namespace

AisBus::AisBus(Host& host, const conf::AisSettings& settings)
    : host_(host),
      log_(host.log()),
      shared_(lan::SharedRing::of(host, state::Bus::ais)),
      group_(
          host.loop(), shared_->worker(), evt_settings(settings), [&host] { return host.now(); },
          owner_of_group()),
      channels_(host, group_, shared_->names()),
      cluster_log_(host.loop(), log_, group_.membership(), [this] { shared_->learn_names(); }),
      goodbye_timer_(host.loop()),
      alive_(std::make_shared<AisBus*>(this)) {}

AisBus::~AisBus() {
    alive_.reset();
    shared_->forget(user_);
}

tl::expected<std::unique_ptr<Module>, std::string> AisBus::make(Host& host) {
    const auto settings = read_settings(host);
    if (!settings) return tl::unexpected(settings.error());
    std::unique_ptr<AisBus> bus(new AisBus(host, *settings));
    bus->start(*settings);
    return bus;
}

EvtGroup::Owner AisBus::owner_of_group() {
    return {.may_connect = [this] { return shared_->joined(); },
            .on_joined =
                [this] {
                    log_.verbose(2, "AIS: joined the group saEvt as {}",
                                 names().label(group_.link().group().self()));
                    channels_.on_joined();
                },
            .on_lost = [this](const std::string&) { channels_.on_lost(); },
            .on_member = [this](const group::MemberEvent& event) { channels_.on_member(event); },
            .on_transition =
                [this](const clm::Transition& transition) { cluster_log_.on_transition(transition); },
            .on_described =
                [this] {
                    channels_.on_described();
                    cluster_log_.on_described();
                },
            .on_output = [this](evt::Output& out) { channels_.on_output(out); },
            .on_settled = [this] { channels_.on_settled(); },
            .wants_to_send = [this] { return channels_.wants_to_send(); },
            .take = [this](wire::MutableBytes out) { return channels_.take(out); },
            .on_delivered = [this](std::uint64_t tag) { channels_.on_delivered(tag); },
            .on_message_lost = [this](std::uint64_t tag) { channels_.on_message_lost(tag); }};
}

void AisBus::start(const conf::AisSettings& settings) {
    commands_ = host_.commands().add(commands_of(*this));
    channels_.configure(settings);
    user_ = shared_->attach(
        {.name = "res_ais.so",
         .on_joined = [this] { on_shared_joined(); },
         .on_lamplights =
             [this](const std::vector<ring::Member>& lamplights) { channels_.on_lamplights(lamplights); },
         .on_lost = {},
         .on_names = [this] { group_.learn(names().nodes()); }});
}

/// Others know us for a Lamplight now.
void AisBus::on_shared_joined() {
    if (goodbye_done_ || std::exchange(group_started_, true)) return;
    group_.start();
}

void AisBus::on_changes(const state::Changes& changes) {
    shared_->on_changes(user_, changes);
    channels_.on_changes(changes);
}

void AisBus::on_mwi_changes(std::span<const state::MwiOwnChange> changes) {
    shared_->on_mwi_changes(user_, changes);
    channels_.on_mwi_changes(changes);
}

void AisBus::on_own_nodes_changed() {
    shared_->on_own_nodes_changed(user_);
    channels_.on_own_nodes_changed();
}

tl::expected<void, std::string> AisBus::reload() {
    const auto settings = read_settings(host_);
    if (!settings) return tl::unexpected(settings.error());
    channels_.configure(*settings);
    return {};
}

// --- the end ---

/// First the event channels, so that to everybody there we are a Lamplight to the last; then our own group.
void AisBus::say_goodbye(Goodbye how, std::function<void()> done) {
    goodbye_done_ = std::move(done);
    const auto began = std::chrono::steady_clock::now();
    at_goodbye_time(began + votes_patience, [how, began](AisBus& bus) {
        bus.log_.warning("AIS: {} votes for the event channels were not taken in time",
                         bus.channels_.exchange().waiting());
        bus.leave(how, began + channels_patience);
    });
    channels_.say_goodbye(how, [alive = std::weak_ptr(alive_), how, began] {
        if (const auto bus = alive.lock()) (*bus)->leave(how, began + channels_patience);
    });
}

/// When the group is not left by `deadline`, the answer is not waited for: the thread for Corosync's calls
/// stands in that call, and nothing of ours does.
void AisBus::leave(Goodbye how, std::chrono::steady_clock::time_point deadline) {
    if (std::exchange(leaving_, true)) return;
    goodbye_timer_.cancel();
    if (!group_started_) return detach(how);
    at_goodbye_time(deadline, [how](AisBus& bus) {
        bus.log_.warning("AIS: Corosync did not let us out of the group saEvt in time");
        bus.detach(how);
    });
    group_.leave(last_frames_patience, [alive = std::weak_ptr(alive_), how] {
        if (const auto bus = alive.lock()) (*bus)->detach(how);
    });
}

void AisBus::detach(Goodbye how) {
    if (std::exchange(detached_, true)) return;
    goodbye_timer_.cancel();
    shared_->detach(user_, how, [this] { finish_goodbye(); });
}

template <typename Call>
void AisBus::at_goodbye_time(std::chrono::steady_clock::time_point time, Call call) {
    goodbye_timer_.expires_at(time);
    goodbye_timer_.async_wait([alive = std::weak_ptr(alive_), call](boost::system::error_code error) {
        const auto bus = alive.lock();
        if (!error && bus) call(**bus);
    });
}

void AisBus::finish_goodbye() {
    if (goodbye_done_) std::exchange(goodbye_done_, nullptr)();
}

// --- questions ---

std::vector<Status> AisBus::status() const {
    std::vector<Status> rows;
    if (shared_->is_first(user_)) rows.push_back(shared_->status());
    rows.push_back(channels_.status());
    if (!group_started_) rows.back().detail = "waits for the group lamplight";
    return rows;
}

unsigned AisBus::use_count() const {
    return static_cast<unsigned>(shared_->own_group().exchange().peers() + channels_.exchange().members());
}

}  // namespace lamplight::bus::ais
