#include "sim/oracle.hpp"

#include <algorithm>

namespace lamplight::sim {

using state::DeviceState;

DeviceState oracle_aggregate(std::span<const DeviceState> states) {
    const auto any = [&](DeviceState wanted) { return std::ranges::find(states, wanted) != states.end(); };
    const bool in_use = any(DeviceState::inuse) || any(DeviceState::busy) || any(DeviceState::onhold);
    if (any(DeviceState::ringinuse) || (any(DeviceState::ringing) && in_use)) return DeviceState::ringinuse;
    if (any(DeviceState::busy)) return DeviceState::busy;
    if (any(DeviceState::inuse)) return DeviceState::inuse;
    if (any(DeviceState::ringing)) return DeviceState::ringing;
    if (any(DeviceState::onhold)) return DeviceState::onhold;
    if (any(DeviceState::not_inuse)) return DeviceState::not_inuse;
    if (any(DeviceState::unavailable)) return DeviceState::unavailable;
    if (any(DeviceState::unknown)) return DeviceState::unknown;
    return DeviceState::invalid;
}

int oracle_extension_state(DeviceState aggregate) {
    constexpr int numbers[] = {0, 0, 1, 2, 4, 4, 8, 9, 16};
    return numbers[static_cast<std::size_t>(aggregate)];
}

}  // namespace lamplight::sim
