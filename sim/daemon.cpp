#include "sim/daemon.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace lamplight::sim {

namespace sync = bus::sync;
using state::Changes;

namespace {

constexpr std::size_t window = 16;       // frames in flight on a lane
constexpr std::size_t most_said = 1000;  // frames kept to be said again
constexpr std::uint64_t epoch = 1'700'000'000;

std::string_view to_string(state::Notice::Kind kind) {
    using Kind = state::Notice::Kind;
    switch (kind) {
        case Kind::duplicate_eid:
            return "duplicate_eid";
        case Kind::own_eid_announced:
            return "own_eid_announced";
        case Kind::device_limit:
            return "device_limit";
        case Kind::node_limit:
            return "node_limit";
        case Kind::name_too_long:
            return "name_too_long";
        case Kind::sender_limit:
            return "sender_limit";
    }
    return "unknown";
}

sync::Settings exchange_settings(state::Bus bus) {
    sync::Settings settings;
    settings.bus = bus;
    settings.reach =
        bus == state::Bus::local ? sync::Settings::Reach::one_peer : sync::Settings::Reach::everybody;
    return settings;
}

}  // namespace

Daemon::Daemon(const DaemonSettings& settings, const Surroundings& world)
    : settings_(settings),
      world_(world),
      engine_(settings.policy, settings.limits),
      exchange_(engine_, mwi_, exchange_settings(settings.bus)),
      hints_(engine_),
      checker_(engine_, hints_) {
    process_ = world_.bus.join(settings_.name, *this, settings_.name);
    start_node();
}

Daemon::~Daemon() = default;

void Daemon::start_node() {
    const Time now = world_.scheduler.now();
    const auto clock =
        std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch() + world_.disk.clock_offset);
    const auto seconds = epoch + static_cast<std::uint64_t>(clock.count());
    world_.disk.incarnation = std::max(world_.disk.incarnation + 1, seconds);
    self_ = engine_.add_own_node(announcement(), now, out_.changes);
    exchange_.set_own_nodes(std::array{announcement()});
    std::vector<state::HintChange> hint_changes;
    hints_.load(settings_.hints, hint_changes, out_.changes);
    checker_.on_changes(hint_changes);
    for (const auto& [device, value] : world_.disk.states) {
        if (const auto id = engine_.intern_device(device, out_.changes)) {
            engine_.set_own(self_, *id, value, state::Cachable::yes, state::Cause::restored, now,
                            out_.changes);
        }
    }
    settle();
}

state::Announcement Daemon::announcement() const {
    return {settings_.eid, settings_.name, world_.disk.incarnation, settings_.speaks};
}

// --- what happens to it ---

void Daemon::vote(std::string_view device, state::DeviceState value) {
    world_.disk.states.insert_or_assign(std::string(device), value);
    if (const auto id = engine_.intern_device(device, out_.changes)) {
        engine_.set_own(self_, *id, value, state::Cachable::yes, state::Cause::console,
                        world_.scheduler.now(), out_.changes);
    }
    settle();
}

void Daemon::withdraw(std::string_view device) {
    world_.disk.states.erase(std::string(device));
    if (const auto id = engine_.find_device(device)) {
        engine_.withdraw_own(self_, *id, state::Cause::console, world_.scheduler.now(), out_.changes);
    }
    settle();
}

void Daemon::set_pbx_link(wire::vote::Link link) {
    engine_.set_pbx_link(self_, link == wire::vote::Link::up, world_.scheduler.now(), out_.changes);
    settle();
}

void Daemon::say_goodbye(wire::vote::Goodbye::How how, std::function<void()> done) {
    goodbye_done_ = std::move(done);
    exchange_.say_goodbye(how);
    later(std::chrono::seconds(2), [this] {
        if (goodbye_done_) std::exchange(goodbye_done_, {})();
    });
    settle();
}

void Daemon::on_joined(ProcessId peer, const std::string& label) {
    if (const auto id = exchange_.peer_joined(label, world_.scheduler.now(), out_)) peers_[peer] = *id;
    settle();
}

void Daemon::on_gone(ProcessId peer, state::Departure departure) {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    exchange_.peer_gone(found->second, departure, world_.scheduler.now(), out_);
    if (departure != state::Departure::silent) peers_.erase(found);
    settle();
}

void Daemon::on_present(ProcessId peer) {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    exchange_.peer_present(found->second, world_.scheduler.now(), out_);
    settle();
}

void Daemon::on_frame(ProcessId from, wire::Bytes frame) {
    const auto found = peers_.find(from);
    if (found == peers_.end()) return;
    exchange_.receive(found->second, frame, world_.scheduler.now(), out_);
    settle();
}

void Daemon::on_sent(std::uint64_t token) {
    if (const auto frame = in_flight_.find(token); frame != in_flight_.end()) {
        exchange_.frame_delivered(frame->second.lane, frame->second.frame);
    }
    sent(token);
}

void Daemon::on_lost(std::uint64_t token) {
    if (const auto frame = in_flight_.find(token); frame != in_flight_.end()) {
        exchange_.frame_lost(frame->second.lane, frame->second.frame);
    }
    sent(token);
}

void Daemon::sent(std::uint64_t token) {
    const auto frame = in_flight_.find(token);
    if (frame == in_flight_.end()) return;
    --lane_load_[frame->second.lane];
    in_flight_.erase(frame);
    settle();
}

// --- one turn of its loop ---

/// What an input brought about, and what follows from that, until nothing more follows; then frames go out.
void Daemon::settle() {
    for (;;) {
        raise_incarnations();
        out_.news.clear();
        out_.mwi.clear();
        if (out_.changes.empty()) break;
        pass_on(std::exchange(out_.changes, {}));
    }
    pump();
    finish_goodbye();
    checker_.check();
    set_timer();
}

