#include "bus/xmpp/back_off.hpp"

#include <algorithm>
#include <utility>

namespace lamplight::bus::xmpp {

state::Duration BackOff::next(Trouble trouble, std::uint64_t random) {
    const bool is_again = std::exchange(wanted_another_, trouble == Trouble::wants_another);
    if (wanted_another_ && !is_again) return {};
    step_ = trouble == Trouble::lasting ? most : std::clamp(step_ * 2, least, most);
    const state::Duration half = step_ / 2;
    return half + state::Duration(static_cast<state::Duration::rep>(
                      random % (static_cast<std::uint64_t>((step_ - half).count()) + 1)));
}

}  // namespace lamplight::bus::xmpp
