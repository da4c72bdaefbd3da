#include "bench/device_event.hpp"

#include "bench/board.hpp"
#include "wire/event/event.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace lamplight::bench {

namespace {

// Where they stand in an event about one of our devices.
constexpr std::size_t name_at = 12, name_bytes = 10, state_at = 30;
constexpr state::Eid raw_eid{{2, 0, 0, 0x77, 0, 1}};

}  // namespace

std::vector<std::uint8_t> make_event(std::uint32_t device, state::DeviceState state, std::size_t bytes) {
    std::vector<std::uint8_t> message(std::max(bytes, wire::event::max_event_bytes));
    const std::string name = device_name(device);
    const std::size_t written = wire::event::encode(
        wire::event::DeviceStateChange{name, state, state::Cachable::yes, raw_eid}, {}, message);
    message.resize(written == event_bytes ? bytes : 0);
    return message;
}

std::optional<DeviceEvent> read_event(wire::Bytes message) {
    if (message.size() < event_bytes ||
        message[1] != static_cast<std::uint8_t>(wire::event::Type::device_state_change))
        return {};
    const auto device = device_index({reinterpret_cast<const char*>(message.data() + name_at), name_bytes});
    if (!device) return {};
    return DeviceEvent{*device, message[state_at]};
}

}  // namespace lamplight::bench
