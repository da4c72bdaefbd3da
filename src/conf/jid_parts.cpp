#include "conf/jid_parts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lamplight::conf {

namespace {

bool has_any(std::string_view text, std::string_view characters) {
    return text.find_first_of(characters) != text.npos;
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string refuse_length(std::string_view part, std::string_view name) {
    if (part.empty()) return fmt::format("its {} is empty", name);
    if (part.size() > longest_jid_part)
        return fmt::format("its {} is longer than {} bytes", name, longest_jid_part);
    return has_control(part) ? fmt::format("its {} has a control character", name) : std::string();
}

}  // namespace

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
    return jid;
}

std::string refuse_jid(const JidParts& jid) {
    if (std::string why = refuse_length(jid.domain, "domain"); !why.empty()) return why;
    if (has_any(jid.domain, " @\"&'<>")) return "its domain has a character that no domain has";
    if (jid.has_local) {
        if (std::string why = refuse_length(jid.local, "name before the @"); !why.empty()) return why;
        if (has_any(jid.local, " \"&':<>")) return "its name has a character that no account has";
    }
    return jid.has_resource ? refuse_length(jid.resource, "resource") : std::string();
}

}  // namespace lamplight::conf
