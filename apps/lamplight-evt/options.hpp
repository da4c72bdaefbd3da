#pragma once

#include "bus/ais/evt/event.hpp"
#include "event_text.hpp"
#include "text.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lamplight::evt_app {

enum class WhenMissing : std::uint8_t { fail, create };

/// What every subcommand has.
struct Common {
    std::chrono::milliseconds wait{5'000};  ///< for Corosync
    Form form = Form::text;
};

struct SubscribeOptions {
    std::string channel;
    std::vector<bus::ais::evt::Filter> filters;  ///< none: everything
    std::uint64_t count = 0;                     ///< 0: without an end
    std::optional<std::chrono::milliseconds> timeout;
    WhenMissing when_missing = WhenMissing::fail;
};

struct PublishOptions {
    enum class Source : std::uint8_t { data, lines } source{};
    std::string channel;
    std::string data;
    std::vector<std::string> patterns;
    std::uint8_t priority = bus::ais::evt::lowest_priority;
    bus::ais::evt::Nanoseconds retention = 0;
    std::optional<std::string> publisher;  ///< else the name of the node
};

struct ClearOptions {
    std::string channel;
    bus::ais::evt::EventId id{};
};

struct UnlinkOptions {
    std::string channel;
};

}  // namespace lamplight::evt_app
