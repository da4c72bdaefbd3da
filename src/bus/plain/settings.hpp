#pragma once

#include "state/types.hpp"
#include "wire/event/event.hpp"

#include <chrono>
#include <cstddef>

namespace lamplight::bus::plain {

/// Event types that are switched by themselves in res_corosync.conf (asterisk-facts 3.7).
struct Switches {
    bool mwi = false;
    bool device_state = false;
    bool ping = true;
    bool cluster_discovery = true;

    constexpr bool operator==(const Switches&) const = default;
};

struct Settings {
    state::Bus bus = state::Bus::corosync_plain;
    wire::event::Dialect dialect;
    Switches publish;
    Switches subscribe;
    /// How long after a stranger's coming its dump starts: several that come together share one, and a
    /// Lamplight on its way into both groups is recognised.
    state::Duration dump_delay = std::chrono::milliseconds(30);
    /// How often the same complaint about the same member is said again.
    state::Duration complaint_every = std::chrono::minutes(1);
};

}  // namespace lamplight::bus::plain
