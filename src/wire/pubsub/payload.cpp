#include "wire/pubsub/payload.hpp"

#include "wire/pubsub/base64.hpp"
#include "wire/pubsub/names.hpp"
#include "wire/vote/frame.hpp"
#include "wire/xml/write.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <limits>
#include <optional>

namespace lamplight::wire::pubsub {
namespace {

constexpr std::string_view white_space = " \t\r\n";

/// The largest count that Asterisk, which reads them with %10d into an int, has too.
constexpr std::uint32_t max_count = std::numeric_limits<std::int32_t>::max();

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(white_space);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

bool equal_in_any_case(std::string_view left, std::string_view right) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
    return std::ranges::equal(left, right, {}, lower, lower);
}

bool has_control_characters(std::string_view text) {
    return std::ranges::any_of(text, [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; });
}

bool is_received_name(std::string_view name) {
    return !name.empty() && name.size() <= max_received_name_bytes && !has_control_characters(name);
}

/// What sscanf("%30d") leaves in a variable that was 1: no number leaves it, and only 1 is cachable.
state::Cachable parse_cachable(std::string_view text) {
    text = text.substr(std::min(text.find_first_not_of(" \t\r\n\v\f"), text.size()));
    if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
    int number = 1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc::result_out_of_range) return state::Cachable::no;
    return number == 1 ? state::Cachable::yes : state::Cachable::no;
}

std::optional<std::uint32_t> parse_count(const xml::Element* element) {
    if (!element) return {};
    const std::string_view text = trimmed(element->text);
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number > max_count) return {};
    return number;
}

tl::expected<state::Eid, Refusal> parse_eid(const xml::Element& content) {
    const std::string* text = content.attribute("eid");
    if (!text) return tl::unexpected(Refusal::no_eid);
    const auto eid = state::parse_eid(*text);
    if (!eid || eid->is_zero()) return tl::unexpected(Refusal::bad_eid);
    return *eid;
}

tl::expected<Payload, Refusal> parse_state(const xml::Element& content, std::string_view id, state::Eid eid) {
    if (!is_received_name(id)) return tl::unexpected(Refusal::bad_name);
    const std::string_view text = trimmed(content.text);
    if (text.empty() || !content.children.empty()) return tl::unexpected(Refusal::no_state);
    const auto state = state::parse_device_state(text);
    if (!state) return tl::unexpected(Refusal::unknown_state);
    const std::string* cachable = content.attribute("cachable");
    return StateItem{std::string(id), eid, *state,
                     cachable ? parse_cachable(*cachable) : state::Cachable::yes};
}

tl::expected<Payload, Refusal> parse_mailbox(const xml::Element& content, std::string_view id,
                                             state::Eid eid) {
    const auto at = std::min(id.find('@'), id.size());
    const std::string_view name = id.substr(0, at);
    const std::string_view context = id.substr(std::min(at + 1, id.size()));
    if (!is_received_name(name) || !is_received_name(context)) return tl::unexpected(Refusal::bad_name);
    const auto new_messages = parse_count(content.child("NEWMSGS"));
    const auto old_messages = parse_count(content.child("OLDMSGS"));
    if (!new_messages || !old_messages) return tl::unexpected(Refusal::bad_counts);
    return MailboxItem{{std::string(name), std::string(context)}, eid, *new_messages, *old_messages};
}

void require_sendable(std::string_view name) {
    assert(!name.empty() && name.size() <= max_sent_name_bytes);
    static_cast<void>(name);
}

xml::Element item_with(std::string_view id, xml::Element content) {
    xml::Element item("item", std::string(ns::pubsub));
    item.set("id", std::string(id)).add(std::move(content));
    return item;
}

xml::Element asterisk_element(std::string_view name, const state::Eid& eid) {
    xml::Element out{std::string(name), std::string(ns::asterisk)};
    out.set("eid", state::to_string(eid));
    return out;
}

}  // namespace

std::string_view to_string(Refusal refusal) {
    switch (refusal) {
        case Refusal::no_payload:
            return "no payload";
        case Refusal::text_before_payload:
            return "text before the payload";
        case Refusal::unknown_payload:
            return "unknown payload";
        case Refusal::no_eid:
            return "no EID";
        case Refusal::bad_eid:
            return "bad EID";
        case Refusal::no_id:
            return "no item id";
        case Refusal::bad_name:
            return "bad name";
        case Refusal::no_state:
            return "no state";
        case Refusal::unknown_state:
            return "unknown state";
        case Refusal::bad_counts:
            return "bad message counts";
        case Refusal::bad_frame:
            return "bad frame";
    }
    return "?";
}

bool is_sendable_name(std::string_view name) {
    return !name.empty() && name.size() <= max_sent_name_bytes && !has_control_characters(name) &&
           xml::is_text(name);
}

tl::expected<Payload, Refusal> parse_item(const xml::Element& item) {
    if (item.children.empty()) return tl::unexpected(Refusal::no_payload);
    if (item.text_first) return tl::unexpected(Refusal::text_before_payload);
    const xml::Element& content = item.children.front();
    if (content.is("frame", ns::frame))
        return parse_frame(content).map([](FrameItem frame) -> Payload { return frame; });
    const bool is_state = equal_in_any_case(content.name, "state");
    if (!is_state && !equal_in_any_case(content.name, "mailbox"))
        return tl::unexpected(Refusal::unknown_payload);
    const auto eid = parse_eid(content);
    if (!eid) return tl::unexpected(eid.error());
    const std::string_view id = item.value_of("id");
    if (id.empty()) return tl::unexpected(Refusal::no_id);
    return is_state ? parse_state(content, id, *eid) : parse_mailbox(content, id, *eid);
}

xml::Element make_item(const StateItem& item) {
    require_sendable(item.device);
    xml::Element content = asterisk_element("state", item.eid);
    content.set("cachable", item.cachable == state::Cachable::yes ? "1" : "0");
    content.add_text(state::config_text(item.state));
    return item_with(item.device, std::move(content));
}

xml::Element make_item(const MailboxItem& item) {
    require_sendable(item.mailbox.name);
    require_sendable(item.mailbox.context);
    xml::Element content = asterisk_element("mailbox", item.eid);
    content.add("NEWMSGS").add_text(std::to_string(item.new_messages));
    content.add("OLDMSGS").add_text(std::to_string(item.old_messages));
    return item_with(item.mailbox.name + "@" + item.mailbox.context, std::move(content));
}

xml::Element make_item(Bytes frame, std::string_view id) {
    return item_with(id, make_frame(frame));
}

xml::Element make_frame(Bytes frame) {
    xml::Element out("frame", std::string(ns::frame));
    out.add_text(encode_base64(frame));
    return out;
}

tl::expected<FrameItem, Refusal> parse_frame(const xml::Element& frame) {
    if (!frame.is("frame", ns::frame)) return tl::unexpected(Refusal::unknown_payload);
    auto bytes = decode_base64(frame.text, vote::max_received_bytes);
    if (!bytes || bytes->empty() || !frame.children.empty()) return tl::unexpected(Refusal::bad_frame);
    return FrameItem{std::move(*bytes)};
}

}  // namespace lamplight::wire::pubsub
