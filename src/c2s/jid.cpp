#include "c2s/jid.hpp"

#include "wire/xml/write.hpp"

#include <algorithm>

namespace lamplight::c2s {

namespace {

constexpr std::size_t most_bytes = 1'023;
constexpr std::string_view not_in_a_local_part = "\"&'/:<>@ ";
constexpr std::string_view not_in_a_domain = "\"&'/<>@ ";

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

bool may_be(std::string_view part, std::string_view refused) {
    return !part.empty() && part.size() <= most_bytes && wire::xml::is_text(part) &&
           std::ranges::none_of(part, is_control) && part.find_first_of(refused) == std::string_view::npos;
}

std::string in_lower_case(std::string_view part) {
    std::string out(part);
    std::ranges::transform(
        out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

}  // namespace

std::optional<Jid> parse_jid(std::string_view text) {
    Jid out;
    if (const auto slash = text.find('/'); slash != std::string_view::npos) {
        if (!may_be(text.substr(slash + 1), {})) return std::nullopt;
        out.resource = text.substr(slash + 1);
        text = text.substr(0, slash);
    }
    if (const auto at = text.find('@'); at != std::string_view::npos) {
        if (!may_be(text.substr(0, at), not_in_a_local_part)) return std::nullopt;
        out.local = in_lower_case(text.substr(0, at));
        text = text.substr(at + 1);
    }
    if (text.ends_with('.')) text.remove_suffix(1);  // RFC 7622 section 3.2
    if (!may_be(text, not_in_a_domain)) return std::nullopt;
    out.domain = in_lower_case(text);
    return out;
}

std::string to_string(const Jid& jid) {
    std::string out;
    if (!jid.local.empty()) out = jid.local + '@';
    out += jid.domain;
    if (!jid.resource.empty()) out += '/' + jid.resource;
    return out;
}

}  // namespace lamplight::c2s
