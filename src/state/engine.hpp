#pragma once

#include "state/changes.hpp"
#include "state/policy.hpp"
#include "state/vote.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lamplight::state {

/// What a node says of itself in its hello (or Asterisk in CLUSTER_DISCOVERY, with incarnation 0).
struct Announcement {
    Eid eid;
    std::string name;
    std::uint64_t incarnation = 0;
    enum class Speaks : std::uint8_t { for_itself, for_pbx } speaks = Speaks::for_itself;
};

enum class AnnounceOutcome : std::uint8_t {
    accepted,
    duplicate,  ///< another living connection announced this EID first: keep away, tell the operator (Notice)
    own,        ///< it is one of our own EIDs
    refused,    ///< a limit, a zero EID, or the sender is gone
};

/// What is known of one vote; views are copies and stay valid.
struct VoteView {
    NodeId node{};
    DeviceState state{};
    bool counts = false;  ///< takes part in the aggregate
    bool stale = false;   ///< its node is away or has not confirmed it since it came back
    bool withdrawn = false;
    bool cachable = true;
    Bus bus{};  ///< the road it came by
    Version version{};
    Time since{};  ///< when this state was first voted
};

/// A bus's view of a node.
enum class MemberStatus : std::uint8_t { absent, present, silent, restarting, left, failed };
std::string_view to_string(MemberStatus status);

struct MemberView {
    Bus bus{};
    MemberStatus status{};
    SenderId sender{};
    bool announced = false;
    Time since{};
    bool end_unseen = false;  ///< see Engine::set_end_unseen
};

struct NodeView {
    NodeId id{};
    Eid eid{};
    std::string name;  ///< empty when it never said one
    bool own = false;
    bool speaks_for_pbx = false;
    bool pbx_lost = false;
    Standing standing{};
    Time since{};               ///< of this standing
    std::optional<Time> until;  ///< when a hold or forget_after ends
    std::optional<Bus> owner;   ///< the bus whose votes of this node are heard
    std::uint64_t incarnation = 0;
    std::uint32_t votes = 0;
};

/// One line of a device's story, newest first when read.
struct JournalEntry {
    DeviceId device{};
    NodeId node{};
    DeviceState from{};  ///< the node's state before
    DeviceState to{};
    DeviceState aggregate{};  ///< what followed from it
    bool counted = false;     ///< whether the node's vote counts after it
    Bus bus{};
    Cause cause{};
    Time time{};
};

/// A node's votes in one number, to compare two sides' knowledge of it.
struct Digest {
    std::uint32_t votes = 0;
    std::uint64_t hash =
        0;  ///< independent of order: sum over hash(name, version, state); withdrawn votes are left out
    constexpr bool operator==(const Digest&) const = default;
};

struct Counters {
    std::array<std::uint64_t, vote_outcome_count> votes{};  ///< by VoteOutcome
    std::uint64_t aggregate_changes = 0;
    std::uint64_t devices_refused = 0;
    std::uint64_t nodes_refused = 0;
    std::uint64_t journal_overwritten = 0;
};

/// Every node's votes, and the aggregate that follows from them.
///
/// Pure: time, members and votes enter by arguments; what changed is appended to `changes`. Equal inputs give
/// equal outputs on every host. Not thread-safe; one loop owns it. No member function calls back into its
/// caller except the visitors given to for_each_*, which must not change the engine.
///
/// Invariants  1. A vote's version never goes back.
///             2. aggregate(d) depends on the counting votes of d alone, not on the order of arrival.
///             3. Every change of an aggregate is announced exactly once, also when the last vote goes.
/// Cost        apply: O(voters of the device), no allocation for a known device and node; a member's coming
/// or
///             going: O(devices), sequential, about 10 ms for a million.
class Engine {
public:
    explicit Engine(const Policy& policy = {}, const Limits& limits = {}, std::uint64_t hash_seed = 0);
    ~Engine();
    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;

    // --- names ---
    /// The id of a device, made when unknown. Empty when Limits::devices or name_bytes refuses it or the name
    /// is empty (counted, and a Notice the first time). Names are bytes; case matters.
    std::optional<DeviceId> intern_device(std::string_view name, Changes& changes);
    std::optional<DeviceId> find_device(std::string_view name) const;
    /// Valid until the device is forgotten.
    std::string_view device_name(DeviceId device) const;
    std::optional<NodeId> intern_node(const Eid& eid, Changes& changes);
    std::optional<NodeId> find_node(const Eid& eid) const;

    // --- own nodes: this daemon's EID, and one per PBX link ---
    /// Makes `eid` a node of ours, present from now on. `incarnation` must exceed every one it used before.
    NodeId add_own_node(const Announcement& self, Time now, Changes& changes);
    /// Sets our node's vote. Gives it the next version, reports it in own_votes; a repetition of the same
    /// state changes nothing and reports nothing.
    void set_own(NodeId node, DeviceId device, DeviceState state, Cachable cachable, Cause cause, Time now,
                 Changes& changes);
    /// Takes our node's vote back. Nothing happens when there is none.
    void withdraw_own(NodeId node, DeviceId device, Cause cause, Time now, Changes& changes);
    /// Somebody holds a higher incarnation of our EID: from now on ours is `seen` + 1, and every own vote of
    /// the node is versioned and reported again.
    void raise_incarnation(NodeId node, std::uint64_t seen, Changes& changes);
    /// The link to the PBX behind an own node is down or up again: applies the pbx_lost policy to its votes.
    void set_pbx_link(NodeId node, bool up, Time now, Changes& changes);

