#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lamplight::state {

/// The state of a device, with Asterisk's numbers, which are the same on every wire (asterisk-facts 1.1).
enum class DeviceState : std::uint8_t {
    unknown = 0,
    not_inuse = 1,
    inuse = 2,
    busy = 3,
    invalid = 4,
    unavailable = 5,
    ringing = 6,
    ringinuse = 7,
    onhold = 8,
};
inline constexpr std::uint8_t device_state_count = 9;

/// `NOT_INUSE`: configuration, AMI, XMPP, JSON.
std::string_view config_text(DeviceState state);
/// `Not in use`: console and log.
std::string_view log_text(DeviceState state);
/// Reads a configuration text in any case, UNKNOWN included.
std::optional<DeviceState> parse_device_state(std::string_view text);
/// Checks a number from a wire.
std::optional<DeviceState> device_state_from_number(std::uint32_t number);

/// A set of states, one bit for each; what an aggregate is computed from.
using StateSet = std::uint16_t;
constexpr StateSet state_bit(DeviceState state) {
    return static_cast<StateSet>(1u << static_cast<unsigned>(state));
}

/// The join of a set of states by the ranks of Asterisk 1.8.12 and later (asterisk-facts 1.3): commutative,
/// associative, idempotent. The empty set gives INVALID, as Asterisk's accumulator does; who aggregates votes
/// decides before what no vote at all means. Cost: one table look-up.
DeviceState join(StateSet states);
DeviceState join(DeviceState left, DeviceState right);

/// The state of an extension, with Asterisk's numbers (asterisk-facts 1.6).
enum class ExtensionState : std::int8_t {
    removed = -2,
    deactivated = -1,
    not_inuse = 0,
    inuse = 1,
    busy = 2,
    unavailable = 4,
    ringing = 8,
    inuse_ringing = 9,
    onhold = 16,
    inuse_onhold = 17,
};

ExtensionState extension_state(DeviceState aggregate);
/// `Idle`, `InUse`, `InUse&Ringing` …
std::string_view status_text(ExtensionState state);

}  // namespace lamplight::state
