#include "daemon/ending.hpp"

#include <utility>

namespace lamplight::daemon {

namespace {
constexpr std::chrono::milliseconds look_again{20};
}

Ending::Ending(boost::asio::io_context& loop, Steps steps) : timer_(loop), steps_(std::move(steps)) {}

void Ending::begin(const End& end) {
    if (step_ == Step::leaving) return;
    if (step_ == Step::waiting) {
        end_.when = console::When::now;
        leave();
        return;
    }
    end_ = end;
    step_ = Step::waiting;
    deadline_ = std::chrono::steady_clock::now() +
                (end.when == console::When::gracefully ? longest_wait : std::chrono::seconds(0));
    wait();
}

void Ending::wait() {
    // Also `now` goes once through the loop, so that whoever asked gets his answer.
    timer_.expires_after(look_again);
    timer_.async_wait([this](boost::system::error_code error) {
        if (error || step_ != Step::waiting) return;
        if (std::chrono::steady_clock::now() >= deadline_ || steps_.is_quiet())
            leave();
        else
            wait();
    });
}

void Ending::leave() {
    step_ = Step::leaving;
    steps_.say_goodbye(end_.goodbye, [this] { steps_.finish(end_.after); });
}

}  // namespace lamplight::daemon
