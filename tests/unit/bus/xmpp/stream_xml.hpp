#pragma once

#include "wire/xml/stream_parser.hpp"
#include "wire/xml/write.hpp"

#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lamplight::bus::xmpp {

/// The stanzas in this text, as a stream gives them.
inline std::vector<wire::xml::Element> stanzas_of(std::string_view text) {
    wire::xml::StreamParser parser;
    std::vector<wire::xml::Item> items;
    const std::string opened =
        "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'>";
    if (!parser.feed(opened, items) || !parser.feed(text, items) || parser.in_the_middle())
        throw std::invalid_argument(std::string(text));
    std::vector<wire::xml::Element> stanzas;
    for (wire::xml::Item& item : items)
        if (auto* const stanza = std::get_if<wire::xml::Element>(&item))
            stanzas.push_back(std::move(*stanza));
    return stanzas;
}

inline wire::xml::Element stanza_of(std::string_view text) {
    return stanzas_of(text).at(0);
}

/// What was asked to be sent, without the ids of requests, and forgets it.
inline std::vector<std::string> texts_of(std::vector<wire::xml::Element>& stanzas) {
    std::vector<std::string> texts;
    for (wire::xml::Element& stanza : stanzas) {
        if (stanza.value_of("id").starts_with("l"))
            std::erase_if(stanza.attributes, [](const auto& each) { return each.name == "id"; });
        texts.push_back(wire::xml::to_text(stanza));
    }
    stanzas.clear();
    return texts;
}

}  // namespace lamplight::bus::xmpp
