#pragma once

#include "state/changes.hpp"
#include "state/vote.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace lamplight::state {

/// A mailbox as Asterisk names it: `6001` in `default`.
struct Mailbox {
    std::string name;
    std::string context;

    auto operator<=>(const Mailbox&) const = default;
};

struct MessageCounts {
    std::uint32_t new_messages = 0;
    std::uint32_t old_messages = 0;

    constexpr auto operator<=>(const MessageCounts&) const = default;
};

/// One node's counts of one mailbox. The sequence numbers of these votes are milliseconds of the owner's
/// clock (next_mwi_sequence), so that the newest of several nodes is the same one on every host, whoever
/// joined when.
struct MwiVote {
    Mailbox mailbox;
    NodeId node{};
    MessageCounts counts;  ///< ignored for a withdrawal
    VoteKind kind = VoteKind::state;
    Version version{};  ///< not existing on Asterisk's wire
};

/// A node begins and ends to say every count it has: between them what it still says is confirmed.
struct MwiSnapshotBegin {
    NodeId node{};
};
struct MwiSnapshotEnd {
    NodeId node{};
};

/// What a bus hands in, in the order in which it came. Whether the sender may speak for the node the bus has
/// asked the engine.
using MwiInput = std::variant<MwiVote, MwiSnapshotBegin, MwiSnapshotEnd>;

/// One of our own nodes has another vote: what bus-out sends. The vote itself is read from the table when it
/// is sent, so a burst coalesces to the newest.
struct MwiOwnChange {
    NodeId node{};
    Mailbox mailbox;
};

/// The sequence number after `last`: `now`, or one more than `last` when the clock has not moved on.
std::uint64_t next_mwi_sequence(std::uint64_t last, Time now);

enum class MwiOutcome : std::uint8_t {
    applied,        ///< the node's view changed
    confirmed,      ///< the same counts again
    refused_old,    ///< its version is not newer than the one held
    refused_name,   ///< no name, or one longer than MwiLimits::name_bytes
    refused_limit,  ///< MwiLimits::mailboxes or ::nodes reached
};
inline constexpr std::size_t mwi_outcome_count = 5;

struct MwiChange {
    Mailbox mailbox;
    std::optional<MessageCounts> from;  ///< empty: nobody's counts
    std::optional<MessageCounts> to;
    NodeId node{};  ///< whose vote, or whose going, brought it about
    Cause cause{};

    bool operator==(const MwiChange&) const = default;
};

struct MwiVoteView {
    NodeId node{};
    MessageCounts counts;
    bool withdrawn = false;
    bool counts_now = false;  ///< its node counts, and it is neither withdrawn nor waiting to be confirmed
    Version version{};
    Time since{};  ///< when these counts arrived
};

/// Each limit refuses the newcomer, counts it and keeps what is there.
struct MwiLimits {
    std::uint32_t mailboxes = 100'000;
    std::uint16_t nodes = 1'024;
    std::uint16_t name_bytes = 255;
};

/// Every node's message counts, and for each mailbox the newest of those that count: two servers that share a
/// voice mail store say the same number twice, so a sum would be wrong.
///
/// Pure, like the engine: who may speak for a node, and which bus owns it, is decided there before a vote
/// comes here. Newest: the highest sequence number, on a wire without versions the time of arrival; no vote
/// is newer than its arrival, so a node with a clock in the future cannot win for ever. Equal ages: the
/// higher counts.
///
/// Invariants  1. A vote's version never goes back.
///             2. aggregate(m) depends on the counting votes of m alone.
///             3. Every change of an aggregate is announced exactly once, also when the last vote goes.
/// Cost        apply: O(log mailboxes + voters). A node's coming or going and a snapshot's begin or end:
/// O(votes).
class MwiTable {
public:
    explicit MwiTable(const MwiLimits& limits = {});
    ~MwiTable();
    MwiTable(MwiTable&&) noexcept;
    MwiTable& operator=(MwiTable&&) noexcept;

    MwiOutcome apply(const MwiVote& vote, Time now, std::vector<MwiChange>& changes);
    /// The vote, begin or end that it is.
    void apply(const MwiInput& input, Time now, std::vector<MwiChange>& changes);

    /// The owner begins to say everything it knows; what is not confirmed at the end is dropped. An end
    /// without a begin changes nothing and gives false.
    void snapshot_begin(NodeId node);
    bool snapshot_end(NodeId node, std::vector<MwiChange>& changes);

    /// Follows the engine: votes of a node that is gone stop counting. When it returns, those without a
    /// version count again at once, those with one as its snapshot confirms them; when only its PBX was lost,
    /// all at once. Those of a forgotten one are dropped.
    void follow(std::span<const NodeChange> nodes, std::vector<MwiChange>& changes);
    /// Drops everything that a node said.
    void forget(NodeId node, std::vector<MwiChange>& changes);

    /// Empty when nobody's counts count.
    std::optional<MessageCounts> aggregate(const Mailbox& mailbox) const;
    /// The vote that makes the aggregate; empty when nobody's counts count.
    std::optional<MwiVoteView> newest(const Mailbox& mailbox) const;
    std::optional<MwiVoteView> vote(const Mailbox& mailbox, NodeId node) const;
    /// The mailbox behind this one in order of name, then context; nullptr asks for the first and says that
    /// there are no more. To walk the table in slices. Valid until the table changes. Cost: O(log mailboxes).
    const Mailbox* after(const Mailbox* mailbox) const;
    /// In order of node id.
    void for_each_vote(const Mailbox& mailbox, const std::function<void(const MwiVoteView&)>& visit) const;
    /// In order of name, then context. Mailboxes with nothing but withdrawals are among them.
    void for_each(const std::function<void(const Mailbox&)>& visit) const;
    std::size_t size() const;
    std::uint64_t count(MwiOutcome outcome) const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::state
