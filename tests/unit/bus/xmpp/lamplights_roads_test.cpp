// Frames by IQ: roads and their loss, answers, pauses, pings, processes.
#include "lamplights_world.hpp"

namespace lamplight::bus::xmpp::test {
namespace {

using wire::vote::Type;
using Kind = Lamplights::News::Kind;

struct Roads : TwoMachines {
    void start() {
        for (int i = 0; i < 40; ++i)
            one.set("PJSIP/" + std::to_string(i), DeviceState::inuse, world.now);
        two.set("Custom:two", DeviceState::ringing, world.now);
        log_both_in();
        world.settle();
    }
    void expect_equal() {
        EXPECT_TRUE(two.agrees_with(one));
        EXPECT_TRUE(one.agrees_with(two));
        EXPECT_TRUE(two.holds_fresh(one));
        EXPECT_TRUE(one.holds_fresh(two));
    }
    Element frame_of(const sync::Exchange&, std::vector<std::uint8_t> bytes) {
        Element iq("iq", std::string(ns::client));
        iq.set("type", "set").add(wire::pubsub::make_frame(bytes));
        return iq;
    }
    static std::vector<std::uint8_t> goodbye(wire::vote::Goodbye::How how) {
        std::vector<std::uint8_t> frame(wire::vote::min_budget_bytes);
        frame.resize(wire::vote::encode(wire::vote::Goodbye{how}, frame));
        return frame;
    }
};

TEST_F(Roads, TwoThatSeeEachOthersMarksTellEachOtherEverything) {
    start();
    expect_equal();
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::inuse);
    EXPECT_EQ(one.heard(Kind::road_up), 1u);
    ASSERT_NE(one.peer(two), nullptr);
    EXPECT_TRUE(one.peer(two)->present);
    EXPECT_FALSE(one.peer(two)->follows_our_node);
    EXPECT_EQ(one.peer(two)->roads, (std::vector<Road>{world.road(at_one, at_two)}));
    EXPECT_EQ(one.peer(two)->nodes.at(0).announcement.name, "pbx2");
    EXPECT_TRUE(one.lamplights.is_up(world.road(at_one, at_two)));
    EXPECT_FALSE(one.lamplights.is_up({at_one.id, at_two.jid.bare()}));
}

TEST_F(Roads, AChangeIsOneStanzaToEachWhoCannotFollow) {
    start();
    world.forget_sent();
    one.set("PJSIP/0", DeviceState::busy, world.now);
    EXPECT_EQ(one.lamplights.wants_to_send(at_one.id), Lamplights::Wants::fresh);
    world.settle();
    EXPECT_EQ(world.sent.size(), 1u);
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::busy);
}

TEST_F(Roads, MessageCountsGoToo) {
    start();
    one.count("1234", 3);
    world.settle();
    EXPECT_EQ(two.messages("1234"), 3u);
}

TEST_F(Roads, AtMostAFewFramesAreUnderWayToOnePeer) {
    world.budget = 1;
    world.delay = 100ms;
    for (int i = 0; i < 400; ++i)
        one.set("PJSIP/" + std::to_string(i), DeviceState::inuse, world.now);
    log_both_in();
    const auto said = [&] {
        return std::count_if(world.sent.begin(), world.sent.end(), [&](const Element& element) {
            return element.value_of("from") == c2s::to_string(at_one.jid);
        });
    };
    world.settle();
    EXPECT_EQ(said(), 1) << "more when it has answered";
    auto most = said();
    for (int i = 0; i < 40; ++i) {
        const auto before = said();
        world.pass(100ms, 100ms);
        most = std::max(most, said() - before);
    }
    EXPECT_EQ(most, 4);
    world.pass(5s, 50ms);
    expect_equal();
    for (const Element& element : world.sent)
        EXPECT_LE(wire::xml::to_text(element).size(), 2048u);
}

