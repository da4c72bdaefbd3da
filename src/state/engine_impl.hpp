#pragma once

#include "state/device_table.hpp"
#include "state/engine.hpp"
#include "state/journal.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <deque>
#include <optional>
#include <vector>

namespace lamplight::state {

/// A bus's view of a node.
struct Member {
    MemberStatus status = MemberStatus::absent;
    bool announced = false;
    std::optional<SenderId> sender;
    std::uint64_t incarnation = 0;
    Time since{};
};

struct Sender {
    Bus bus{};
    bool open = true;
    bool guardian = false;
    MemberStatus status = MemberStatus::present;
    std::string label;
    std::vector<NodeId> nodes;  ///< announced or claimed on its bus
    bool end_unseen = false;
};

struct Node {
    // What every vote asks first.
    std::optional<SenderId> speaker;  ///< the owner bus's sender while it is present: its votes pass at once
    bool own = false;
    bool speaks_for_pbx = false;
    bool pbx_lost = false;
    bool held_counts = true;  ///< whether held votes still count
    std::uint64_t incarnation = 0;
    std::uint64_t sequence = 0;        ///< own nodes: the last one given
    std::uint32_t votes = 0;           ///< entries in the table, withdrawn ones included
    std::uint32_t standing_votes = 0;  ///< those not withdrawn

    Eid eid;
    std::string name;
    Standing standing = Standing::unheard;
    Time since{};
    std::optional<Departure> away;
    std::optional<Time> until;
    std::optional<Bus> owner;
    std::optional<SenderId> snapshot;  ///< who is in the middle of one
    std::array<Member, bus_count> members;
};

/// The engine's inside. engine.cpp has names, votes and questions; engine_members.cpp members, holds and
/// snapshots.
class Engine::Impl {
public:
    Impl(const Policy& policy, const Limits& limits, std::uint64_t hash_seed);

    std::optional<DeviceId> intern_device(std::string_view name, Changes& changes);
    std::optional<NodeId> intern_node(const Eid& eid, Changes& changes);
    NodeId add_own_node(const Announcement& self, Time now, Changes& changes);
    void set_own(NodeId id, DeviceId device, DeviceState state, Cachable cachable, Cause cause, Time now,
                 Changes& changes);
    void withdraw_own(NodeId id, DeviceId device, Cause cause, Time now, Changes& changes);
    void raise_incarnation(NodeId id, std::uint64_t seen, Changes& changes);

    std::optional<SenderId> open_sender(Bus bus, std::string label, Changes& changes);
    AnnounceOutcome announce(SenderId id, const Announcement& announcement, Time now, Changes& changes);
    void sender_present(SenderId id, Time now, Changes& changes);
    void sender_gone(SenderId id, Departure departure, Time now, Changes& changes);
    void pbx_link(NodeId id, bool up, Time now, Changes& changes);

    void apply(std::span<const Vote> votes, Time now, Changes& changes, VoteOutcome* outcomes);
    void snapshot_begin(SenderId sender, NodeId id);
    bool snapshot_end(SenderId sender, NodeId id, Time now, Changes& changes);
    bool confirm(SenderId sender, NodeId id, Time now, Changes& changes);

    std::optional<Time> next_deadline() const;
    void on_time(Time now, Changes& changes);
    void find_guardians();
    void forget_if_unused(DeviceId device, Changes& changes);
    Digest digest(NodeId id) const;
    Version newest_version(NodeId id) const;
    VoteView view(const DeviceRecord& record, std::size_t place) const;

    Node& node(NodeId id) { return nodes_[index_of(id)]; }
    const Node& node(NodeId id) const { return nodes_[index_of(id)]; }
    Sender& sender(SenderId id) { return senders_[index_of(id)]; }

    Policy policy_;
    Limits limits_;
    DeviceTable devices_;
    Journal journal_;
    std::vector<Node> nodes_;
    std::vector<Sender> senders_;
    boost::unordered_flat_map<std::uint64_t, NodeId> node_ids_;
    Counters counters_;
    VoteTrace trace_;

private:
    /// One vote's way through the rules.
    struct Applied {
        VoteOutcome outcome;
        DeviceState before;
        DeviceState after;
    };
    std::optional<VoteOutcome> refuse_speaker(Node& node, const Vote& vote, Time now, Changes& changes);
    Applied apply_one(const Vote& vote, std::size_t place_hint, Time now, Changes& changes);
    Applied store(Node& node, DeviceRecord& record, std::size_t place, const Vote& vote, Bus bus, Cause cause,
                  Time now, Changes& changes);
    void confirm_one(NodeId id, DeviceId device, std::size_t place, Bus bus, Cause cause, Time now,
                     Changes& changes);
    void put_own(NodeId id, DeviceId device, DeviceState state, VoteKind kind, Cachable cachable, Cause cause,
                 Time now, Changes& changes);
    void refresh_aggregate(DeviceId device, DeviceRecord& record, NodeId node, Cause cause, Changes& changes);
    void note(DeviceId device, DeviceRecord& record, std::size_t place, DeviceState from, Cause cause,
              Time now);
    void count(VoteOutcome outcome) { ++counters_.votes[static_cast<std::size_t>(outcome)]; }
    std::size_t prefetch(std::span<const Vote> votes, std::size_t i) const;

    /// Calls change(record, place) for each vote of the node; where it returns true the vote's counting may
    /// differ.
    template <typename Change>
    void for_votes_of(NodeId id, Cause cause, Time now, Changes& changes, Change&& change);
    void forget_versions(NodeId id);
    void drop_votes(NodeId id, Cause cause, Time now, Changes& changes, std::uint8_t marked);

    void claim(NodeId id, SenderId sender, Time now, Changes& changes);
    bool take_incarnation(NodeId id, std::uint64_t incarnation, Time now, Changes& changes);
    void member_gone(NodeId id, Bus bus, MemberStatus status, Departure departure, Time now,
                     Changes& changes);
    void choose_owner(NodeId id, Time now, Changes& changes);
    void go_away(NodeId id, Departure departure, Bus bus, Time now, Changes& changes);
    void come_back(NodeId id, Bus bus, Time now, Changes& changes);
    void stand(NodeId id, Standing standing, Cause cause, Bus bus, Time now, Changes& changes);
    void hold_votes(NodeId id, Hold hold, Cause cause, Time now, Changes& changes);
    void expire(NodeId id, Time now, Changes& changes);
    void sweep_withdrawn(Time now, Changes& changes);
    bool reuse_sender(Bus bus, std::string& label, SenderId& id);
    void close_sender(SenderId id);
    void notice_once(Notice::Kind kind, std::string first, std::string second, Changes& changes);

    std::array<bool, 8> noticed_{};
    std::optional<Time> sweep_at_;
    std::deque<SenderId> closed_senders_;  ///< used again, oldest first, when many have been closed
};

}  // namespace lamplight::state
