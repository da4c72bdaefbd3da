#pragma once

#include "state/vote.hpp"
#include "wire/vote/decode.hpp"

#include <array>
#include <cstdint>
#include <numeric>

namespace lamplight::bus::sync {

/// What an Exchange has done since it was made.
struct Counters {
    std::uint64_t frames_in = 0;
    std::uint64_t frames_out = 0;
    std::uint64_t votes_in = 0;
    std::uint64_t votes_out = 0;                                            ///< in frames that were delivered
    std::array<std::uint64_t, wire::vote::refusal_count> frames_refused{};  ///< by wire::vote::Refusal
    std::array<std::uint64_t, state::vote_outcome_count> votes_by_outcome{};  ///< as the engine said
    std::uint64_t nodes_refused = 0;      ///< announced by who may not speak for them
    std::uint64_t votes_unannounced = 0;  ///< for a node that their sender has not said hello for
    std::uint64_t votes_unnamed = 0;      ///< with a name id whose definition was missed
    std::uint64_t votes_over_limit = 0;   ///< whose device's name the engine would not take
    std::uint64_t votes_unsendable = 0;   ///< own, of devices numbered beyond the frame's name ids
    std::uint64_t frames_lost = 0;        ///< taken, then said to be lost by the bus
    std::uint64_t snapshots_sent = 0;     ///< of one node on one lane
    std::uint64_t snapshots_received = 0;
    std::uint64_t snapshots_incomplete = 0;
    std::uint64_t snapshots_requested = 0;
    std::uint64_t sinces_asked = 0;  ///< for what is newer than what is held
    std::uint64_t sinces_answered = 0;
    std::uint64_t nodes_confirmed = 0;  ///< by a digest that equals
    std::uint64_t broadcasts_in = 0;    ///< frames that came by the one lane for all, in frames_in too
    std::uint64_t digests_compared = 0;
    std::uint64_t digests_different = 0;
    std::uint64_t mwi_in = 0;
    std::uint64_t mwi_out = 0;  ///< in frames that were delivered

    std::uint64_t refused_frames() const {
        return std::accumulate(frames_refused.begin(), frames_refused.end(), std::uint64_t{0});
    }
};

}  // namespace lamplight::bus::sync