TEST_F(Roads, ASnapshotIsBulkAndAHelloIsFresh) {
    log_both_in();
    ASSERT_EQ(one.lamplights.wants_to_send(at_one.id), Lamplights::Wants::fresh);
    const auto hello = one.lamplights.take(at_one.id, 4096, world.now);
    EXPECT_TRUE(hello->fresh);
    one.lamplights.answered(at_one.id, hello->tag, Answer::accepted, nullptr, world.now, one.out);
    ASSERT_EQ(one.lamplights.wants_to_send(at_one.id), Lamplights::Wants::bulk);
    EXPECT_FALSE(one.lamplights.take(at_one.id, 4096, world.now)->fresh);
}

TEST_F(Roads, PeersHaveFairTurns) {
    Machine three{3};
    World::Stream& at_three = world.stream(three, 1);
    world.login(at_three);
    start();
    world.forget_sent();
    one.set("PJSIP/0", DeviceState::busy, world.now);
    one.set("PJSIP/1", DeviceState::busy, world.now);
    std::set<std::string> to;
    for (int i = 0; i < 2; ++i)
        to.insert(std::string(one.lamplights.take(at_one.id, 4096, world.now)->iq.value_of("to")));
    EXPECT_EQ(to.size(), 2u);
}

TEST_F(Roads, AFrameThatIsRefusedIsSaidAgainAfterAPauseThatGrows) {
    start();
    int refused = 0;
    world.refuses = [&](const Element& iq) {
        const bool frame = iq.child("frame", ns::frame) != nullptr;
        refused += frame;
        return frame;
    };
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    EXPECT_EQ(refused, 1);
    EXPECT_EQ(one.lamplights.wants_to_send(at_one.id), Lamplights::Wants::nothing);
    world.pass(8s);
    EXPECT_GE(refused, 3);
    EXPECT_LE(refused, 6);
    world.refuses = [](const Element&) { return false; };
    world.pass(30s);
    expect_equal();
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::busy);
}

TEST_F(Roads, AFrameOfSomebodyWithoutAMarkIsAnsweredNotAllowed) {
    start();
    const c2s::Jid stranger{"eve", "a.example", "x"};
    const auto answers = world.ask(at_one, stranger, frame_of(one.lamplights.exchange(), goodbye({})));
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].value_of("type"), "error");
    EXPECT_EQ(wire::pubsub::parse_error(answers[0]).condition, "not-allowed");
    EXPECT_EQ(wire::pubsub::parse_error(answers[0]).code, 405);
    EXPECT_EQ(answers[0].child("frame", ns::frame), nullptr) << "no echo";
    EXPECT_EQ(answers[0].value_of("to"), c2s::to_string(stranger));
    EXPECT_EQ(one.heard(Kind::unexpected), 1u);
    world.ask(at_one, stranger, frame_of(one.lamplights.exchange(), goodbye({})));
    EXPECT_EQ(one.heard(Kind::unexpected), 1u) << "once a minute";
    world.pass(61s);
    world.ask(at_one, stranger, frame_of(one.lamplights.exchange(), goodbye({})));
    EXPECT_EQ(one.heard(Kind::unexpected), 2u);
    expect_equal();
}

TEST_F(Roads, WhatIsNoFrameIsAnsweredBadRequestAndOtherIqsAreNotOurs) {
    start();
    Element iq("iq", std::string(ns::client));
    iq.set("type", "set").add("frame", std::string(ns::frame)).add_text("%%%");
    auto answers = world.ask(at_one, at_two.jid, iq);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(wire::pubsub::parse_error(answers[0]).condition, "bad-request");
    Element get = frame_of(one.lamplights.exchange(), goodbye({}));
    get.set("type", "get");
    answers = world.ask(at_one, at_two.jid, get);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(wire::pubsub::parse_error(answers[0]).condition, "bad-request");
    Element ping("iq", std::string(ns::client));
    ping.set("type", "get").add("ping", std::string(ns::ping));
    EXPECT_TRUE(world.ask(at_one, at_two.jid, ping).empty());
    expect_equal();
}

