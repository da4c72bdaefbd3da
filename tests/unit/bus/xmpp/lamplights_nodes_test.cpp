// Changes as items in own nodes: who follows, what is believed, what becomes of lost and refused ones.
#include "lamplights_world.hpp"

namespace lamplight::bus::xmpp::test {
namespace {

using wire::vote::Type;
using Kind = Lamplights::News::Kind;

struct OwnNodes : testing::Test {
    World world;
    Machine one{1};
    Machine two{2};
    Machine three{3};
    World::Stream& at_one = world.stream(one, 1);
    World::Stream& at_two = world.stream(two, 1);
    World::Stream& at_three = world.stream(three, 1);

    void start() {
        for (int i = 0; i < 40; ++i)
            one.set("PJSIP/" + std::to_string(i), DeviceState::inuse, world.now);
        for (World::Stream* stream : {&at_one, &at_two, &at_three}) {
            world.login(*stream);
            world.make_node(*stream);
        }
        world.settle();
        world.forget_sent();
    }
    void expect_equal() {
        for (Machine* at : {&one, &two, &three})
            for (Machine* of : {&one, &two, &three})
                if (at != of) {
                    EXPECT_TRUE(at->agrees_with(*of)) << int{of->number} << " at " << int{at->number};
                    EXPECT_TRUE(at->holds_fresh(*of)) << int{of->number} << " at " << int{at->number};
                }
    }
    void expect_the_next_change_in_an_item() {
        EXPECT_TRUE(one.peer(two)->follows_our_node);
        world.forget_sent();
        one.set("PJSIP/0", DeviceState::ringing, world.now);
        world.settle();
        EXPECT_EQ(iqs_with_frames(), 0u);
        expect_equal();
    }
    std::size_t iqs_with_frames() const {
        return static_cast<std::size_t>(
            std::count_if(world.sent.begin(), world.sent.end(),
                          [](const Element& iq) { return iq.child("frame", ns::frame) != nullptr; }));
    }
    Element event(const World::Stream& of, const std::string& publisher, const Element& content) const {
        Element message("message", std::string(ns::client));
        message.set("from", World::service(of));
        Element& items = message.add("event", std::string(ns::event)).add("items");
        items.set("node", of.own_node);
        Element& item = items.add("item");
        item.set("id", "votes");
        if (!publisher.empty()) item.set("publisher", publisher);
        item.add(content);
        return message;
    }
    /// What one says of itself.
    Element frame(DeviceState state, std::uint64_t sequence) const {
        std::vector<std::uint8_t> bytes(wire::vote::min_budget_bytes);
        wire::vote::VotesWriter writer(bytes, wire::vote::frame_table);
        writer.add(one.self.eid, one.self.incarnation,
                   {1, sequence, state, state::VoteKind::state, state::Cachable::yes, "PJSIP/0"});
        bytes.resize(writer.finish());
        return wire::pubsub::make_frame(bytes);
    }
    bool hear(Machine& at, World::Stream& stream, const Element& message) {
        const bool ours =
            at.lamplights.receive_event(stream.id, *wire::pubsub::parse_event(message), world.now, at.out);
        at.publish();
        return ours;
    }
};

TEST_F(OwnNodes, AChangeIsOneItemForAllWhoFollow) {
    start();
    expect_equal();
    ASSERT_NE(one.peer(two), nullptr);
    EXPECT_TRUE(one.peer(two)->follows_our_node);
    EXPECT_TRUE(one.peer(two)->we_follow);
    one.set("PJSIP/0", DeviceState::busy, world.now);
    one.count("1234", 3);
    world.settle();
    EXPECT_EQ(world.items.size(), 2u);
    EXPECT_EQ(iqs_with_frames(), 0u);
    for (Machine* machine : {&two, &three}) {
        EXPECT_EQ(machine->aggregate("PJSIP/0"), DeviceState::busy);
        EXPECT_EQ(machine->messages("1234"), 3u);
        EXPECT_EQ(machine->counters().broadcasts_in, 2u);
    }
    EXPECT_EQ(world.items[0].value_of("id"), "votes");
}

TEST_F(OwnNodes, ABurstBecomesFewItems) {
    start();
    for (int i = 0; i < 1000; ++i)
        one.set("PJSIP/" + std::to_string(i % 40), i % 3 == 0 ? DeviceState::busy : DeviceState::ringing,
                world.now);
    world.settle();
    EXPECT_LE(world.items.size(), 2u);
    expect_equal();
}

TEST_F(OwnNodes, WhoMayNotFollowIsToldAlone) {
    world.subscriptions_allowed = false;
    start();
    expect_equal();
    EXPECT_FALSE(one.peer(two)->follows_our_node);
    EXPECT_FALSE(one.peer(two)->we_follow);
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    EXPECT_EQ(world.items.size(), 0u);
    EXPECT_EQ(iqs_with_frames(), 2u);
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::busy);
}

TEST_F(OwnNodes, OneThatFollowsAndOneThatDoesNotAreBothTold) {
    start();
    two.lamplights.not_following(at_two.id, World::service(at_one), at_one.own_node, world.now);
    world.settle();
    EXPECT_FALSE(one.peer(two)->follows_our_node);
    EXPECT_TRUE(one.peer(three)->follows_our_node);
    world.forget_sent();
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    EXPECT_EQ(world.items.size(), 1u);
    EXPECT_EQ(iqs_with_frames(), 1u);
    expect_equal();
    two.lamplights.following(at_two.id, World::service(at_one), at_one.own_node, world.now);
    world.settle();
    EXPECT_TRUE(one.peer(two)->follows_our_node);
}

TEST_F(OwnNodes, WhoStopsFollowingGetsWhatItMayHaveMissed) {
    start();
    world.node_of(at_one).subscribers.erase(c2s::to_string(at_two.jid.bare()));
    one.set("PJSIP/0", DeviceState::busy, world.now);
    one.count("1234", 2);
    world.settle();
    EXPECT_FALSE(two.agrees_with(one));
    two.lamplights.not_following(at_two.id, World::service(at_one), at_one.own_node, world.now);
    world.settle();
    expect_equal();
    EXPECT_EQ(two.messages("1234"), 2u);
    EXPECT_EQ(two.counters().snapshots_requested, 0u);
}

TEST_F(OwnNodes, WhoFollowedANodeThatIsMadeAgainIsToldAloneUntilItFollowsAnew) {
    start();
    const std::string node = at_one.own_node;
    one.lamplights.own_node_lost(at_one.id, world.now);
    world.node_of(at_one).subscribers.clear();
    one.lamplights.own_node_ready(at_one.id, World::service(at_one), node, world.now);
    EXPECT_FALSE(one.peer(two)->follows_our_node);
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    expect_equal();
    world.lose_node(at_one);
    world.make_node(at_one);
    world.settle();
    expect_the_next_change_in_an_item();
}

TEST_F(OwnNodes, WhoseSubscriptionWasTakenAwaySubscribesAgainWhenADigestDiffers) {
    start();
    world.pass(40s);
    world.node_of(at_one).subscribers.erase(c2s::to_string(at_two.jid.bare()));
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    ASSERT_NE(two.aggregate("PJSIP/0"), DeviceState::busy);
    world.pass(40s);
    expect_equal();
    EXPECT_TRUE(world.node_of(at_one).subscribers.contains(c2s::to_string(at_two.jid.bare())));
    expect_the_next_change_in_an_item();
}

TEST_F(OwnNodes, WhoStopsFollowingMakesTheOwnerLookAtItsNode) {
    start();
    EXPECT_TRUE(one.out.unfollowed.empty());
    two.lamplights.not_following(at_two.id, World::service(at_one), at_one.own_node, world.now);
    world.settle();
    ASSERT_EQ(one.out.unfollowed.size(), 1u);
    EXPECT_EQ(one.out.unfollowed[0].client, at_one.id);
    EXPECT_EQ(one.out.unfollowed[0].node, at_one.own_node);
}

TEST_F(OwnNodes, AFollowingThatIsLostIsSaidAgain) {
    world.loses = [](const Element& iq) { return iq.child("following", ns::frame) != nullptr; };
    start();
    EXPECT_FALSE(one.peer(two)->follows_our_node);
    world.loses = [](const Element&) { return false; };
    world.pass(30s);
    EXPECT_TRUE(one.peer(two)->follows_our_node);
}

TEST_F(OwnNodes, FollowingANodeThatIsNotOursIsAnsweredNotFound) {
    start();
    Element iq("iq", std::string(ns::client));
    iq.set("type", "set").add("following", std::string(ns::frame)).set("node", "x").set("service", "y");
    const auto answers = world.ask(at_one, at_two.jid, iq);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(wire::pubsub::parse_error(answers[0]).condition, "item-not-found");
    EXPECT_TRUE(one.peer(two)->follows_our_node);
}

TEST_F(OwnNodes, ALateJoinerIsCompleteThoughTheServiceKeepsNothing) {
    start();
    one.set("PJSIP/0", DeviceState::busy, world.now);
    one.count("1234", 3);
    world.settle();
    Machine four{4};
    World::Stream& at_four = world.stream(four, 1);
    world.login(at_four);
    world.settle();
    EXPECT_TRUE(four.agrees_with(one));
    EXPECT_EQ(four.aggregate("PJSIP/0"), DeviceState::busy);
    EXPECT_EQ(four.messages("1234"), 3u);
    one.set("PJSIP/0", DeviceState::ringing, world.now);
    world.settle();
    EXPECT_EQ(four.aggregate("PJSIP/0"), DeviceState::ringing);
    EXPECT_TRUE(one.peer(four)->follows_our_node);
}

TEST_F(OwnNodes, TheServiceThatIsLostOrRefusesLeavesTheWayToEach) {
    start();
    world.node_of(at_one).refuses = true;
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    expect_equal();
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::busy);
    EXPECT_FALSE(one.peer(two)->follows_our_node);
    world.forget_sent();
    one.set("PJSIP/0", DeviceState::inuse, world.now);
    world.settle();
    EXPECT_EQ(world.items.size(), 0u);
    EXPECT_EQ(iqs_with_frames(), 2u);
    world.node_of(at_one).refuses = false;
    world.lose_node(at_one);
    world.make_node(at_one);
    world.settle();
    world.forget_sent();
    EXPECT_TRUE(one.peer(two)->follows_our_node);
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    EXPECT_EQ(world.items.size(), 1u);
    expect_equal();
}

