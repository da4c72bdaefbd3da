#include "event_text.hpp"

#include "console/texts.hpp"
#include "text.hpp"
#include "wire/event/event.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <chrono>

namespace lamplight::evt_app {

namespace {

namespace event = wire::event;
namespace json = boost::json;
using bus::ais::evt::Event;

std::string_view mark_of(state::Cachable cachable) {
    return cachable == state::Cachable::no ? " (not cachable)" : "";
}

std::string text_of(const event::DeviceStateChange& change) {
    return fmt::format("{} {} from {}{}", escaped(change.device), state::config_text(change.state),
                       state::to_string(change.eid), mark_of(change.cachable));
}
std::string text_of(const event::DeviceStateAggregate& aggregate) {
    return fmt::format("{} aggregate {} of {}", escaped(aggregate.device),
                       state::config_text(aggregate.state), state::to_string(aggregate.eid));
}
std::string text_of(const event::Mwi& mwi) {
    return fmt::format("{}@{} {} new {} old from {}", escaped(mwi.mailbox), escaped(mwi.context),
                       mwi.counts.new_messages, mwi.counts.old_messages, state::to_string(mwi.eid));
}
std::string text_of(const event::Ping& ping) {
    return fmt::format("ping from {}", state::to_string(ping.eid));
}
std::string text_of(const event::ClusterDiscovery& discovery) {
    return fmt::format("node {} at {} is {}", discovery.node_id, escaped(discovery.address),
                       state::to_string(discovery.eid));
}

std::string data_text(const std::string& data) {
    if (data.empty()) return "(no data)";
    if (auto decoded = asterisk_text(data)) return *std::move(decoded);
    return is_printable(data) ? data : hex_of(data);
}

std::string patterns_text(const Event& shown) {
    std::string out;
    for (const std::string& pattern : shown.attributes.patterns)
        out += fmt::format("[{}]", escaped(pattern));
    return out.empty() ? "[]" : out;
}

std::string publisher_text(const Event& shown) {
    return shown.attributes.publisher.empty() ? "-" : escaped(shown.attributes.publisher);
}

std::string text_line(const Event& shown) {
    return fmt::format("{} {} {} {} {} {}\n", exact_time(shown.publish_time), to_string(shown.id),
                       publisher_text(shown), shown.attributes.priority, patterns_text(shown),
                       data_text(shown.data));
}

json::value retention_of(const Event& shown) {
    if (shown.attributes.retention == bus::ais::evt::for_ever) return "forever";
    return static_cast<double>(shown.attributes.retention) / 1e9;
}

std::string json_line(const Event& shown) {
    using namespace std::chrono;
    json::array patterns;
    for (const std::string& pattern : shown.attributes.patterns)
        patterns.push_back(json::string(escaped(pattern)));
    const system_clock::time_point published{
        duration_cast<system_clock::duration>(nanoseconds(shown.publish_time))};
    json::object out{{"time", console::json_time(published)},
                     {"publish_time_ns", shown.publish_time},
                     {"id", to_string(shown.id)},
                     {"publisher", escaped(shown.attributes.publisher)},
                     {"priority", shown.attributes.priority},
                     {"retention_seconds", retention_of(shown)},
                     {"patterns", std::move(patterns)},
                     {"node", shown.from.node_id},
                     {"pid", shown.from.pid},
                     {"bytes", shown.data.size()}};
    if (const auto decoded = asterisk_text(shown.data)) out["asterisk"] = *decoded;
    if (is_printable(shown.data)) out["text"] = shown.data;
    out["hex"] = hex_of(shown.data);
    return json::serialize(out) + "\n";
}

}  // namespace

std::optional<std::string> asterisk_text(std::string_view data) {
    const auto decoded = event::decode(wire::bytes_of(data));
    if (!decoded) return {};
    return std::visit([](const auto& one) { return text_of(one); }, *decoded);
}

std::string line_of(const Event& shown, Form form) {
    switch (form) {
        case Form::text:
            return text_line(shown);
        case Form::json:
            return json_line(shown);
        case Form::raw:
            return shown.data + "\n";
    }
    return {};
}

std::string lost_line(Form form) {
    switch (form) {
        case Form::text:
            return "--- events were lost here: they came faster than this program could print them\n";
        case Form::json:
            return "{\"lost\":true}\n";
        case Form::raw:
            return {};
    }
    return {};
}

}  // namespace lamplight::evt_app
