#pragma once

#include <string>
#include <string_view>

/// What others named their things, as it may stand on a terminal. Pure.
namespace lamplight::console {

/// Bytes of any value as one line: a backslash is `\\`, NUL is `\0`, what is no printable character of UTF-8
/// is `\xNN`. A peer's text cannot forge a line, drive a terminal or turn a line around.
std::string escaped(std::string_view bytes);
/// Whether all of it can stand in a line as it is: UTF-8 without control characters.
bool is_printable(std::string_view bytes);

}  // namespace lamplight::console
