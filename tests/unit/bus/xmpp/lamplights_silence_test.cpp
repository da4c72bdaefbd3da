// Who does not answer: what it still gets, and what goes another way meanwhile.
#include "lamplights_world.hpp"

namespace lamplight::bus::xmpp::test {
namespace {

using Kind = Lamplights::News::Kind;

struct Silence : TwoMachines {
    void start() {
        for (int i = 0; i < 40; ++i)
            one.set("PJSIP/" + std::to_string(i), DeviceState::inuse, world.now);
        log_both_in();
        world.settle();
        world.forget_sent();
    }
    /// Sizes of frames that went there.
    std::vector<std::size_t> frames_to(const World::Stream& stream) const {
        std::vector<std::size_t> sizes;
        for (const Element& element : world.sent)
            if (element.child("frame", ns::frame) && element.value_of("to") == c2s::to_string(stream.jid))
                sizes.push_back(wire::xml::to_text(element).size());
        return sizes;
    }
};

TEST_F(Silence, WhoSpeaksAndAnswersNothingGetsOneSmallFrameAtATime) {
    start();
    world.loses = [&](const Element& iq) { return iq.value_of("from") == c2s::to_string(at_two.jid); };
    for (int i = 0; i < 2'000; ++i)
        one.set("PJSIP/" + std::to_string(i), DeviceState::busy, world.now);
    const auto live_for = [&](state::Duration time) {
        for (const state::Time end = world.now + time; world.now < end;) {
            one.lamplights.heard_from(world.road(at_one, at_two), world.now);
            world.pass(1s);
        }
    };
    live_for(2s);
    EXPECT_GE(frames_to(at_two).size(), 2u);
    EXPECT_LE(frames_to(at_two).size(), 4u);
    live_for(25s);
    world.forget_sent();
    live_for(100s);
    const auto sizes = frames_to(at_two);
    EXPECT_GE(sizes.size(), 1u) << "it may answer again";
    EXPECT_LE(sizes.size(), 6u);
    for (const std::size_t size : sizes)
        EXPECT_LE(size, 2'048u);
    EXPECT_EQ(one.heard(Kind::road_down), 0u);
    world.loses = [](const Element&) { return false; };
    live_for(30s);
    EXPECT_TRUE(two.agrees_with(one));
}

TEST_F(Silence, APingGoesBeforeAllAndFirstWhereSomebodyWouldBeTakenForSilent) {
    Machine three{3};
    World::Stream& at_three = world.stream(three, 1);
    world.login(at_three);
    start();
    at_two.cut = true;
    world.pass(25s);
    ASSERT_EQ(one.heard(Kind::road_down), 1u);
    world.now += 20s;
    one.lamplights.heard_from(world.road(at_one, at_three), world.now - 6s);
    one.lamplights.on_time(world.now, one.out);
    one.set("PJSIP/1", DeviceState::busy, world.now);
    ASSERT_EQ(one.lamplights.wants_to_send(at_one.id), Lamplights::Wants::ping);
    for (const World::Stream* stream : {&at_three, &at_two}) {
        const auto ping = one.lamplights.take(at_one.id, 4096, world.now);
        ASSERT_TRUE(ping && ping->iq.child("ping", ns::ping));
        EXPECT_EQ(ping->iq.value_of("to"), c2s::to_string(stream->jid));
        EXPECT_EQ(ping->patience, state::Duration(5s));
    }
}

// --- two roads to one process ---

struct SilentRoads : Silence {
    World::Stream& far_one = world.stream(one, 2, "b.example");
    World::Stream& far_two = world.stream(two, 2, "b.example");

    void start_both() {
        world.login(far_one);
        world.login(far_two);
        start();
    }
    World::Stream& best() { return one.peer(two)->roads.front().client == at_one.id ? at_two : far_two; }
    World::Stream& other() { return &best() == &at_two ? far_two : at_two; }
};

TEST_F(SilentRoads, WhatARoadDoesNotAnswerGoesByTheOtherWithinASecond) {
    start_both();
    world.pass(4s);
    best().cut = true;
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.pass(700ms, 100ms);
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::inuse);
    world.pass(200ms, 100ms);
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::busy);
    EXPECT_EQ(one.peer(two)->roads.size(), 2u) << "it is not silent yet";
    for (const DeviceState state : {DeviceState::ringing, DeviceState::inuse, DeviceState::busy}) {
        one.set("PJSIP/0", state, world.now);
        world.settle();
        EXPECT_EQ(two.aggregate("PJSIP/0"), state) << "the next goes there at once";
    }
    world.pass(15s);
    EXPECT_EQ(one.peer(two)->roads.size(), 1u);
    EXPECT_TRUE(one.peer(two)->present);
    EXPECT_TRUE(two.agrees_with(one));
}

TEST_F(SilentRoads, NothingIsLostOfWhatWasUnderWayWhenARoadIsLeft) {
    start_both();
    world.budget = 1;
    World::Stream& first = best();
    first.cut = true;
    for (int i = 0; i < 400; ++i)
        one.set("PJSIP/" + std::to_string(i), DeviceState::ringing, world.now);
    world.pass(2s, 100ms);
    EXPECT_TRUE(two.agrees_with(one));
    EXPECT_EQ(two.counters().votes_unnamed, 0u);
    first.cut = false;
    world.pass(40s);
    EXPECT_TRUE(two.agrees_with(one));
    EXPECT_EQ(one.peer(two)->roads.size(), 2u);
}

TEST_F(SilentRoads, ARoadThatWasLeftIsGoodAgainWhenItAnswers) {
    start_both();
    World::Stream& first = best();
    World::Stream& second = other();
    first.cut = true;
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.pass(2s, 100ms);
    first.cut = false;
    world.pass(12s);
    second.cut = true;
    one.set("PJSIP/0", DeviceState::ringing, world.now);
    world.pass(1'100ms, 100ms);
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::ringing);
    EXPECT_EQ(one.peer(two)->roads.size(), 2u);
}

TEST_F(SilentRoads, WhatAnOwnNodeDoesNotAnswerIsSaidToEachByTheOtherRoad) {
    start_both();
    world.make_node(at_one);
    world.settle();
    ASSERT_TRUE(one.peer(two)->follows_our_node);
    world.pass(2s, 100ms);
    at_one.cut = at_two.cut = true;
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.pass(1s, 100ms);
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::busy);
    EXPECT_EQ(one.peer(two)->roads.size(), 2u);
    one.set("PJSIP/0", DeviceState::ringing, world.now);
    world.settle();
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::ringing) << "the next is said at once";
    at_one.cut = at_two.cut = false;
    world.pass(30s);
    EXPECT_TRUE(one.peer(two)->follows_our_node);
    EXPECT_TRUE(two.agrees_with(one));
}

