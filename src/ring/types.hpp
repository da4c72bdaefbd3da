#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

/// What Corosync's closed process groups (cpg_overview(3)) say, in our own types: no header of Corosync's is
/// needed to read these.
namespace lamplight::ring {

/// A process in a group: Corosync's node id and the process id there.
struct Member {
    std::uint32_t node_id = 0;
    std::uint32_t pid = 0;
    constexpr auto operator<=>(const Member&) const = default;
};
/// `node 2 pid 4711`
std::string to_string(Member member);

/// Why a member came or went (cpg_reason_t).
enum class Reason : std::uint8_t { join, leave, node_down, node_up, process_down };

struct Moved {
    Member member;
    Reason reason{};
};

/// A configuration change of a group; views are valid during the callback. A quick restart of Corosync shows
/// the same member in `left` and `joined`.
struct Membership {
    std::span<const Member> members;  ///< complete, whatever moved
    std::span<const Moved> left;
    std::span<const Moved> joined;
};

/// The ring itself changed (cpg_totem_confchg_fn_t); comes after the configuration changes that it caused.
struct Totem {
    std::span<const std::uint32_t> nodes;
    std::uint64_t ring_sequence = 0;  ///< grows with every new ring, the same on all of its nodes
};

/// Somebody in some group of the ring.
struct Occupant {
    std::string group;
    Member member;
};

/// A node of the ring, as cmap and cfg know it.
struct RingNode {
    std::uint32_t node_id = 0;
    std::string name;     ///< nodelist.node.N.name; empty when corosync.conf gives none
    std::string address;  ///< numeric, of its first link; empty when unknown
};

}  // namespace lamplight::ring
