#include "state/device_state.hpp"

#include <array>

namespace lamplight::state {
namespace {

constexpr std::array<std::string_view, device_state_count> config_texts = {
    "UNKNOWN", "NOT_INUSE", "INUSE", "BUSY", "INVALID", "UNAVAILABLE", "RINGING", "RINGINUSE", "ONHOLD"};
constexpr std::array<std::string_view, device_state_count> log_texts = {
    "Unknown", "Not in use", "In use", "Busy", "Invalid", "Unavailable", "Ringing", "Ring+Inuse", "On Hold"};

/// From the weakest to the strongest.
constexpr std::array<DeviceState, device_state_count> by_rank = {
    DeviceState::invalid,   DeviceState::unknown, DeviceState::unavailable,
    DeviceState::not_inuse, DeviceState::onhold,  DeviceState::ringing,
    DeviceState::inuse,     DeviceState::busy,    DeviceState::ringinuse};

constexpr StateSet every_state = (1u << device_state_count) - 1;
constexpr StateSet in_use =
    state_bit(DeviceState::inuse) | state_bit(DeviceState::busy) | state_bit(DeviceState::onhold);

constexpr DeviceState join_of(StateSet states) {
    if ((states & state_bit(DeviceState::ringing)) != 0 && (states & in_use) != 0)
        return DeviceState::ringinuse;
    DeviceState strongest = DeviceState::invalid;
    for (DeviceState state : by_rank) {
        if ((states & state_bit(state)) != 0) strongest = state;
    }
    return strongest;
}

constexpr auto joins = [] {
    std::array<DeviceState, every_state + 1> table{};
    for (unsigned states = 0; states < table.size(); ++states) {
        table[states] = join_of(static_cast<StateSet>(states));
    }
    return table;
}();

constexpr char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool equal_in_any_case(std::string_view text, std::string_view upper_case) {
    if (text.size() != upper_case.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (upper(text[i]) != upper_case[i]) return false;
    }
    return true;
}

std::string_view text_at(const std::array<std::string_view, device_state_count>& texts, DeviceState state) {
    const auto index = static_cast<std::size_t>(state);
    return index < texts.size() ? texts[index] : texts[0];
}

}  // namespace

std::string_view config_text(DeviceState state) {
    return text_at(config_texts, state);
}

std::string_view log_text(DeviceState state) {
    return text_at(log_texts, state);
}

std::optional<DeviceState> parse_device_state(std::string_view text) {
    for (std::uint8_t i = 0; i < device_state_count; ++i) {
        if (equal_in_any_case(text, config_texts[i])) return static_cast<DeviceState>(i);
    }
    return std::nullopt;
}

std::optional<DeviceState> device_state_from_number(std::uint32_t number) {
    if (number >= device_state_count) return std::nullopt;
    return static_cast<DeviceState>(number);
}

DeviceState join(StateSet states) {
    return joins[states & every_state];
}

DeviceState join(DeviceState left, DeviceState right) {
    return join(static_cast<StateSet>(state_bit(left) | state_bit(right)));
}

ExtensionState extension_state(DeviceState aggregate) {
    switch (aggregate) {
        case DeviceState::unknown:
        case DeviceState::not_inuse:
            return ExtensionState::not_inuse;
        case DeviceState::inuse:
            return ExtensionState::inuse;
        case DeviceState::busy:
            return ExtensionState::busy;
        case DeviceState::invalid:
        case DeviceState::unavailable:
            return ExtensionState::unavailable;
        case DeviceState::ringing:
            return ExtensionState::ringing;
        case DeviceState::ringinuse:
            return ExtensionState::inuse_ringing;
        case DeviceState::onhold:
            return ExtensionState::onhold;
    }
    return ExtensionState::unavailable;
}

std::string_view status_text(ExtensionState state) {
    switch (state) {
        case ExtensionState::removed:
        case ExtensionState::deactivated:
            return "Unknown";
        case ExtensionState::not_inuse:
            return "Idle";
        case ExtensionState::inuse:
            return "InUse";
        case ExtensionState::busy:
            return "Busy";
        case ExtensionState::unavailable:
            return "Unavailable";
        case ExtensionState::ringing:
            return "Ringing";
        case ExtensionState::inuse_ringing:
            return "InUse&Ringing";
        case ExtensionState::onhold:
            return "Hold";
        case ExtensionState::inuse_onhold:
            return "InUse&Hold";
    }
    return "Unknown";
}

}  // namespace lamplight::state
