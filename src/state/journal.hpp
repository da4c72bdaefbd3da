#pragma once

#include "state/engine.hpp"
#include "state/huge_memory.hpp"

#include <bit>
#include <cstdint>
#include <vector>

namespace lamplight::state {

/// Where a device's newest line stands; 0 is none. Kept by the device, so that its story is a chain
/// backwards.
using JournalPosition = std::uint32_t;

/// The last transitions of all devices in one ring: bounded, written in order, 24 bytes a line. A device's
/// lines are chained; the chain ends where the ring has overwritten it (docs/adr says why one ring and not
/// one per device).
class Journal {
public:
    /// Rounded up to a power of two; 0 keeps no journal.
    explicit Journal(std::uint32_t capacity) : capacity_(capacity == 0 ? 0 : std::bit_ceil(capacity)) {}

    /// Appends a line and moves `last`, the device's position. Cost: one sequential write.
    void append(const JournalEntry& entry, JournalPosition& last) {
        if (capacity_ == 0) return;
        if (++head_ == 0) ++head_;
        const Line line{index_of(entry.device), last,       entry.time.time_since_epoch().count(),
                        index_of(entry.node),   entry.from, entry.to,
                        entry.aggregate,        entry.bus,  entry.cause,
                        entry.counted};
        const std::size_t slot = head_ & (capacity_ - 1);
        if (lines_.size() <= slot)
            lines_.resize(slot + 1);
        else if (lines_[slot].time != never)
            ++overwritten_;
        lines_[slot] = line;
        last = head_;
    }

    /// Newest first.
    template <typename Visit>
    void for_each(DeviceId device, JournalPosition last, std::size_t most, Visit&& visit) const {
        std::uint32_t age = head_ - last;
        for (JournalPosition at = last; most > 0 && at != 0 && age < lines_.size(); --most) {
            const Line& line = lines_[at & (capacity_ - 1)];
            if (line.device != index_of(device)) return;
            visit(entry(line));
            const std::uint32_t older = head_ - line.previous;
            if (older <= age) return;  // the counter has gone round
            at = line.previous;
            age = older;
        }
    }

    std::uint64_t overwritten() const { return overwritten_; }

private:
    static constexpr std::int64_t never = INT64_MIN;
    struct Line {
        std::uint32_t device = 0;
        JournalPosition previous = 0;
        std::int64_t time = never;
        std::uint16_t node = 0;
        DeviceState from{};
        DeviceState to{};
        DeviceState aggregate{};
        Bus bus{};
        Cause cause{};
        bool counted = false;
    };
    static_assert(sizeof(Line) == 24);

    static JournalEntry entry(const Line& line);

    std::uint32_t capacity_;
    std::uint32_t head_ = 0;
    std::uint64_t overwritten_ = 0;
    std::vector<Line, HugeAllocator<Line>> lines_;
};

}  // namespace lamplight::state
