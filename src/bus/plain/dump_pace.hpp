#pragma once

#include "state/types.hpp"

#include <algorithm>
#include <cstdint>

namespace lamplight::bus::plain {

/// When the next whole dump may begin. Who comes and goes again and again costs everybody a dump each time,
/// and event channels retain what it says: without a pause one process could fill them. What is retained
/// meanwhile (a minute, `longest` is less) has everything for who comes in the pause.
///
/// ```
///  pause   of a dump: `least`, once for every thousand votes begun
///          of the next one, when it begins before that pause has passed twice: twice that, at most `longest`
/// ```
class DumpPace {
public:
    /// `least` 0: there is no pause.
    void began(state::Time now, std::uint64_t votes, state::Duration least, state::Duration longest) {
        const auto thousands = static_cast<std::int64_t>(std::min(votes, most_votes) / 1'000 + 1);
        const bool soon = now < earliest_ + pause_;
        pause_ = std::min(std::max(least * thousands, soon ? 2 * pause_ : pause_.zero()), longest);
        earliest_ = now + pause_;
    }
    state::Time earliest() const { return earliest_; }

private:
    static constexpr std::uint64_t most_votes = 1'000'000'000;

    state::Duration pause_{0};
    state::Time earliest_ = state::Time::min();
};

}  // namespace lamplight::bus::plain