    // --- members: what buses say ---
    /// A connection that may vote appears. `label` names it for operators ("pbx2 pid 4711"). Empty at the
    /// limit.
    std::optional<SenderId> open_sender(Bus bus, std::string label, Changes& changes);
    /// A guardian by Policy::may_speak_for and what it announced: its votes for any node are heard, and it
    /// comes to own none but its own.
    bool is_guardian(SenderId sender) const;
    /// The sender says which node it is (several, when it speaks for PBXs). A higher incarnation than the one
    /// held marks the node's votes stale until a snapshot confirms them; a lower one is refused.
    AnnounceOutcome announce(SenderId sender, const Announcement& announcement, Time now, Changes& changes);
    /// Whether its bus would not notice its end, so that its nodes stay present: for operators, nothing here
    /// depends on it.
    void set_end_unseen(SenderId sender, bool unseen);
    /// The sender is reachable (again): its nodes are present on its bus.
    void sender_present(SenderId sender, Time now, Changes& changes);
    /// What became of it. left and failed end the sender (its id stays refused) and its nodes' incarnation on
    /// every bus; silent and restarting leave it open for its return. pbx_lost does not belong here: see
    /// node_pbx_lost.
    void sender_gone(SenderId sender, Departure departure, Time now, Changes& changes);
    /// A node of `sender` says that its PBX link is down (lost) or up again.
    void node_pbx_link(SenderId sender, NodeId node, bool up, Time now, Changes& changes);

    // --- votes ---
    /// The one way in for remote votes. `outcomes`, when given, has room for votes.size() and says what
    /// became of each. Votes of one batch are applied in order; the ids must come from this engine
    /// (asserted).
    void apply(std::span<const Vote> votes, Time now, Changes& changes, VoteOutcome* outcomes = nullptr);

    /// The sender begins to say everything it knows of `node`; votes from here to the end confirm.
    void snapshot_begin(SenderId sender, NodeId node, Time now, Changes& changes);
    /// What was not confirmed since the begin is dropped. An end without a begin, or from a sender that does
    /// not own the node, changes nothing and gives false.
    bool snapshot_end(SenderId sender, NodeId node, Time now, Changes& changes);
    /// What the sender says it holds of its node is what we hold (its digest equals ours): every vote held of
    /// the node is confirmed, as by a snapshot without a hole. False when the sender does not own the node;
    /// nothing changes then.
    bool confirm(SenderId sender, NodeId node, Time now, Changes& changes);

    // --- time ---
    /// When on_time must be called next; empty when nothing is pending.
    std::optional<Time> next_deadline() const;
    /// Ends holds and forgets what has been away for forget_after. Calling early or late does no harm.
    void on_time(Time now, Changes& changes);

    /// New policy and limits; running holds keep their ends. A lower limit keeps what is there.
    void configure(const Policy& policy, const Limits& limits);

    // --- hints keep devices ---
    /// A hint names this device (count goes up or down): it is not forgotten while one does.
    void retain_device(DeviceId device);
    void release_device(DeviceId device);

    // --- watching the engine at work ---
    /// Called for each vote that was handled, own ones too, right after it (debug lines). An empty function
    /// ends it.
    using VoteTrace = std::function<void(DeviceId device, NodeId node, VoteOutcome outcome,
                                         DeviceState before, DeviceState after)>;
    void set_vote_trace(VoteTrace trace);

    // --- questions ---
    /// UNKNOWN when never heard of, UNAVAILABLE when known and nobody's vote counts.
    DeviceState aggregate(DeviceId device) const;
    void for_each_vote(DeviceId device, const std::function<void(const VoteView&)>& visit) const;
    std::optional<VoteView> vote(DeviceId device, NodeId node) const;
    /// In order of id. Devices with neither votes nor story are skipped.
    void for_each_device(const std::function<void(DeviceId)>& visit) const;
    /// One past the highest device id in use: to walk the table in slices.
    std::uint32_t device_bound() const;
    std::uint32_t device_count() const;
    std::uint16_t node_count() const;
    NodeView node(NodeId node) const;
    void for_each_node(const std::function<void(const NodeView&)>& visit) const;
    void for_each_member(NodeId node, const std::function<void(const MemberView&)>& visit) const;
    std::string_view sender_label(SenderId sender) const;
    /// Newest first, at most `most` lines.
    void for_each_journal_entry(DeviceId device, std::size_t most,
                                const std::function<void(const JournalEntry&)>& visit) const;
    /// Cost: O(devices).
    Digest digest(NodeId node) const;
    /// The highest version held of the node's votes, withdrawals too; zero when there is none. Cost:
    /// O(devices).
    Version newest_version(NodeId node) const;
    const Counters& counters() const;
    const Policy& policy() const;
    const Limits& limits() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::state
