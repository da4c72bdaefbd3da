#include "bus/xmpp/back_off.hpp"

#include <algorithm>
#include <utility>

namespace lamplight::bus::xmpp {

namespace {

state::Duration up_to(state::Duration most, std::uint64_t random) {
    return state::Duration(
        static_cast<state::Duration::rep>(random % (static_cast<std::uint64_t>(most.count()) + 1)));
}

}  // namespace

state::Duration BackOff::next(Trouble trouble, std::uint64_t random) {
    const bool is_again = std::exchange(wanted_another_, trouble == Trouble::wants_another);
    if (wanted_another_ && !is_again) return {};
    step_ = trouble == Trouble::lasting ? most : std::clamp(step_ * 2, least, most);
    const state::Duration half = step_ / 2;
    return half + up_to(step_ - half, random);
}

state::Duration BackOff::next_after_rival(state::Time now, std::uint64_t random) {
    const auto last = std::exchange(rival_at_, now);
    const state::Duration pause = last && now - *last < rival_memory ? rivals : rival;
    return pause + up_to(pause / 4, random);
}

void BackOff::succeeded() {
    step_ = {};
    wanted_another_ = false;
}

}  // namespace lamplight::bus::xmpp
