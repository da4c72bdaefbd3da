#pragma once

#include "state/types.hpp"
#include "wire/evt/frame.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The Event Service of the SA Forum (SAI-AIS-EVT B.01.01), on a group of totally ordered messages. Pure.
/// Its limits are the constants of wire/evt/frame.hpp.
namespace lamplight::bus::ais::evt {

using wire::evt::ChannelId;
using wire::evt::EventId;
using wire::evt::OpenFlags;

/// SaAisErrorT, those that this service gives, with their numbers.
enum class Error : std::uint8_t {
    init = 4,
    timeout = 5,
    try_again = 6,
    invalid_param = 7,
    bad_handle = 9,
    access = 11,
    not_exist = 12,
    name_too_long = 13,
    exist = 14,
    no_resources = 18,
    bad_flags = 25,
    too_big = 26,
    unavailable = 31,
};
/// `SA_AIS_ERR_NOT_EXIST (12)`
std::string to_string(Error error);
/// What it means and what to do, for people: `the channel does not exist, and SA_EVT_CHANNEL_CREATE was not
/// asked for`.
std::string_view explain(Error error);

using Nanoseconds = std::int64_t;
inline constexpr Nanoseconds for_ever = INT64_MAX;         ///< SA_TIME_MAX
inline constexpr Nanoseconds one_minute = 60'000'000'000;  ///< SA_TIME_ONE_MINUTE

/// Now, by the clock that never runs back and by that of the wall (Unix time in ns).
struct Moment {
    state::Time now{};
    Nanoseconds wall = 0;
};

using Pattern = std::string;  ///< bytes of any value, NUL too

inline constexpr std::uint8_t highest_priority = 0;
inline constexpr std::uint8_t lowest_priority = 3;
inline constexpr std::string_view lost_event_pattern = "SA_EVT_LOST_EVENT_PATTERN";

/// What saEvtEventAttributesSet(3) says.
struct Attributes {
    std::vector<Pattern> patterns{};
    std::uint8_t priority = lowest_priority;
    Nanoseconds retention = 0;
    std::string publisher{};
};

/// A published event, as received; shared by all that hold it.
struct Event {
    ChannelId channel{};
    EventId id{};
    Attributes attributes;  ///< retention as published
    Nanoseconds publish_time = 0;
    wire::evt::Process from{};
    std::string data{};
};
using EventPointer = std::shared_ptr<const Event>;

/// SaEvtEventFilterT.
struct Filter {
    enum class Type : std::uint8_t { prefix = 1, suffix = 2, exact = 3, pass_all = 4 } type{};
    Pattern pattern;
};

/// Whether an event with these patterns passes: position by position, by length and bytes. Filters without a
/// pattern beside them are compared with an empty one; patterns without a filter pass (seed-systems 3.3;
/// SAI-AIS-EVT B.01.01, SaEvtEventFilterT).
bool matches(std::span<const Filter> filters, std::span<const Pattern> patterns);

}  // namespace lamplight::bus::ais::evt
