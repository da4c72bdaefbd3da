#pragma once

#include "wire/xml/stream_parser.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lamplight::fuzz {

/// The stanzas of a text that a server says on a stream that it has opened; what comes after an error is
/// lost.
inline std::vector<wire::xml::Element> stanzas_of(std::string_view text) {
    constexpr std::string_view opening =
        "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'>";
    wire::xml::StreamParser parser;
    std::vector<wire::xml::Item> items;
    if (parser.feed(opening, items)) static_cast<void>(parser.feed(text, items));
    std::vector<wire::xml::Element> stanzas;
    for (wire::xml::Item& item : items)
        if (auto* const stanza = std::get_if<wire::xml::Element>(&item))
            stanzas.push_back(std::move(*stanza));
    return stanzas;
}

/// Calls `visit` with each line of a text, without its end; 64 at the most.
template <typename Visit>
void for_each_line(std::string_view text, Visit&& visit) {
    for (int lines = 0; !text.empty() && lines < 64; ++lines) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        visit(line);
    }
}

}  // namespace lamplight::fuzz