TEST_F(Roads, AGoodbyeIsTheLastWordAndSilenceAfterItIsNoNews) {
    start();
    two.lamplights.say_goodbye(wire::vote::Goodbye::How::left);
    EXPECT_FALSE(two.lamplights.said_goodbye());
    world.settle();
    EXPECT_TRUE(two.lamplights.said_goodbye());
    EXPECT_EQ(one.aggregate("Custom:two"), DeviceState::unavailable);
    EXPECT_FALSE(one.peer(two)->present);
    world.kill(two);
    world.settle();
    EXPECT_EQ(one.engine.node(*one.engine.find_node(two.self.eid)).standing, state::Standing::gone);
}

TEST_F(Roads, AGoodbyeIsSaidWhenNobodyCanBeTold) {
    two.lamplights.say_goodbye(wire::vote::Goodbye::How::restarting);
    EXPECT_TRUE(two.lamplights.said_goodbye());
}

TEST_F(Roads, WhoSaidThatItRestartsIsHeldAndItsNewLifeTakesOver) {
    start();
    two.lamplights.say_goodbye(wire::vote::Goodbye::How::restarting);
    world.settle();
    world.kill(two);
    world.pass(2s);
    EXPECT_EQ(one.aggregate("Custom:two"), DeviceState::ringing);
    Machine again{2, 21, "b"};
    World::Stream& at_again = world.stream(again, 1);
    again.set("Custom:two", DeviceState::busy, world.now);
    world.login(at_again);
    world.settle();
    EXPECT_EQ(one.aggregate("Custom:two"), DeviceState::busy);
    EXPECT_TRUE(one.agrees_with(again));
    EXPECT_TRUE(one.holds_fresh(again));
}

TEST_F(Roads, PresenceThatEndsWithoutAGoodbyeIsSilence) {
    start();
    world.logout(at_two);
    world.settle();
    EXPECT_TRUE(one.vote("Custom:two", two)->stale);
    EXPECT_EQ(one.aggregate("Custom:two"), DeviceState::ringing);
    EXPECT_FALSE(one.peer(two)->present);
    EXPECT_EQ(one.heard(Kind::road_down), 1u);
    world.pass(60s);
    EXPECT_EQ(one.aggregate("Custom:two"), DeviceState::unavailable);
    world.login(at_two);
    world.settle();
    expect_equal();
}

TEST_F(Roads, WhoReturnsIsBroughtUpToDateByWhatDiffers) {
    start();
    for (const auto length : {3s, 12s, 60s, 3600s}) {
        world.logout(at_two);
        one.set("PJSIP/3", length == 12s ? DeviceState::busy : DeviceState::ringing, world.now);
        world.pass(length, 10s);
        world.forget_sent();
        const auto votes = two.counters().votes_in;
        world.login(at_two);
        world.settle();
        expect_equal();
        EXPECT_EQ(world.frames(Type::snapshot_begin), 0u);
        EXPECT_LE(two.counters().votes_in - votes, 2u);
        EXPECT_LT(world.bytes(), 6000u);
    }
}

TEST_F(Roads, AHoleIsMendedByASnapshot) {
    start();
    // One frame is taken by the server's word and never comes.
    world.loses = [&](const Element& iq) { return iq.child("frame", ns::frame) != nullptr; };
    one.set("PJSIP/3", DeviceState::busy, world.now);
    const auto taken = one.lamplights.take(at_one.id, 4096, world.now);
    one.lamplights.answered(at_one.id, taken->tag, Answer::accepted, nullptr, world.now, one.out);
    world.loses = [](const Element&) { return false; };
    one.set("PJSIP/4", DeviceState::busy, world.now);
    world.settle();
    EXPECT_FALSE(two.agrees_with(one));
    world.logout(at_two);
    world.forget_sent();
    world.login(at_two);
    world.settle();
    EXPECT_GE(world.frames(Type::snapshot_begin), 1u);
    expect_equal();
}

