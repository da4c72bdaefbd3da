#pragma once

#include "state/policy.hpp"
#include "state/vote.hpp"

#include <string>
#include <vector>

namespace lamplight::state {

/// The aggregate of a device is another one now.
struct AggregateChange {
    DeviceId device{};
    DeviceState from{};
    DeviceState to{};
    NodeId node{};  ///< whose vote, or whose going, brought it about
    Cause cause{};
};

/// One of our own nodes has another vote: what bus-out sends. The vote itself is read from the engine when it
/// is sent, so a burst coalesces to the newest.
struct OwnVoteChange {
    NodeId node{};
    DeviceId device{};
};

/// Whether a node's votes count.
enum class Standing : std::uint8_t {
    unheard,  ///< known by name only: no bus has it as a member
    present,  ///< member of at least one bus
    stale,    ///< gone or unreachable, its votes still count until the hold ends
    gone,     ///< its votes do not count; kept for forget_after
};
std::string_view to_string(Standing standing);

struct NodeChange {
    NodeId node{};
    Standing from{};
    Standing to{};
    Cause cause{};
    Bus bus{};
};

/// Something an operator must be told, once: the engine has no log.
struct Notice {
    enum class Kind : std::uint8_t {
        duplicate_eid,      ///< two connections announce one EID: `first` keeps it, `second` is refused
        own_eid_announced,  ///< somebody announces one of our own EIDs
        device_limit,       ///< Limits::devices reached
        node_limit,
        name_too_long,
        sender_limit,
    };
    Kind kind{};
    std::string first;
    std::string second;
    Eid eid{};
};

/// A device left the table: its id will be used again. Announced after its last aggregate change.
struct DeviceForgotten {
    DeviceId device{};
    std::string name;
};

/// What came of an input, in the order it came about. The caller owns it, hands it in empty or not, and
/// clears it; capacity stays, so a daemon's loop does not allocate.
struct Changes {
    std::vector<AggregateChange> aggregates;
    std::vector<OwnVoteChange> own_votes;
    std::vector<NodeChange> nodes;
    std::vector<Notice> notices;
    std::vector<DeviceForgotten> forgotten;

    void clear() {
        aggregates.clear();
        own_votes.clear();
        nodes.clear();
        notices.clear();
        forgotten.clear();
    }
    bool empty() const {
        return aggregates.empty() && own_votes.empty() && nodes.empty() && notices.empty() &&
               forgotten.empty();
    }
};

}  // namespace lamplight::state
