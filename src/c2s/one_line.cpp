#include "c2s/one_line.hpp"

#include <algorithm>

namespace lamplight::c2s {

std::string one_line(std::string_view text, std::size_t most_bytes) {
    const bool is_cut = text.size() > most_bytes;
    if (is_cut) {
        std::size_t end = most_bytes;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
            --end;
        text = text.substr(0, end);
    }
    std::string out(text);
    std::ranges::replace_if(
        out,
        [](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return byte < 0x20 || byte == 0x7F;
        },
        ' ');
    if (is_cut) out += "…";
    return out;
}

}  // namespace lamplight::c2s
