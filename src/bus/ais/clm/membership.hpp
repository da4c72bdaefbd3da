#pragma once

#include "ring/types.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// The Cluster Membership Service of the SA Forum (SAI-AIS-CLM B.01.01): its membership is totem's own. Pure.
namespace lamplight::bus::ais::clm {

using NodeId = std::uint32_t;
using Nanoseconds = std::int64_t;
inline constexpr Nanoseconds time_unknown = INT64_MIN;  ///< SA_TIME_UNKNOWN

/// SaClmClusterNodeT.
struct Node {
    NodeId id = 0;
    std::string address;  ///< numeric; empty while unknown
    std::string name;     ///< of corosync.conf's nodelist, else the address, else `node 2`
    bool member = false;
    Nanoseconds boot_time = time_unknown;  ///< Unix time in ns; known of nodes with a member of `saEvt`
    std::uint64_t initial_view = 0;        ///< view number at its joining; 0 when not known
    bool operator==(const Node&) const = default;
};

/// SaClmClusterChangesT.
enum class Change : std::uint8_t { none = 1, joined = 2, left = 3, reconfigured = 4 };

/// SaClmClusterNotificationT.
struct Notification {
    Node node;
    Change change{};
    bool operator==(const Notification&) const = default;
};

/// SaUint8T trackFlags.
struct Track {
    static constexpr std::uint8_t current = 1;
    static constexpr std::uint8_t changes = 2;
    static constexpr std::uint8_t changes_only = 4;
};

/// A view that came into being.
struct Transition {
    std::uint64_t view = 0;      ///< the ring's sequence number / 4, as OpenAIS counted
    std::vector<NodeId> before;  ///< in order of id, as are all
    std::vector<NodeId> left;
    std::vector<NodeId> joined;
    std::vector<NodeId> members;
    bool operator==(const Transition&) const = default;
};

enum class Error : std::uint8_t { not_exist = 12, bad_flags = 25, unavailable = 31 };

/// Who is in the ring, by Corosync's word, as one member sees it.
class Membership {
public:
    /// The ring as Corosync tells it (cpg_totem_confchg_fn_t). The first time everybody has joined, at a view
    /// that is not known; nothing when nothing changed. A ring of other number with the same nodes (a quick
    /// restart) is a view too, with nobody left or joined.
    std::optional<Transition> on_ring(std::uint64_t ring_sequence, std::span<const NodeId> nodes);
    /// Corosync is gone: who was here is not known any more. What on_ring says next is compared with before,
    /// so that who left meanwhile is told. With another ring than before our own Corosync is a new one, and
    /// the view is the own node's initial one.
    void on_lost();
    void set_self(NodeId self);
    /// Names and addresses; of nodes that are not there as well. Gives nodes whose name or address is another
    /// than before: reconfigured.
    std::vector<NodeId> describe(std::span<const ring::RingNode> nodes);
    /// What a member of `saEvt` on that node said in its hello; 0 and time_unknown say nothing. Its word
    /// counts for more than what was seen. A node that was neither in a ring nor described is passed over.
    void on_hello(NodeId node, Nanoseconds boot_time, std::uint64_t initial_view);

    bool known() const;  ///< there is a view
    std::uint64_t view() const;
    NodeId self() const;
    /// Of the own node, for the hello; 0 when it was there before we looked.
    std::uint64_t own_initial_view() const;
    /// Members, the own node first, the others in order of their joining as far as seen, then of id: what
    /// saClmClusterTrack(SA_TRACK_CURRENT) gives.
    std::vector<Node> members() const;
    /// saClmClusterNodeGet: SA_CLM_LOCAL_NODE_ID means ourselves. not_exist for who is no member, unavailable
    /// without a view.
    static constexpr NodeId local_node = 0xffffffff;
    tl::expected<Node, Error> node(NodeId id) const;
    /// What a tracker with these flags is told of a transition: with `changes` all members and who left, with
    /// `changes_only` those that changed. bad_flags for both or neither.
    tl::expected<std::vector<Notification>, Error> notifications(const Transition& transition,
                                                                 std::uint8_t flags) const;
    /// All members: for `current`, or when describe() gave nodes that are `reconfigured`.
    std::vector<Notification> notifications(std::span<const NodeId> reconfigured = {}) const;

    /// A node by id, also one that left; with what is known of it.
    Node known_node(NodeId id) const;

private:
    struct Known {
        ring::RingNode description;
        Nanoseconds boot_time = time_unknown;
        std::uint64_t initial_view = 0;
        std::uint64_t seen = 0;  ///< order of joining as seen here
    };
    void note_joined(const Transition& transition, bool same_ring);
    void forget_old(const Transition& transition);
    std::vector<NodeId> in_order(const std::vector<NodeId>& ids) const;

    std::map<NodeId, Known> nodes_;  ///< bounded: who is longest gone is forgotten
    std::vector<NodeId> members_;    ///< sorted
    std::vector<NodeId> before_loss_;
    NodeId self_ = 0;
    std::uint64_t view_ = 0;
    std::uint64_t ring_sequence_ = 0;  ///< of the last view, also of one that was lost
    std::uint64_t joinings_ = 0;
    bool has_view_ = false;
};

/// The number under which operators know a node: an id that is the IPv4 address of the node read as a
/// big-endian number (as Corosync makes it up without a nodeid) is shown byte-swapped, as OpenAIS printed it;
/// any other as it is. 10.24.22.144 → 0x9016180a.
std::uint32_t shown_id(NodeId id, std::string_view address);

/// A transition in the words of aisexec -f: the transitional block, the regular one, the lines of TOTEM and
/// MAIN, as OpenAIS 1.1.4 printed them: a TAB before each member, a blank behind it. A node without an
/// address is `no interface found for nodeid 3`. Without a date in front: `[CLM   ] CLM CONFIGURATION
/// CHANGE`.
std::vector<std::string> aisexec_lines(const Transition& transition, const Membership& membership);

/// `ais clm show members`, as Asterisk prints it (asterisk-facts 4.3), with line ends.
std::string members_text(std::span<const Node> members);

}  // namespace lamplight::bus::ais::clm
