#pragma once

#include <cstddef>
#include <string_view>

namespace lamplight::log {

/// The bytes of the printable character of UTF-8 that begins at `place`; 0 when none does: a control
/// character, what is no UTF-8, or what turns a line around (bidirectional controls, line separators).
std::size_t printable_bytes(std::string_view text, std::size_t place);

}  // namespace lamplight::log
