#pragma once

#include "sim/daemon.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::sim {

/// What all nodes of a run have in common.
struct WorldSettings {
    std::uint64_t seed = 1;
    state::Bus bus = state::Bus::corosync;
    BusTimes times;
    state::Policy policy;
    state::Limits limits;
};

/// What differences() asks of nodes that see each other.
enum class Agreement : std::uint8_t {
    connected_votes,  ///< each knows the others' votes as they are
    aggregates,       ///< and nothing else counts: every hold has ended
};

/// Nodes on a modelled bus, each alone on its host, under one virtual clock. Equal settings and equal calls
/// give equal runs on every host.
class World {
public:
    explicit World(const WorldSettings& settings);
    ~World();

    /// Declares a node; it does not run yet. Its EID must not be zero. Two nodes may share one, by mistake.
    void add_node(std::string name, const state::Eid& eid, state::Announcement::Speaks speaks);
    void add_hint(const std::string& node, state::HintDefinition hint);
    bool has_node(std::string_view name) const { return nodes_.contains(name); }
    std::vector<std::string> names() const;

    // --- what happens: nothing when the node does not run (or, for start, does) ---
    void start(std::string_view node);
    void kill(std::string_view node);       ///< the process dies
    void host_down(std::string_view node);  ///< the host falls silent
    void stop(std::string_view node);       ///< goodbye: left
    void restart(std::string_view node);    ///< goodbye: restarting; it does not start by itself
    void vote(std::string_view node, std::string_view device, state::DeviceState state);
    void withdraw(std::string_view node, std::string_view device);
    void set_pbx_link(std::string_view node, wire::vote::Link link);
    void erase_states(std::string_view node);       ///< its disk forgets its own votes
    void erase_incarnation(std::string_view node);  ///< its disk forgets its incarnation
    void set_clock(std::string_view node, Duration offset);
    void partition(const std::vector<std::vector<std::string>>& groups) { bus_.partition(groups); }
    void heal() { bus_.heal(); }
    /// Everything that `from` said in votes frames comes to `to` once more.
    void replay_votes(std::string_view from, std::string_view to);

    /// Lets virtual time pass. Ends early at the first failure.
    void run_for(Duration duration);

    // --- questions ---
    Time now() const { return scheduler_.now(); }
    Daemon* daemon(std::string_view node);
    Trace& trace() { return trace_; }
    Random& random() { return random_; }
    ModelBus& bus() { return bus_; }
    /// What the checkers found, `pbx1: …` each.
    std::vector<std::string> failures() const;
    /// Where running nodes that see each other disagree; empty is what must be. Nodes that share an EID are
    /// left out.
    std::vector<std::string> differences(Agreement agreement) const;

private:
    struct Node {
        DaemonSettings settings;
        Disk disk;
        std::deque<std::vector<std::uint8_t>> votes_said;
        std::unique_ptr<Daemon> daemon;
    };

    Node& at(std::string_view name) { return nodes_.find(name)->second; }
    void say_goodbye(std::string_view name, wire::vote::Goodbye::How how);
    void keep_failures(const Daemon& daemon);
    void check_progress();
    void compare(const Daemon& mine, const Daemon& other, std::vector<std::string>& found) const;
    void compare_aggregates(const Daemon& mine, std::vector<std::string>& found) const;
    bool shares_eid(const Daemon& daemon) const;

    WorldSettings settings_;
    Scheduler scheduler_;
    Random random_;
    ModelBus bus_;
    Trace trace_;
    std::map<std::string, Node, std::less<>> nodes_;
    std::vector<std::string> failures_;  ///< of lives that have ended
    Time last_step_{};
    std::uint64_t steps_at_once_ = 0;
};

}  // namespace lamplight::sim
