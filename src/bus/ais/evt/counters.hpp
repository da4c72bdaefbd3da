#pragma once

#include "wire/evt/frame.hpp"

#include <array>
#include <cstdint>

namespace lamplight::bus::ais::evt {

struct Counters {
    std::uint64_t published = 0;   ///< of ours, come back
    std::uint64_t received = 0;    ///< events of others
    std::uint64_t deliveries = 0;  ///< taken by clients
    std::uint64_t dropped = 0;     ///< by full queues of clients
    std::uint64_t lost_notices = 0;
    std::uint64_t repeated = 0;  ///< had already; passed over
    std::uint64_t not_retained = 0;
    std::uint64_t expired = 0;
    std::uint64_t cleared = 0;
    std::uint64_t states_sent = 0;  ///< handed to others
    std::uint64_t states_taken = 0;
    std::uint64_t frames_out = 0;
    std::uint64_t frames_in = 0;
    std::uint64_t unknown_records = 0;
    std::uint64_t foreign_ids = 0;  ///< events and channels with ids that are not their publisher's
    std::uint64_t over_limit = 0;   ///< channels that had no room
    std::uint64_t not_open = 0;     ///< events and clears of who has the channel not open for it
    std::array<std::uint64_t, wire::evt::malformed_count> malformed{};

    std::uint64_t refused() const {
        std::uint64_t sum = foreign_ids + over_limit + not_open;
        for (const std::uint64_t count : malformed)
            sum += count;
        return sum;
    }
};

}  // namespace lamplight::bus::ais::evt
