#pragma once

#include "bus/ais/evt/event.hpp"
#include "bus/ais/evt/marks.hpp"
#include "state/types.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lamplight::bus::ais::evt {

/// A place in the order in which things came to this process; counts up.
using Place = std::uint64_t;

inline constexpr state::Time never = state::Time::max();
/// When something that lives `span` from now ends; for_ever: never.
state::Time end_of(Nanoseconds span, state::Time now);
/// How long it still lives; 0: not any more.
Nanoseconds span_until(state::Time end, state::Time now);

/// Events that are kept for later subscribers, by channel, and marks of those that were cleared.
///
/// Cost: O(log events of the channel) to add, move and remove; expiry O(log events). About 350 bytes of
/// memory an event beside its texts and data, 20 more if it ends: by three quarters more than weight() says.
class RetainedEvents {
public:
    struct Limits {
        std::size_t events = 0;
        std::size_t bytes = 0;
        std::size_t marks = 0;
    };
    struct Kept {
        EventPointer event;
        state::Time end{};
    };
    using List = std::map<Place, Kept>;
    struct Shelf {
        List list;
        std::array<std::size_t, lowest_priority + 1> of_priority{};
        std::size_t bytes = 0;
    };
    /// A cleared event; `end`: of the life it would have had.
    struct Cleared {
        ChannelId channel{};
        state::Time end{};
    };

    explicit RetainedEvents(const Limits& limits) : limits_(limits), cleared_(limits.marks) {}

    bool has(EventId id) const { return index_.contains(id); }
    bool is_cleared(EventId id) const { return cleared_.has(id); }
    bool has_in(ChannelId channel, EventId id) const;
    /// false: no room. The id must be new.
    bool add(EventPointer event, state::Time end, Place place);
    /// Puts a kept event to another place of its channel.
    void move(EventId id, Place place);
    std::optional<Place> place_of(EventId id) const;
    void remove_channel(ChannelId channel);
    /// Removes it and leaves a mark, also when it is not here: it may still come. Whether it was here.
    bool clear(ChannelId channel, EventId id, state::Time end_if_unknown);

    std::optional<state::Time> next_end() const;
    /// Removes what has had its life; says how many.
    std::size_t expire(state::Time now);
    /// For an event of this weight().
    bool has_room(std::size_t weight) const {
        return index_.size() < limits_.events && bytes_ + weight <= limits_.bytes;
    }

    /// Nothing when none is kept.
    const Shelf* shelf(ChannelId channel) const;
    const Marks<EventId, Cleared>& cleared() const { return cleared_; }
    Cleared* find_cleared(EventId id) { return cleared_.find(id); }
    std::size_t size() const { return index_.size(); }
    std::size_t bytes() const { return bytes_; }
    void clear_all();

    /// What an event takes of Limits::bytes.
    static std::size_t weight(const Event& event);

private:
    struct Where {
        Shelf* shelf = nullptr;
        Place place = 0;
    };
    using Due = std::pair<state::Time, EventId>;

    void take_off(EventId id, const Where& where);
    void compact();
    bool is_due(const Due& due) const;

    Limits limits_;
    std::unordered_map<ChannelId, Shelf> shelves_;  ///< their addresses stay
    std::unordered_map<EventId, Where> index_;
    std::vector<Due> dues_;  ///< a heap, soonest first; has ends of events that are gone already
    Marks<EventId, Cleared> cleared_;
    std::size_t bytes_ = 0;
};

}  // namespace lamplight::bus::ais::evt
