#pragma once

#include "bus/ais/evt/event.hpp"
#include "bus/ais/evt/retained.hpp"
#include "bus/ais/evt/service.hpp"

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>

namespace lamplight::bus::ais::evt {

/// What waits for a client: highest priority first, of one priority in the order in which it came.
///
/// Overflow policy: beyond `limit` what has the lowest priority, of that the newest, is dropped, be it the
/// newcomer. A gap begins: a lost-event notice stands in front of everything. It is one for all that is
/// dropped until the queue is down to `resume`; what was dropped after the notice was taken is said by
/// another one then, so that nothing is lost without a word.
class ClientQueue {
public:
    struct Entry {
        Delivery delivery;
        Place queued = 0;
    };
    ClientQueue(std::size_t limit, std::size_t resume) : limit_(limit), resume_(resume) {}

    /// What waits beyond a smaller limit is dropped by the same policy when the next one is pushed; of a
    /// queue that nothing comes to, nothing is lost.
    void configure(std::size_t limit, std::size_t resume);

    enum class Pushed : std::uint8_t { queued, dropped, gap_began };
    /// dropped, gap_began: this one or others were dropped.
    Pushed push(Entry entry);
    /// What pop() would give has this priority; the lost notice the highest. Nothing: it is empty.
    std::optional<std::uint8_t> front_priority() const;
    bool has_notice() const { return notice_.has_value(); }
    std::optional<Delivery> pop();
    /// Lets `change` see every entry; those for which it says false are taken out.
    void sift(const std::function<bool(Entry&)>& change);
    bool empty() const { return size_ == 0 && !notice_; }
    std::size_t size() const { return size_; }  ///< without the notice
    std::uint64_t dropped() const { return dropped_; }

private:
    static constexpr std::size_t priorities = lowest_priority + 1;
    static std::uint8_t priority_of(const Entry& entry) { return entry.delivery.event->attributes.priority; }
    void add(Entry entry);
    Entry take_newest_of_lowest();
    Pushed drop_one();
    void check_resume();

    std::size_t limit_;
    std::size_t resume_;
    std::array<std::deque<Entry>, priorities> waiting_;
    std::size_t size_ = 0;
    std::optional<Delivery> notice_;
    /// In a gap: where what was dropped last, since the notice was taken, would have gone.
    bool in_gap_ = false;
    std::optional<Delivery> untold_;
    std::uint64_t dropped_ = 0;
};

/// The event that stands for those that were dropped.
EventPointer lost_event(ChannelId channel);

}  // namespace lamplight::bus::ais::evt
