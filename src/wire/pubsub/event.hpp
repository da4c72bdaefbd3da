#pragma once

#include "wire/pubsub/payload.hpp"
#include "wire/xml/element.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lamplight::wire::pubsub {

struct EventItem {
    std::string id;
    std::string publisher;  ///< as the service says it; empty when it does not
    tl::expected<Payload, Refusal> payload = tl::unexpected(Refusal::no_payload);
};

/// A <message/> with a PubSub event (XEP-0060 sections 7.1.2, 7.2.2.1, 8.4, 8.5).
struct Event {
    enum class Kind : std::uint8_t { items, purged, deleted, configured, subscription } kind{};
    std::string from;  ///< the service
    std::string node;
    std::vector<EventItem> items;        ///< of items; all of them, though Asterisk reads only the first
    std::vector<std::string> retracted;  ///< ids
    std::string subscription;            ///< of subscription: subscribed, none, pending
};

/// Empty when the message has no PubSub event, or one of another kind (`collection`), or is an error. A node
/// whose name cannot be read is empty.
std::optional<Event> parse_event(const xml::Element& message);

}  // namespace lamplight::wire::pubsub
