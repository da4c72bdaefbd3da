#pragma once

#include "state/device_state.hpp"

#include <span>

namespace lamplight::sim {

/// What several states make together, from the closed form of the reference (nothing: INVALID; RINGING beside
/// any use: RINGINUSE; else the highest rank). Written without the engine's join, to check it.
state::DeviceState oracle_aggregate(std::span<const state::DeviceState> states);

/// The number of the extension state that an aggregate shows as.
int oracle_extension_state(state::DeviceState aggregate);

}  // namespace lamplight::sim
