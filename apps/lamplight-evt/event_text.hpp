#pragma once

#include "bus/ais/evt/event.hpp"

#include <optional>
#include <string>
#include <string_view>

/// Events as lines. Pure.
namespace lamplight::evt_app {

enum class Form : std::uint8_t { text, json, raw };

/// `Custom:abc INUSE from 02:00:00:78:00:01` for one of Asterisk's events, else nothing.
std::optional<std::string> asterisk_text(std::string_view data);

/// The event as one line with its end: in the form `text` time, id, publisher, priority, patterns and data
/// (one of Asterisk's events decoded, text as it is, else hex); in the form `json` everything; in the form
/// `raw` nothing but the data.
std::string line_of(const bus::ais::evt::Event& event, Form form);

/// What stands for events that were dropped; empty in the form `raw`.
std::string lost_line(Form form);

}  // namespace lamplight::evt_app
