#include "c2s/stream_error.hpp"

#include "c2s/one_line.hpp"

#include <fmt/format.h>

namespace lamplight::c2s {

namespace {

using wire::xml::Element;
using wire::xml::Flaw;

struct Known {
    std::string_view condition;
    std::string_view what_to_do;
};

/// Conditions an operator can do something about.
constexpr Known known_conditions[] = {
    {"host-unknown",
     "the server does not serve the domain of the JID: check username, and the server's hosts"},
    {"host-gone", "the server does not serve the domain of the JID any more"},
    {"see-other-host", "name that host by serverhost"},
    {"policy-violation", "the server's rules were broken, its limits perhaps: see its log"},
    {"resource-constraint", "the server has too many streams, or of this account: see its log"},
};

/// Also what ejabberd says when an administrator ends a session, with his words or none.
constexpr std::string_view what_of_conflict =
    "another program has logged in with our resource, or an administrator of the server ended our session; "
    "if it is a program, give each a resource of its own in username";

std::string condition_of(const Element& error) {
    for (const Element& child : error.children)
        if (child.ns == stream_errors_ns && child.name != "text") return one_line(child.name, 40);
    return "undefined-condition";
}

std::string_view what_to_do(std::string_view condition) {
    for (const Known& known : known_conditions)
        if (known.condition == condition) return known.what_to_do;
    return {};
}

/// The condition of ours (RFC 6120 section 4.9.3) for it.
std::string_view condition_for(Flaw flaw) {
    switch (flaw) {
        case Flaw::malformed:
            return "not-well-formed";
        case Flaw::dtd:
        case Flaw::instruction:
            return "restricted-xml";
        case Flaw::too_deep:
        case Flaw::too_large:
        case Flaw::too_many_elements:
        case Flaw::too_many_attributes:
            return "policy-violation";
        case Flaw::after_the_end:
            break;
    }
    return "invalid-xml";
}

}  // namespace

bool is_stream_error(const Element& element) {
    return element.is("error", streams_ns);
}

Failure failure_of(const Element& error) {
    const std::string condition = condition_of(error);
    const std::string_view words = error.text_of("text", stream_errors_ns);
    std::string text = fmt::format("the server ended the stream: {}", condition);
    const Element* const other = error.child("see-other-host", stream_errors_ns);
    if (other != nullptr && !other->text.empty()) text += fmt::format(" {}", one_line(other->text, 100));
    if (!words.empty()) text += fmt::format(" ({})", one_line(words));
    // ejabberd says conflict, too, when it ends the streams of an account that is removed.
    const bool taken = condition == "conflict" && words != "User removed";
    return {taken ? Failure::Kind::conflict : Failure::Kind::ended_by_server, std::move(text),
            std::string(taken ? what_of_conflict : what_to_do(condition))};
}

std::string words_for(Flaw flaw) {
    return fmt::format("<stream:error><{} xmlns='{}'/></stream:error></stream:stream>", condition_for(flaw),
                       stream_errors_ns);
}

Failure failure_of(Flaw flaw) {
    return {Failure::Kind::bad_xml, fmt::format("the server's stream is refused: {}", to_string(flaw)), {}};
}

}  // namespace lamplight::c2s
