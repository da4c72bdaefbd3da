#include "world.hpp"

#include <gmock/gmock.h>

namespace lamplight::bus::ais::evt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint8_t subscriber = OpenFlags::subscriber;

/// A process that is alone in the group; a client of it has a channel open.
class EvtDelivery : public testing::Test {
protected:
    EvtDelivery() : node(world.add({.queue_limit = 10, .queue_resume = 5})) {
        world.join(node);
        world.settle();
        client = world.client(node);
        handle = world.open(node, client, "news");
    }
    void publish(std::string_view data, std::vector<Pattern> patterns = {}) {
        world.publish(node, handle, data, {.patterns = std::move(patterns)});
        world.settle(state::Duration(0));
    }
    std::vector<SubscriptionId> subscriptions(ClientId of) {
        std::vector<SubscriptionId> ids;
        while (const auto delivery = node.service->next(of, world.moment()))
            ids.push_back(delivery->subscription);
        return ids;
    }

    World world;
    World::Node& node;
    ClientId client{};
    ChannelHandle handle{};
};

TEST_F(EvtDelivery, AnEventComesOnceAHandleForTheNewestSubscriptionThatMatches) {
    world.subscribe(node, handle, 40, {{Filter::Type::prefix, "a"}});
    world.subscribe(node, handle, 30);
    world.subscribe(node, handle, 20, {{Filter::Type::suffix, "b"}});
    world.subscribe(node, handle, 10, {{Filter::Type::exact, "c"}});
    publish("one", {"a b"});
    publish("two", {"a"});
    publish("three", {"c"});
    EXPECT_THAT(subscriptions(client), ElementsAre(20, 30, 10));
}

TEST_F(EvtDelivery, AnEventThatNoSubscriptionMatchesDoesNotCome) {
    world.subscribe(node, handle, 1, {{Filter::Type::exact, "a"}});
    publish("one", {"b"});
    EXPECT_THAT(world.texts(node, client), IsEmpty());
    EXPECT_THAT(node.out.ready, IsEmpty());
}

TEST_F(EvtDelivery, TwoOpensAreTwoDeliveries) {
    const ChannelHandle second = world.open(node, client, "news", subscriber);
    world.subscribe(node, handle, 1);
    world.subscribe(node, second, 2);
    publish("one");
    EXPECT_THAT(subscriptions(client), testing::UnorderedElementsAre(1, 2));
}

TEST_F(EvtDelivery, APublisherHearsItself) {
    world.subscribe(node, handle, 1);
    publish("one");
    const auto delivery = node.service->next(client, world.moment());
    ASSERT_TRUE(delivery);
    EXPECT_EQ(delivery->channel, handle);
    EXPECT_EQ(delivery->event->from, (wire::evt::Process{node.id.node_id, node.id.pid}));
    EXPECT_EQ(node.service->owner_of(delivery->event->id), node.id);
}

TEST_F(EvtDelivery, AnEventComesAsItWasPublished) {
    world.subscribe(node, handle, 1);
    const Attributes attributes{.patterns = {"a", std::string("b\0c", 3), ""},
                                .priority = 2,
                                .retention = one_minute,
                                .publisher = "pbx1"};
    const Nanoseconds published = world.moment().wall;
    const EventId id = world.publish(node, handle, std::string_view("x\0y", 3), attributes);
    world.settle();
    const auto delivery = node.service->next(client, world.moment());
    ASSERT_TRUE(delivery);
    const Event& event = *delivery->event;
    EXPECT_EQ(event.id, id);
    EXPECT_EQ(event.attributes.patterns, attributes.patterns);
    EXPECT_EQ(event.attributes.priority, 2);
    EXPECT_EQ(event.attributes.retention, one_minute);
    EXPECT_EQ(event.attributes.publisher, "pbx1");
    EXPECT_EQ(event.publish_time, published);
    EXPECT_EQ(event.data, std::string("x\0y", 3));
    EXPECT_EQ(event.channel, node.service->channels().at(0).id);
}

