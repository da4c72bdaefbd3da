#include "world.hpp"

#include <gmock/gmock.h>

#include <array>
#include <set>

namespace lamplight::bus::ais::evt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

constexpr std::uint8_t subscriber = OpenFlags::subscriber;
constexpr Nanoseconds second = 1'000'000'000;

class EvtStates : public testing::Test {
protected:
    World::Node& start(const Settings& settings = {}) {
        World::Node& node = world.add(settings);
        world.join(node);
        world.settle();
        return node;
    }
    /// What somebody finds at this process who subscribes now.
    std::vector<std::string> found(World::Node& node, std::string_view name = "news") {
        const ClientId late = world.client(node);
        world.subscribe(node, world.open(node, late, name, subscriber), 1);
        auto texts = world.texts(node, late);
        node.service->remove_client(late);
        world.settle(0ms);
        return texts;
    }
    /// A kilobyte that begins with the number.
    static std::string large(int number) {
        std::string text = std::to_string(number) + " ";
        text.resize(1'000, 'x');
        return text;
    }
    void keep_many(World::Node& node, ChannelHandle handle, int count) {
        for (int i = 0; i < count; ++i)
            world.publish(node, handle, large(i), {.retention = for_ever});
        world.settle();
    }
    /// Lets everybody talk until the node is in the middle of a state: so many of its frames are out.
    void begin_state(World::Node& node, std::uint64_t frames) {
        const std::uint64_t before = node.service->counters().states_sent;
        std::uint64_t after_hello = 0;
        for (int i = 0; i < 1'000; ++i) {
            for (std::size_t at = 0; at < world.size(); ++at)
                if (&world[at] != &node)
                    while (world.step(world[at])) {
                    }
            const bool said = world.step(node);
            if (said && ++after_hello > frames + 1) break;
            if (!said) world.pass(world.moment().now + 10ms);
        }
        EXPECT_EQ(node.service->counters().states_sent, before) << "it is over already";
        EXPECT_TRUE(node.service->wants_to_send()) << "there is no more of it";
    }

    World world;
};

TEST_F(EvtStates, AJoinerHearsHowLongRetainedEventsLiveStill) {
    auto& a = start();
    const ChannelHandle handle = world.open(a, world.client(a), "news");
    world.publish(a, handle, "long", {.retention = 10 * second});
    world.publish(a, handle, "short", {.retention = 4 * second});
    world.settle(3s);
    auto& b = start();
    EXPECT_THAT(found(b), ElementsAre("long", "short"));
    world.settle(1s);
    EXPECT_THAT(found(b), ElementsAre("long"));
    world.settle(6s);
    EXPECT_THAT(found(b), IsEmpty());
}

TEST_F(EvtStates, AJoinerGetsManyAndTheLargestEventsInTheirOrder) {
    auto& a = start();
    const ClientId client = world.client(a);
    const ChannelHandle news = world.open(a, client, "news"), olds = world.open(a, client, "olds");
    std::vector<std::string> expected;
    for (int i = 0; i < 1'500; ++i) {
        const std::string text = i % 500 == 7 ? std::string(65'536, 'x') : std::to_string(i);
        world.publish(a, i % 2 == 1 ? news : olds, text, {.retention = for_ever});
        if (i % 2 == 1) expected.push_back(text);
        if (i % 100 == 0) world.settle(0ms);
    }
    world.settle();
    auto& b = start();
    EXPECT_EQ(found(b), expected);
    EXPECT_EQ(found(b, "olds").size(), 750U);
    EXPECT_EQ(b.service->counters().states_taken, 1U);
    EXPECT_EQ(b.service->counters().refused(), 0U);
}

TEST_F(EvtStates, RetainedEventsSurviveAsLongAsOneOfTheGroupLives) {
    auto* last = &start();
    const ClientId client = world.client(*last);
    world.publish(*last, world.open(*last, client, "news"), "old", {.retention = for_ever});
    world.settle();
    for (int i = 0; i < 5; ++i) {
        auto& next = start();
        world.leave(*last);
        world.settle();
        last = &next;
    }
    EXPECT_THAT(found(*last), ElementsAre("old"));
}

TEST_F(EvtStates, AJoinerGetsMarksOfClearedEventsSoThatTheyStayCleared) {
    auto &a = start(), &b = start();
    const ClientId client = world.client(a);
    const ChannelHandle handle = world.open(a, client, "news");
    const EventId id = world.publish(a, handle, "cleared", {.retention = for_ever});
    world.publish(a, handle, "kept", {.retention = for_ever});
    world.settle();
    world.split({&b}, 1);
    world.settle();
    EXPECT_TRUE(a.service->clear_retention(handle, id));
    world.settle();
    auto& c = start();
    world.leave(a);
    world.settle();
    EXPECT_THAT(found(c), ElementsAre("kept"));
    EXPECT_THAT(found(b), ElementsAre("cleared", "kept"));
    world.merge(1, 0);
    world.settle();
    EXPECT_THAT(found(b), ElementsAre("kept"));
    EXPECT_THAT(found(c), ElementsAre("kept"));
}

TEST_F(EvtStates, AJoinerGetsMarksOfUnlinkedChannelsSoThatTheyStayUnlinked) {
    auto &a = start(), &b = start();
    const ClientId client = world.client(a);
    EXPECT_TRUE(a.service->close(world.open(a, client, "news")));
    world.settle();
    world.split({&b}, 1);
    world.settle();
    EXPECT_TRUE(a.service->unlink(client, "news"));
    world.settle();
    auto& c = start();
    world.leave(a);
    world.settle();
    EXPECT_THAT(c.service->channels(), IsEmpty());
    EXPECT_EQ(b.service->channels().size(), 1U);
    world.merge(1, 0);
    world.settle();
    EXPECT_THAT(b.service->channels(), IsEmpty());
    EXPECT_THAT(c.service->channels(), IsEmpty());
}

TEST_F(EvtStates, WhenTheOldestDiesMidwayOfAStateTheNextOldestSaysOne) {
    auto &a = start(), &b = start();
    const ChannelHandle handle = world.open(a, world.client(a), "news");
    keep_many(a, handle, 200);
    auto& c = world.add();
    world.join(c);
    begin_state(a, 3);
    EXPECT_FALSE(c.service->knows_registry());
    ASSERT_EQ(c.service->channels().size(), 1U);
    EXPECT_GT(c.service->channels()[0].retained, 0U);
    EXPECT_LT(c.service->channels()[0].retained, 200U);
    world.leave(a, state::Departure::failed);
    world.settle();
    EXPECT_TRUE(c.service->knows_registry());
    EXPECT_EQ(b.service->counters().states_sent, 1U);
    const auto texts = found(c);
    ASSERT_EQ(texts.size(), 200U);
    for (int i = 0; i < 200; ++i)
        EXPECT_EQ(texts[static_cast<std::size_t>(i)], large(i));
    EXPECT_EQ(c.service->channels().at(0).opens.size(), 0U) << "what the dead one had open is closed";
}

TEST_F(EvtStates, WhoComesMidwayOfAStateGetsOneToo) {
    auto& a = start();
    keep_many(a, world.open(a, world.client(a), "news"), 100);
    auto& b = world.add();
    world.join(b);
    begin_state(a, 3);
    auto& c = world.add();
    world.join(c);
    world.settle();
    EXPECT_EQ(found(b).size(), 100U);
    EXPECT_EQ(found(c).size(), 100U);
}

TEST_F(EvtStates, ALostFrameOfAStateBeginsItAnew) {
    auto& a = start();
    keep_many(a, world.open(a, world.client(a), "news"), 100);
    auto& b = world.add();
    world.join(b);
    begin_state(a, 2);
    const auto lost = world.take(a);
    ASSERT_TRUE(lost);
    a.service->lost(lost->id);
    world.settle();
    EXPECT_EQ(a.service->counters().states_sent, 1U);
    EXPECT_EQ(b.service->counters().states_taken, 1U);
    EXPECT_EQ(found(b).size(), 100U);
}

TEST_F(EvtStates, WhatHappensWhileAStateIsOnItsWayIsInItsPlaceAtTheJoinerToo) {
    auto& a = start();
    const ClientId client = world.client(a);
    const ChannelHandle handle = world.open(a, client, "news");
    keep_many(a, handle, 100);
    const ChannelHandle other = world.open(a, client, "olds");
    const EventId id = world.publish(a, other, "cleared meanwhile", {.retention = for_ever});
    world.settle();
    auto& b = world.add();
    world.join(b);
    begin_state(a, 2);
    world.publish(a, handle, "published meanwhile", {.retention = for_ever});
    EXPECT_TRUE(a.service->clear_retention(other, id));
    world.settle();
    const auto texts = found(b);
    ASSERT_EQ(texts.size(), 101U);
    EXPECT_EQ(texts.front(), large(0));
    EXPECT_EQ(texts.back(), "published meanwhile");
    EXPECT_THAT(found(b, "olds"), IsEmpty());
    EXPECT_EQ(found(a), texts);
}

TEST_F(EvtStates, AChannelThatIsUnlinkedWhileAStateIsOnItsWayIsUnlinkedAtTheJoinerToo) {
    auto& a = start();
    const ClientId client = world.client(a);
    keep_many(a, world.open(a, client, "news"), 100);
    EXPECT_TRUE(a.service->close(world.open(a, client, "olds")));
    world.settle();
    auto& b = world.add();
    world.join(b);
    begin_state(a, 2);
    EXPECT_TRUE(a.service->unlink(client, "olds"));
    world.settle();
    ASSERT_EQ(b.service->channels().size(), 1U);
    EXPECT_EQ(world.try_open(b, world.client(b), "olds", subscriber).error, Error::not_exist);
}

TEST_F(EvtStates, WhoReturnsHearsRetainedEventsThatItMissedOnceAndInOrder) {
    auto &a = start(), &b = start();
    const ChannelHandle from = world.open(a, world.client(a), "news");
    const ClientId at_b = world.client(b);
    world.subscribe(b, world.open(b, at_b, "news"), 1);
    world.publish(a, from, "before", {.retention = for_ever});
    world.settle();
    world.split({&b}, 1);
    world.settle();
    world.publish(a, from, "missed", {.retention = for_ever});
    world.publish(a, from, "not kept");
    world.publish(a, from, "missed too", {.retention = for_ever});
    world.settle();
    world.merge(1, 0);
    world.settle();
    world.publish(a, from, "after");
    world.settle();
    EXPECT_THAT(world.texts(b, at_b), ElementsAre("before", "missed", "missed too", "after"));
}

TEST_F(EvtStates, AnEventThatEndedDuringASplitDoesNotComeBack) {
    auto &a = start(), &b = start();
    const ChannelHandle from = world.open(a, world.client(a), "news");
    world.publish(a, from, "short", {.retention = 5 * second});
    world.settle();
    world.split({&b}, 1);
    world.settle(10s);
    world.merge(1, 0);
    world.settle();
    EXPECT_THAT(found(a), IsEmpty());
    EXPECT_THAT(found(b), IsEmpty());
}

TEST_F(EvtStates, ALimitOfRetainedEventsHoldsForAStateToo) {
    auto& a = start();
    keep_many(a, world.open(a, world.client(a), "news"), 20);
    auto& b = start({.max_retained = 5});
    EXPECT_TRUE(b.service->knows_registry());
    EXPECT_EQ(found(b).size(), 5U);
    EXPECT_EQ(b.service->counters().not_retained, 15U);
    EXPECT_EQ(world.count_of(b, News::Kind::not_retained), 1U);
}

TEST_F(EvtStates, AnEventIsClearedByWhoHasTheOtherOfTwoChannelsWithItsName) {
    auto &a = world.add(), &b = world.add();
    world.join(a, 0);
    world.join(b, 1);
    world.settle();
    const ChannelHandle a_news = world.open(a, world.client(a), "news");
    const ChannelHandle b_news = world.open(b, world.client(b), "news");
    const EventId of_a = world.publish(a, a_news, "of a", {.retention = for_ever});
    const EventId of_b = world.publish(b, b_news, "of b", {.retention = for_ever});
    world.settle();
    world.merge(1, 0);
    world.settle();
    for (auto* node : {&a, &b})
        EXPECT_THAT(found(*node), testing::UnorderedElementsAre("of a", "of b"));
    EXPECT_TRUE(b.service->clear_retention(b_news, of_a));
    EXPECT_TRUE(a.service->clear_retention(a_news, of_b));
    world.settle();
    for (auto* node : {&a, &b}) {
        EXPECT_THAT(found(*node), IsEmpty());
        EXPECT_EQ(node->service->counters().refused(), 0U);
    }
}

TEST_F(EvtStates, TwoChannelsOfOneNameAreUnlinkedAsOne) {
    auto &a = world.add(), &b = world.add();
    world.join(a, 0);
    world.join(b, 1);
    world.settle();
    const ClientId at_a = world.client(a);
    EXPECT_TRUE(a.service->close(world.open(a, at_a, "news")));
    EXPECT_TRUE(b.service->close(world.open(b, world.client(b), "news")));
    world.settle();
    world.merge(1, 0);
    world.settle();
    ASSERT_EQ(a.service->channels().size(), 1U);
    EXPECT_TRUE(a.service->unlink(at_a, "news"));
    world.settle();
    EXPECT_THAT(a.service->channels(), IsEmpty());
    EXPECT_THAT(b.service->channels(), IsEmpty());
}

// --- one publisher number ---

TEST_F(EvtStates, OfTwoMembersWithOneNumberTheYoungerDrawsAnew) {
    const auto draw = [next = 0U]() mutable { return next++ == 0 ? 7U : 100U + next; };
    auto& a = world.add({}, draw);
    world.join(a);
    world.settle();
    auto& b = world.add({}, draw);
    world.join(b);
    world.settle();
    const ClientId at_a = world.client(a), at_b = world.client(b);
    const ChannelHandle a_news = world.open(a, at_a, "news"), b_news = world.open(b, at_b, "news");
    world.subscribe(a, a_news, 1);
    world.subscribe(b, b_news, 1);
    const EventId of_a = world.publish(a, a_news, "of a"), of_b = world.publish(b, b_news, "of b");
    world.settle();
    EXPECT_EQ(static_cast<std::uint64_t>(of_a) >> 32U, 7U);
    EXPECT_NE(static_cast<std::uint64_t>(of_b) >> 32U, 7U);
    EXPECT_THAT(world.texts(a, at_a), testing::UnorderedElementsAre("of a", "of b"));
    EXPECT_THAT(world.texts(b, at_b), testing::UnorderedElementsAre("of a", "of b"));
    EXPECT_EQ(a.service->owner_of(of_a), a.id);
    EXPECT_EQ(a.service->owner_of(of_b), b.id);
}

TEST_F(EvtStates, WhatWaitsWhenANumberIsDrawnAnewGoesOutUnderTheNewOne) {
    const auto draw = [next = 0U]() mutable { return next++ == 0 ? 7U : 200U + next; };
    auto& a = world.add({}, draw);
    auto& b = world.add({}, draw);
    world.join(a, 0);
    world.join(b, 1);
    world.settle();
    const ClientId at_a = world.client(a), at_b = world.client(b);
    const ChannelHandle a_news = world.open(a, at_a, "news"), b_news = world.open(b, at_b, "news");
    world.subscribe(a, a_news, 1);
    world.settle();
    world.merge(1, 0);
    world.publish(b, b_news, "one");
    world.publish(b, b_news, "two");
    world.settle();
    for (const std::string_view text : {"one", "two"}) {
        const auto delivery = a.service->next(at_a, world.moment());
        ASSERT_TRUE(delivery);
        EXPECT_EQ(delivery->event->data, text);
        EXPECT_NE(static_cast<std::uint64_t>(delivery->event->id) >> 32U, 7U);
    }
    EXPECT_EQ(a.service->counters().foreign_ids + b.service->counters().foreign_ids, 0U);
}

TEST_F(EvtStates, AGeneratorThatGivesAlwaysTheSameHoldsNobodyUp) {
    const auto draw = [] { return 0U; };
    for (int i = 0; i < 3; ++i) {
        world.join(world.add({}, draw));
        world.settle();
    }
    std::set<std::uint64_t> numbers;
    for (std::size_t i = 0; i < 3; ++i) {
        const ChannelHandle handle = world.open(world[i], world.client(world[i]), "news");
        numbers.insert(static_cast<std::uint64_t>(world.publish(world[i], handle, "x")) >> 32U);
        world.settle();
    }
    EXPECT_EQ(numbers.size(), 3U);
    EXPECT_EQ(numbers.count(0), 0U);
}

// --- nobody answers ---

/// A process beside a member that is written here.
class EvtUnanswered : public testing::Test {
protected:
    EvtUnanswered() : service({}, [] { return 5U; }) { service.joined(self, std::array{other}, at(), out); }
    Moment at() const { return {now, 1'000'000'000'000}; }
    void pass(state::Duration time) {
        const state::Time end = now + time;
        for (auto due = service.next_deadline(); due && *due <= end; due = service.next_deadline()) {
            now = std::max(*due, now + 1ms);
            service.on_time(at(), out);
            talk();
        }
        now = std::max(now, end);
    }
    /// What the process says comes back to it.
    void talk() {
        while (service.wants_to_send()) {
            std::vector<std::uint8_t> frame(wire::evt::max_frame_bytes);
            const auto taken = service.take(frame, at());
            frame.resize(taken.bytes);
            service.receive(self, frame, at(), out);
            service.delivered(taken.id);
            ++frames;
        }
    }
    void hear_hello(wire::evt::Hello::State state) {
        const wire::evt::Hello hello{.publisher = 9,
                                     .since = 1,
                                     .state = state,
                                     .wants = wire::evt::Hello::Wants::nothing,
                                     .program = {},
                                     .opens = {}};
        service.receive(other, frame_of(hello), at(), out);
    }

    static constexpr ring::Member self{1, 1'001}, other{2, 1'002};
    Service service;
    Output out;
    state::Time now{};
    int frames = 0;
};

TEST_F(EvtUnanswered, WhoseNeighbourSaysNothingKnowsAllChannelsWhenItsPatienceIsOver) {
    talk();
    pass(999ms);
    EXPECT_FALSE(service.knows_registry());
    pass(1ms);
    EXPECT_TRUE(service.knows_registry());
    ASSERT_EQ(out.news.size(), 1U);
    EXPECT_EQ(out.news[0].kind, News::Kind::registry_known);
}

TEST_F(EvtUnanswered, WhoIsToldNothingByOneWhoKnowsAllAsksAgainAndEverMoreSeldom) {
    hear_hello(wire::evt::Hello::State::whole);
    talk();
    EXPECT_EQ(frames, 1);
    pass(8s);
    EXPECT_EQ(frames, 4) << "after 1, 3 and 7 s";
    EXPECT_FALSE(service.knows_registry());
    frames = 0;
    pass(10min);
    EXPECT_GE(frames, 10) << "never less than once a minute";
    EXPECT_LE(frames, 14);
}

TEST_F(EvtUnanswered, AnOpenIsAnsweredWhenTheNeighbourGoesWithoutAWord) {
    talk();
    ASSERT_TRUE(service.open(service.add_client(), "news", {OpenFlags::create}, 1, {}, at()));
    talk();
    EXPECT_THAT(out.opened, IsEmpty());
    service.member_gone(other, state::Departure::failed, at(), out);
    talk();
    ASSERT_EQ(out.opened.size(), 1U);
    EXPECT_EQ(out.opened[0].error, std::nullopt);
}

}  // namespace
}  // namespace lamplight::bus::ais::evt