TEST_F(Roads, ACutThatNobodyTellsOfIsNoticedByPingsAndSoIsItsEnd) {
    start();
    world.forget_sent();
    world.pass(30s);
    EXPECT_EQ(one.heard(Kind::road_down), 0u);
    EXPECT_GE(world.sent.size(), 10u) << "pings";
    at_two.cut = true;
    world.pass(11s);
    EXPECT_EQ(one.heard(Kind::road_down), 1u);
    EXPECT_EQ(two.heard(Kind::road_down), 1u);
    EXPECT_TRUE(one.vote("Custom:two", two)->stale);
    one.set("PJSIP/5", DeviceState::busy, world.now);
    at_two.cut = false;
    world.forget_sent();
    world.pass(40s);
    expect_equal();
    EXPECT_EQ(two.aggregate("PJSIP/5"), DeviceState::busy);
    EXPECT_EQ(world.frames(Type::snapshot_begin), 0u);
}

TEST_F(Roads, PingsAreNotSentWhereSomethingElseComes) {
    start();
    world.forget_sent();
    for (int i = 0; i < 10; ++i) {
        one.set("PJSIP/0", i % 2 == 0 ? DeviceState::busy : DeviceState::inuse, world.now);
        two.set("Custom:two", i % 2 == 0 ? DeviceState::busy : DeviceState::inuse, world.now);
        world.pass(2s);
    }
    for (const Element& element : world.sent)
        EXPECT_EQ(element.child("ping", ns::ping), nullptr);
}

TEST_F(Roads, AClientThatDoesNotKnowPingsIsAliveAndAnErrorOfItsServerIsNot) {
    start();
    const auto answer_ping = [&](std::string_view condition) {
        world.now += 5s;
        one.lamplights.on_time(world.now, one.out);
        const auto ping = one.lamplights.take(at_one.id, 4096, world.now);
        ASSERT_TRUE(ping && ping->iq.child("ping", ns::ping));
        Element iq = ping->iq;
        iq.set("from", c2s::to_string(at_one.jid)).set("id", "p");
        const Element error = wire::pubsub::make_error(iq, condition, "cancel", 501);
        one.lamplights.answered(at_one.id, ping->tag, Answer::refused, &error, world.now, one.out);
        one.publish();
    };
    answer_ping("feature-not-implemented");
    answer_ping("feature-not-implemented");
    answer_ping("feature-not-implemented");
    EXPECT_EQ(one.heard(Kind::road_down), 0u);
    answer_ping("service-unavailable");
    world.now += 5s;
    one.lamplights.on_time(world.now, one.out);
    one.publish();
    EXPECT_EQ(one.heard(Kind::road_down), 1u);
}

TEST_F(Roads, OurOwnProcessNumberFromElsewhereIsPassedOverAndTold) {
    world.login(at_one);
    one.lamplights.road_up({at_one.id, at_two.jid}, {one.process, {}, {}}, world.now, one.out);
    one.publish();
    EXPECT_EQ(one.heard(Kind::same_process), 1u);
    EXPECT_TRUE(one.lamplights.peers().empty());
    EXPECT_FALSE(one.lamplights.is_up(world.road(at_one, at_two)));
}

TEST_F(Roads, AnotherProcessOnTheSameJidTakesOver) {
    start();
    Machine again{2, 21, "b"};
    World::Stream& at_again = world.stream(again, 1);
    at_again.jid = at_two.jid;
    at_two.bound = false;
    again.set("Custom:two", DeviceState::busy, world.now);
    at_two.jid = {"gone", "a.example", "x"};
    world.login(at_again);
    EXPECT_FALSE(one.peer(two)->present);
    EXPECT_TRUE(one.vote("Custom:two", two)->stale);
    EXPECT_EQ(one.aggregate("Custom:two"), DeviceState::ringing) << "nothing passes through idle";
    world.settle();
    EXPECT_EQ(one.aggregate("Custom:two"), DeviceState::busy);
    EXPECT_TRUE(one.agrees_with(again));
}