TEST_F(EvtDelivery, IdsRiseFrom1001) {
    const auto count = [](EventId id) { return static_cast<std::uint32_t>(static_cast<std::uint64_t>(id)); };
    const EventId one = world.publish(node, handle, "one"), two = world.publish(node, handle, "two");
    EXPECT_EQ(count(one), 1'001U);
    EXPECT_EQ(count(two), 1'002U);
    EXPECT_EQ(static_cast<std::uint64_t>(one) >> 32U, static_cast<std::uint64_t>(two) >> 32U);
}

TEST_F(EvtDelivery, WhoSubscribesHearsOnlyWhatComesAfterwards) {
    publish("before");
    world.subscribe(node, handle, 1);
    publish("after");
    EXPECT_THAT(world.texts(node, client), ElementsAre("after"));
}

TEST_F(EvtDelivery, AnotherChannelIsNotHeard) {
    const ChannelHandle other = world.open(node, client, "olds");
    world.subscribe(node, other, 1);
    publish("one");
    EXPECT_THAT(world.texts(node, client), IsEmpty());
}

TEST_F(EvtDelivery, UnsubscribingTakesAwayWhatWaitsForThatSubscriptionAlone) {
    world.subscribe(node, handle, 1, {{Filter::Type::exact, "a"}});
    world.subscribe(node, handle, 2, {{Filter::Type::exact, "b"}});
    publish("one", {"a"});
    publish("two", {"b"});
    publish("three", {"a"});
    EXPECT_TRUE(node.service->unsubscribe(handle, 1));
    EXPECT_THAT(world.texts(node, client), ElementsAre("two"));
}

TEST_F(EvtDelivery, WhatAnotherSubscriptionOfTheHandleMatchesTooComesForThatOne) {
    world.subscribe(node, handle, 1);
    world.subscribe(node, handle, 2);
    publish("one");
    EXPECT_TRUE(node.service->unsubscribe(handle, 2));
    EXPECT_THAT(subscriptions(client), ElementsAre(1));
}

TEST_F(EvtDelivery, ASubscriptionMadeAfterAnEventDoesNotInheritIt) {
    world.subscribe(node, handle, 1);
    publish("one");
    world.subscribe(node, handle, 2);
    EXPECT_TRUE(node.service->unsubscribe(handle, 1));
    EXPECT_THAT(subscriptions(client), IsEmpty());
    EXPECT_FALSE(node.service->has_next(client));
}

TEST_F(EvtDelivery, ClosingTakesAwayWhatWaitsForThatHandleAlone) {
    const ChannelHandle second = world.open(node, client, "news", subscriber);
    world.subscribe(node, handle, 1);
    world.subscribe(node, second, 2);
    publish("one");
    EXPECT_TRUE(node.service->close(handle));
    EXPECT_THAT(subscriptions(client), ElementsAre(2));
}

TEST_F(EvtDelivery, AClientIsSaidToBeReadyOnceUntilItFoundItsQueueEmpty) {
    world.subscribe(node, handle, 1);
    const auto readies = [&] {
        world.publish(node, handle, "x");
        const auto frame = world.take(node);
        Output out;
        node.service->receive(node.id, frame.value().bytes, world.moment(), out);
        node.service->delivered(frame->id);
        return out.ready.size();
    };
    EXPECT_EQ(readies(), 1U);
    EXPECT_EQ(readies(), 0U);
    node.service->next(client, world.moment());
    EXPECT_EQ(readies(), 0U) << "one is there still";
    world.texts(node, client);
    EXPECT_EQ(readies(), 1U);
    EXPECT_TRUE(node.service->unsubscribe(handle, 1));
    world.subscribe(node, handle, 2);
    EXPECT_EQ(readies(), 1U) << "what was taken away was all";
}

TEST_F(EvtDelivery, ASlowClientLosesNothingOfAnotherOne) {
    const ClientId quick = world.client(node);
    world.subscribe(node, world.open(node, quick, "news", subscriber), 1);
    world.subscribe(node, handle, 1);
    for (int i = 0; i < 30; ++i) {
        publish(std::to_string(i));
        EXPECT_THAT(world.texts(node, quick), ElementsAre(std::to_string(i)));
    }
    EXPECT_EQ(world.texts(node, client).size(), 11U);
    EXPECT_EQ(node.service->counters().dropped, 20U);
    EXPECT_EQ(node.service->counters().lost_notices, 1U);
    EXPECT_EQ(world.count_of(node, News::Kind::lost), 1U);
}

TEST_F(EvtDelivery, OtherQueueLimitsCountForNewClientsAndForThoseThatAreThere) {
    world.subscribe(node, handle, 1);
    node.service->configure(3, 1);
    const ClientId later = world.client(node);
    world.subscribe(node, world.open(node, later, "news", subscriber), 1);
    for (int i = 0; i < 12; ++i)
        publish(std::to_string(i));
    EXPECT_THAT(world.texts(node, later), ElementsAre("LOST", "0", "1", "2"));
    EXPECT_THAT(world.texts(node, client), ElementsAre("LOST", "0", "1", "2"));
    EXPECT_EQ(node.service->counters().dropped, 18U);
    node.service->configure(20, 10);
    for (int i = 0; i < 12; ++i)
        publish(std::to_string(i));
    EXPECT_EQ(world.texts(node, client).size(), 12U);
}

TEST_F(EvtDelivery, WhatWaitsBeyondASmallerLimitIsDroppedWhenTheNextEventComesAndCounted) {
    world.subscribe(node, handle, 1);
    for (int i = 0; i < 8; ++i)
        publish(std::to_string(i));
    node.service->configure(3, 1);
    EXPECT_EQ(node.service->counters().dropped, 0U);
    publish("8");
    EXPECT_EQ(node.service->counters().dropped, 6U);
    EXPECT_EQ(world.count_of(node, News::Kind::lost), 1U);
    EXPECT_THAT(world.texts(node, client), ElementsAre("LOST", "0", "1", "2"));
}

}  // namespace
}  // namespace lamplight::bus::ais::evt
