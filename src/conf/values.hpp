#pragma once

#include "state/types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::conf {

// The values that options have. Each reads the whole text, without blanks around it; anything left over is
// refused.

/// Asterisk's words, in any case: yes true y t 1 on, no false n f 0 off.
std::optional<bool> parse_bool(std::string_view text);

/// Decimal digits, with a sign; refused when it does not fit.
std::optional<std::int64_t> parse_integer(std::string_view text);

/// `500ms`, `15s`, `2m`, `24h`, `7d`; a bare number is seconds. Blanks may stand before the unit.
std::optional<state::Duration> parse_duration(std::string_view text);
/// The shortest exact form: `15s`, `24h`, `1500ms`.
std::string format_duration(state::Duration duration);

/// `4096`, `64K`, `10M`, `2G`, `64KiB`; steps of 1,024.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

/// Without one pair of double quotes around it, `\"` and `\\` inside them read.
std::string unquote(std::string_view text);

/// Pieces between commas, unquoted, without blanks around them; empty ones are left out. A comma within
/// double quotes does not separate.
std::vector<std::string> parse_list(std::string_view text);

}  // namespace lamplight::conf
