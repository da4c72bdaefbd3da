#pragma once

#include "bus/sync/name_table.hpp"
#include "state/engine.hpp"
#include "state/mwi.hpp"

#include <bitset>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lamplight::bus::sync {

/// A peer of one Exchange; not used again while it lives.
enum class PeerId : std::uint32_t {};

/// A node that a peer announced.
struct PeerNode {
    state::Announcement announcement;
    bool pbx_link_up = true;
    state::AnnounceOutcome outcome = state::AnnounceOutcome::refused;
    std::optional<state::NodeId> id;

    /// Votes that came since the begin of a snapshot which has not ended.
    std::optional<std::uint32_t> snapshot;
    std::optional<state::Time> asked_at;  ///< for a snapshot, which has not ended since
    std::uint32_t differences = 0;        ///< digests in a row that a snapshot did not mend
    std::uint32_t look_away = 0;          ///< digests to let pass before the next request
    std::uint64_t told_outdated = 0;      ///< the incarnation that it was told to leave behind

    // CatchUp::difference
    bool since_asked = false;               ///< and no digest was the same since
    bool was_silent = false;                ///< its message counts may be missed too, which no digest tells
    std::optional<state::Version> resumes;  ///< the newest held when it fell silent: what came later may
                                            ///< have gaps before it
};

/// What came lately by the lane for all: it may have overtaken the begin of a snapshot that it belongs to.
struct Overtaking {
    state::Time at{};
    std::variant<state::Vote, state::MwiVote> vote;
};

struct Peer {
    static constexpr std::size_t most_overtaking = 1'024;
    static constexpr state::Duration overtakes_within = std::chrono::seconds(30);

    PeerId id{};
    state::SenderId sender{};
    std::string label;
    bool present = true;
    bool said_goodbye = false;
    bool ended = false;  ///< for the engine: its sender is closed
    NameTable names;
    std::vector<PeerNode> nodes;
    std::optional<state::Time> hello_asked_at;
    bool missed_votes = false;  ///< before its hello
    bool hears_broadcast = false;
    std::optional<state::Time> digests_said_at;  ///< ours, because it returned
    std::deque<Overtaking> overtaking;           ///< the oldest is dropped for the newest
    std::bitset<256> formats_answered;
    std::bitset<16> refusals_said;  ///< in this digest period
    bool foreign_said = false;      ///< as these
};

}  // namespace lamplight::bus::sync
