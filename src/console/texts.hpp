#pragma once

#include "console/commands.hpp"
#include "console/registry.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::console {

/// `root (pid 4711)`: who made a change, for the log.
std::string name_of(const Asker& asker);

/// The name of a node, else its EID.
std::string name_of(const state::NodeView& node);

/// `10:02:11`; with the date in front when that is not today.
std::string clock_text(std::chrono::system_clock::time_point time, std::chrono::system_clock::time_point now);

/// `2 weeks, 1 day, 5 minutes, 3 seconds`, as Asterisk counts uptime; parts that are zero are left out.
std::string period_text(std::chrono::seconds period);

/// `3m12s`, `2d04h`: short, for tables.
std::string age_text(std::chrono::seconds age);

/// Whether `text` holds `part`, the case of ASCII letters aside.
bool contains_text(std::string_view text, std::string_view part);
bool starts_with_text(std::string_view text, std::string_view begin);
bool same_text(std::string_view left, std::string_view right);

/// `1 device`, `2 devices`.
std::string counted(std::size_t count, std::string_view what);

/// ISO 8601 in UTC with milliseconds, for JSON: `2026-11-24T10:02:11.123Z`.
std::string json_time(std::chrono::system_clock::time_point time);

/// At most `width` columns of escaped(`text`), filled with blanks; UTF-8 stays whole. With a width of 0
/// nothing is cut.
std::string cell(std::string_view text, std::size_t width);

/// A reply of a `show` command.
Reply shown(std::string text, boost::json::value json);
/// `Usage: …`, status 1.
Reply wrong_usage(std::string_view usage);
/// Turns a Done into a reply: `text` and what the daemon adds, or `failure` and why.
Done answering(Responder responder, std::string text, std::string failure);

}  // namespace lamplight::console
