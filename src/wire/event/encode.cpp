#include "wire/event/elements.hpp"
#include "wire/event/event.hpp"

#include <algorithm>

namespace lamplight::wire::event {
namespace {

constexpr std::size_t length_at = 2;

/// Whether it may stand on the wire: no other NUL than the one at its end.
bool sound(std::string_view text, std::size_t limit) {
    return !text.empty() && text.size() <= limit && text.find('\0') == std::string_view::npos;
}

/// Writes one event, element by element.
class Composer {
public:
    Composer(Type type, MutableBytes out) : out_(out) {
        out_.u16(static_cast<std::uint16_t>(type));
        out_.u16(0);
    }

    void number(Element element, std::uint32_t value) {
        start(element, sizeof value);
        out_.u32(value);
    }
    void text(Element element, std::string_view text, std::uint32_t hash) {
        start(element, hash_bytes + text.size() + 1);
        for (std::size_t i = 0; i < hash_bytes; ++i)
            out_.u8(static_cast<std::uint8_t>(hash >> 8 * i));
        out_.raw(bytes_of(text));
        out_.u8(0);
    }
    void eid(const state::Eid& eid) {
        start(Element::eid, eid.bytes.size());
        out_.raw(eid.bytes);
    }

    std::size_t finish() {
        if (!out_.ok()) return 0;
        out_.patch(length_at, static_cast<std::uint16_t>(out_.size()));
        return out_.size();
    }

private:
    void start(Element element, std::size_t bytes) {
        out_.u16(static_cast<std::uint16_t>(element));
        out_.u16(static_cast<std::uint16_t>(bytes));
    }

    Writer out_;
};

template <typename DeviceEvent>
std::size_t encode_device(Type type, const DeviceEvent& event, const Dialect& dialect, MutableBytes out) {
    if (!sound(event.device, max_device_bytes)) return 0;
    Composer composer(type, out);
    composer.text(Element::device, event.device, device_hash(event.device, dialect.hash));
    composer.number(Element::state, static_cast<std::uint32_t>(event.state));
    composer.number(static_cast<Element>(dialect.cachable), event.cachable == state::Cachable::yes ? 1 : 0);
    composer.eid(event.eid);
    return composer.finish();
}

std::size_t encode_as(const DeviceStateChange& event, const Dialect& dialect, MutableBytes out) {
    return encode_device(Type::device_state_change, event, dialect, out);
}

std::size_t encode_as(const DeviceStateAggregate& event, const Dialect& dialect, MutableBytes out) {
    return encode_device(Type::device_state, event, dialect, out);
}

std::size_t encode_as(const Mwi& event, const Dialect& dialect, MutableBytes out) {
    const std::string_view context = event.context.empty() ? default_context : event.context;
    if (!sound(event.mailbox, max_mailbox_bytes) || !sound(context, max_mailbox_bytes)) return 0;
    Composer composer(Type::mwi, out);
    composer.text(Element::mailbox, event.mailbox, text_hash(event.mailbox, dialect.hash));
    composer.text(Element::context, context, text_hash(context, dialect.hash));
    composer.number(Element::new_messages, std::min(event.counts.new_messages, max_count));
    composer.number(Element::old_messages, std::min(event.counts.old_messages, max_count));
    composer.eid(event.eid);
    return composer.finish();
}

std::size_t encode_as(const Ping& event, const Dialect&, MutableBytes out) {
    Composer composer(Type::ping, out);
    composer.eid(event.eid);
    return composer.finish();
}

std::size_t encode_as(const ClusterDiscovery& event, const Dialect& dialect, MutableBytes out) {
    if (!sound(event.address, max_address_bytes)) return 0;
    Composer composer(Type::cluster_discovery, out);
    composer.number(Element::node_id, event.node_id);
    composer.text(Element::local_address, event.address, text_hash(event.address, dialect.hash));
    composer.eid(event.eid);
    return composer.finish();
}

}  // namespace

std::size_t encode(const Event& event, const Dialect& dialect, MutableBytes out) {
    return std::visit(
        [&](const auto& kind) { return kind.eid.is_zero() ? 0 : encode_as(kind, dialect, out); }, event);
}

}  // namespace lamplight::wire::event
