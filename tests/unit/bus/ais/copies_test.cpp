#include "bus/ais/copies.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace lamplight::bus::ais {
namespace {

using evt::ChannelHandle;
using plain::MessageId;

const std::vector<std::uint8_t> bytes{0, 6, 0, 49};

struct Sent : testing::Test {
    /// All copies of a message for so many channels, under way: their tags.
    std::vector<std::uint64_t> send(std::uint64_t id, std::size_t channels) {
        std::vector<ChannelHandle> handles;
        for (std::uint32_t i = 0; i < channels; ++i)
            handles.push_back(ChannelHandle{i + 1});
        copies.begin(MessageId{id}, bytes, handles);
        std::vector<std::uint64_t> tags;
        while (copies.waits())
            tags.push_back(take().tag);
        return tags;
    }
    Copies::Copy take() {
        const Copies::Copy copy = copies.next();
        copies.sent();
        return copy;
    }
    Copies copies;
};

TEST_F(Sent, GoesIntoEachChannelOnceWithTheSameBytes) {
    EXPECT_FALSE(copies.waits());
    std::vector<std::uint8_t> message = bytes;
    copies.begin(MessageId{7}, message, {ChannelHandle{3}, ChannelHandle{5}});
    message.assign(4, 0);  // the caller uses its memory again
    for (const ChannelHandle channel : {ChannelHandle{3}, ChannelHandle{5}}) {
        ASSERT_TRUE(copies.waits());
        EXPECT_EQ(copies.next().tag, copies.next().tag) << "until it is sent";
        const Copies::Copy copy = take();
        EXPECT_EQ(copy.channel, channel);
        EXPECT_EQ(std::vector(copy.message.begin(), copy.message.end()), bytes);
    }
    EXPECT_FALSE(copies.waits());
}

TEST_F(Sent, IntoOneChannelIsDeliveredOrLostWithIt) {
    const auto first = send(1, 1);
    const auto second = send(2, 1);
    EXPECT_EQ(copies.lost(second[0]), MessageId{2});
    EXPECT_EQ(copies.delivered(first[0]), MessageId{1});
}

TEST_F(Sent, IntoSeveralChannelsIsDeliveredWithTheLast) {
    const auto tags = send(1, 3);
    const auto other = send(2, 2);
    EXPECT_EQ(copies.delivered(tags[1]), std::nullopt);
    EXPECT_EQ(copies.delivered(other[0]), std::nullopt);
    EXPECT_EQ(copies.delivered(tags[0]), std::nullopt);
    EXPECT_EQ(copies.delivered(tags[2]), MessageId{1});
    EXPECT_EQ(copies.delivered(other[1]), MessageId{2});
}

TEST_F(Sent, IntoSeveralChannelsIsLostWithAnyAndOnlyOnce) {
    const auto tags = send(1, 3);
    EXPECT_EQ(copies.delivered(tags[0]), std::nullopt);
    EXPECT_EQ(copies.lost(tags[1]), MessageId{1});
    EXPECT_EQ(copies.lost(tags[2]), std::nullopt);
    const auto again = send(2, 3);
    EXPECT_EQ(copies.lost(again[0]), MessageId{2});
    EXPECT_EQ(copies.delivered(again[1]), std::nullopt);
    EXPECT_EQ(copies.delivered(again[2]), std::nullopt) << "it was told to be lost";
}

TEST_F(Sent, IsForgottenWithTheGroup) {
    copies.begin(MessageId{1}, bytes, {ChannelHandle{1}, ChannelHandle{2}});
    take();
    copies.clear();
    EXPECT_FALSE(copies.waits());
    EXPECT_EQ(copies.delivered(send(2, 1)[0]), MessageId{2});
}

TEST_F(Sent, IntoMoreChannelsThanAProcessMayOpenKeepsItsTagsApart) {
    const auto tags = send(1, Copies::max_channels + 10);
    EXPECT_EQ(tags.size(), Copies::max_channels);
    const auto other = send(2, 1);
    EXPECT_EQ(copies.delivered(other[0]), MessageId{2});
    for (std::size_t i = 0; i + 1 < tags.size(); ++i)
        EXPECT_EQ(copies.delivered(tags[i]), std::nullopt);
    EXPECT_EQ(copies.delivered(tags.back()), MessageId{1});
}

}  // namespace
}  // namespace lamplight::bus::ais
