#pragma once

#include "log/log.hpp"
#include "state/engine.hpp"

namespace lamplight::console {

/// Asterisk's four debug lines about one change (asterisk-facts 8.3), at level 1: what was processed, each
/// server's counting vote, the result, and whether the aggregate is another one than `before`.
///
/// Call it after the vote was applied, one vote at a time, for votes that were applied or confirmed; cheap
/// when debug is off.
void trace_change(log::Log& log, const state::Engine& engine, state::DeviceId device,
                  state::DeviceState before);

/// Whether trace_change would write anything: then votes must be applied one by one.
bool traces(const log::Log& log);

}  // namespace lamplight::console
