#pragma once

#include "state/types.hpp"

#include <chrono>
#include <optional>

namespace lamplight::bus::ais {

/// When everything retained is asked for again, because events did not reach us: at once, and not again
/// before `pause`, so that a flood that goes on does not make us begin anew for ever. Pure.
class Resync {
public:
    static constexpr state::Duration pause = std::chrono::seconds(1);

    void ask(state::Time now) {
        if (!due_) due_ = last_ && *last_ + pause > now ? *last_ + pause : now;
    }
    std::optional<state::Time> deadline() const { return due_; }
    /// Whether it is to be done now; it counts as done then.
    bool take(state::Time now) {
        if (!due_ || *due_ > now) return false;
        due_.reset();
        last_ = now;
        return true;
    }

private:
    std::optional<state::Time> due_;
    std::optional<state::Time> last_;
};

}  // namespace lamplight::bus::ais
