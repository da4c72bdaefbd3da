#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lamplight::conf {

/// Each part of an XMPP address has at most so many bytes (RFC 7622).
inline constexpr std::size_t longest_jid_part = 1'023;

/// Whether it can stand in a stanza: UTF-8, no control characters, nothing that XML has no place for.
bool is_xml_text(std::string_view text);

/// `local@domain/resource`, the domain without a dot at its end, taken apart and not checked; views of the
/// text.
struct JidParts {
    std::string_view local;
    std::string_view domain;
    std::string_view resource;
    bool has_local = false;
    bool has_resource = false;
};
JidParts split_jid(std::string_view text);

/// Empty when it is an address (RFC 7622, other scripts byte for byte); else why not: `its domain is empty`.
std::string refuse_jid(const JidParts& jid);

}  // namespace lamplight::conf
