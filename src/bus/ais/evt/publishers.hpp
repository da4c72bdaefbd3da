#pragma once

#include "bus/ais/evt/event.hpp"
#include "ring/types.hpp"

#include <cstdint>
#include <deque>
#include <unordered_map>

namespace lamplight::bus::ais::evt {

constexpr std::uint32_t publisher_of(std::uint64_t id) {
    return static_cast<std::uint32_t>(id >> 32U);
}
constexpr std::uint32_t count_of(std::uint64_t id) {
    return static_cast<std::uint32_t>(id);
}
constexpr std::uint64_t make_id(std::uint32_t publisher, std::uint32_t count) {
    return std::uint64_t{publisher} << 32U | count;
}
template <typename Id>
constexpr std::uint64_t number_of(Id id) {
    return static_cast<std::uint64_t>(id);
}

/// The last event of each publisher number, also of those that are gone: what is not newer was here already.
///
/// Overflow policy: beyond max_numbers the one first heard of goes.
class Publishers {
public:
    static constexpr std::size_t max_numbers = 4'096;

    /// The number is this member's: what somebody else published under it counts no more.
    void owns(ring::Member member, std::uint32_t number) {
        Entry& entry = make(number);
        if (entry.member != member) entry = {member, 0};
    }
    /// Whose the number is, or was; zero when nobody said so.
    ring::Member member_of(std::uint32_t number) const {
        const auto found = entries_.find(number);
        return found == entries_.end() ? ring::Member{} : found->second.member;
    }
    std::uint32_t last_of(std::uint32_t number) const {
        const auto found = entries_.find(number);
        return found == entries_.end() ? 0 : found->second.last;
    }
    /// Whether it is new; then it is the last.
    bool advance(EventId id) {
        Entry& entry = make(publisher_of(number_of(id)));
        if (count_of(number_of(id)) <= entry.last) return false;
        entry.last = count_of(number_of(id));
        return true;
    }

private:
    struct Entry {
        ring::Member member;
        std::uint32_t last = 0;
    };
    Entry& make(std::uint32_t number) {
        const auto [entry, is_new] = entries_.try_emplace(number);
        if (!is_new) return entry->second;
        ages_.push_back(number);
        if (ages_.size() > max_numbers) {
            entries_.erase(ages_.front());
            ages_.pop_front();
        }
        return entries_[number];
    }

    std::unordered_map<std::uint32_t, Entry> entries_;
    std::deque<std::uint32_t> ages_;
};

}  // namespace lamplight::bus::ais::evt
