#include "wire/event/elements.hpp"
#include "wire/event/event.hpp"

#include <algorithm>
#include <optional>

namespace lamplight::wire::event {
namespace {

using Result = tl::expected<Event, Malformed>;

tl::unexpected<Malformed> refuse(Malformed reason) {
    return tl::unexpected(reason);
}

bool known(Type type) {
    switch (type) {
        case Type::mwi:
        case Type::device_state:
        case Type::device_state_change:
        case Type::ping:
        case Type::cluster_discovery:
            return true;
    }
    return false;
}

/// The first of each kind of element; one that is missing has no data().
struct Found {
    Bytes new_messages;
    Bytes old_messages;
    Bytes mailbox;
    Bytes device;
    Bytes state;
    Bytes context;
    Bytes eid;
    Bytes local_address;
    Bytes cachable_v1_8;
    Bytes cachable_v10;
    Bytes cachable_v11;
    Bytes node_id;

    Bytes* slot(std::uint16_t number) {
        switch (static_cast<Element>(number)) {
            case Element::new_messages:
                return &new_messages;
            case Element::old_messages:
                return &old_messages;
            case Element::mailbox:
                return &mailbox;
            case Element::device:
                return &device;
            case Element::state:
                return &state;
            case Element::context:
                return &context;
            case Element::eid:
                return &eid;
            case Element::local_address:
                return &local_address;
            case Element::cachable_v1_8:
                return &cachable_v1_8;
            case Element::cachable_v10:
                return &cachable_v10;
            case Element::cachable_v11:
                return &cachable_v11;
            case Element::node_id:
                return &node_id;
        }
        return nullptr;  // another event's element, or a later version's
    }

    /// Only the sender's version can tell what 0x35 and 0x39 mean: from 11 on they are something else, and
    /// 0x3d is there; 0x35 is something else in 10, too.
    Bytes cachable() const {
        if (cachable_v11.data() != nullptr) return cachable_v11;
        return cachable_v10.data() != nullptr ? cachable_v10 : cachable_v1_8;
    }
};

bool there(Bytes element) {
    return element.data() != nullptr;
}

/// False when an element, or the beginning of one, reaches beyond the end.
bool find_elements(Bytes elements, Found& found) {
    Reader in(elements);
    while (in.left() > 0) {
        const std::uint16_t number = in.u16();
        const std::size_t length = in.u16();
        const Bytes payload = in.take(length);
        if (!in.ok()) return false;
        Bytes* slot = found.slot(number);
        if (slot != nullptr && !there(*slot)) *slot = payload;
    }
    return true;
}

/// Takes elements apart and keeps the first thing that is wrong with them. A missing element gives 0 or
/// nothing; whether that is wrong, need() is told.
class Taker {
public:
    std::uint32_t number(Bytes element) {
        if (!there(element)) return 0;
        need(element.size() == sizeof(std::uint32_t), Malformed::broken_element);
        return Reader(element).u32();
    }

    std::string_view text(Bytes element, std::size_t limit) {
        if (!there(element)) return {};
        if (element.size() <= hash_bytes || element.back() != 0) return wrong(Malformed::broken_text);
        const std::string_view text = text_of(element.subspan(hash_bytes, element.size() - hash_bytes - 1));
        if (text.find('\0') != std::string_view::npos) return wrong(Malformed::broken_text);
        return text.size() <= limit ? text : wrong(Malformed::name_too_long);
    }

    state::Eid eid(Bytes element) {
        state::Eid eid;
        need(there(element), Malformed::missing_eid);
        need(element.size() == eid.bytes.size(), Malformed::broken_element);
        eid.bytes = Reader(element).array<6>();
        need(!eid.is_zero(), Malformed::zero_eid);
        return eid;
    }

    void need(bool holds, Malformed otherwise) {
        if (!holds && !reason_) reason_ = otherwise;
    }

    Result finish(const Event& event) const {
        if (reason_) return refuse(*reason_);
        return event;
    }

private:
    std::string_view wrong(Malformed reason) {
        need(false, reason);
        return {};
    }

    std::optional<Malformed> reason_;
};

state::Cachable cachable_of(Taker& take, Bytes element) {
    return !there(element) || take.number(element) != 0 ? state::Cachable::yes : state::Cachable::no;
}

/// One server's vote and its aggregate look the same.
template <typename DeviceEvent>
Result decode_device(const Found& found) {
    Taker take;
    DeviceEvent event;
    event.eid = take.eid(found.eid);
    event.device = take.text(found.device, max_received_name_bytes);
    take.need(!event.device.empty(), Malformed::missing_device);
    take.need(there(found.state), Malformed::missing_state);
    const auto state = state::device_state_from_number(take.number(found.state));
    take.need(state.has_value(), Malformed::unknown_state);
    event.state = state.value_or(state::DeviceState::unknown);
    event.cachable = cachable_of(take, found.cachable());
    return take.finish(event);
}

Result decode_mwi(const Found& found) {
    Taker take;
    Mwi event;
    event.eid = take.eid(found.eid);
    event.mailbox = take.text(found.mailbox, max_received_name_bytes);
    take.need(!event.mailbox.empty(), Malformed::missing_mailbox);
    event.context = take.text(found.context, max_received_name_bytes);
    if (event.context.empty()) event.context = default_context;
    event.counts.new_messages = std::min(take.number(found.new_messages), max_count);
    event.counts.old_messages = std::min(take.number(found.old_messages), max_count);
    return take.finish(event);
}

Result decode_ping(const Found& found) {
    Taker take;
    return take.finish(Ping{take.eid(found.eid)});
}

Result decode_discovery(const Found& found) {
    Taker take;
    ClusterDiscovery event;
    event.eid = take.eid(found.eid);
    take.need(there(found.node_id), Malformed::missing_node);
    event.node_id = take.number(found.node_id);
    event.address = take.text(found.local_address, max_address_bytes);
    take.need(!event.address.empty(), Malformed::missing_node);
    return take.finish(event);
}

Result decode_elements(Type type, const Found& found) {
    switch (type) {
        case Type::mwi:
            return decode_mwi(found);
        case Type::device_state:
            return decode_device<DeviceStateAggregate>(found);
        case Type::device_state_change:
            return decode_device<DeviceStateChange>(found);
        case Type::ping:
            return decode_ping(found);
        case Type::cluster_discovery:
            return decode_discovery(found);
    }
    return refuse(Malformed::unknown_type);
}

}  // namespace

tl::expected<Event, Malformed> decode(Bytes message) {
    if (message.size() < header_bytes) return refuse(Malformed::too_short);
    if (message.size() > max_received_bytes) return refuse(Malformed::too_long);
    Reader header(message);
    const auto type = static_cast<Type>(header.u16());
    if (header.u16() != message.size()) return refuse(Malformed::wrong_length);
    if (!known(type)) return refuse(Malformed::unknown_type);
    Found found;
    if (!find_elements(message.subspan(header_bytes), found)) return refuse(Malformed::broken_element);
    return decode_elements(type, found);
}

}  // namespace lamplight::wire::event
