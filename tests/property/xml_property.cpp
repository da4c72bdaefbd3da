#include "wire/pubsub/payload.hpp"
#include "wire/xml/stream_parser.hpp"
#include "wire/xml/write.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace lamplight::wire {
namespace {

using xml::Element;

/// What XML has trouble with, and what it has none with.
std::string any_text(std::size_t limit) {
    std::string out;
    for (auto left = *rc::gen::inRange<std::size_t>(0, limit + 1); left > 0; --left)
        out += *rc::gen::element<std::string>(
            "a", "Z", "0", " ", "\n", "\r", "\t", "&", "<", ">", "'", "\"", "]", "]]>", ";", "&amp;", "=",
            "/", "\x7f", "\xc3\xbc", "\xe2\x82\xac", "\xef\xbf\xbd", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf");
    return out;
}

std::string any_name() {
    return *rc::gen::element<std::string>("a", "item", "x-1", "_", "query", "t\xc3\xbcr");
}

std::string any_namespace() {
    return *rc::gen::element<std::string>("jabber:client", "urn:xmpp:ping", "a&b'<c>", "\xc3\xbc");
}

Element any_element(int depth) {
    Element out(any_name(), any_namespace());
    for (int left = *rc::gen::inRange(0, 4); left > 0; --left)
        out.set(*rc::gen::element<std::string>("id", "type", "xml:lang", "var"), any_text(8));
    out.add_text(any_text(6));
    for (int left = depth > 0 ? *rc::gen::inRange(0, 4) : 0; left > 0; --left) {
        out.add(any_element(depth - 1));
        out.add_text(any_text(3));
    }
    return out;
}

/// In pieces of any size.
std::vector<xml::Item> read(std::string_view bytes) {
    xml::StreamParser parser;
    std::vector<xml::Item> items;
    while (!bytes.empty()) {
        const auto piece = *rc::gen::inRange<std::size_t>(1, 40);
        RC_ASSERT(parser.feed(bytes.substr(0, piece), items).has_value());
        bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    return items;
}

RC_GTEST_PROP(XmlLaw, WhatIsWrittenIsReadAsTheSameHoweverItIsCut, ()) {
    std::vector<Element> stanzas;
    std::string stream = "<s xmlns='jabber:client'>";
    for (int left = *rc::gen::inRange(1, 4); left > 0; --left)
        xml::append(stream, stanzas.emplace_back(any_element(3)));
    const auto items = read(stream + "</s>");
    RC_ASSERT(items.size() == stanzas.size() + 2);
    for (std::size_t i = 0; i < stanzas.size(); ++i)
        RC_ASSERT(std::get<Element>(items[i + 1]) == stanzas[i]);
}

RC_GTEST_PROP(XmlLaw, WhatIsEscapedIsTextAndNothingWhichIsTextIsLeftOut, ()) {
    const auto bytes = *rc::gen::arbitrary<std::string>();
    const std::string escaped = xml::escape(bytes);
    RC_ASSERT(xml::is_text(escaped));
    const auto items = read("<s xmlns='jabber:client'><a>" + escaped + "</a>");
    RC_ASSERT(items.size() == 2);
    const std::string& text = std::get<Element>(items[1]).text;
    RC_ASSERT(xml::is_text(text));
    RC_ASSERT((text == bytes) == xml::is_text(bytes));
}

std::string any_device() {
    std::string out = "D";
    for (auto left = *rc::gen::inRange(0, 20); left > 0; --left)
        out += *rc::gen::element<std::string>("a", "/", ":", " ", "&", "'", "<", "\xc3\xbc", "\xe2\x82\xac");
    return out;
}

state::Eid any_eid() {
    state::Eid eid{*rc::gen::arbitrary<std::array<std::uint8_t, 6>>()};
    eid.bytes[5] |= 1;
    return eid;
}

pubsub::Payload read_item(const Element& item) {
    const auto items = read("<s xmlns='jabber:client'>" + xml::to_text(item));
    RC_ASSERT(items.size() == 2);
    const auto payload = pubsub::parse_item(std::get<Element>(items[1]));
    RC_ASSERT(payload.has_value());
    return *payload;
}

RC_GTEST_PROP(PubsubLaw, APublishedStateIsReadAsTheSame, ()) {
    const pubsub::StateItem item{
        any_device(), any_eid(),
        static_cast<state::DeviceState>(*rc::gen::inRange<int>(0, state::device_state_count)),
        *rc::gen::element(state::Cachable::no, state::Cachable::yes)};
    RC_ASSERT(pubsub::is_sendable_name(item.device));
    RC_ASSERT(read_item(pubsub::make_item(item)) == pubsub::Payload(item));
}

RC_GTEST_PROP(PubsubLaw, PublishedMessageCountsAreReadAsTheSame, ()) {
    const auto any_count = [] { return *rc::gen::inRange<std::uint32_t>(0, 1u << 31); };
    const pubsub::MailboxItem item{{any_device(), any_device()}, any_eid(), any_count(), any_count()};
    RC_ASSERT(read_item(pubsub::make_item(item)) == pubsub::Payload(item));
}

RC_GTEST_PROP(PubsubLaw, APublishedFrameIsReadAsTheSame, ()) {
    const auto frame = *rc::gen::nonEmpty(rc::gen::arbitrary<std::vector<std::uint8_t>>());
    RC_ASSERT(read_item(pubsub::make_item(Bytes(frame), "votes")) ==
              pubsub::Payload(pubsub::FrameItem{frame}));
}

}  // namespace
}  // namespace lamplight::wire