TEST_F(OwnNodes, ARefusalIsHandedOnWithTheServersWords) {
    start();
    one.set("PJSIP/0", DeviceState::busy, world.now);
    const auto taken = one.lamplights.take(at_one.id, 4096, world.now);
    ASSERT_TRUE(taken && taken->fresh);
    Element iq = taken->iq;
    const Element error = wire::pubsub::make_error(iq, "forbidden", "auth", 403);
    one.lamplights.answered(at_one.id, taken->tag, Answer::refused, &error, world.now, one.out);
    ASSERT_EQ(one.out.refused.size(), 1u);
    EXPECT_EQ(one.out.refused[0].node, at_one.own_node);
    EXPECT_EQ(one.out.refused[0].error, error);
}

TEST_F(OwnNodes, AnItemThatTheServerNeverAnsweredIsSaidAgain) {
    start();
    bool lost = false;
    world.loses = [&](const Element& iq) {
        return iq.child("pubsub", ns::pubsub) != nullptr && !std::exchange(lost, true);
    };
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::inuse);
    world.pass(25s);
    expect_equal();
}

TEST_F(OwnNodes, AnItemLostOnTheWayIsFoundByTheDigest) {
    start();
    world.loses = [](const Element& stanza) { return stanza.name == "message"; };
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    world.loses = [](const Element&) { return false; };
    world.pass(31s);
    expect_equal();
    EXPECT_EQ(two.counters().snapshots_requested, 0u);
}