TEST_F(Roads, ProcessesThatWillNotReturnAreForgotten) {
    world.login(at_one);
    for (int life = 0; life < 200; ++life) {
        const Road road{at_one.id, at_two.jid};
        one.lamplights.road_up(road, {"process" + std::to_string(life), {}, {}}, world.now, one.out);
        one.publish();
        world.now += 1s;
    }
    EXPECT_LE(one.lamplights.peers().size(), 66u);
}

// --- two roads to one process ---

struct TwoServers : Roads {
    World::Stream& far_one = world.stream(one, 2, "b.example");
    World::Stream& far_two = world.stream(two, 2, "b.example");

    void start_both() {
        world.login(far_one);
        world.login(far_two);
        start();
    }
};

TEST_F(TwoServers, TwoRoadsToOneProcessAreOnePeer) {
    start_both();
    expect_equal();
    EXPECT_EQ(one.lamplights.peers().size(), 1u);
    EXPECT_EQ(one.peer(two)->roads.size(), 2u);
    EXPECT_EQ(two.counters().snapshots_received, 1u);
    world.forget_sent();
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    EXPECT_EQ(world.sent.size(), 1u);
}

TEST_F(TwoServers, WhatWasUnderWayOnALostRoadGoesByTheOtherAtOnce) {
    start_both();
    const Road first = one.peer(two)->roads.front();
    World::Stream& mine = first.client == at_one.id ? at_one : far_one;
    World::Stream& theirs = first.client == at_one.id ? at_two : far_two;
    theirs.cut = true;
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.settle();
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::inuse);
    const state::Time before = world.now;
    world.logout(mine);
    world.settle();
    EXPECT_EQ(world.now, before);
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::busy);
    EXPECT_TRUE(one.peer(two)->present);
    EXPECT_FALSE(one.vote("Custom:two", two)->stale);
    EXPECT_EQ(two.counters().votes_unnamed, 0u);
}

TEST_F(TwoServers, ARoadThatFallsSilentLosesWhatIsUnderWayBeforeItsTimeIsUp) {
    start_both();
    const Road first = one.peer(two)->roads.front();
    (first.client == at_one.id ? at_two : far_two).cut = true;
    one.set("PJSIP/0", DeviceState::busy, world.now);
    world.pass(12s);
    EXPECT_EQ(one.peer(two)->roads.size(), 1u);
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::busy);
    EXPECT_TRUE(one.peer(two)->present);
}

TEST_F(TwoServers, ThePeerStaysPresentWhileOneRoadDoesAndIsSilentAfterTheLast) {
    start_both();
    world.logout(at_two);
    world.settle();
    EXPECT_TRUE(one.peer(two)->present);
    EXPECT_EQ(two.counters().snapshots_received, 1u);
    world.logout(far_two);
    EXPECT_FALSE(one.peer(two)->present);
    EXPECT_TRUE(one.vote("Custom:two", two)->stale);
    world.login(far_two);
    world.settle();
    expect_equal();
    world.login(at_two);
    world.settle();
    EXPECT_EQ(one.peer(two)->roads.size(), 2u);
    expect_equal();
}

TEST_F(TwoServers, ARoadThatRefusesIsLeftForTheOther) {
    start_both();
    const Road first = one.peer(two)->roads.front();
    const std::string to = c2s::to_string(first.jid);
    world.refuses = [&](const Element& iq) { return iq.value_of("to") == to; };
    one.set("PJSIP/0", DeviceState::busy, world.now);
    const state::Time before = world.now;
    world.settle();
    EXPECT_EQ(world.now, before);
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::busy);
}

}  // namespace
}  // namespace lamplight::bus::xmpp::test
