#include "wire/evt/frame.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace lamplight::wire::evt {
namespace {

using Buffer = std::vector<std::uint8_t>;

/// `least` to `limit` bytes of any value.
std::string any_text(std::size_t least, std::size_t limit) {
    const auto size = *rc::gen::inRange(least, limit + 1);
    return *rc::gen::container<std::string>(size, rc::gen::arbitrary<char>());
}

template <typename Number>
Number any_number(Number least = 0) {
    return std::max(*rc::gen::arbitrary<Number>(), least);
}

template <typename Id>
Id any_id() {
    return static_cast<Id>(any_number<std::uint64_t>(1));
}

std::int64_t any_time() {
    return any_number<std::int64_t>(0);
}

OpenFlags any_flags() {
    return {*rc::gen::inRange<std::uint8_t>(0, 8)};
}

/// Any record that may be said; its views are into this.
struct Source {
    std::string name = any_text(1, max_name_bytes);
    std::string publisher = any_text(0, max_name_bytes);
    std::string program = any_text(0, max_program_bytes);
    std::string data = any_text(0, *rc::gen::element<std::size_t>(0, 49, 4'000));
    std::vector<std::string> pattern_texts;
    std::vector<Bytes> patterns;
    std::vector<StandingOpen> opens;
    std::vector<Process> targets;

    Source() {
        for (auto left = *rc::gen::inRange<std::size_t>(0, max_patterns + 1); left > 0; --left)
            pattern_texts.push_back(any_text(0, max_pattern_bytes));
        for (const std::string& text : pattern_texts)
            patterns.push_back(bytes_of(text));
        for (auto left = *rc::gen::inRange<std::size_t>(0, max_opens + 1); left > 0; --left)
            opens.push_back({any_number<std::uint32_t>(), any_id<ChannelId>(), any_flags(), name});
        for (auto left = *rc::gen::inRange<std::size_t>(0, max_targets + 1); left > 0; --left)
            targets.push_back({any_number<std::uint32_t>(), any_number<std::uint32_t>()});
    }
    Hello hello() const {
        return {any_number<std::uint32_t>(1),
                any_number<std::uint64_t>(),
                *rc::gen::element(Hello::State::empty, Hello::State::whole),
                *rc::gen::element(Hello::Wants::nothing, Hello::Wants::state),
                *rc::gen::element(time_unknown, any_time()),
                any_number<std::uint64_t>(),
                program,
                opens};
    }
    Publish publish() const {
        const auto priority = *rc::gen::inRange<std::uint8_t>(0, 4);
        return {any_id<ChannelId>(), any_id<EventId>(), priority,      any_time(), any_time(), name,
                publisher,           patterns,          bytes_of(data)};
    }
    StateChannel state_channel() const {
        using Status = StateChannel::Status;
        return {any_id<ChannelId>(), *rc::gen::element(Status::living, Status::unlinked), name};
    }
    Record record() const {
        switch (*rc::gen::inRange(0, 11)) {
            case 0:
                return hello();
            case 1:
                return Open{any_number<std::uint32_t>(), any_id<ChannelId>(), any_flags(), name};
            case 2:
                return Close{any_number<std::uint32_t>()};
            case 3:
                return Unlink{name};
            case 4:
                return publish();
            case 5:
                return Clear{any_id<ChannelId>(), any_id<EventId>()};
            case 6:
                return StateBegin{any_number<std::uint32_t>(), targets};
            case 7:
                return state_channel();
            case 8:
                return StateEvent{any_time(), publish()};
            case 9:
                return StateCleared{any_id<ChannelId>(), any_id<EventId>(), any_time()};
            default:
                return StateEnd{any_number<std::uint32_t>()};
        }
    }
};

std::vector<Record> any_records(const Source& source) {
    std::vector<Record> records;
    for (int left = *rc::gen::inRange(1, 5); left > 0; --left)
        records.push_back(source.record());
    return records;
}

RC_GTEST_PROP(EvtFrameLaw, WhatIsWrittenIsReadAsTheSameInOrderAndNothingIsWrittenBehindIt, ()) {
    const Source source;
    const std::vector<Record> records = any_records(source);
    const std::size_t room = *rc::gen::inRange(header_bytes, max_frame_bytes + 1);
    Buffer out(room + 16, 0xee);
    FrameWriter writer(MutableBytes(out).first(room));
    std::vector<Record> fitted;
    for (const Record& record : records) {
        const std::size_t left = room - writer.bytes();
        RC_ASSERT(writer.add(record) == (size_of(record) <= left));
        if (size_of(record) <= left) fitted.push_back(record);
    }
    RC_ASSERT(writer.records() == fitted.size());
    if (!fitted.empty()) {
        std::vector<std::uint8_t> frame(out.begin(),
                                        out.begin() + static_cast<std::ptrdiff_t>(writer.bytes()));
        std::size_t at = 0;
        const auto done = decode(frame, [&](const Record& record) {
            RC_ASSERT(at < fitted.size());
            RC_ASSERT(record == fitted[at]);
            return ++at > 0;
        });
        RC_ASSERT(done.has_value());
        RC_ASSERT(at == fitted.size());
    }
    RC_ASSERT(std::all_of(out.begin() + static_cast<std::ptrdiff_t>(writer.bytes()), out.end(),
                          [](std::uint8_t byte) { return byte == 0xee; }));
}

RC_GTEST_PROP(EvtFrameLaw, WhateverIsReadFromADamagedFrameMayBeWrittenAgain, ()) {
    const Source source;
    Buffer frame(max_frame_bytes);
    FrameWriter writer(frame);
    for (const Record& record : any_records(source))
        writer.add(record);
    frame.resize(writer.bytes());
    for (int damage = *rc::gen::inRange(1, 6); damage > 0; --damage)
        frame[*rc::gen::inRange<std::size_t>(0, frame.size())] = *rc::gen::arbitrary<std::uint8_t>();
    const auto done = decode(frame, [](const Record& record) {
        Buffer again(header_bytes + size_of(record));
        RC_ASSERT(FrameWriter(again).add(record));
        return true;
    });
    if (!done) RC_ASSERT(to_string(done.error()) != "?");
}

}  // namespace
}  // namespace lamplight::wire::evt
