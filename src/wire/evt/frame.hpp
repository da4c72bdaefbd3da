#pragma once

#include "wire/bytes.hpp"

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

/// What members of the process group `saEvt` say to each other: the event channels of the SA Forum's Event
/// Service (docs/protocol/event-channels.md). Pure. Texts and bytes of decoded records are views into the
/// frame.
namespace lamplight::wire::evt {

inline constexpr std::uint8_t format_version = 1;
inline constexpr std::size_t header_bytes = 8;

/// Limits of the wire, which saEvtLimitGet(3) would answer with.
inline constexpr std::size_t max_name_bytes = 256;  ///< of channels and publishers: SaNameT
inline constexpr std::size_t max_pattern_bytes = 255;
inline constexpr std::size_t max_patterns = 10;
inline constexpr std::size_t max_data_bytes = 65'536;
inline constexpr std::size_t max_opens = 200;    ///< of one process: all stand in its hello
inline constexpr std::size_t max_targets = 128;  ///< as many as a group has members
inline constexpr std::size_t max_program_bytes = 64;
/// Any frame: the largest event, or all opens of a process.
inline constexpr std::size_t max_frame_bytes = 72 * 1024;
/// What an encoder that packs several records goes up to.
inline constexpr std::size_t packed_frame_bytes = 16 * 1024;

/// Made by whoever creates the channel: its publisher number in the upper half, a count in the lower.
enum class ChannelId : std::uint64_t { none = 0 };
/// SaEvtEventIdT: the publisher number of the process in the upper half, a count in the lower. Up to 1000
/// they mean something else (EventId::lost).
enum class EventId : std::uint64_t { none = 0, lost = 1 };
inline constexpr std::uint64_t last_reserved_event_id = 1'000;
inline constexpr std::int64_t time_unknown = INT64_MIN;  ///< SA_TIME_UNKNOWN

/// SaEvtChannelOpenFlagsT; other bits are refused.
struct OpenFlags {
    static constexpr std::uint8_t publisher = 1;
    static constexpr std::uint8_t subscriber = 2;
    static constexpr std::uint8_t create = 4;
    std::uint8_t bits = 0;
    constexpr bool has(std::uint8_t flag) const { return (bits & flag) != 0; }
    constexpr bool operator==(const OpenFlags&) const = default;
};

/// A process of the group, as Corosync names it.
struct Process {
    std::uint32_t node_id = 0;
    std::uint32_t pid = 0;
    constexpr auto operator<=>(const Process&) const = default;
};

/// An open that stands.
struct StandingOpen {
    std::uint32_t handle = 0;  ///< the opener's own number for it
    ChannelId channel{};
    OpenFlags flags;
    std::string_view name;
    bool operator==(const StandingOpen&) const = default;
};

// --- records ---

/// Who a member is, and everything it has open: takes the place of what was known of it. Said when it joins
/// and whenever somebody joined or returned.
struct Hello {
    std::uint32_t publisher = 0;  ///< the number its ids carry; drawn at random, never 0
    std::uint64_t since = 0;      ///< Unix time in ns at which it joined: tells who is oldest
    enum class State : std::uint8_t { empty, whole } state{};  ///< whether it knows the registry
    enum class Wants : std::uint8_t { nothing, state } wants{};
    std::int64_t boot_time = time_unknown;  ///< of its host, Unix time in ns
    std::uint64_t initial_view = 0;       ///< of its node: the view in which that joined the ring; 0 unknown
    std::string_view program;             ///< `lamplightd`, for people
    std::span<const StandingOpen> opens;  ///< the caller's; of decode(): while `take` runs
    bool operator==(const Hello& other) const;  ///< by content, as of all records
};
/// Asks for a channel: by name, with the id it gets if it does not exist and may be created (else 0 will do).
/// Everybody sees the same order, so everybody knows what came of it.
struct Open {
    std::uint32_t handle = 0;
    ChannelId proposed{};
    OpenFlags flags;
    std::string_view name;
    bool operator==(const Open&) const = default;
};
struct Close {
    std::uint32_t handle = 0;
    bool operator==(const Close&) const = default;
};
struct Unlink {
    std::string_view name;
    bool operator==(const Unlink&) const = default;
};
/// An event. Patterns are bytes of any value.
struct Publish {
    ChannelId channel{};
    EventId id{};
    std::uint8_t priority = 3;      ///< 0 highest to 3 lowest
    std::int64_t retention = 0;     ///< ns; 0: none; INT64_MAX: for ever
    std::int64_t publish_time = 0;  ///< Unix time in ns
    std::string_view channel_name;  ///< makes the channel where it is not known yet
    std::string_view publisher;
    std::span<const Bytes> patterns;  ///< the caller's; of decode(): while `take` runs
    Bytes data;
    bool operator==(const Publish& other) const;
};
/// saEvtEventRetentionTimeClear.
struct Clear {
    ChannelId channel{};
    EventId id{};
    bool operator==(const Clear&) const = default;
};

// A state: what a process of the group knows of channels, said for those who joined or came back. Union with
// what they have; what was unlinked or cleared stays so.
struct StateBegin {
    std::uint32_t number = 0;          ///< the sender's count of its states
    std::span<const Process> targets;  ///< the caller's; of decode(): while `take` runs
    bool operator==(const StateBegin& other) const;
};
struct StateChannel {
    ChannelId id{};
    enum class Status : std::uint8_t { living, unlinked } status{};
    std::string_view name;
    bool operator==(const StateChannel&) const = default;
};
/// A retained event and how long it has to live still.
struct StateEvent {
    std::int64_t remaining = 0;  ///< ns, INT64_MAX: for ever
    Publish event;
    bool operator==(const StateEvent&) const = default;
};
/// A cleared event, and how long it would have lived still.
struct StateCleared {
    ChannelId channel{};
    EventId id{};
    std::int64_t remaining = 0;  ///< ns
    bool operator==(const StateCleared&) const = default;
};
struct StateEnd {
    std::uint32_t number = 0;
    bool operator==(const StateEnd&) const = default;
};
/// A type of a later version: passed over, whatever its body. Written without one.
struct Unknown {
    std::uint8_t type = 0;
    bool operator==(const Unknown&) const = default;
};
using Record = std::variant<Hello, Open, Close, Unlink, Publish, Clear, StateBegin, StateChannel, StateEvent,
                            StateCleared, StateEnd, Unknown>;

// --- frames ---

/// Why a frame is refused; also the names of counters. Records before the broken one have been given.
enum class Malformed : std::uint8_t {
    too_short,      ///< no whole header and head of a record
    too_long,       ///< more than max_frame_bytes
    not_ours,       ///< other magic bytes
    other_version,  ///< a format that this build does not speak
    broken_record,  ///< a record reaches beyond the end, or its content does not fill it
    bad_value,      ///< a flag, priority, state or count that there is not; a negative time; an id of 0
    name_too_long,  ///< or an empty channel name
    too_many,       ///< patterns, opens or targets
    pattern_too_long,
    data_too_long,
};
inline constexpr std::size_t malformed_count = 10;
std::string_view to_string(Malformed reason);

/// Reads one frame and gives its records in order; stops at the first broken one, or when `take` answers
/// false. The views of a record live as long as the call of `take`. Cost: O(bytes), no allocation.
tl::expected<void, Malformed> decode(Bytes frame, const std::function<bool(const Record&)>& take);

/// Writes records into a frame. A record that does not fit, or that decode() would refuse, is left out whole
/// and add() says false; what is there stays good.
class FrameWriter {
public:
    /// `out` holds at least one header; max_frame_bytes take any record.
    explicit FrameWriter(MutableBytes out);

    bool add(const Record& record);
    std::size_t records() const { return records_; }
    /// Of the whole frame; what to send when records() is not 0.
    std::size_t bytes() const;

private:
    Writer writer_;
    std::size_t records_ = 0;
};

/// What a record takes up in a frame.
std::size_t size_of(const Record& record);

}  // namespace lamplight::wire::evt
