#pragma once

#include "state/device_state.hpp"
#include "wire/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace lamplight::bench {

/// Of Asterisk's event about one of our devices.
inline constexpr std::size_t event_bytes = 49;

/// Asterisk's event about one device, made longer by zeros to so many bytes.
std::vector<std::uint8_t> make_event(std::uint32_t device, state::DeviceState state, std::size_t bytes);

struct DeviceEvent {
    std::uint32_t device = 0;
    std::uint32_t state = 0;
};
/// Empty for everything but a change of one of our devices. Looks at three places only: it stands for the
/// least that anybody could do.
std::optional<DeviceEvent> read_event(wire::Bytes message);

}  // namespace lamplight::bench
