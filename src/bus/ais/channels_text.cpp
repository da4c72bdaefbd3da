#include "bus/ais/channels_text.hpp"

#include <fmt/format.h>

#include <string_view>

namespace lamplight::bus::ais {

namespace {

constexpr std::string_view double_rule = "=============================================================\n";
constexpr std::string_view rule = "=== ---------------------------------------------------------\n";

/// One line an event, in the order of Asterisk's table.
std::string event_lines(std::string_view what, const conf::AisChannel::Events& events) {
    std::string lines;
    if (events.mwi) lines += fmt::format("=== ==> {} Event Type: mwi\n", what);
    if (events.device_state) lines += fmt::format("=== ==> {} Event Type: device_state\n", what);
    return lines;
}

}  // namespace

std::string channels_text(std::span<const conf::AisChannel> channels) {
    std::string text = fmt::format(
        "\n{0}=== Event Channels ==========================================\n{0}===\n", double_rule);
    for (const conf::AisChannel& channel : channels)
        text += fmt::format("{0}=== Event Channel Name: {1}\n{2}{3}{0}===\n", rule, channel.name,
                            event_lines("Publishing", channel.publish),
                            event_lines("Subscribing to", channel.subscribe));
    return text + fmt::format("{}\n", double_rule);
}

}  // namespace lamplight::bus::ais
