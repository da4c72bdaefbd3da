#include "wire/xml/write.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace lamplight::wire::xml {
namespace {

enum class Inside : std::uint8_t { text, attribute };

/// Code points of two, three and four bytes have this many at least: below is another form of a shorter one.
constexpr char32_t least_of_length[] = {0, 0, 0x80, 0x800, 0x10000};

bool is_xml_character(char32_t point) {
    if (point < 0x20) return point == '\t' || point == '\n' || point == '\r';
    return point < 0xd800 || (point > 0xdfff && point < 0xfffe) || (point > 0xffff && point < 0x110000);
}

std::size_t sequence_length(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first < 0xe0) return 2;
    if (first >= 0xe0 && first < 0xf0) return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/// Bytes of the character that begins there; 0 when it is none that XML has.
std::size_t character_at(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = sequence_length(first);
    if (length == 0 || length > text.size()) return 0;
    if (length == 1) return is_xml_character(first) ? 1 : 0;
    char32_t point = first & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xc0) != 0x80) return 0;
        point = point << 6 | (next & 0x3f);
    }
    return point >= least_of_length[length] && is_xml_character(point) ? length : 0;
}

/// Empty: as it is. White space in attributes would be read as spaces, and a carriage return as a line feed.
std::string_view reference_for(char byte, Inside inside) {
    switch (byte) {
        case '&':
            return "&amp;";
        case '<':
            return "&lt;";
        case '>':
            return "&gt;";
        case '\'':
            return "&apos;";
        case '"':
            return "&quot;";
        case '\r':
            return "&#13;";
        case '\t':
            return inside == Inside::attribute ? "&#9;" : "";
        case '\n':
            return inside == Inside::attribute ? "&#10;" : "";
        default:
            return {};
    }
}

/// Printable ASCII that no reference stands for: most of all that is written, and all of base64.
constexpr std::array<bool, 256> goes_as_it_is = [] {
    std::array<bool, 256> out{};
    for (char byte = ' '; byte <= '~'; ++byte)
        out[static_cast<unsigned char>(byte)] =
            std::string_view("&<>'\"").find(byte) == std::string_view::npos;
    return out;
}();

void append_escaped(std::string& out, std::string_view text, Inside inside) {
    while (!text.empty()) {
        const auto run = std::ranges::find_if_not(
            text, [](char byte) { return goes_as_it_is[static_cast<unsigned char>(byte)]; });
        out.append(text.begin(), run);
        text.remove_prefix(static_cast<std::size_t>(run - text.begin()));
        if (text.empty()) return;
        const std::size_t length = character_at(text);
        if (const std::string_view reference = reference_for(text.front(), inside); !reference.empty())
            out += reference;
        else
            out += text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
}

void append_attribute(std::string& out, std::string_view name, std::string_view value) {
    out += ' ';
    out += name;
    out += "='";
    append_escaped(out, value, Inside::attribute);
    out += '\'';
}

}  // namespace

void append(std::string& out, const Element& element, std::string_view parent_ns) {
    const std::string_view ns = element.ns.empty() ? parent_ns : std::string_view(element.ns);
    out += '<';
    out += element.name;
    if (ns != parent_ns) append_attribute(out, "xmlns", ns);
    for (const Attribute& each : element.attributes)
        append_attribute(out, each.name, each.value);
    if (element.children.empty() && element.text.empty()) {
        out += "/>";
        return;
    }
    out += '>';
    if (element.text_first) append_escaped(out, element.text, Inside::text);
    for (const Element& each : element.children)
        append(out, each, ns);
    if (!element.text_first) append_escaped(out, element.text, Inside::text);
    out += "</";
    out += element.name;
    out += '>';
}

std::string to_text(const Element& element, std::string_view parent_ns) {
    std::string out;
    append(out, element, parent_ns);
    return out;
}

bool is_text(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = character_at(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string escape(std::string_view text) {
    std::string out;
    append_escaped(out, text, Inside::text);
    return out;
}

}  // namespace lamplight::wire::xml
