#pragma once

#include <tl/expected.hpp>

#include <bitset>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::state {

/// Why a text is no pattern.
enum class PatternError : std::uint8_t {
    no_underscore,  ///< a literal extension
    open_bracket,   ///< `[` without `]`: matches nothing in Asterisk, which warns
    too_long,       ///< more than 255 bytes
};
std::string_view to_string(PatternError error);

/// A dialplan pattern, `_1XX`: what it matches, and which of two is tried first.
///
/// `X` 0-9, `Z` 1-9, `N` 2-9 (either case), `[1-5a]`, `.` one or more of anything, `!` zero or more; `-`
/// outside brackets is decoration, in the pattern and in what is dialled. An empty `[]` is nothing. What
/// follows `.` or `!` has no meaning.
class ExtensionPattern {
public:
    static tl::expected<ExtensionPattern, PatternError> parse(std::string_view text);

    /// Cost: O(bytes of the extension).
    bool matches(std::string_view extension) const;

    /// less: tried first. Position by position the smaller set is the more specific one, then the set with
    /// the lower characters; `.` comes after every set, `!` after it, the end of the pattern last.
    std::weak_ordering operator<=>(const ExtensionPattern& other) const;
    bool operator==(const ExtensionPattern& other) const { return (*this <=> other) == 0; }

private:
    using Set = std::bitset<256>;
    enum class Tail : std::uint8_t { one_or_more, zero_or_more, none };  // in order of precedence

    std::vector<Set> positions_;
    Tail tail_ = Tail::none;
};

/// The extension without the dashes that Asterisk ignores: equal texts are the same extension.
std::string without_dashes(std::string_view extension);

/// Puts an extension into a pattern hint's text: `${EXTEN}`, `${EXTEN:offset}`, `${EXTEN:offset:length}`. A
/// negative offset counts from the end, a negative length leaves that many off the end; beyond the end is
/// empty. Another variable is empty, as an unset one is in Asterisk; `${` without its `}` stays as it is.
/// What is put in is not looked at again.
std::string expand_extension(std::string_view text, std::string_view extension);

}  // namespace lamplight::state
