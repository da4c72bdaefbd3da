#include "log/printable.hpp"

#include <optional>

namespace lamplight::log {

namespace {

unsigned byte_at(std::string_view text, std::size_t place) {
    return static_cast<unsigned char>(text[place]);
}

/// How many bytes of UTF-8 announced by `first` follow it, and the smallest character that needs so many.
struct Sequence {
    std::size_t more = 0;
    unsigned least = 0;
    unsigned bits = 0;
};
std::optional<Sequence> sequence_of(unsigned first) {
    if (first >= 0xc2 && first < 0xe0) return Sequence{1, 0x80, first & 0x1fU};
    if (first >= 0xe0 && first < 0xf0) return Sequence{2, 0x800, first & 0x0fU};
    if (first >= 0xf0 && first < 0xf5) return Sequence{3, 0x10000, first & 0x07U};
    return {};
}

/// Beyond ASCII: no control characters (C1), no surrogates, and none that turn lines around (bidirectional
/// controls, line separators).
bool may_be_shown(unsigned character) {
    if (character < 0xa0 || character > 0x10ffff) return false;
    if (character >= 0xd800 && character < 0xe000) return false;
    return !(character >= 0x2028 && character <= 0x202e) && !(character >= 0x2066 && character <= 0x2069);
}

}  // namespace

std::size_t printable_bytes(std::string_view text, std::size_t place) {
    const unsigned first = byte_at(text, place);
    if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
    const auto sequence = sequence_of(first);
    if (!sequence || text.size() - place <= sequence->more) return 0;
    unsigned character = sequence->bits;
    for (std::size_t i = 1; i <= sequence->more; ++i) {
        const unsigned next = byte_at(text, place + i);
        if ((next & 0xc0U) != 0x80) return 0;
        character = character << 6U | (next & 0x3fU);
    }
    return character >= sequence->least && may_be_shown(character) ? sequence->more + 1 : 0;
}

}  // namespace lamplight::log
