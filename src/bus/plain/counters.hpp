#pragma once

#include "wire/event/event.hpp"

#include <array>
#include <cstdint>

namespace lamplight::bus::plain {

struct Counters {
    std::uint64_t votes_out = 0;  ///< delivered
    std::uint64_t votes_in = 0;   ///< handed to the engine
    std::uint64_t mwi_out = 0;
    std::uint64_t mwi_in = 0;
    std::uint64_t messages_out = 0;
    std::uint64_t messages_in = 0;      ///< from members that are no Lamplights
    std::uint64_t from_lamplights = 0;  ///< passed over
    std::uint64_t aggregates = 0;       ///< type 5, passed over
    std::uint64_t own_eid = 0;          ///< somebody spoke with one of our EIDs
    std::uint64_t not_subscribed = 0;
    std::uint64_t lying_discoveries = 0;  ///< a node id that is not the sender's
    std::uint64_t unheard = 0;            ///< from a sender that the engine does not take
    std::uint64_t over_limit = 0;         ///< of a node or device that the engine does not take
    std::uint64_t names_too_long = 0;     ///< own votes that this wire cannot carry
    std::uint64_t lost = 0;               ///< messages that were accepted and never came back
    std::array<std::uint64_t, wire::event::malformed_count> malformed{};

    std::uint64_t refused() const {
        std::uint64_t sum = lying_discoveries;
        for (const std::uint64_t count : malformed)
            sum += count;
        return sum;
    }
};

}  // namespace lamplight::bus::plain