TEST_F(OwnNodes, AfterACutOfAnyLengthAllAreEqualForFewBytes) {
    start();
    for (const auto length : {3s, 9s, 15s, 40s, 600s}) {
        at_two.cut = true;
        one.set("PJSIP/7", length == 9s ? DeviceState::busy : DeviceState::ringing, world.now);
        one.set("PJSIP/8", length == 9s ? DeviceState::ringing : DeviceState::busy, world.now);
        two.set("Custom:two", length == 9s ? DeviceState::busy : DeviceState::inuse, world.now);
        world.pass(length);
        at_two.cut = false;
        const auto snapshots = two.counters().snapshots_received;
        world.pass(60s);
        expect_equal();
        EXPECT_EQ(two.counters().snapshots_received, snapshots) << length.count();
    }
}

TEST_F(OwnNodes, AServerThatRestartsAndForgetsEverythingIsSurvived) {
    start();
    for (World::Stream* stream : {&at_one, &at_two, &at_three})
        world.logout(*stream);
    world.nodes.clear();
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.pass(20s);
    world.forget_sent();
    for (World::Stream* stream : {&at_two, &at_one, &at_three}) {
        world.login(*stream);
        world.make_node(*stream);
    }
    world.settle();
    expect_equal();
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::busy);
    EXPECT_EQ(world.frames(Type::snapshot_begin), 0u);
    EXPECT_TRUE(one.peer(two)->follows_our_node);
}