void Daemon::raise_incarnations() {
    for (const sync::Output::Raise& raise : std::exchange(out_.raises, {})) {
        if (raise.eid != settings_.eid) continue;
        engine_.raise_incarnation(self_, raise.seen, out_.changes);
        world_.disk.incarnation = engine_.node(self_).incarnation;
        exchange_.set_own_nodes(std::array{announcement()});
    }
}

void Daemon::pass_on(const Changes& changes) {
    write_trace(changes);
    checker_.on_changes(changes);
    exchange_.on_changes(changes);
    std::vector<state::HintChange> hint_changes;
    hints_.follow(changes, hint_changes, out_.changes);
    checker_.on_changes(hint_changes);
    write_trace(hint_changes);
}

std::string Daemon::node_name(state::NodeId id) const {
    const state::NodeView node = engine_.node(id);
    return node.name.empty() ? state::to_string(node.eid) : node.name;
}

void Daemon::write_trace(const Changes& changes) {
    const Time now = world_.scheduler.now();
    for (const state::NodeChange& change : changes.nodes) {
        world_.trace.add(now, name(),
                         fmt::format("node {} {} -> {} ({})", node_name(change.node), to_string(change.from),
                                     to_string(change.to), to_string(change.cause)));
    }
    for (const state::AggregateChange& change : changes.aggregates) {
        const auto gone =
            std::ranges::find(changes.forgotten, change.device, &state::DeviceForgotten::device);
        const std::string device =
            gone == changes.forgotten.end() ? std::string(engine_.device_name(change.device)) : gone->name;
        world_.trace.add(
            now, name(),
            fmt::format("{} {} -> {} ({}, {})", device, config_text(change.from), config_text(change.to),
                        node_name(change.node), to_string(change.cause)));
    }
    for (const state::Notice& notice : changes.notices) {
        world_.trace.add(now, name(),
                         fmt::format("notice {} {} {}", to_string(notice.kind), notice.first, notice.second));
    }
    for (const state::DeviceForgotten& forgotten : changes.forgotten) {
        world_.trace.add(now, name(), fmt::format("forgotten {}", forgotten.name));
    }
}

void Daemon::write_trace(const std::vector<state::HintChange>& changes) {
    for (const state::HintChange& change : changes) {
        const state::HintView hint = hints_.view(change.hint);
        world_.trace.add(world_.scheduler.now(), name(),
                         fmt::format("hint {}@{} {} -> {}", hint.extension, hint.context,
                                     status_text(change.from), status_text(change.to)));
    }
}

// --- frames and time ---

void Daemon::pump() {
    bool more = false;
    if (settings_.bus == state::Bus::local) {
        for (const auto& [process, peer] : peers_)
            more |= pump_lane(exchange_.lane_of(peer), process);
    } else {
        more = pump_lane(sync::Exchange::everybody, std::nullopt);
    }
    if (more) {
        later(Duration{1}, [this] { pump(); });
    }
}

/// Whether the lane wants another turn.
bool Daemon::pump_lane(sync::LaneId lane, std::optional<ProcessId> to) {
    std::array<std::uint8_t, wire::vote::max_frame_bytes> buffer;
    while (exchange_.wants_to_send(lane) && lane_load_[lane] < window) {
        const sync::Taken taken = exchange_.take_frame(lane, buffer);
        if (taken.bytes == 0) return true;
        std::vector<std::uint8_t> frame(buffer.begin(),
                                        buffer.begin() + static_cast<std::ptrdiff_t>(taken.bytes));
        if (frame.size() > 3 && frame[3] == static_cast<std::uint8_t>(wire::vote::Type::votes)) {
            world_.votes_said.push_back(frame);
            if (world_.votes_said.size() > most_said) world_.votes_said.pop_front();
        }
        ++lane_load_[lane];
        in_flight_[++tokens_] = {lane, taken.id};
        world_.bus.send(process_, to, std::move(frame), tokens_);
    }
    return false;
}

void Daemon::finish_goodbye() {
    if (!goodbye_done_) return;
    bool said = settings_.bus == state::Bus::local || exchange_.said_goodbye(sync::Exchange::everybody);
    if (settings_.bus == state::Bus::local) {
        for (const auto& [process, peer] : peers_)
            said = said && exchange_.said_goodbye(exchange_.lane_of(peer));
    }
    if (!said) return;
    world_.scheduler.after(Duration{0}, std::exchange(goodbye_done_, {}));
}

void Daemon::set_timer() {
    std::optional<Time> next = engine_.next_deadline();
    const auto other = exchange_.next_deadline();
    if (other && (!next || *other < *next)) next = other;
    if (!next || (timer_ && *timer_ <= *next)) return;
    timer_ = next;
    later(*next - world_.scheduler.now(), [this] {
        timer_.reset();
        engine_.on_time(world_.scheduler.now(), out_.changes);
        exchange_.on_time(world_.scheduler.now(), out_);
        settle();
    });
}

void Daemon::later(Duration delay, std::function<void()> action) {
    world_.scheduler.after(delay, [alive = std::weak_ptr<int>(alive_), action = std::move(action)] {
        if (!alive.expired()) action();
    });
}

// --- questions ---

state::DeviceState Daemon::aggregate(std::string_view device) const {
    const auto id = engine_.find_device(device);
    return id ? engine_.aggregate(*id) : state::DeviceState::unknown;
}

std::optional<state::ExtensionState> Daemon::extension_state(std::string_view extension,
                                                             std::string_view context) {
    const auto hint = hints_.find(extension, context, out_.changes);
    pass_on(std::exchange(out_.changes, {}));  // reports a hint that was made just now
    settle();
    return hint ? std::optional(hints_.view(*hint).state) : std::nullopt;
}

}  // namespace lamplight::sim
