#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lamplight::c2s {

/// What a server said, as it may stand in a line for people: control characters become spaces, and what is
/// longer than `most_bytes` ends with `…`, never within a character of UTF-8.
std::string one_line(std::string_view text, std::size_t most_bytes = 200);

}  // namespace lamplight::c2s
