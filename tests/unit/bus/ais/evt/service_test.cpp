#include "world.hpp"

#include <gmock/gmock.h>

namespace lamplight::bus::ais::evt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

constexpr std::uint8_t publisher = OpenFlags::publisher;
constexpr std::uint8_t subscriber = OpenFlags::subscriber;
constexpr std::uint8_t create = OpenFlags::create;

TEST(EvtService, WhoIsAloneKnowsAllChannels) {
    World world;
    auto& a = world.add();
    world.join(a);
    world.settle();
    EXPECT_TRUE(a.service->knows_registry());
    const ClientId client = world.client(a);
    const ChannelHandle handle = world.open(a, client, "news");
    world.subscribe(a, handle, 1);
    world.publish(a, handle, "one");
    world.settle();
    EXPECT_THAT(world.texts(a, client), ElementsAre("one"));
}

TEST(EvtService, AnEventGoesToTheOtherProcess) {
    World world;
    auto& a = world.add();
    auto& b = world.add();
    world.join(a);
    world.settle();
    world.join(b);
    world.settle();
    ASSERT_TRUE(b.service->knows_registry());
    const ClientId at_a = world.client(a), at_b = world.client(b);
    const ChannelHandle from = world.open(a, at_a, "news");
    const ChannelHandle to = world.open(b, at_b, "news", subscriber);
    world.subscribe(b, to, 1);
    world.publish(a, from, "one");
    world.publish(a, from, "two");
    world.settle();
    EXPECT_THAT(world.texts(b, at_b), ElementsAre("one", "two"));
    EXPECT_TRUE(b.service->has_open(a.id, "news"));
    EXPECT_TRUE(a.service->close(from));
    world.settle();
    EXPECT_FALSE(b.service->has_open(a.id, "news"));
}

TEST(EvtService, AnOpenWithoutCreateOfAChannelThatIsNotThereIsNotExist) {
    World world;
    auto& a = world.add();
    world.join(a);
    EXPECT_EQ(world.try_open(a, world.client(a), "none", subscriber).error, Error::not_exist);
}

TEST(EvtService, ThreeWhoStartAtOnceComeToOneRegistry) {
    World world;
    for (int i = 0; i < 3; ++i)
        world.add();
    for (std::size_t i = 0; i < 3; ++i)
        world.join(world[i]);
    world.settle();
    for (std::size_t i = 0; i < 3; ++i)
        EXPECT_TRUE(world[i].service->knows_registry()) << i;
    const ChannelHandle one = world.open(world[2], world.client(world[2]), "news");
    EXPECT_NE(one, ChannelHandle{});
    EXPECT_EQ(world[0].service->channels().size(), 1U);
}

TEST(EvtService, TwoWhoJoinGetChannelsAndRetainedEvents) {
    World world;
    auto& a = world.add();
    auto& b = world.add();
    auto& c = world.add();
    world.join(a);
    world.settle();
    const ChannelHandle from = world.open(a, world.client(a), "news");
    world.publish(a, from, "one", {.retention = one_minute});
    world.publish(a, from, "gone", {});
    world.publish(a, from, "two", {.retention = for_ever});
    world.settle();
    world.join(b);
    world.join(c);
    world.settle();
    EXPECT_EQ(a.service->counters().states_sent, 1U);
    for (auto* node : {&b, &c}) {
        const ClientId client = world.client(*node);
        world.subscribe(*node, world.open(*node, client, "news", subscriber), 1);
        EXPECT_THAT(world.texts(*node, client), ElementsAre("one", "two"));
    }
    world.settle(61s);
    EXPECT_EQ(b.service->channels().at(0).retained, 1U);
}

TEST(EvtService, ASplitThatHealsIsAUnionInWhichUnlinkedAndClearedStaySo) {
    World world;
    auto& a = world.add();
    auto& b = world.add();
    world.join(a);
    world.settle();
    world.join(b);
    world.settle();
    const ClientId at_a = world.client(a), at_b = world.client(b);
    const ChannelHandle a_news = world.open(a, at_a, "news"), a_old = world.open(a, at_a, "old");
    const ChannelHandle b_news = world.open(b, at_b, "news");
    const EventId cleared = world.publish(a, a_news, "cleared", {.retention = for_ever});
    world.settle();
    world.split({&b}, 1);
    world.settle();
    EXPECT_TRUE(b.service->clear_retention(b_news, cleared));
    EXPECT_TRUE(a.service->unlink(at_a, "old"));
    EXPECT_TRUE(a.service->close(a_old));
    const ChannelHandle a_new = world.open(a, at_a, "new"), b_new = world.open(b, at_b, "new");
    world.subscribe(b, b_new, 7);
    world.publish(a, a_news, "a", {.retention = for_ever});
    world.publish(b, b_news, "b", {.retention = for_ever});
    world.settle();
    world.merge(1, 0);
    world.settle();
    for (auto* node : {&a, &b}) {
        const auto channels = node->service->channels();
        ASSERT_EQ(channels.size(), 2U);
        EXPECT_EQ(channels[0].name, "new");
        EXPECT_EQ(channels[0].opens.size(), 2U);
        EXPECT_EQ(channels[1].name, "news");
        EXPECT_EQ(channels[1].retained, 2U);
    }
    world.publish(a, a_new, "through both");
    world.settle();
    EXPECT_THAT(world.texts(b, at_b), ElementsAre("through both"));
}

TEST(EvtService, AFullQueueDropsAndSaysSoOnceAGap) {
    World world;
    auto& a = world.add({.queue_limit = 10, .queue_resume = 5});
    world.join(a);
    const ClientId client = world.client(a);
    const ChannelHandle handle = world.open(a, client, "news");
    world.subscribe(a, handle, 1);
    for (int i = 0; i < 30; ++i)
        world.publish(a, handle, std::to_string(i));
    world.settle();
    const auto texts = world.texts(a, client);
    ASSERT_EQ(texts.size(), 11U);
    EXPECT_EQ(texts.front(), "LOST");
    EXPECT_EQ(std::ranges::count(texts, "LOST"), 1);
    EXPECT_EQ(texts.back(), "9");
}

TEST(EvtService, AHigherPriorityOvertakes) {
    World world;
    auto& a = world.add();
    world.join(a);
    const ClientId client = world.client(a);
    const ChannelHandle handle = world.open(a, client, "news");
    world.subscribe(a, handle, 1);
    world.publish(a, handle, "low");
    world.publish(a, handle, "high", {.priority = highest_priority});
    world.settle();
    EXPECT_THAT(world.texts(a, client), ElementsAre("high", "low"));
}

TEST(EvtService, AReconnectedProcessHasItsHandlesStill) {
    World world;
    auto& a = world.add();
    auto& b = world.add();
    world.join(a);
    world.settle();
    world.join(b);
    world.settle();
    const ClientId at_a = world.client(a), at_b = world.client(b);
    const ChannelHandle from = world.open(a, at_a, "news"), to = world.open(b, at_b, "news");
    world.subscribe(b, to, 1);
    world.leave(b, state::Departure::silent);
    world.settle();
    world.publish(b, to, "said while away");
    world.join(b);
    world.settle();
    world.publish(a, from, "after");
    world.settle();
    EXPECT_THAT(world.texts(b, at_b), ElementsAre("said while away", "after"));
    EXPECT_TRUE(a.service->has_open(b.id, "news"));
}

}  // namespace
}  // namespace lamplight::bus::ais::evt
