// A stanza from a server: every reader of PubSub looks at it, and what one understands must survive being
// written again. Input that is no XML is taken for the base64 of a frame.
#include "wire/pubsub/base64.hpp"
#include "wire/pubsub/disco_pages.hpp"
#include "wire/pubsub/event.hpp"
#include "wire/pubsub/request.hpp"
#include "wire/xml/stream_parser.hpp"
#include "wire/xml/write.hpp"

#include <algorithm>
#include <cstdlib>

using namespace lamplight::wire;
using namespace lamplight::wire::pubsub;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

/// Written it may be too long for Asterisk's wire; then nobody would write it.
std::optional<xml::Element> written(const Payload& payload) {
    if (const auto* frame = std::get_if<FrameItem>(&payload)) return make_item(frame->frame, "votes");
    if (const auto* state = std::get_if<StateItem>(&payload)) {
        if (!is_sendable_name(state->device)) return {};
        return make_item(*state);
    }
    const auto& mailbox = std::get<MailboxItem>(payload);
    if (!is_sendable_name(mailbox.mailbox.name) || !is_sendable_name(mailbox.mailbox.context)) return {};
    return make_item(mailbox);
}

std::optional<xml::Element> read(std::string_view stanza) {
    xml::StreamParser parser;
    std::vector<xml::Item> items;
    if (!parser.feed("<s xmlns='jabber:client'>", items) || !parser.feed(stanza, items) || items.size() < 2)
        return {};
    auto* const element = std::get_if<xml::Element>(&items[1]);
    if (!element) return {};
    return std::move(*element);
}

void check(const tl::expected<Payload, Refusal>& payload) {
    if (!payload) return require(to_string(payload.error()) != "?");
    const auto item = written(*payload);
    if (!item) return;
    require(parse_item(*item) == *payload);
    const auto again = read(xml::to_text(*item));
    require(again && parse_item(*again) == *payload);
}

void check(const Error& error) {
    require(!error.condition.empty() && error.condition.size() <= max_condition_bytes);
    require(error.pubsub_condition.size() <= max_condition_bytes);
    require(error.text.size() <= max_error_text_bytes && error.type.size() <= max_error_text_bytes);
    require(xml::is_text(error.text) && xml::is_text(error.type));
    require(error.code >= 0 && error.code < 1'000);
}

/// Whatever a service says, the next request is small, can be read, and comes to an end.
void check_pages(const xml::Element& stanza) {
    DiscoPages pages("pubsub.fa.test", "node");
    int asked = 0;
    while (pages.take_result(stanza) == DiscoPages::Step::ask) {
        const std::string request = xml::to_text(pages.next_request());
        require(read(request).has_value() && request.size() < 64 * 1024 && ++asked < 2);
    }
}

void check_stanza(const xml::Element& stanza) {
    check_pages(stanza);
    check(parse_item(stanza));
    if (const auto frame = parse_frame(stanza)) check(Payload(*frame));
    if (const auto event = parse_event(stanza))
        for (const EventItem& item : event->items)
            check(item.payload);
    check(parse_error(stanza));
    form_values(stanza);
    parse_disco_info(stanza);
    parse_disco_items(stanza);
    parse_configuration(stanza);
    parse_affiliations(stanza);
    const auto answer = read(xml::to_text(make_error(stanza, "not-allowed", "cancel", 405)));
    require(answer && parse_error(*answer).is("not-allowed"));
    require(answer->value_of("id") == stanza.value_of("id"));
}

void check_base64(std::string_view text) {
    const auto bytes = decode_base64(text, 100);
    if (!bytes) return;
    std::string one_line(text);
    std::erase_if(one_line, [](char c) { return c == '\n' || c == '\r'; });
    require(bytes->size() <= 100 && encode_base64(*bytes) == one_line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_base64(text);
    if (const auto stanza = read(text)) check_stanza(*stanza);
    return 0;
}
