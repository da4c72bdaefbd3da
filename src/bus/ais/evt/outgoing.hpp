#pragma once

#include "bus/ais/evt/event.hpp"
#include "bus/ais/evt/service.hpp"
#include "wire/bytes.hpp"
#include "wire/evt/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lamplight::bus::ais::evt {

/// What the clients of this process did and the group has not given back, in order.
///
/// Overflow policy: has_room() is asked by who adds an event, unlink or clear; opens and closes are bounded
/// by the opens of a process.
class Outgoing {
public:
    struct Open {
        std::uint32_t handle = 0;
        ChannelId proposed{};
        OpenFlags flags;
        std::string name;
    };
    struct Close {
        std::uint32_t handle = 0;
        ChannelId channel{};
        OpenFlags flags;
        std::string name;
    };
    struct Unlink {
        std::string name;
    };
    struct Publish {
        std::shared_ptr<Event> event;
        std::string channel_name;
    };
    struct Clear {
        ChannelId channel{};
        EventId id{};
    };
    using Item = std::variant<Open, Close, Unlink, Publish, Clear>;

    Outgoing(std::size_t max_items, std::size_t max_bytes) : max_items_(max_items), max_bytes_(max_bytes) {}

    bool has_room(std::size_t bytes) const;
    void push(Item item);
    bool empty() const { return waiting_.empty(); }
    /// Writes what fits into one frame, in order, as many records as packed_frame_bytes take; gives its
    /// bytes.
    std::size_t take(wire::MutableBytes out, FrameId id);
    bool delivered(FrameId id);
    /// What was in the frame waits again, in its order. false: it is not one of ours.
    bool lost(FrameId id);
    void lose_all();
    /// Opens are asked for anew by who asked for them.
    void drop_opens();

    /// Waiting items, to change what has to change in them.
    void for_each_waiting(const std::function<void(Item&)>& change);
    /// The first that waits. Cost: O(what waits before it).
    std::optional<EventId> first_event() const;
    std::size_t opens_under_way() const { return opens_under_way_; }
    std::size_t records() const;  ///< waiting and under way
    static std::size_t bytes_of(const Item& item);

private:
    struct Placed {
        std::uint64_t order = 0;
        Item item;
    };
    using Frames = std::map<FrameId, std::vector<Placed>>;
    void count_opens(const std::vector<Placed>& items, int step);
    Frames::iterator requeue(Frames::iterator frame);

    std::size_t max_items_;
    std::size_t max_bytes_;
    std::deque<Placed> waiting_;
    std::size_t waiting_bytes_ = 0;
    std::uint64_t last_order_ = 0;
    Frames under_way_;
    std::size_t opens_under_way_ = 0;
};

/// Calls `with` with the record that says this; its views live as long as the call.
void with_record(const Event& event, std::string_view channel_name,
                 const std::function<void(const wire::evt::Publish&)>& with);

}  // namespace lamplight::bus::ais::evt
