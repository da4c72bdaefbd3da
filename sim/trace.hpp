#pragma once

#include "state/types.hpp"

#include <cstddef>
#include <deque>
#include <string>

namespace lamplight::sim {

/// One thing that a node told: `Custom:abc UNKNOWN -> INUSE (pbx1, vote)`.
struct TraceLine {
    state::Time time;
    std::string node;
    std::string text;
};

/// The last lines of a run, oldest first.
class Trace {
public:
    void add(state::Time time, std::string node, std::string text) {
        if (lines_.size() == most) lines_.pop_front();
        lines_.push_back({time, std::move(node), std::move(text)});
    }
    const std::deque<TraceLine>& lines() const { return lines_; }
    void clear() { lines_.clear(); }

private:
    static constexpr std::size_t most = 20'000;
    std::deque<TraceLine> lines_;
};

}  // namespace lamplight::sim
