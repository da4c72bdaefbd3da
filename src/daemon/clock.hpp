#pragma once

#include "state/types.hpp"

#include <chrono>

namespace lamplight::daemon {

/// The engine's time in a daemon: the steady clock, anchored to the wall clock at start, so that it looks
/// like a date and never runs backwards. What people see is converted with the present offset, so that a
/// corrected wall clock corrects every date said from then on.
class Clock {
public:
    using Wall = std::chrono::system_clock;
    using Steady = std::chrono::steady_clock;

    Clock() : wall_start_(Wall::now()), steady_start_(Steady::now()) {}

    state::Time now() const { return at(Steady::now()); }
    Wall::time_point wall(state::Time time) const {
        return Wall::now() - std::chrono::duration_cast<Wall::duration>(now() - time);
    }
    /// When an engine time comes, for timers.
    Steady::time_point steady(state::Time time) const { return steady_start_ + (time - engine_start()); }

private:
    state::Time engine_start() const {
        return state::Time(std::chrono::duration_cast<state::Duration>(wall_start_.time_since_epoch()));
    }
    state::Time at(Steady::time_point point) const {
        return engine_start() + std::chrono::duration_cast<state::Duration>(point - steady_start_);
    }

    Wall::time_point wall_start_;
    Steady::time_point steady_start_;
};

}  // namespace lamplight::daemon
