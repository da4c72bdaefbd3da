#pragma once

#include "wire/xml/element.hpp"
#include "wire/xml/stream_parser.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::wire::pubsub::samples {

/// The stanza as it comes out of a stream.
inline xml::Element read(std::string_view text) {
    xml::StreamParser parser;
    std::vector<xml::Item> items;
    const std::string stream =
        "<stream:stream xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams'>" +
        std::string(text);
    if (!parser.feed(stream, items) || items.size() != 2) {
        ADD_FAILURE() << "no stanza: " << text;
        return {};
    }
    return std::get<xml::Element>(items[1]);
}

inline std::ifstream open(const std::string& name) {
    std::ifstream in(LAMPLIGHT_TEST_DATA "/xmpp/stanzas/" + name);
    EXPECT_TRUE(in) << name;
    return in;
}

inline xml::Element file(const std::string& name) {
    std::ifstream in = open(name);
    return read(std::string{std::istreambuf_iterator<char>(in), {}});
}

inline std::vector<xml::Element> lines(const std::string& name) {
    std::ifstream in = open(name);
    std::vector<xml::Element> out;
    for (std::string line; std::getline(in, line);)
        out.push_back(read(line));
    EXPECT_FALSE(out.empty()) << name;
    return out;
}

/// Without what the sender adds.
inline xml::Element bare(xml::Element stanza) {
    std::erase_if(stanza.attributes,
                  [](const xml::Attribute& each) { return each.name == "id" || each.name == "from"; });
    return stanza;
}

}  // namespace lamplight::wire::pubsub::samples
