#include "samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace lamplight::wire::evt {
namespace {

using samples::Buffer;
using samples::outcome;
using samples::raw;
using samples::Records;

Buffer first(const Buffer& frame, std::size_t size) {
    return {frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size)};
}

/// A frame that ends where its buffer does, so that sanitizers see every byte read behind it. Whatever is
/// given can be written again, and is then the same.
std::string_view survives(const Buffer& frame) {
    const auto done = decode(frame, [](const Record& record) {
        const Buffer again = samples::frame({record}, header_bytes + size_of(record));
        EXPECT_EQ(again.size(), header_bytes + size_of(record)) << "type " << record.index();
        const auto same = decode(again, [&](const Record& read) {
            EXPECT_TRUE(read == record) << "type " << record.index();
            return true;
        });
        EXPECT_TRUE(same);
        return true;
    });
    return done ? "accepted" : to_string(done.error());
}

TEST(EvtDecode, RefusesAFrameCutAnywhereAndGivesTheWholeRecordsBeforeTheCut) {
    for (const auto& [name, records] : samples::all()) {
        const Buffer frame = samples::golden(name);
        std::vector<std::size_t> ends{header_bytes};
        for (const Record& record : records)
            ends.push_back(ends.back() + size_of(record));
        for (std::size_t size = 0; size < frame.size(); ++size) {
            SCOPED_TRACE(name + " at " + std::to_string(size));
            std::size_t given = 0;
            const auto done = decode(first(frame, size), [&](const Record& record) {
                EXPECT_TRUE(record == records.at(given));
                ++given;
                return true;
            });
            const auto whole = std::upper_bound(ends.begin(), ends.end(), size) - ends.begin() - 1;
            EXPECT_EQ(given, static_cast<std::size_t>(std::max(whole, std::ptrdiff_t{0})));
            const bool between = given > 0 && size == ends[given];
            ASSERT_EQ(done.has_value(), between);
            const auto expected = size < header_bytes + 5 ? Malformed::too_short : Malformed::broken_record;
            if (!done) {
                EXPECT_EQ(done.error(), expected);
            }
        }
    }
}

TEST(EvtDecode, RefusesARecordCutAnywhereThoughItsHeadWasMadeToMatch) {
    for (const auto& [name, records] : samples::all()) {
        if (records.size() > 1) continue;
        const Buffer frame = samples::golden(name);
        const Buffer body(frame.begin() + 13, frame.end());
        for (std::size_t size = 0; size < body.size(); ++size)
            EXPECT_EQ(survives(raw(frame[8], first(body, size))), "broken record") << name << " at " << size;
        Buffer longer = body;
        longer.push_back(0);
        EXPECT_EQ(survives(raw(frame[8], longer)), "broken record") << name;
    }
}

TEST(EvtDecode, SurvivesEveryByteBeingEveryOtherValue) {
    for (const auto& [name, records] : samples::all()) {
        const Buffer good = samples::golden(name);
        Buffer frame = good;
        for (std::size_t at = 0; at < frame.size(); ++at) {
            SCOPED_TRACE(name + " at " + std::to_string(at));
            for (int value = 0; value < 256; ++value) {
                frame[at] = static_cast<std::uint8_t>(value);
                survives(frame);
            }
            frame[at] = good[at];
        }
    }
}

TEST(EvtDecode, RefusesEveryLengthAndCountThatLies) {
    struct Place {
        const char* sample;
        std::size_t at;
        std::size_t width;
    };
    // Of: a record; a hello's program, opens, first name; the names of open, unlink and channel; an event's
    // channel, publisher, patterns, first pattern, data, and the same behind `remaining`; targets.
    const Place places[] = {
        {"close", 9, 4},        {"hello", 43, 2},       {"hello", 55, 2},       {"hello", 70, 2},
        {"open", 26, 2},        {"unlink", 13, 2},      {"publish", 46, 2},     {"publish", 60, 2},
        {"publish", 66, 1},     {"publish", 67, 2},     {"publish", 82, 4},     {"state_event", 9, 4},
        {"state_event", 54, 2}, {"state_event", 90, 4}, {"state_begin", 17, 1}, {"state_channel", 22, 2}};
    for (const Place& place : places) {
        const Buffer good = samples::golden(place.sample);
        std::uint64_t length = 0;
        for (std::size_t i = 0; i < place.width; ++i)
            length = length << 8 | good.at(place.at + i);
        for (const std::uint64_t lie :
             {std::uint64_t{0}, length - 1, length + 1, std::uint64_t{0x7fff}, ~std::uint64_t{0}}) {
            Buffer frame = good;
            for (std::size_t i = 0; i < place.width; ++i)
                frame[place.at + i] = static_cast<std::uint8_t>(lie >> 8 * (place.width - 1 - i));
            if (frame == good) continue;
            EXPECT_NE(survives(frame), "accepted") << place.sample << " byte " << place.at << " = " << lie;
        }
    }
}

