#pragma once

#include "state/types.hpp"

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

namespace lamplight::sim {

using state::Duration;
using state::Time;

/// The virtual clock, and what is due when. Things due at the same time happen in the order they were asked
/// for.
class Scheduler {
public:
    Time now() const { return now_; }

    void at(Time time, std::function<void()> action) {
        due_.push({time < now_ ? now_ : time, next_++, std::move(action)});
    }
    void after(Duration delay, std::function<void()> action) { at(now_ + delay, std::move(action)); }

    /// Does the next thing due before or at `until`; false, and it is `until`, when there is none.
    bool step(Time until) {
        if (due_.empty() || due_.top().time > until) {
            if (now_ < until) now_ = until;
            return false;
        }
        const Item item = due_.top();
        due_.pop();
        now_ = item.time;
        item.action();
        return true;
    }

private:
    struct Item {
        Time time;
        std::uint64_t order = 0;
        std::function<void()> action;
        bool operator<(const Item& other) const {
            return time != other.time ? time > other.time : order > other.order;
        }
    };
    Time now_{};
    std::uint64_t next_ = 0;
    std::priority_queue<Item> due_;
};

}  // namespace lamplight::sim
