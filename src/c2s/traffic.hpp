#pragma once

#include "wire/xml/element.hpp"
#include "wire/xml/stream_parser.hpp"

#include <string>
#include <string_view>

/// What is said on a stream, as people may see it: secrets are `***`. Pure.
namespace lamplight::c2s {

/// Secrets: what SASL says (RFC 6120 section 6.4), password and digest of jabber:iq:auth, password and key of
/// a registration, also where they are fields of a form.
std::string shown(const wire::xml::Element& element);
std::string shown(const wire::xml::StreamOpened& header);
/// Text of ours: a header, elements, an end. What cannot be read is shown as its length.
std::string shown_text(std::string_view text);

}  // namespace lamplight::c2s
