#include "console/custom_device.hpp"

#include "console/texts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lamplight::console {

namespace {

constexpr std::string_view prefix = "Custom:";

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

}  // namespace

tl::expected<std::string, std::string> parse_custom_device(std::string_view text) {
    if (!starts_with_text(text, prefix))
        return tl::unexpected(std::string("can only be used to set 'Custom:' device state!"));
    const auto name = text.substr(prefix.size());
    if (name.empty()) return tl::unexpected(std::string("was called with no custom device name!"));
    if (text.size() > wire_name_bytes)
        return tl::unexpected(fmt::format("cannot set a device of {} bytes: the wires of Asterisk carry {}.",
                                          text.size(), wire_name_bytes));
    if (std::any_of(name.begin(), name.end(), is_control))
        return tl::unexpected(std::string("cannot set a device whose name holds control characters."));
    return fmt::format("{}{}", prefix, name);
}

std::string_view custom_name(std::string_view device) {
    return device.substr(std::min(device.size(), prefix.size()));
}

tl::expected<state::DeviceState, std::string> parse_settable_state(std::string_view text) {
    const auto state = state::parse_device_state(text);
    if (state && *state != state::DeviceState::unknown) return *state;
    return tl::unexpected(fmt::format(
        "given invalid state value '{}'{}; valid are NOT_INUSE, INUSE, BUSY, INVALID, UNAVAILABLE, RINGING, "
        "RINGINUSE, ONHOLD",
        text, state ? ": UNKNOWN cannot be set" : ""));
}

}  // namespace lamplight::console
