#pragma once

#include "bus/ais/evt/event.hpp"
#include "console/escaped.hpp"
#include "state/device_state.hpp"

#include <tl/expected.hpp>

#include <string>
#include <string_view>

/// Bytes, filters, times and ids as people type and read them. Pure.
namespace lamplight::evt_app {

/// Why a text was not understood, for people.
using Complaint = std::string;

using console::escaped;
using console::is_printable;
/// The way back from escaped(): `\0`, `\xNN`, `\\`; any other character after a backslash is a complaint.
tl::expected<std::string, Complaint> parse_escaped(std::string_view text);
/// A pattern of an event: as parse_escaped(), and no longer than the wire takes.
tl::expected<std::string, Complaint> parse_pattern(std::string_view text);
/// The name of a channel or publisher, as it is: 1 to 256 bytes.
tl::expected<std::string, Complaint> parse_name(std::string_view text);
/// `0a1bff`
std::string hex_of(std::string_view bytes);

/// `exact:TEXT`, `prefix:TEXT`, `suffix:TEXT` or `all`; TEXT with escapes.
tl::expected<bus::ais::evt::Filter, Complaint> parse_filter(std::string_view text);

/// `90`, `1.5`, `90s`, `1m`, `2h`, `1d` or `forever`; never negative.
tl::expected<bus::ais::evt::Nanoseconds, Complaint> parse_retention(std::string_view text);

/// `0x9016180a00000009`
std::string to_string(bus::ais::evt::EventId id);
/// Hexadecimal, with or without `0x`.
tl::expected<bus::ais::evt::EventId, Complaint> parse_event_id(std::string_view text);

/// Local time in the words of a log file: `Nov 13 06:55:30`, and with six digits of the second.
std::string log_time(bus::ais::evt::Nanoseconds wall);
std::string exact_time(bus::ais::evt::Nanoseconds wall);

/// Why a call on `channel` failed and what a person at a shell does about it, in one line; `about` is put
/// behind the channel's name.
std::string complaint_of(std::string_view channel, bus::ais::evt::Error error, std::string_view about = {});

/// A device and its state: `Custom:abc=INUSE`; the last `=` counts.
struct DeviceText {
    std::string device;
    state::DeviceState state{};
};
tl::expected<DeviceText, Complaint> parse_device_text(std::string_view text);

}  // namespace lamplight::evt_app
