// A stream from a server, as it is shown and told to people: nothing of it is a secret of a login, failures
// are one line, and what cannot be read is not shown.
#include "c2s/stream_error.hpp"
#include "c2s/traffic.hpp"
#include "wire/xml/stream_parser.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

using namespace lamplight;
using wire::xml::Element;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

bool is_one_line(std::string_view text) {
    return std::ranges::none_of(text,
                                [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

void check(const Element& element) {
    const std::string shown = c2s::shown(element);
    require(!shown.empty());
    if (element.ns == "urn:ietf:params:xml:ns:xmpp-sasl" && element.name == "challenge" &&
        !element.text.empty())
        require(shown.find("***") != std::string::npos);
    const c2s::Failure failure = c2s::failure_of(element);
    require(is_one_line(failure.text) && failure.text.size() < 600);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)c2s::shown_text(text);
    wire::xml::StreamParser parser;
    std::vector<wire::xml::Item> items;
    (void)parser.feed("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
                      items);
    const auto read = parser.feed(text, items);
    for (const wire::xml::Item& item : items)
        if (const auto* const element = std::get_if<Element>(&item)) check(*element);
    if (!read) require(is_one_line(c2s::failure_of(read.error()).text));
    return 0;
}
