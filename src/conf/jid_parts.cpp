#include "conf/jid_parts.hpp"

#include "conf/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace lamplight::conf {

namespace {

bool has_any(std::string_view text, std::string_view characters) {
    return text.find_first_of(characters) != text.npos;
}

std::string refuse_part(std::string_view part, std::string_view name) {
    if (part.empty()) return fmt::format("its {} is empty", name);
    if (part.size() > longest_jid_part)
        return fmt::format("its {} is longer than {} bytes", name, longest_jid_part);
    return is_xml_text(part) ? std::string() : fmt::format("its {} is no text that XMPP can send", name);
}

}  // namespace

bool is_xml_text(std::string_view text) {
    constexpr std::string_view never[] = {"\xEF\xBF\xBE", "\xEF\xBF\xBF"};  // U+FFFE, U+FFFF
    const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    return is_utf8(text) && std::none_of(text.begin(), text.end(), is_control) &&
           std::none_of(std::begin(never), std::end(never),
                        [&](std::string_view sequence) { return text.find(sequence) != text.npos; });
}

JidParts split_jid(std::string_view text) {
    JidParts jid;
    const std::size_t slash = text.find('/');
    jid.has_resource = slash != text.npos;
    if (jid.has_resource) jid.resource = text.substr(slash + 1);
    const std::string_view bare = text.substr(0, slash);
    const std::size_t at = bare.find('@');
    jid.has_local = at != bare.npos;
    if (jid.has_local) jid.local = bare.substr(0, at);
    jid.domain = jid.has_local ? bare.substr(at + 1) : bare;
    if (jid.domain.ends_with('.')) jid.domain.remove_suffix(1);  // RFC 7622 section 3.2
    return jid;
}

std::string refuse_jid(const JidParts& jid) {
    if (std::string why = refuse_part(jid.domain, "domain"); !why.empty()) return why;
    if (jid.domain.ends_with('.')) return "its domain ends with more than one dot";
    if (has_any(jid.domain, " @\"&'<>")) return "its domain has a character that no domain has";
    if (jid.has_local) {
        if (std::string why = refuse_part(jid.local, "name before the @"); !why.empty()) return why;
        if (has_any(jid.local, " \"&':<>")) return "its name has a character that no account has";
    }
    return jid.has_resource ? refuse_part(jid.resource, "resource") : std::string();
}

}  // namespace lamplight::conf
