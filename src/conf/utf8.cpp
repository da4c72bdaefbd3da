#include "conf/utf8.hpp"

#include <cstdint>

namespace lamplight::conf {

namespace {

/// Length of the sequence that `lead` begins, 0 when nothing begins so; the second byte must lie in [low,
/// high].
unsigned sequence_length(std::uint8_t lead, std::uint8_t& low, std::uint8_t& high) {
    low = 0x80;
    high = 0xbf;
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf) return 2;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead >= 0xe0 && lead <= 0xef) return 3;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    if (lead >= 0xf0 && lead <= 0xf4) return 4;
    return 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        std::uint8_t low = 0;
        std::uint8_t high = 0;
        const unsigned length = sequence_length(static_cast<std::uint8_t>(text[at]), low, high);
        if (length == 0 || length > text.size() - at) return false;
        for (unsigned i = 1; i < length; ++i) {
            const auto byte = static_cast<std::uint8_t>(text[at + i]);
            if (byte < (i == 1 ? low : 0x80) || byte > (i == 1 ? high : 0xbf)) return false;
        }
        at += length;
    }
    return true;
}

}  // namespace lamplight::conf