TEST_F(OwnNodes, AMarkThatNamesNoNodeAnyMoreIsNotFollowed) {
    start();
    two.lamplights.road_up({at_two.id, at_one.jid}, {one.process, {}, {}}, world.now, two.out);
    ASSERT_EQ(two.out.follows.size(), 1u);
    EXPECT_EQ(two.out.follows[0].what, Lamplights::Output::Follow::What::unfollow);
    EXPECT_EQ(two.out.follows[0].node, at_one.own_node);
    two.publish();
    EXPECT_EQ(two.heard(Kind::road_down), 0u);
    EXPECT_FALSE(two.peer(one)->we_follow);
}

// --- what is believed ---

TEST_F(OwnNodes, AnItemIsBelievedInANodeThatAMarkNamedAndNowhereElse) {
    start();
    const std::string publisher = c2s::to_string(at_one.jid.bare());
    EXPECT_TRUE(hear(two, at_two, event(at_one, publisher, frame(DeviceState::busy, 1000))));
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::busy);
    EXPECT_TRUE(hear(two, at_two, event(at_one, {}, frame(DeviceState::ringing, 1001))))
        << "no publisher named";
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::ringing);
    Element elsewhere = event(at_one, publisher, frame(DeviceState::onhold, 1002));
    elsewhere.set("from", "pubsub.evil.example");
    EXPECT_FALSE(hear(two, at_two, elsewhere));
    Element unknown = event(at_one, publisher, frame(DeviceState::onhold, 1003));
    unknown.children[0].children[0].set("node", "device_state");
    EXPECT_FALSE(hear(two, at_two, unknown));
    EXPECT_TRUE(hear(two, at_two, event(at_three, {}, frame(DeviceState::onhold, 1004))));
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::ringing) << "three does not speak for one";
}

TEST_F(OwnNodes, AnItemOfAnotherPublisherIsRefused) {
    start();
    EXPECT_TRUE(hear(two, at_two, event(at_one, "eve@a.example", frame(DeviceState::busy, 1000))));
    EXPECT_TRUE(hear(two, at_two, event(at_one, "not a jid @", frame(DeviceState::busy, 1000))));
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::inuse);
    EXPECT_EQ(two.heard(Kind::bad_item), 1u) << "once a node and minute";
}

TEST_F(OwnNodes, WhatIsNoFrameIsRefusedAndOtherTypesToo) {
    start();
    Element junk("frame", std::string(ns::frame));
    junk.add_text("%%%");
    EXPECT_TRUE(hear(two, at_two, event(at_one, {}, junk)));
    EXPECT_EQ(two.heard(Kind::bad_item), 1u);
    std::vector<std::uint8_t> goodbye(wire::vote::min_budget_bytes);
    goodbye.resize(wire::vote::encode(wire::vote::Goodbye{}, goodbye));
    EXPECT_TRUE(hear(two, at_two, event(at_one, {}, wire::pubsub::make_frame(goodbye))));
    EXPECT_TRUE(two.peer(one)->present);
    const auto misplaced = static_cast<std::size_t>(wire::vote::Refusal::misplaced);
    EXPECT_EQ(two.counters().frames_refused[misplaced], 1u);
}

