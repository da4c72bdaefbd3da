#include "world.hpp"

#include <gmock/gmock.h>

#include <set>

namespace lamplight::bus::ais::evt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

constexpr std::uint8_t subscriber = OpenFlags::subscriber;
constexpr Nanoseconds second = 1'000'000'000;

/// A process that is alone in the group, and a channel that one of its clients has open.
class EvtRetention : public testing::Test {
protected:
    EvtRetention() : EvtRetention(Settings{}) {}
    explicit EvtRetention(const Settings& settings) : node(world.add(settings)) {
        world.join(node);
        world.settle();
        client = world.client(node);
        handle = world.open(node, client, "news");
    }
    EventId keep(std::string_view data, Nanoseconds retention = for_ever) {
        return world.publish(node, handle, data, {.retention = retention});
    }
    /// What somebody finds who subscribes now.
    std::vector<std::string> found(std::vector<Filter> filters = {}) {
        const ClientId late = world.client(node);
        world.subscribe(node, world.open(node, late, "news", subscriber), 1, std::move(filters));
        auto texts = world.texts(node, late);
        node.service->remove_client(late);
        world.settle(0ms);
        return texts;
    }
    std::size_t retained() { return node.service->channels().at(0).retained; }

    World world;
    World::Node& node;
    ClientId client{};
    ChannelHandle handle{};
};

TEST_F(EvtRetention, ALateSubscriberGetsEverythingStillRetainedOldestFirst) {
    keep("one");
    world.publish(node, handle, "not kept");
    keep("two");
    keep("three");
    world.settle();
    EXPECT_THAT(found(), ElementsAre("one", "two", "three"));
    EXPECT_THAT(found(), ElementsAre("one", "two", "three")) << "and the next one too";
}

TEST_F(EvtRetention, ALateSubscriberGetsWhatItsFiltersPass) {
    world.publish(node, handle, "one", {.patterns = {"a"}, .retention = for_ever});
    world.publish(node, handle, "two", {.patterns = {"b"}, .retention = for_ever});
    world.settle();
    EXPECT_THAT(found({{Filter::Type::exact, "b"}}), ElementsAre("two"));
}

TEST_F(EvtRetention, HigherPrioritiesOvertakeAmongRetainedEventsToo) {
    world.publish(node, handle, "low", {.priority = 3, .retention = for_ever});
    world.publish(node, handle, "high", {.priority = 0, .retention = for_ever});
    world.publish(node, handle, "low too", {.priority = 3, .retention = for_ever});
    world.settle();
    EXPECT_THAT(found(), ElementsAre("high", "low", "low too"));
}

