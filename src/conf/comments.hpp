#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::conf {

/// Takes comments out of the lines of one file, as Asterisk does: `;` to the end of the line, `;-- … --;`
/// over several lines and nested, `\;` for a semicolon that stays. `;---` begins no block, and neither does a
/// `--;` end one that was not begun.
class CommentStripper {
public:
    /// What is left of the next line, without a block's content. Lines are counted from 1.
    std::string strip(std::string_view line);

    /// The line on which the innermost open block began; 0 when none is open.
    std::uint32_t open_since() const { return begun_.empty() ? 0 : begun_.back(); }

    /// Deeper blocks than this are taken as text of the block around them.
    static constexpr std::size_t deepest_block = 128;

private:
    std::vector<std::uint32_t> begun_;
    std::uint32_t line_ = 0;
};

}  // namespace lamplight::conf
