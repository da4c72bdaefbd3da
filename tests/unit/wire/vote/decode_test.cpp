#include "wire/vote/decode.hpp"

#include "samples.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace lamplight::wire::vote {
namespace {

using samples::Buffer;
using samples::pbx1;

std::string_view refusal(const Buffer& frame) {
    const auto result = decode(frame);
    return result ? "accepted" : to_string(result.error().refusal);
}

void set_length(Buffer& frame, std::size_t length) {
    for (std::size_t i = 0; i < 4; ++i)
        frame.at(4 + i) = static_cast<std::uint8_t>(length >> 8 * (3 - i));
}

/// A frame of any bytes with a true head.
Buffer frame_of(Type type, std::initializer_list<int> body) {
    Buffer frame{0x4c, 0x76, 1, static_cast<std::uint8_t>(type), 0, 0, 0, 0};
    for (const int byte : body)
        frame.push_back(static_cast<std::uint8_t>(byte));
    set_length(frame, frame.size());
    return frame;
}

/// Visits all of a frame, so that sanitizers see every byte that a caller would.
std::size_t walk(const Frame& frame) {
    std::size_t sum = 0;
    const auto count = [&](const auto& entry) { sum += sizeof(entry); };
    std::visit(
        [&](const auto& view) {
            using View = std::decay_t<decltype(view)>;
            if constexpr (std::is_same_v<View, HelloView>) {
                view.for_each_node([&](const HelloNode& node) { sum += node.name.size(); });
                view.for_each_known(count);
            } else if constexpr (std::is_same_v<View, VotesView> || std::is_same_v<View, MwiView>) {
                view.for_each(count, count);
            } else if constexpr (std::is_same_v<View, DigestView>) {
                view.for_each(count);
            }
        },
        frame);
    return sum;
}

TEST(Decode, AcceptsOneOfEveryType) {
    for (const auto& [name, frame] : samples::all())
        EXPECT_EQ(refusal(frame), "accepted") << name;
}

TEST(Decode, RefusesAGoodFrameCutAtAnyByte) {
    for (const auto& [name, frame] : samples::all())
        for (std::size_t size = 0; size < frame.size(); ++size) {
            const Buffer cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_EQ(refusal(cut), size < head_bytes ? "too short" : "length does not match")
                << name << " at " << size;
        }
}

TEST(Decode, RefusesACutFrameWhoseHeadWasMadeToMatch) {
    for (const auto& [name, frame] : samples::all())
        for (std::size_t size = head_bytes; size < frame.size(); ++size) {
            Buffer cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
            set_length(cut, size);
            EXPECT_NE(refusal(cut), "accepted") << name << " at " << size;
        }
}

TEST(Decode, RefusesTrailingBytesExceptInAHello) {
    for (auto [name, frame] : samples::all()) {
        frame.push_back(0);
        set_length(frame, frame.size());
        EXPECT_EQ(refusal(frame) == "accepted", name == "hello") << name;
    }
}

TEST(Decode, SurvivesEveryByteBeingEveryOtherValue) {
    for (const auto& [name, good] : samples::all()) {
        Buffer frame = good;
        for (std::size_t at = 0; at < frame.size(); ++at) {
            for (int value = 0; value < 256; ++value) {
                frame[at] = static_cast<std::uint8_t>(value);
                const auto result = decode(frame);
                if (result) walk(*result);
            }
            frame[at] = good[at];
        }
    }
}

TEST(Decode, RefusesEveryLengthAndCountThatLies) {
    struct Place {
        const char* sample;
        std::size_t at;
    };
    // Offsets of: the frame's length; a hello's formats, software, nodes, first name; counts of votes; a
    // vote's name; digests; MWI mailbox; formats of an answer.
    const Place places[] = {{"votes", 7},  {"hello", 8},  {"hello", 10},     {"hello", 27},
                            {"hello", 43}, {"votes", 13}, {"votes", 42},     {"digest", 8},
                            {"mwi", 9},    {"mwi", 42},   {"unsupported", 9}};
    const auto all = samples::all();
    for (const Place& place : places)
        for (const int lie : {0x00, 0x7f, 0xff}) {
            Buffer frame = all.at(place.sample);
            if (frame.at(place.at) == lie) continue;
            frame.at(place.at) = static_cast<std::uint8_t>(lie);
            const auto result = decode(frame);
            const bool shorter_hello = std::string_view(place.sample) == "hello" && lie == 0;
            EXPECT_TRUE(!result || shorter_hello) << place.sample << " byte " << place.at << " = " << lie;
        }
}

TEST(Decode, NamesTheFormatThatItCannotRead) {
    Buffer frame = samples::votes();
    frame[2] = 9;
    const auto result = decode(frame);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().refusal, Refusal::unknown_format);
    EXPECT_EQ(result.error().format, 9);
    EXPECT_EQ(result.error().type, static_cast<std::uint8_t>(Type::votes));
}

TEST(Decode, RefusesAnotherMagicAnUnknownTypeAndAFrameBeyondTheLimit) {
    Buffer frame = samples::votes();
    frame[0] = 'X';
    EXPECT_EQ(refusal(frame), "not a Lamplight frame");
    EXPECT_EQ(refusal(frame_of(static_cast<Type>(type_count), {})), "unknown type");
    EXPECT_EQ(refusal(frame_of(static_cast<Type>(0), {})), "unknown type");
    EXPECT_EQ(refusal(Buffer(max_received_bytes + 1, 0)), "too long");
}