TEST(EvtDecode, RefusesOtherMagicOtherVersionsAndFramesTooShortOrTooLong) {
    const Buffer good = samples::golden("close");
    for (std::size_t at = 0; at < 4; ++at) {
        Buffer frame = good;
        frame[at] ^= 0x20;
        EXPECT_EQ(outcome(frame), "not a frame of event channels");
    }
    for (const int version : {0, 2, 255}) {
        Buffer frame = good;
        frame[4] = static_cast<std::uint8_t>(version);
        EXPECT_EQ(outcome(frame), "other version");
        EXPECT_EQ(outcome(first(frame, header_bytes)), "other version") << "whatever follows";
    }
    EXPECT_EQ(outcome({}), "too short");
    EXPECT_EQ(outcome(first(good, header_bytes)), "too short") << "no record";
    Buffer longest = samples::raw(200, Buffer(max_frame_bytes - header_bytes - 5));
    EXPECT_EQ(outcome(longest), "accepted");
    longest.push_back(0);
    EXPECT_EQ(outcome(longest), "too long");
}

TEST(EvtDecode, IgnoresTheReservedBytes) {
    Buffer frame = samples::golden("close");
    frame[5] = frame[6] = frame[7] = 0xff;
    EXPECT_EQ(outcome(frame), "accepted");
}

TEST(EvtDecode, PassesOverARecordOfALaterVersion) {
    Buffer frame = raw(12, {1, 2, 3});
    const Buffer close = samples::golden("close");
    frame.insert(frame.end(), close.begin() + header_bytes, close.end());
    Records given;
    ASSERT_TRUE(decode(frame, [&](const Record& record) {
        given.push_back(record);
        return true;
    }));
    ASSERT_EQ(given.size(), 2u);
    EXPECT_TRUE(given[0] == Record(Unknown{12}));
    EXPECT_TRUE(given[1] == Record(Close{3}));
}

TEST(EvtDecode, StopsWhereItsCallerHasHadEnough) {
    Buffer frame = samples::golden("state");
    frame.pop_back();
    std::size_t given = 0;
    const auto done = decode(frame, [&](const Record&) { return ++given < 3; });
    EXPECT_TRUE(done) << "what is behind is not looked at";
    EXPECT_EQ(given, 3u);
}

