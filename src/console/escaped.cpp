#include "console/escaped.hpp"

#include "log/printable.hpp"

#include <fmt/format.h>

namespace lamplight::console {

std::string escaped(std::string_view bytes) {
    std::string out;
    for (std::size_t place = 0; place < bytes.size();) {
        const std::size_t length = log::printable_bytes(bytes, place);
        if (length == 0)
            out += bytes[place] == '\0' ? "\\0"
                                        : fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[place]));
        else if (bytes[place] == '\\')
            out += "\\\\";
        else
            out += bytes.substr(place, length);
        place += length == 0 ? 1 : length;
    }
    return out;
}

bool is_printable(std::string_view bytes) {
    for (std::size_t place = 0; place < bytes.size();) {
        const std::size_t length = log::printable_bytes(bytes, place);
        if (length == 0) return false;
        place += length;
    }
    return true;
}

}  // namespace lamplight::console