TEST(Decode, RefusesAVoteBeforeAnyNode) {
    EXPECT_EQ(refusal(frame_of(Type::votes, {0, 0, 0, 1, 0, 1, 0x22, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 3})),
              "bad value");
}

TEST(Decode, RefusesWhatNoSenderMayWriteInAVote) {
    const auto vote = [](int bits, int id_high, std::initializer_list<int> name) {
        Buffer frame = frame_of(
            Type::votes, {0,    0, 0,       1, 0, 1, 0x80, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7,  //
                          bits, 0, id_high, 0, 5, 0, 0,    0, 0, 0, 0, 0, 3});
        for (const int byte : name)
            frame.push_back(static_cast<std::uint8_t>(byte));
        set_length(frame, frame.size());
        return frame;
    };
    EXPECT_EQ(refusal(vote(0x22, 0x3f, {})), "accepted");
    EXPECT_EQ(refusal(vote(0x22, 0x40, {})), "bad value") << "name id beyond its limit";
    EXPECT_EQ(refusal(vote(0x29, 0, {})), "bad value") << "state 9";
    EXPECT_EQ(refusal(vote(0x12, 0, {})), "bad value") << "a withdrawal with a state";
    EXPECT_EQ(refusal(vote(0x82, 0, {})), "bad value") << "a node's bit on a vote";
    EXPECT_EQ(refusal(vote(0x62, 0, {0})), "bad value") << "an empty name";
    EXPECT_EQ(refusal(vote(0x62, 0, {2, 'a'})), "truncated");
}

TEST(Decode, RefusesNodesWithoutIdentityOrIncarnation) {
    EXPECT_EQ(refusal(frame_of(Type::snapshot_begin, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})),
              "bad value");
    EXPECT_EQ(refusal(frame_of(Type::snapshot_begin, {2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0})),
              "bad value");
    EXPECT_EQ(refusal(frame_of(Type::snapshot_begin, {2, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0})),
              "bad value")
        << "incarnation 2^56";
    EXPECT_EQ(refusal(frame_of(Type::snapshot_begin, {2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1})),
              "accepted");
}

TEST(Decode, RefusesUnknownWordsInSmallFrames) {
    EXPECT_EQ(refusal(frame_of(Type::request, {3, 2, 0, 0, 0, 0, 1})), "bad value");
    EXPECT_EQ(refusal(frame_of(Type::request, {1, 2, 0, 0, 0, 0, 1})), "bad value")
        << "a hello is nobody's in particular";
    EXPECT_EQ(refusal(frame_of(Type::request, {2, 0, 0, 0, 0, 0, 0})), "bad value");
    EXPECT_EQ(refusal(frame_of(Type::goodbye, {0})), "bad value");
    EXPECT_EQ(refusal(frame_of(Type::goodbye, {3})), "bad value");
    EXPECT_EQ(refusal(frame_of(Type::pbx_link, {2, 0, 0, 0, 0, 1, 2})), "bad value");
    EXPECT_EQ(refusal(frame_of(Type::unsupported, {9, 0})), "bad count");
    EXPECT_EQ(refusal(frame_of(Type::hello, {0, 0, 0, 0, 0, 0})), "bad count")
        << "a hello that speaks nothing";
}

TEST(Decode, RefusesASinceWithoutANodeOrWithAnUnsoundVersion) {
    const auto since = [](std::uint8_t eid, std::uint8_t highest, std::uint8_t lowest,
                          std::uint8_t sequence) {
        return frame_of(Type::since, {2, 0, 0,      0, 0, eid, highest, 0, 0, 0, 0,
                                      0, 0, lowest, 0, 0, 0,   0,       0, 0, 0, sequence});
    };
    EXPECT_EQ(refusal(since(1, 0, 7, 3)), "accepted");
    EXPECT_EQ(refusal(since(1, 0, 0, 0)), "accepted") << "nothing is held";
    EXPECT_EQ(refusal(since(1, 0, 0, 3)), "bad value") << "a sequence of no incarnation";
    EXPECT_EQ(refusal(since(1, 1, 0, 3)), "bad value") << "incarnation 2^56";
    EXPECT_EQ(
        refusal(frame_of(Type::since, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})),
        "bad value");
    EXPECT_EQ(refusal(frame_of(Type::since, {2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 3})),
              "truncated");
}

TEST(Decode, RefusesAVoteWithoutANameInTheTableThatHasNoIds) {
    Buffer frame = samples::votes();  // the third vote has an id that the first defined
    ASSERT_TRUE(decode(frame).has_value());
    frame[head_bytes + 3] = 0;
    ASSERT_FALSE(decode(frame).has_value());
    EXPECT_EQ(decode(frame).error().refusal, Refusal::bad_value);
    const Buffer named = samples::broadcast();
    EXPECT_TRUE(decode(named).has_value());
}

TEST(Decode, RefusesCountsBeyondTheirLimits) {
    EXPECT_EQ(refusal(frame_of(Type::hello, {1, 1, 0, 1, 1})), "bad count") << "257 nodes";
    EXPECT_EQ(refusal(frame_of(Type::hello, {1, 1, 0, 0, 0, 0x10, 1})), "bad count") << "4,097 known";
    EXPECT_EQ(refusal(frame_of(Type::hello, {17})), "bad count");
}

}  // namespace
}  // namespace lamplight::wire::vote
