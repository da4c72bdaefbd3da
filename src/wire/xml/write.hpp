#pragma once

#include "wire/xml/element.hpp"

#include <string>
#include <string_view>

namespace lamplight::wire::xml {

/// Appends the element as Asterisk's own library writes it: attributes in their order in single quotes,
/// `xmlns` first and only where it differs from `parent_ns`, `/>` for what is empty, & < > ' " escaped; no
/// white space of its own. Characters that XML 1.0 does not have are left out.
void append(std::string& out, const Element& element, std::string_view parent_ns = "jabber:client");
std::string to_text(const Element& element, std::string_view parent_ns = "jabber:client");

/// Escapes & < > ' " for text and attributes alike; characters that XML does not have are left out.
std::string escape(std::string_view text);

/// UTF-8 with nothing in it that XML 1.0 does not have: escape() leaves nothing out.
bool is_text(std::string_view text);

}  // namespace lamplight::wire::xml
