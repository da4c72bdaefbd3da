#pragma once

#include "console/daemon_control.hpp"
#include "state/engine.hpp"

#include <string>
#include <string_view>

namespace lamplight::console {

/// What a person who set `device` to `own` must know when the aggregate is another state:
/// `aggregate stays INUSE: pbx1 says so since 10:02:11`, with its line end; empty when the aggregate is
/// `own`. `before` is the aggregate before the set.
std::string aggregate_line(const state::Engine& engine, const DaemonControl& control, std::string_view device,
                           state::DeviceState own, state::DeviceState before);

}  // namespace lamplight::console
