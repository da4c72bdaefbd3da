#pragma once

#include "state/types.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace lamplight::bus {

/// Wakes a shell when the next deadline of its machine has come. On the loop's thread; after the end of this
/// object nobody is woken.
class DeadlineTimer {
public:
    DeadlineTimer(boost::asio::io_context& loop, std::function<void()> on_time)
        : timer_(loop), on_time_(std::move(on_time)), alive_(std::make_shared<DeadlineTimer*>(this)) {}
    DeadlineTimer(const DeadlineTimer&) = delete;
    DeadlineTimer& operator=(const DeadlineTimer&) = delete;

    /// What the machine says now; nothing: it waits for no time. One that has passed comes in a millisecond,
    /// so that nobody is woken in a loop. Cost: a comparison when it is the one that was set before.
    void set(std::optional<state::Time> deadline, state::Time now) {
        if (deadline == set_) return;
        set_ = deadline;
        timer_.cancel();
        if (!deadline) return;
        timer_.expires_after(
            std::max<std::chrono::milliseconds>(*deadline - now, std::chrono::milliseconds(1)));
        timer_.async_wait([alive = std::weak_ptr(alive_)](boost::system::error_code error) {
            const auto self = alive.lock();
            if (!error && self) (*self)->fire();
        });
    }

private:
    /// May end this object.
    void fire() {
        set_.reset();
        const auto on_time = on_time_;
        on_time();
    }

    boost::asio::steady_timer timer_;
    std::optional<state::Time> set_;
    std::function<void()> on_time_;
    /// Handlers in the loop hold it weakly: gone means that the timer is.
    std::shared_ptr<DeadlineTimer*> alive_;
};

}  // namespace lamplight::bus
