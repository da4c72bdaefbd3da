#pragma once

#include "state/mwi.hpp"
#include "state/vote.hpp"
#include "wire/bytes.hpp"
#include "wire/xml/element.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What is in a PubSub item: Asterisk's states and message counts (asterisk-facts 5.3, 5.4), and our own
/// frame. Pure; whatever a peer sends is refused with a reason.
namespace lamplight::wire::pubsub {

/// Longest device name, mailbox and context that goes onto Asterisk's wire, and that is taken.
inline constexpr std::size_t max_sent_name_bytes = 79;
inline constexpr std::size_t max_received_name_bytes = 255;

/// <state xmlns='http://asterisk.org' eid='…' cachable='1'>INUSE</state>; the item's id is the device.
struct StateItem {
    std::string device;
    state::Eid eid;
    state::DeviceState state{};
    state::Cachable cachable = state::Cachable::yes;
    bool operator==(const StateItem&) const = default;
};
/// <mailbox …><NEWMSGS>2</NEWMSGS><OLDMSGS>5</OLDMSGS></mailbox>; the item's id is `mailbox@context`.
struct MailboxItem {
    state::Mailbox mailbox;
    state::Eid eid;
    std::uint32_t new_messages = 0;
    std::uint32_t old_messages = 0;
    bool operator==(const MailboxItem&) const = default;
};
/// <frame xmlns='urn:lamplight:votes:1'>base64</frame>: one frame of docs/protocol/votes.md.
struct FrameItem {
    std::vector<std::uint8_t> frame;
    bool operator==(const FrameItem&) const = default;
};
using Payload = std::variant<StateItem, MailboxItem, FrameItem>;

enum class Refusal : std::uint8_t {
    no_payload,
    text_before_payload,
    unknown_payload,  ///< neither a state nor a mailbox nor a frame
    no_eid,
    bad_eid,   ///< unreadable, or all zero
    no_id,     ///< no item id: nobody can know the device
    bad_name,  ///< a device, mailbox or context that is empty, too long, or has control characters
    no_state,
    unknown_state,
    bad_counts,  ///< missing, not a number, or more than an Asterisk can say
    bad_frame,   ///< not base64, or longer than a frame
};
inline constexpr std::size_t refusal_count = 11;
std::string_view to_string(Refusal refusal);

/// `item` is an <item/> of an event or of an answer to a request for items. As Asterisk reads it, the
/// payload's element counts by its name without regard to case, and its namespace not at all, but for our
/// frame. `cachable` is 1 when it is missing.
tl::expected<Payload, Refusal> parse_item(const xml::Element& item);

/// Whether Asterisk's wire carries the name as it is: 1 to max_sent_name_bytes of UTF-8 without control
/// characters.
bool is_sendable_name(std::string_view name);

/// What we publish is what every Asterisk understands: `eid` always, never an empty state. Asserts that the
/// names are 1 to max_sent_name_bytes; who asks is_sendable_name() before knows that they arrive unchanged.
xml::Element make_item(const StateItem& item);
xml::Element make_item(const MailboxItem& item);
/// `id` of the item: one for all, so that a service that keeps items keeps one.
xml::Element make_item(Bytes frame, std::string_view id);
/// The frame alone, as it is in an IQ between two Lamplights.
xml::Element make_frame(Bytes frame);
tl::expected<FrameItem, Refusal> parse_frame(const xml::Element& frame);

}  // namespace lamplight::wire::pubsub
