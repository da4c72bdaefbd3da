#pragma once

#include <tl/expected.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::console {

/// Bounds of a line: the newcomer is refused with a reason.
inline constexpr std::size_t line_bytes = 4096;
inline constexpr std::size_t line_words = 64;

/// A line as words, as Asterisk's console splits it: blanks separate, `"a b"` is one word, a backslash takes
/// the next character as it is. `""` is an empty word. The error says what is wrong: an open quote, too long,
/// too many words.
tl::expected<std::vector<std::string>, std::string> split_words(std::string_view line);

/// A line that is still being typed.
struct BegunLine {
    std::vector<std::string> words;  ///< finished ones
    std::string begun;               ///< the one under the cursor, maybe empty
};
/// Never fails: what is too much is left out, an open quote belongs to the word begun.
BegunLine split_begun(std::string_view line);

/// The word as it must be typed to come back from split_words().
std::string quoted_word(std::string_view word);

std::string join_words(const std::vector<std::string>& words, std::size_t first = 0,
                       std::size_t count = static_cast<std::size_t>(-1));

}  // namespace lamplight::console
