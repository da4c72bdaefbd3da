#include "wire/pubsub/event.hpp"

#include "wire/pubsub/names.hpp"

namespace lamplight::wire::pubsub {
namespace {

void read_items(const xml::Element& items, Event& event) {
    for (const xml::Element& each : items.children) {
        if (each.is("item", ns::event))
            event.items.push_back({std::string(each.value_of("id")), std::string(each.value_of("publisher")),
                                   parse_item(each)});
        else if (each.is("retract", ns::event))
            event.retracted.emplace_back(each.value_of("id"));
    }
}

std::optional<Event::Kind> kind_of(const xml::Element& what) {
    if (what.ns != ns::event) return {};
    if (what.name == "items") return Event::Kind::items;
    if (what.name == "purge") return Event::Kind::purged;
    if (what.name == "delete") return Event::Kind::deleted;
    if (what.name == "configuration") return Event::Kind::configured;
    if (what.name == "subscription") return Event::Kind::subscription;
    return {};
}

}  // namespace

std::optional<Event> parse_event(const xml::Element& message) {
    // an error brings back what the sender once said: it is nothing that the service says
    if (message.name != "message" || message.value_of("type") == "error") return {};
    const xml::Element* event = message.child("event", ns::event);
    if (!event) return {};
    for (const xml::Element& what : event->children) {
        const auto kind = kind_of(what);
        if (!kind) continue;
        Event out;
        out.kind = *kind;
        out.from = message.value_of("from");
        out.node = what.value_of("node");
        if (out.kind == Event::Kind::items) read_items(what, out);
        if (out.kind == Event::Kind::subscription) out.subscription = what.value_of("subscription");
        return out;
    }
    return {};
}

}  // namespace lamplight::wire::pubsub
