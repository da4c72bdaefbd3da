#include "wire/evt/layout.hpp"

#include <algorithm>
#include <array>

namespace lamplight::wire::evt {
namespace {

using Take = std::function<bool(const Record&)>;
using Step = tl::expected<bool, Malformed>;  ///< whether to go on with the next record

std::string_view text16(Reader& in) {
    const std::size_t length = in.u16();
    return text_of(in.take(length));
}

std::int64_t time(Reader& in) {
    return static_cast<std::int64_t>(in.u64());
}

template <typename Id>
Id id(Reader& in) {
    return static_cast<Id>(in.u64());
}

OpenFlags flags(Reader& in) {
    return {in.u8()};
}

/// The end of a record: its views live as long as this call.
template <typename Content>
Step give(const Reader& in, const Content& content, const Take& take) {
    if (!in.at_end()) return tl::unexpected(Malformed::broken_record);
    if (const auto found = flaw(content)) return tl::unexpected(*found);
    return take(content);
}

Step give_hello(Reader& in, const Take& take) {
    Hello hello;
    hello.publisher = in.u32();
    hello.since = in.u64();
    hello.state = static_cast<Hello::State>(in.u8());
    hello.wants = static_cast<Hello::Wants>(in.u8());
    hello.boot_time = time(in);
    hello.initial_view = in.u64();
    hello.program = text16(in);
    const std::size_t count = in.u16();
    if (count > max_opens) return tl::unexpected(Malformed::too_many);
    std::array<StandingOpen, max_opens> opens;
    for (StandingOpen& open : std::span(opens).first(count))
        open = {in.u32(), id<ChannelId>(in), flags(in), text16(in)};
    hello.opens = std::span(opens).first(count);
    return give(in, hello, take);
}

using Patterns = std::array<Bytes, max_patterns>;

/// The patterns of the result are in `patterns`. Nothing: more than there may be.
std::optional<Publish> read_publish(Reader& in, Patterns& patterns) {
    Publish publish;
    publish.channel = id<ChannelId>(in);
    publish.id = id<EventId>(in);
    publish.priority = in.u8();
    publish.retention = time(in);
    publish.publish_time = time(in);
    publish.channel_name = text16(in);
    publish.publisher = text16(in);
    const std::size_t count = in.u8();
    if (count > patterns.size()) return {};
    for (Bytes& pattern : std::span(patterns).first(count))
        pattern = bytes_of(text16(in));
    publish.patterns = std::span(patterns).first(count);
    const std::size_t length = in.u32();
    publish.data = in.take(length);
    return publish;
}

Step give_publish(Reader& in, const Take& take) {
    Patterns patterns;
    const auto publish = read_publish(in, patterns);
    if (!publish) return tl::unexpected(Malformed::too_many);
    return give(in, *publish, take);
}

Step give_state_event(Reader& in, const Take& take) {
    Patterns patterns;
    const std::int64_t remaining = time(in);
    const auto publish = read_publish(in, patterns);
    if (!publish) return tl::unexpected(Malformed::too_many);
    return give(in, StateEvent{remaining, *publish}, take);
}

Step give_state_begin(Reader& in, const Take& take) {
    const std::uint32_t number = in.u32();
    const std::size_t count = in.u8();
    if (count > max_targets) return tl::unexpected(Malformed::too_many);
    std::array<Process, max_targets> targets;
    for (Process& target : std::span(targets).first(count))
        target = {in.u32(), in.u32()};
    return give(in, StateBegin{number, std::span(targets).first(count)}, take);
}

/// Records of fixed fields: braces read them in their order.
Step give_fixed(Type type, Reader& in, const Take& take) {
    switch (type) {
        case Type::open:
            return give(in, Open{in.u32(), id<ChannelId>(in), flags(in), text16(in)}, take);
        case Type::close:
            return give(in, Close{in.u32()}, take);
        case Type::unlink:
            return give(in, Unlink{text16(in)}, take);
        case Type::clear:
            return give(in, Clear{id<ChannelId>(in), id<EventId>(in)}, take);
        case Type::state_channel: {
            const auto channel = id<ChannelId>(in);
            const auto status = static_cast<StateChannel::Status>(in.u8());
            return give(in, StateChannel{channel, status, text16(in)}, take);
        }
        case Type::state_cleared:
            return give(in, StateCleared{id<ChannelId>(in), id<EventId>(in), time(in)}, take);
        case Type::state_end:
            return give(in, StateEnd{in.u32()}, take);
        default:
            return take(Unknown{static_cast<std::uint8_t>(type)});
    }
}

Step give_record(Type type, Bytes body, const Take& take) {
    Reader in(body);
    switch (type) {
        case Type::hello:
            return give_hello(in, take);
        case Type::publish:
            return give_publish(in, take);
        case Type::state_begin:
            return give_state_begin(in, take);
        case Type::state_event:
            return give_state_event(in, take);
        default:
            return give_fixed(type, in, take);
    }
}

std::optional<Malformed> header_flaw(Bytes frame) {
    if (frame.size() > max_frame_bytes) return Malformed::too_long;
    if (frame.size() < header_bytes) return Malformed::too_short;
    if (!std::equal(magic.begin(), magic.end(), frame.begin())) return Malformed::not_ours;
    if (frame[magic.size()] != format_version) return Malformed::other_version;
    if (frame.size() < header_bytes + record_head_bytes) return Malformed::too_short;
    return {};
}

}  // namespace

std::string_view to_string(Malformed reason) {
    switch (reason) {
        case Malformed::too_short:
            return "too short";
        case Malformed::too_long:
            return "too long";
        case Malformed::not_ours:
            return "not a frame of event channels";
        case Malformed::other_version:
            return "other version";
        case Malformed::broken_record:
            return "broken record";
        case Malformed::bad_value:
            return "bad value";
        case Malformed::name_too_long:
            return "name too long";
        case Malformed::too_many:
            return "too many";
        case Malformed::pattern_too_long:
            return "pattern too long";
        case Malformed::data_too_long:
            return "data too long";
    }
    return "?";
}

tl::expected<void, Malformed> decode(Bytes frame, const std::function<bool(const Record&)>& take) {
    if (const auto found = header_flaw(frame)) return tl::unexpected(*found);
    Reader in(frame.subspan(header_bytes));
    while (in.left() > 0) {
        const auto type = static_cast<Type>(in.u8());
        const std::size_t length = in.u32();
        const Bytes body = in.take(length);
        if (!in.ok()) return tl::unexpected(Malformed::broken_record);
        const Step step = give_record(type, body, take);
        if (!step) return tl::unexpected(step.error());
        if (!*step) break;
    }
    return {};
}

}  // namespace lamplight::wire::evt
