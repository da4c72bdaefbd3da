#pragma once

#include "wire/evt/frame.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

/// What stands in the frames of tests/data/evt: what tests encode, cut and bend.
namespace lamplight::wire::evt::samples {

using Buffer = std::vector<std::uint8_t>;
using Records = std::vector<Record>;

inline constexpr std::uint32_t number = 0x5a000001;
inline constexpr auto channel = static_cast<ChannelId>(0x5a000001'000003e9);
inline constexpr auto other_channel = static_cast<ChannelId>(0x00c0ffee'000003e9);
inline constexpr std::uint64_t event = 0x5a000001'000003ea;
inline constexpr std::int64_t now = 1'700'000'000'000'000'000;
inline constexpr std::int64_t hour = 3'600'000'000'000;
inline constexpr std::int64_t minute = 60'000'000'000;

inline Buffer hex_file(const std::filesystem::path& path) {
    std::ifstream in(path);
    Buffer bytes;
    for (std::string byte; in >> byte;)
        bytes.push_back(static_cast<std::uint8_t>(std::stoul(byte, nullptr, 16)));
    return bytes;
}
inline const std::filesystem::path& folder() {
    static const std::filesystem::path path = LAMPLIGHT_TEST_DATA "/evt";
    return path;
}
inline Buffer golden(const std::string& name) {
    return hex_file(folder() / (name + ".hex"));
}

/// The views of these live for ever.
inline Hello hello() {
    static constexpr StandingOpen opens[] = {{1, channel, {7}, "device_state"},
                                             {2, other_channel, {OpenFlags::subscriber}, "mwi"}};
    return {number, now, Hello::State::whole, Hello::Wants::state, now - hour, 12, "lamplightd", opens};
}
inline Publish publish() {
    static const Buffer inuse = hex_file(LAMPLIGHT_TEST_DATA "/event/asthead-dsc-custom-abc-inuse.hex");
    static const Bytes patterns[] = {bytes_of(std::string_view("device_state\0", 13))};
    return {channel, EventId{event}, 3, minute, now, "device_state", "pbx1", patterns, inuse};
}
inline Publish publish_bare() {
    static const Bytes patterns[] = {{}, bytes_of(std::string_view("\xff\0\x01", 3))};
    return {channel, EventId{event + 1}, 0, INT64_MAX, 0, "c", {}, patterns, {}};
}
inline StateBegin state_begin() {
    static constexpr Process targets[] = {{1, 4711}, {0x9016180a, 815}};
    return {7, targets};
}
inline Records state() {
    return {state_begin(),
            StateChannel{channel, StateChannel::Status::living, "device_state"},
            StateChannel{other_channel, StateChannel::Status::unlinked, "old"},
            StateEvent{minute / 2, publish()},
            StateCleared{channel, EventId{event - 1}, 1'000},
            StateEnd{7}};
}

/// By the names of their files.
inline const std::map<std::string, Records>& all() {
    static const Records parts = state();
    static const std::map<std::string, Records> table{
        {"hello", {hello()}},
        {"hello_empty", {Hello{number, now, {}, {}, time_unknown, 0, {}, {}}}},
        {"open", {Open{3, channel, {7}, "device_state"}}},
        {"open_only", {Open{4, ChannelId::none, {OpenFlags::subscriber}, "mwi"}}},
        {"close", {Close{3}}},
        {"unlink", {Unlink{"device_state"}}},
        {"publish", {publish()}},
        {"publish_bare", {publish_bare()}},
        {"clear", {Clear{channel, EventId{event}}}},
        {"state_begin", {parts[0]}},
        {"state_channel", {parts[1]}},
        {"state_unlinked", {parts[2]}},
        {"state_event", {parts[3]}},
        {"state_cleared", {parts[4]}},
        {"state_end", {parts[5]}},
        {"state", parts},
    };
    return table;
}

inline Buffer frame(const Records& records, std::size_t room = max_frame_bytes) {
    Buffer buffer(room);
    FrameWriter writer(buffer);
    for (const Record& record : records)
        writer.add(record);
    buffer.resize(writer.bytes());
    return buffer;
}

/// A frame of one record with any body and a true head.
inline Buffer raw(std::uint8_t type, const Buffer& body) {
    Buffer out{'L', 'E', 'V', 'T', format_version, 0, 0, 0, type};
    for (int shift = 24; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(body.size() >> shift));
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

/// `accepted`, or why not.
inline std::string_view outcome(Bytes frame) {
    const auto done = decode(frame, [](const Record&) { return true; });
    return done ? "accepted" : to_string(done.error());
}

}  // namespace lamplight::wire::evt::samples