TEST_F(EvtRetention, AnEventGoesWhenItsTimeIsOverAndNotBefore) {
    keep("a minute", 60 * second);
    keep("a second", second);
    keep("for ever");
    world.settle(0ms);
    world.settle(999ms);
    EXPECT_EQ(retained(), 3U);
    world.settle(1ms);
    EXPECT_EQ(retained(), 2U);
    world.settle(58'999ms);
    EXPECT_EQ(retained(), 2U);
    world.settle(1ms);
    EXPECT_EQ(retained(), 1U);
    EXPECT_EQ(node.service->counters().expired, 2U);
    world.settle(std::chrono::hours(24 * 365));
    EXPECT_THAT(found(), ElementsAre("for ever"));
    EXPECT_EQ(node.service->next_deadline(), std::nullopt);
}

TEST_F(EvtRetention, ASpanThatReachesBeyondAllTimeIsKeptAndNotForEver) {
    keep("very long", for_ever - 1);
    world.settle();
    world.settle(std::chrono::hours(24 * 365));
    EXPECT_THAT(found(), ElementsAre("very long"));
    EXPECT_NE(node.service->next_deadline(), std::nullopt);
}

TEST_F(EvtRetention, TheShortestSpanIsAMillisecond) {
    keep("one", 1);
    world.settle(0ms);
    EXPECT_EQ(retained(), 1U);
    world.settle(1ms);
    EXPECT_EQ(retained(), 0U);
}

TEST_F(EvtRetention, WhatEndsDuringAReplayIsNotDeliveredAnyMore) {
    keep("first");
    keep("short", second);
    keep("last");
    world.settle(0ms);
    const ClientId late = world.client(node);
    world.subscribe(node, world.open(node, late, "news", subscriber), 1);
    EXPECT_EQ(node.service->next(late, world.moment())->event->data, "first");
    world.settle(2s);
    EXPECT_THAT(world.texts(node, late), ElementsAre("last"));
}

TEST_F(EvtRetention, AClearedEventIsGoneForLaterSubscribers) {
    keep("one");
    const EventId two = keep("two");
    world.settle();
    EXPECT_TRUE(node.service->clear_retention(handle, two));
    EXPECT_THAT(found(), ElementsAre("one"));
    EXPECT_EQ(node.service->counters().cleared, 1U);
}

TEST_F(EvtRetention, AnEventThatWaitsForAClientIsDeliveredAlthoughItWasCleared) {
    world.subscribe(node, handle, 1);
    const EventId one = keep("one");
    world.settle();
    EXPECT_TRUE(node.service->clear_retention(handle, one));
    world.settle();
    EXPECT_THAT(world.texts(node, client), ElementsAre("one"));
}

TEST_F(EvtRetention, RetainedEventsSurviveTheirPublisherAndAClosedChannel) {
    keep("one");
    world.settle();
    node.service->remove_client(client);
    world.settle();
    EXPECT_THAT(found(), ElementsAre("one"));
}

TEST_F(EvtRetention, RetainedEventsOfAnUnlinkedChannelGoWithItsLastOpen) {
    keep("old");
    world.settle();
    EXPECT_TRUE(node.service->unlink(client, "news"));
    world.settle();
    EXPECT_EQ(retained(), 1U);
    world.subscribe(node, handle, 5);
    EXPECT_THAT(world.texts(node, client), ElementsAre("old")) << "who has it open keeps it whole";
    EXPECT_TRUE(node.service->close(handle));
    world.settle();
    EXPECT_THAT(node.service->channels(), IsEmpty());
    world.open(node, client, "news");
    EXPECT_THAT(found(), IsEmpty());
}

TEST_F(EvtRetention, ANewChannelOfAnUnlinkedNameHasNothingOfTheOldOne) {
    keep("old");
    world.settle();
    EXPECT_TRUE(node.service->unlink(client, "news"));
    world.settle();
    const ChannelHandle anew = world.open(node, client, "news");
    world.publish(node, anew, "new", {.retention = for_ever});
    world.settle();
    EXPECT_THAT(found(), ElementsAre("new"));
    world.subscribe(node, handle, 5);
    EXPECT_THAT(world.texts(node, client), ElementsAre("old"));
    world.publish(node, handle, "among those who have the old one");
    world.settle();
    EXPECT_THAT(world.texts(node, client), ElementsAre("among those who have the old one"));
}

// --- replays ---

TEST_F(EvtRetention, AReplayOf100000EventsComesWholeThroughAQueueOf1000) {
    constexpr int count = 100'000;
    for (int i = 0; i < count; ++i) {
        keep(std::to_string(i));
        if (i % 4'000 == 3'999) world.settle(0ms);
    }
    world.settle(0ms);
    const ClientId late = world.client(node);
    world.subscribe(node, world.open(node, late, "news", subscriber), 1);
    for (int i = 0; i < count; ++i) {
        const auto delivery = node.service->next(late, world.moment());
        ASSERT_TRUE(delivery) << i;
        ASSERT_EQ(delivery->event->data, std::to_string(i));
    }
    EXPECT_FALSE(node.service->next(late, world.moment()));
    EXPECT_EQ(node.service->counters().dropped, 0U);
}

TEST_F(EvtRetention, WhatIsPublishedDuringAReplayComesAfterItAndOnce) {
    for (int i = 0; i < 10; ++i)
        keep(std::to_string(i));
    world.settle();
    const ClientId late = world.client(node);
    world.subscribe(node, world.open(node, late, "news", subscriber), 1);
    std::vector<std::string> texts;
    int next = 10;
    while (const auto delivery = node.service->next(late, world.moment())) {
        texts.push_back(delivery->event->data);
        if (next == 30) continue;
        keep(std::to_string(next++));
        world.settle(0ms);
    }
    ASSERT_EQ(texts.size(), 30U);
    for (int i = 0; i < 30; ++i)
        EXPECT_EQ(texts[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(EvtRetention, AReplayAndLiveEventsOfAllPrioritiesComeOnceEach) {
    const auto publish = [&](int number) {
        world.publish(node, handle, std::to_string(number),
                      {.priority = static_cast<std::uint8_t>(number * 7 % 4), .retention = for_ever});
        world.settle(0ms);
    };
    for (int i = 0; i < 40; ++i)
        publish(i);
    const ClientId late = world.client(node);
    world.subscribe(node, world.open(node, late, "news", subscriber), 1);
    std::multiset<std::string> texts;
    for (int i = 40; i < 80; ++i) {
        publish(i);
        if (const auto delivery = node.service->next(late, world.moment()))
            texts.insert(delivery->event->data);
    }
    for (const std::string& text : world.texts(node, late))
        texts.insert(text);
    EXPECT_EQ(texts.size(), 80U);
    for (int i = 0; i < 80; ++i)
        EXPECT_EQ(texts.count(std::to_string(i)), 1U) << i;
}

TEST_F(EvtRetention, AClientHearsThatAReplayWaitsForIt) {
    keep("one");
    world.settle();
    const ClientId late = world.client(node);
    const ChannelHandle to = world.open(node, late, "news", subscriber);
    EXPECT_FALSE(node.service->has_next(late));
    world.subscribe(node, to, 1);
    EXPECT_THAT(node.out.ready, ElementsAre(late));
    EXPECT_TRUE(node.service->has_next(late));
    EXPECT_THAT(world.texts(node, late), ElementsAre("one"));
    EXPECT_FALSE(node.service->has_next(late));
}

TEST_F(EvtRetention, WhoUnsubscribesOrClosesMidwayOfAReplayHearsNoMoreOfIt) {
    keep("one");
    keep("two");
    world.settle();
    const ClientId late = world.client(node);
    const ChannelHandle to = world.open(node, late, "news", subscriber);
    world.subscribe(node, to, 1);
    EXPECT_EQ(node.service->next(late, world.moment())->event->data, "one");
    EXPECT_TRUE(node.service->unsubscribe(to, 1));
    EXPECT_FALSE(node.service->has_next(late));
    world.subscribe(node, to, 2);
    EXPECT_TRUE(node.service->close(to));
    EXPECT_FALSE(node.service->has_next(late));
    EXPECT_THAT(world.texts(node, late), IsEmpty());
}

// --- limits ---

class EvtNarrowRetention : public EvtRetention {
protected:
    EvtNarrowRetention() : EvtRetention({.max_retained = 3, .max_retained_bytes = 10'000}) {}
    std::size_t told() { return world.count_of(node, News::Kind::not_retained); }
};

TEST_F(EvtNarrowRetention, BeyondTheLimitANewcomerIsDeliveredAndNotRetained) {
    world.subscribe(node, handle, 1);
    for (const std::string_view text : {"1", "2", "3", "4", "5"})
        keep(text);
    world.settle();
    EXPECT_THAT(world.texts(node, client), ElementsAre("1", "2", "3", "4", "5"));
    EXPECT_THAT(found(), ElementsAre("1", "2", "3"));
    EXPECT_EQ(node.service->counters().not_retained, 2U);
    EXPECT_EQ(told(), 1U);
}

TEST_F(EvtNarrowRetention, ThatNothingIsRetainedAnyMoreIsSaidOnceUntilThereIsRoomAgain) {
    keep("1", second);
    keep("2", second);
    for (int i = 0; i < 10; ++i)
        keep("x");
    world.settle(0ms);
    EXPECT_EQ(told(), 1U);
    world.settle(1s);
    keep("3");
    world.settle();
    EXPECT_EQ(told(), 1U);
    EXPECT_EQ(retained(), 2U);
    for (int i = 0; i < 10; ++i)
        keep("x");
    world.settle();
    EXPECT_EQ(told(), 2U);
}

TEST_F(EvtNarrowRetention, BytesAreALimitTooAndALargeEventDoesNotKeepSmallOnesOut) {
    keep(std::string(9'000, 'x'));
    keep(std::string(9'000, 'y'));
    keep("small");
    world.settle();
    EXPECT_EQ(retained(), 2U);
    EXPECT_EQ(node.service->counters().not_retained, 1U);
    EXPECT_LE(node.service->channels().at(0).retained_bytes, 10'000U);
}

TEST_F(EvtNarrowRetention, LargeAndSmallEventsByTurnsAreNoNewsEachTime) {
    for (int i = 0; i < 20; ++i) {
        keep(std::string(9'900, 'x'));
        const EventId small = keep("small");
        world.settle(0ms);
        EXPECT_TRUE(node.service->clear_retention(handle, small));
        world.settle(0ms);
    }
    EXPECT_EQ(node.service->counters().not_retained, 20U);
    EXPECT_EQ(told(), 1U);
}

TEST_F(EvtNarrowRetention, WhatIsClearedMakesRoom) {
    keep("1");
    const EventId two = keep("2");
    keep("3");
    world.settle();
    EXPECT_TRUE(node.service->clear_retention(handle, two));
    keep("4");
    world.settle();
    EXPECT_THAT(found(), ElementsAre("1", "3", "4"));
}

}  // namespace
}  // namespace lamplight::bus::ais::evt
