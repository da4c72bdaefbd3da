#pragma once

#include "bus/sync/exchange.hpp"

#include <string>
#include <string_view>

namespace lamplight::bus::sync {

/// How much a piece of news matters to who reads the log.
enum class Weight : std::uint8_t { talk, notice, warning };
Weight weight_of(News::Kind kind);

/// One line for the log, the same on every bus: `pbx2 pid 4711 says goodbye: left`. `who` is the peer's
/// label.
std::string to_text(const News& news, std::string_view who);

}  // namespace lamplight::bus::sync
