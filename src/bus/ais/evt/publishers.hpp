#pragma once

#include "bus/ais/evt/event.hpp"
#include "ring/types.hpp"

#include <algorithm>
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
/// Overflow policy: beyond max_numbers the one first heard of goes, of those that no member has now.
class Publishers {
public:
    static constexpr std::size_t max_numbers = 4'096;

    /// The number is this member's, and `before` no more: what somebody else published under it does not
    /// count any more.
    void owns(ring::Member member, std::uint32_t number, std::uint32_t before) {
        if (before != number) released(member, before);
        Entry& entry = make(number);
        if (entry.member != member) entry = {.member = member};
        entry.is_held = true;
    }
    /// It has gone, or has another number.
    void released(ring::Member member, std::uint32_t number) {
        const auto found = entries_.find(number);
        if (found != entries_.end() && found->second.member == member) found->second.is_held = false;
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
    /// The same of what others tell of a publisher. It does not bear on what that says itself: nobody can
    /// silence another.
    bool advance_told(EventId id) {
        Entry& entry = make(publisher_of(number_of(id)));
        const std::uint32_t count = count_of(number_of(id));
        if (count <= std::max(entry.last, entry.told)) return false;
        entry.told = count;
        return true;
    }

private:
    struct Entry {
        ring::Member member;
        std::uint32_t last = 0;  ///< that it said itself
        std::uint32_t told = 0;  ///< that others told
        bool is_held = false;    ///< by a member that is there
    };
    Entry& make(std::uint32_t number) {
        const auto [entry, is_new] = entries_.try_emplace(number);
        if (!is_new) return entry->second;
        ages_.push_back(number);
        if (ages_.size() > max_numbers) make_room(number);
        return entries_[number];
    }
    void make_room(std::uint32_t newcomer) {
        for (std::size_t tries = ages_.size(); tries > 0; --tries) {
            const std::uint32_t oldest = ages_.front();
            ages_.pop_front();
            if (oldest != newcomer && !entries_[oldest].is_held) {
                entries_.erase(oldest);
                return;
            }
            ages_.push_back(oldest);
        }
    }

    std::unordered_map<std::uint32_t, Entry> entries_;
    std::deque<std::uint32_t> ages_;
};

}  // namespace lamplight::bus::ais::evt