TEST_F(OwnNodes, AnItemOfAPeerThatIsAwayIsNotBelieved) {
    start();
    world.logout(at_one);
    hear(two, at_two, event(at_two, {}, frame(DeviceState::busy, 1000)));
    at_one.own_node = "lamplight:1";
    EXPECT_FALSE(hear(two, at_two, event(at_one, {}, frame(DeviceState::busy, 1000))));
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::inuse);
}

TEST_F(OwnNodes, AnItemOfAPeerThatIsSilentIsNotBelieved) {
    start();
    at_one.cut = true;
    world.pass(11s);
    ASSERT_FALSE(two.peer(one)->present);
    EXPECT_TRUE(hear(two, at_two, event(at_one, {}, frame(DeviceState::busy, 1000))));
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::inuse);
}

// --- several own nodes ---

struct SeveralNodes : OwnNodes {
    World::Stream& far_one = world.stream(one, 2, "b.example");
    World::Stream& far_two = world.stream(two, 2, "b.example");

    void start_both() {
        start();
        for (World::Stream* stream : {&far_one, &far_two}) {
            world.login(*stream);
            world.make_node(*stream);
        }
        world.settle();
        world.forget_sent();
    }
};

TEST_F(SeveralNodes, TheSameFrameGoesToEachOwnNodeThatIsFollowed) {
    start_both();
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    ASSERT_EQ(world.items.size(), 2u);
    EXPECT_EQ(world.items[0], world.items[1]);
    expect_equal();
    EXPECT_EQ(two.counters().broadcasts_in, 2u);
}

TEST_F(SeveralNodes, WhoFollowsOnlyTheNodeThatFailedIsBroughtUpToDate) {
    start_both();
    world.node_of(at_one).refuses = true;
    one.set("PJSIP/0", DeviceState::busy, world.now);
    one.count("1234", 7);
    world.settle();
    EXPECT_TRUE(one.peer(two)->follows_our_node) << "by the other";
    EXPECT_FALSE(one.peer(three)->follows_our_node);
    expect_equal();
    EXPECT_EQ(three.aggregate("PJSIP/0"), DeviceState::busy);
    EXPECT_EQ(three.messages("1234"), 7u);
}

TEST_F(SeveralNodes, WhoFollowsOnlyTheNodeThatDidNotAnswerIsToldBeforeTheNextDigest) {
    start_both();
    bool lost = false;
    world.loses = [&](const Element& stanza) {
        return stanza.value_of("to") == World::service(at_one) && !std::exchange(lost, true);
    };
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.pass(21s);
    EXPECT_TRUE(lost);
    EXPECT_EQ(three.aggregate("PJSIP/0"), DeviceState::busy);
    EXPECT_TRUE(one.peer(three)->follows_our_node);
}

TEST_F(SeveralNodes, WhenOneNodeNeverAnswersTheOthersDoNotWaitForIt) {
    start_both();
    world.loses = [&](const Element& stanza) { return stanza.value_of("to") == World::service(at_one); };
    for (int i = 0; i < 100; ++i) {
        one.set("PJSIP/" + std::to_string(i % 40), i % 2 == 0 ? DeviceState::busy : DeviceState::ringing,
                world.now);
        world.settle();
        EXPECT_TRUE(two.agrees_with(one)) << i;
    }
    world.pass(60s);
    expect_equal();
    world.loses = [](const Element&) { return false; };
    world.pass(60s);
    world.forget_sent();
    EXPECT_TRUE(one.peer(three)->follows_our_node);
    one.set("PJSIP/0", DeviceState::onhold, world.now);
    world.settle();
    expect_equal();
    EXPECT_EQ(iqs_with_frames(), 0u);
}

TEST_F(SeveralNodes, TheLossOfOneClientLeavesTheOthersNode) {
    start_both();
    world.logout(at_one);
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::busy);
    EXPECT_EQ(three.aggregate("PJSIP/0"), DeviceState::inuse);
    EXPECT_EQ(world.items.size(), 1u);
    world.login(at_one);
    world.make_node(at_one);
    world.settle();
    expect_equal();
}

}  // namespace
}  // namespace lamplight::bus::xmpp::test
