#pragma once

#include "bus/ais/evt/service.hpp"

#include <span>
#include <vector>

namespace lamplight::bus::ais {

/// Which of these events say what a later one of them, of the same process, says anew: of the same device, or
/// mailbox, and EID. When retained events are delivered again, a phone that rang and was answered would ring
/// once more for a moment. What is no event of Asterisk's is never old. Pure. Cost: O(events), one text each.
std::vector<bool> made_old(std::span<const evt::Delivery> deliveries);

}  // namespace lamplight::bus::ais
