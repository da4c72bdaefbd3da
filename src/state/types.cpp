#include "state/types.hpp"

namespace lamplight::state {

namespace {

constexpr std::array<std::string_view, bus_count> bus_texts = {"own",      "local",    "corosync", "ais",
                                                               "asterisk", "asterisk", "xmpp",     "xmpp"};

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::string to_string(const Eid& eid) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(17);
    for (const std::uint8_t byte : eid.bytes) {
        if (!text.empty()) text += ':';
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::optional<Eid> parse_eid(std::string_view text) {
    Eid eid;
    std::size_t at = 0;
    for (std::size_t i = 0; i < eid.bytes.size(); ++i) {
        if (i > 0) {
            if (at >= text.size() || text[at] != ':') return std::nullopt;
            ++at;
        }
        int value = -1;
        for (int digit = 0; digit < 2 && at < text.size() && hex_value(text[at]) >= 0; ++digit, ++at)
            value = (value < 0 ? 0 : value * 16) + hex_value(text[at]);
        if (value < 0) return std::nullopt;
        eid.bytes[i] = static_cast<std::uint8_t>(value);
    }
    if (at != text.size()) return std::nullopt;
    return eid;
}

std::string_view to_string(Bus bus) {
    return bus_texts.at(static_cast<std::size_t>(bus));
}

}  // namespace lamplight::state
