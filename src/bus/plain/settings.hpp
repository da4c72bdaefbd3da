#pragma once

#include "state/types.hpp"
#include "wire/event/event.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace lamplight::bus::plain {

/// Event types that are switched by themselves in res_corosync.conf (asterisk-facts 3.7).
struct Switches {
    bool mwi = false;
    bool device_state = false;
    bool ping = true;
    bool cluster_discovery = true;

    constexpr bool operator==(const Switches&) const = default;
};

/// What tells the members of the group apart to everybody there: who goes takes along what its Corosync node
/// said (Asterisk's group `asterisk`), or what it said itself (event channels). By process, nobody is said to
/// share our node, and nobody's votes are repeated on its behalf.
enum class Identity : std::uint8_t { node, process };
/// About a stranger that votes with an EID of ours: `yield` says nothing more of that node while it is there,
/// because to all others the two are one and the last word counts.
enum class Duplicate : std::uint8_t { ignore, yield };

struct Settings {
    state::Bus bus = state::Bus::corosync_plain;
    wire::event::Dialect dialect;
    Identity identity = Identity::node;
    Duplicate duplicate = Duplicate::ignore;
    Switches publish;
    Switches subscribe;
    /// How long after a stranger's coming its dump starts: several that come together share one, and a
    /// Lamplight on its way into both groups is recognised.
    state::Duration dump_delay = std::chrono::milliseconds(30);
    /// Between the starts of two dumps for strangers (DumpPace); those that come meanwhile share the next one
    /// and hear changes already. 0: none. What the operator changes is dumped at once.
    state::Duration dump_pause{0};
    state::Duration longest_dump_pause = std::chrono::seconds(30);
    /// How often the same complaint about the same member is said again.
    state::Duration complaint_every = std::chrono::minutes(1);
};

}  // namespace lamplight::bus::plain
