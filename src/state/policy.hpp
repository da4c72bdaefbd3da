#pragma once

#include "state/types.hpp"

#include <string>
#include <vector>

namespace lamplight::state {

/// What a bus, or the node itself, says has become of a member.
enum class Departure : std::uint8_t {
    left,           ///< said goodbye
    restarting,     ///< said that it comes back at once
    failed,         ///< the process is gone, its host is there
    daemon_failed,  ///< derived: failed, and the node speaks for a PBX that may well be alive
    silent,         ///< host or link gone; may be a partition
    pbx_lost,       ///< the node lives, its link to its PBX does not
};
inline constexpr std::size_t departure_count = 6;
std::string_view to_string(Departure departure);

/// How long the votes of a departed node go on counting, marked stale: zero means they stop at once.
struct Hold {
    Duration for_{};
};

/// One rule of lamplight.conf [policy]: for nodes whose name or EID matches `node` (`*` and `?`), after
/// `event`.
struct PolicyRule {
    Departure event{};
    std::string node_pattern = "*";
    Hold hold;
};

/// Members' policy (design: rules of the engine). The last matching rule wins; the defaults come first:
/// left, failed, pbx_lost: zero; restarting and daemon_failed: restart_hold; silent: silent_hold.
struct Policy {
    Duration restart_hold = std::chrono::seconds(15);
    Duration silent_hold = std::chrono::seconds(15);
    Duration forget_after = std::chrono::hours(24);
    std::vector<PolicyRule> rules;
    /// Patterns of names and EIDs whose senders are guardians: heard for every node, owning none but their
    /// own.
    std::vector<std::string> may_speak_for;

    bool is_guardian(std::string_view node_name, const Eid& eid) const;
    /// Cost: O(rules). Called on departures only.
    Hold hold_for(Departure event, std::string_view node_name, const Eid& eid) const;
};

/// Each limit refuses the newcomer, counts it and keeps what is there.
struct Limits {
    std::uint32_t devices = 1'000'000;
    std::uint16_t nodes = 1'024;
    std::uint16_t name_bytes = 255;
    std::uint32_t journal_entries = 1'048'576;  ///< all devices together, 24 bytes each
    std::uint32_t senders = 4'096;
};

}  // namespace lamplight::state