TEST_F(SilentRoads, AnOwnNodeIsKeptWhereThereIsNoOtherWay) {
    start();
    world.make_node(at_one);
    world.settle();
    at_one.cut = true;
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.pass(5s, 100ms);
    EXPECT_TRUE(one.peer(two)->follows_our_node);
    EXPECT_TRUE(frames_to(at_two).empty());
}

TEST_F(SilentRoads, ARoadIsNotLeftWhereNoOtherAnswers) {
    start_both();
    at_two.cut = far_two.cut = true;
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.pass(9s, 100ms);
    EXPECT_LE(frames_to(at_two).size() + frames_to(far_two).size(), 2u);
    at_two.cut = far_two.cut = false;
    world.pass(30s);
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::busy);
    EXPECT_TRUE(one.peer(two)->present);
}

TEST_F(SilentRoads, ASlowRoadIsNotLeftWhileItAnswers) {
    start_both();
    world.budget = 1;
    world.delay = 300ms;
    World::Stream& used = best();
    World::Stream& unused = other();
    for (int i = 0; i < 1'000; ++i)
        one.set("PJSIP/" + std::to_string(i), DeviceState::ringing, world.now);
    world.pass(10s, 100ms);
    EXPECT_TRUE(two.agrees_with(one));
    EXPECT_GT(frames_to(used).size(), 10u);
    EXPECT_EQ(frames_to(unused).size(), 0u);
}

}  // namespace
}  // namespace lamplight::bus::xmpp::test
