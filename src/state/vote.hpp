#pragma once

#include "state/device_state.hpp"
#include "state/types.hpp"

namespace lamplight::state {

enum class Cachable : std::uint8_t { no, yes };
/// A withdrawal is its owner taking the vote back: it stops counting but keeps its version, so that a late
/// message cannot bring the vote back.
enum class VoteKind : std::uint8_t { state, withdrawal };

/// One node's state of one device, as a bus received it. 32 bytes; batches of them are what buses hand in.
struct Vote {
    DeviceId device{};
    NodeId node{};
    DeviceState state = DeviceState::unknown;  ///< ignored for a withdrawal
    VoteKind kind = VoteKind::state;
    Cachable cachable = Cachable::yes;
    SenderId sender{};
    Version version{};  ///< not existing on Asterisk's wire
};

/// What became of a vote that was handed in; also the names of the counters.
enum class VoteOutcome : std::uint8_t {
    applied,             ///< the node's view changed
    confirmed,           ///< the same vote again: nothing changes, a held vote is fresh again
    refused_old,         ///< its version is not newer than the one held
    refused_own,         ///< somebody else voted for one of our own nodes
    refused_speaker,     ///< the sender may not speak for that node
    refused_far,         ///< a nearer bus owns the node
    refused_not_member,  ///< the sender has left or failed
};
inline constexpr std::size_t vote_outcome_count = 7;
std::string_view to_string(VoteOutcome outcome);

/// Why something changed; kept in the journal and said by `explain` and the log.
enum class Cause : std::uint8_t {
    console,            ///< a person, through the console
    api,                ///< a program, through the HTTP API
    pbx,                ///< the PBX link
    restored,           ///< own custom state read back at start
    vote,               ///< a remote vote
    snapshot,           ///< the end of a snapshot did not confirm it
    withdrawal,         ///< its owner took it back
    member_left,        ///< goodbye said
    member_failed,      ///< process gone
    member_silent,      ///< no word from it
    member_restarting,  ///< it said it comes back
    hold_expired,       ///< it did not come back in time
    member_returned,    ///< it came back
    pbx_lost,           ///< its link to the PBX is down
    forgotten,          ///< after forget_after
    owner_bus_moved,    ///< another bus is nearer now
};
std::string_view to_string(Cause cause);

}  // namespace lamplight::state
