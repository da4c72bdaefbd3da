#pragma once

#include "c2s/failure.hpp"
#include "wire/xml/element.hpp"
#include "wire/xml/stream_parser.hpp"

#include <string>
#include <string_view>

/// Errors of a stream as a whole (RFC 6120 section 4.9). Pure.
namespace lamplight::c2s {

inline constexpr std::string_view streams_ns = "http://etherx.jabber.org/streams";
inline constexpr std::string_view stream_errors_ns = "urn:ietf:params:xml:ns:xmpp-streams";

bool is_stream_error(const wire::xml::Element& element);
/// Of a <stream:error/>: conflict or ended_by_server, each with the condition and the server's words.
Failure failure_of(const wire::xml::Element& stream_error);

/// What we say when the server's stream is not what a stream may be, and the end of ours.
std::string words_for(wire::xml::Flaw flaw);
Failure failure_of(wire::xml::Flaw flaw);

}  // namespace lamplight::c2s
