#pragma once

#include "state/device_state.hpp"

#include <tl/expected.hpp>

#include <string>
#include <string_view>

namespace lamplight::console {

/// Longest device name of Asterisk's wires (asterisk-facts 1.1): a longer one would be cut there and be
/// another.
inline constexpr std::size_t wire_name_bytes = 79;

/// Reads `Custom:name` (the prefix in any case, as Asterisk) into its normal form. The error is the rest of a
/// sentence: `can only be used to set 'Custom:' device state!`.
tl::expected<std::string, std::string> parse_custom_device(std::string_view text);

/// The part behind `Custom:` of a normal form.
std::string_view custom_name(std::string_view device);

/// A state that can be set: any but UNKNOWN. The error is the rest of a sentence: `given invalid state value
/// 'X'; …`.
tl::expected<state::DeviceState, std::string> parse_settable_state(std::string_view text);

}  // namespace lamplight::console
