#include "wire/pubsub/names.hpp"
#include "wire/pubsub/request.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace lamplight::wire::pubsub {
namespace {

struct Legacy {
    int code;
    std::string_view condition;
};
/// XEP-0086: what the code means where it is all there is.
constexpr std::array legacy_codes{
    Legacy{302, "redirect"},
    Legacy{400, "bad-request"},
    Legacy{401, "not-authorized"},
    Legacy{402, "payment-required"},
    Legacy{403, "forbidden"},
    Legacy{404, "item-not-found"},
    Legacy{405, "not-allowed"},
    Legacy{406, "not-acceptable"},
    Legacy{407, "registration-required"},
    Legacy{408, "remote-server-timeout"},
    Legacy{409, "conflict"},
    Legacy{500, "internal-server-error"},
    Legacy{501, "feature-not-implemented"},
    Legacy{502, "service-unavailable"},
    Legacy{503, "service-unavailable"},
    Legacy{504, "remote-server-timeout"},
    Legacy{510, "service-unavailable"},
};

std::string_view condition_of(int code) {
    const auto found = std::ranges::find(legacy_codes, code, &Legacy::code);
    return found == legacy_codes.end() ? "undefined-condition" : found->condition;
}

int parse_code(std::string_view text) {
    int code = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
    return error == std::errc() && end == text.data() + text.size() && code > 0 && code < 1'000 ? code : 0;
}

bool is_condition(const xml::Element& element, std::string_view ns) {
    return element.ns == ns && element.name.size() <= max_condition_bytes &&
           !(ns == ns::stanzas && element.name == "text");
}

/// No more than is fit for a line of a log, in whole characters.
std::string cut(std::string_view text) {
    if (text.size() <= max_error_text_bytes) return std::string(text);
    std::size_t end = max_error_text_bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end;
    return std::string(text.substr(0, end));
}

/// The first of each; Tigase 5 puts its own and the text beside <error/>, which the caller passes second.
void read_conditions(const xml::Element& parent, Error& out) {
    for (const xml::Element& each : parent.children) {
        if (out.condition.empty() && is_condition(each, ns::stanzas)) out.condition = each.name;
        if (out.pubsub_condition.empty() && is_condition(each, ns::errors)) out.pubsub_condition = each.name;
        if (out.text.empty() && each.is("text", ns::stanzas)) out.text = cut(each.text);
    }
}

}  // namespace

Error parse_error(const xml::Element& iq) {
    Error out;
    if (const xml::Element* error = iq.child("error")) {
        out.code = parse_code(error->value_of("code"));
        out.type = cut(error->value_of("type"));
        read_conditions(*error, out);
        if (out.text.empty()) out.text = cut(error->text);
    }
    read_conditions(iq, out);
    if (out.condition.empty()) out.condition = condition_of(out.code);
    return out;
}

}  // namespace lamplight::wire::pubsub