TEST(EvtDecode, GivesWhatCameBeforeABrokenRecordAndNothingBehindIt) {
    Buffer frame = samples::frame({Close{1}, Clear{ChannelId{1}, EventId{2}}, Close{2}});
    frame[header_bytes + size_of(Close{}) + 5 + 7] = 0;  // the channel's id
    Records given;
    const auto done = decode(frame, [&](const Record& record) {
        given.push_back(record);
        return true;
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error(), Malformed::bad_value);
    ASSERT_EQ(given.size(), 1u);
    EXPECT_TRUE(given[0] == Record(Close{1}));
}

TEST(EvtDecode, NamesTheReasonOfABadValue) {
    struct Place {
        const char* sample;
        std::size_t at;
        int value;
    };
    // A hello's state, wants, sign of its boot time, flags; flags of an open; priority, signs of retention
    // and publish time; signs of what remains; status.
    const Place places[] = {{"hello", 25, 2},
                            {"hello", 26, 2},
                            {"hello", 27, 0x81},
                            {"hello", 69, 8},
                            {"open", 25, 8},
                            {"open", 25, 0xff},
                            {"publish", 29, 4},
                            {"publish", 30, 0x80},
                            {"publish", 38, 0x80},
                            {"state_event", 13, 0x80},
                            {"state_cleared", 29, 0x80},
                            {"state_channel", 21, 2}};
    for (const Place& place : places) {
        Buffer frame = samples::golden(place.sample);
        frame.at(place.at) = static_cast<std::uint8_t>(place.value);
        EXPECT_EQ(survives(frame), "bad value") << place.sample << " byte " << place.at;
    }
}

TEST(EvtDecode, RefusesIdsOfZero) {
    struct Place {
        const char* sample;
        std::size_t at;
        std::size_t width;
    };
    const Place places[] = {{"hello", 13, 4},         {"hello", 61, 8},         {"open", 17, 8},
                            {"publish", 13, 8},       {"publish", 21, 8},       {"clear", 13, 8},
                            {"clear", 21, 8},         {"state_channel", 13, 8}, {"state_event", 21, 8},
                            {"state_cleared", 13, 8}, {"state_cleared", 21, 8}};
    for (const Place& place : places) {
        Buffer frame = samples::golden(place.sample);
        std::fill_n(frame.begin() + static_cast<std::ptrdiff_t>(place.at), place.width, std::uint8_t{0});
        EXPECT_EQ(survives(frame), "bad value") << place.sample << " byte " << place.at;
    }
}

/// A text of so many bytes, with its length in front.
Buffer text(std::size_t size) {
    Buffer out{static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
    out.resize(size + 2, 't');
    return out;
}
Buffer operator+(Buffer left, const Buffer& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

TEST(EvtDecode, TakesWhatReachesALimitAndNamesTheLimitThatWasPassed) {
    EXPECT_EQ(survives(raw(4, text(256))), "accepted");
    EXPECT_EQ(survives(raw(4, text(257))), "name too long");
    EXPECT_EQ(survives(raw(4, text(0))), "name too long") << "a channel without a name";

    const Buffer ids = Buffer(16, 1) + Buffer{3} + Buffer(16, 0) + text(1);
    const auto event = [&](std::size_t publisher, const Buffer& patterns, std::size_t data) {
        const auto byte = [&](int shift) { return static_cast<std::uint8_t>(data >> shift); };
        const Buffer length{0, byte(16), byte(8), byte(0)};
        return survives(raw(5, ids + text(publisher) + patterns + length + Buffer(data)));
    };
    EXPECT_EQ(event(256, {0}, 0), "accepted");
    EXPECT_EQ(event(257, {0}, 0), "name too long");
    EXPECT_EQ(event(0, Buffer{1} + text(255), 0), "accepted");
    EXPECT_EQ(event(0, Buffer{1} + text(256), 0), "pattern too long");
    EXPECT_EQ(event(0, Buffer{10} + Buffer(20), 0), "accepted");
    EXPECT_EQ(event(0, Buffer{11} + Buffer(22), 0), "too many");
    EXPECT_EQ(event(0, {0}, 65'536), "accepted");
    EXPECT_EQ(event(0, {0}, 65'537), "data too long");

    const auto hello = [&](std::size_t program, std::size_t opens) {
        Buffer body =
            Buffer(12, 1) + Buffer(18) + text(program) + Buffer{0, static_cast<std::uint8_t>(opens)};
        for (std::size_t i = 0; i < opens; ++i)
            body = body + Buffer(12, 1) + Buffer{7} + text(256);
        return survives(raw(1, body));
    };
    EXPECT_EQ(hello(64, 200), "accepted");
    EXPECT_EQ(hello(65, 0), "name too long");
    EXPECT_EQ(hello(0, 201), "too many");

    EXPECT_EQ(survives(raw(7, Buffer{0, 0, 0, 1, 128} + Buffer(128 * 8))), "accepted");
    EXPECT_EQ(survives(raw(7, Buffer{0, 0, 0, 1, 129} + Buffer(129 * 8))), "too many");
}

TEST(EvtDecode, HasWordsForEveryReason) {
    std::set<std::string_view> words;
    for (std::size_t i = 0; i < malformed_count; ++i)
        words.insert(to_string(static_cast<Malformed>(i)));
    EXPECT_EQ(words.size(), malformed_count);
    EXPECT_FALSE(words.contains("?"));
}

}  // namespace
}  // namespace lamplight::wire::evt
