#pragma once

#include "bus/sync/exchange.hpp"
#include "sim/bus.hpp"
#include "sim/checker.hpp"
#include "sim/trace.hpp"
#include "state/hints.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::sim {

/// What stays of a node when its process ends.
struct Disk {
    std::uint64_t incarnation = 0;
    std::map<std::string, state::DeviceState> states;
    Duration clock_offset{};  ///< of its wall clock
};

struct DaemonSettings {
    std::string name;
    state::Eid eid;
    state::Announcement::Speaks speaks = state::Announcement::Speaks::for_itself;
    state::Bus bus = state::Bus::corosync;
    state::Policy policy;
    state::Limits limits;
    state::HintPlan hints;
};

/// One life of a node: the engine, the exchange and the hints of the real daemon, wired as it wires them, on
/// a modelled bus.
class Daemon final : public BusListener {
public:
    /// The wires to the world; all live longer.
    struct Surroundings {
        Scheduler& scheduler;
        ModelBus& bus;
        Trace& trace;
        Disk& disk;
        std::deque<std::vector<std::uint8_t>>& votes_said;  ///< frames of votes, to be said again
    };

    Daemon(const DaemonSettings& settings, const Surroundings& world);
    ~Daemon() override;
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    // --- what happens to it ---
    void vote(std::string_view device, state::DeviceState state);
    void withdraw(std::string_view device);
    void set_pbx_link(wire::vote::Link link);
    /// `done` comes through the scheduler, when the others have heard it or 2 s later.
    void say_goodbye(wire::vote::Goodbye::How how, std::function<void()> done);

    void on_joined(ProcessId peer, const std::string& label) override;
    void on_gone(ProcessId peer, state::Departure departure) override;
    void on_present(ProcessId peer) override;
    void on_frame(ProcessId from, wire::Bytes frame) override;
    void on_sent(std::uint64_t token) override;
    void on_lost(std::uint64_t token) override;

    // --- questions ---
    ProcessId process() const { return process_; }
    const std::string& name() const { return settings_.name; }
    const state::Engine& engine() const { return engine_; }
    state::NodeId self() const { return self_; }
    const Checker& checker() const { return checker_; }
    state::DeviceState aggregate(std::string_view device) const;
    /// The state shown of an extension, as a phone that asks would see it.
    std::optional<state::ExtensionState> extension_state(std::string_view extension,
                                                         std::string_view context);

private:
    struct Sent {
        bus::sync::LaneId lane{};
        bus::sync::FrameId frame{};
    };

    void start_node();
    void settle();
    void raise_incarnations();
    void pass_on(const state::Changes& changes);
    void write_trace(const state::Changes& changes);
    void write_trace(const std::vector<state::HintChange>& changes);
    void pump();
    bool pump_lane(bus::sync::LaneId lane, std::optional<ProcessId> to);
    void finish_goodbye();
    void set_timer();
    void later(Duration delay, std::function<void()> action);
    void sent(std::uint64_t token);
    state::Announcement announcement() const;
    std::string node_name(state::NodeId node) const;

    DaemonSettings settings_;
    Surroundings world_;
    state::Engine engine_;
    state::MwiTable mwi_;  ///< no scenario speaks of mailboxes
    bus::sync::Exchange exchange_;
    state::Hints hints_;
    Checker checker_;
    state::NodeId self_{};
    ProcessId process_{};
    std::map<ProcessId, bus::sync::PeerId> peers_;
    std::map<std::uint64_t, Sent> in_flight_;
    std::map<bus::sync::LaneId, std::size_t> lane_load_;
    std::uint64_t tokens_ = 0;
    bus::sync::Output out_;
    std::function<void()> goodbye_done_;
    std::optional<Time> timer_;
    std::shared_ptr<int> alive_ =
        std::make_shared<int>(0);  ///< what waits in the scheduler asks whether we are
};

}  // namespace lamplight::sim
