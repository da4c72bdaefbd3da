#include "world.hpp"

namespace lamplight::bus::sync {
namespace {

using namespace test;
using state::Departure;
using state::Standing;
using wire::vote::Type;
using namespace std::chrono_literals;

std::string device(int number) {
    return "PJSIP/" + std::to_string(number);
}

TEST(Exchange, TellsAPeerEveryChange) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    world.connect(one, two);
    world.settle();
    one.set("Custom:abc", DeviceState::inuse);
    world.settle();
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::inuse);
    one.set("Custom:abc", DeviceState::not_inuse);
    two.set("Custom:abc", DeviceState::ringing);
    world.settle();
    EXPECT_EQ(one.aggregate("Custom:abc"), DeviceState::ringing);
    EXPECT_EQ(two.vote("Custom:abc", 1)->state, DeviceState::not_inuse);
    EXPECT_EQ(two.view(1).name, "pbx1");
    EXPECT_EQ(one.count(News::Kind::hello), 1u);
}

TEST(Exchange, GivesALateJoinerEveryVoteOfEverybody) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    world.connect(one, two);
    for (int i = 0; i < 3000; ++i) {
        one.set(device(i), DeviceState::inuse);
        if (i % 3 == 0) two.set(device(i), DeviceState::busy);
    }
    world.settle();
    Daemon three(3, 30, one_peer());
    world.connect(one, three);
    world.connect(two, three);
    world.settle();
    EXPECT_TRUE(three.agrees_with(one));
    EXPECT_TRUE(three.agrees_with(two));
    EXPECT_EQ(three.aggregate(device(0)), DeviceState::busy);
    EXPECT_EQ(three.aggregate(device(1)), DeviceState::inuse);
    EXPECT_EQ(three.exchange.counters().snapshots_received, 2u);
}

TEST(Exchange, SaysAWithdrawalAndTellsItToAJoinerToo) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    world.connect(one, two);
    one.set("Custom:abc", DeviceState::inuse);
    world.settle();
    one.withdraw("Custom:abc");
    world.settle();
    EXPECT_TRUE(two.vote("Custom:abc", 1)->withdrawn);
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::unavailable);
    Daemon three(3, 30, one_peer());
    world.connect(one, three);
    world.settle();
    EXPECT_TRUE(three.vote("Custom:abc", 1)->withdrawn) << "so that no late message can bring the vote back";
}

TEST(Exchange, BunchesABurstToTheNewestVotePerDevice) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    world.connect(one, two);
    world.settle();
    world.sent.clear();
    for (int i = 0; i < 1000; ++i) {
        one.set("Custom:a", i % 2 ? DeviceState::inuse : DeviceState::ringing);
        one.set("Custom:b", i % 2 ? DeviceState::busy : DeviceState::onhold);
    }
    EXPECT_EQ(one.exchange.waiting(), 2u);
    world.settle();
    EXPECT_EQ(world.sent.size(), 1u);
    EXPECT_EQ(one.exchange.counters().votes_out, 2u);
    EXPECT_EQ(two.aggregate("Custom:a"), DeviceState::inuse);
    EXPECT_EQ(two.aggregate("Custom:b"), DeviceState::busy);
    EXPECT_TRUE(two.agrees_with(one));
    EXPECT_EQ(one.exchange.waiting(), 0u);
}

TEST(Exchange, SaysANameOnceAndThenItsNumber) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    world.connect(one, two);
    world.settle();
    one.set("Custom:a-name-of-some-length", DeviceState::inuse);
    world.settle();
    const std::size_t first = world.sent.back().size();
    one.set("Custom:a-name-of-some-length", DeviceState::busy);
    world.settle();
    EXPECT_EQ(first - world.sent.back().size(), 1 + std::string("Custom:a-name-of-some-length").size());
    EXPECT_EQ(two.aggregate("Custom:a-name-of-some-length"), DeviceState::busy);
}

TEST(Exchange, LetsFreshChangesGoAheadOfARunningSnapshotAndStillEndsIt) {
    World world;
    Daemon one(1, 10, one_peer());
    for (int i = 0; i < 5000; ++i)
        one.set(device(i), DeviceState::not_inuse);
    Daemon two(2, 20, one_peer());
    Link& link = world.connect(one, two);
    for (int i = 0; i < 4; ++i)
        world.step(one, link.b_at_a, two, link.a_at_b);
    ASSERT_FALSE(two.agrees_with(one))
        << "the snapshot must still be under way for this test to say something";
    one.set(device(4999), DeviceState::busy);
    world.step(one, link.b_at_a, two, link.a_at_b);
    EXPECT_EQ(two.aggregate(device(4999)), DeviceState::busy);
    // A flood does not starve it either.
    for (int round = 0; round < 200; ++round) {
        for (int i = 0; i < 2000; ++i)
            one.set(device(i), round % 2 ? DeviceState::inuse : DeviceState::ringing);
        world.step(one, link.b_at_a, two, link.a_at_b);
    }
    EXPECT_GT(two.exchange.counters().snapshots_received, 0u);
    world.settle();
    EXPECT_TRUE(two.agrees_with(one));
}

TEST(Exchange, TakesASnapshotInFramesOfTheBudgetItIsGiven) {
    World world;
    world.budget = wire::vote::min_budget_bytes;
    Daemon one(1, 10, one_peer());
    for (int i = 0; i < 500; ++i)
        one.set(device(i) + std::string(200, 'x'), DeviceState::inuse);
    Daemon two(2, 20, one_peer());
    world.connect(one, two);
    world.settle();
    EXPECT_TRUE(two.agrees_with(one));
    for (const Frame& frame : world.sent)
        EXPECT_LE(frame.size(), wire::vote::min_budget_bytes);
}

TEST(Exchange, AFailedPeerTakesItsVotesWithIt) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    Link& link = world.connect(one, two);
    one.set("Custom:abc", DeviceState::busy);
    world.settle();
    world.cut(link);
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::unavailable);
    EXPECT_EQ(two.view(1).standing, Standing::gone);
    EXPECT_EQ(two.exchange.peers(), 0u);
}

TEST(Exchange, AGoodbyeSaysHowAndIsTheLastFrame) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    Link& link = world.connect(one, two);
    one.set("Custom:abc", DeviceState::busy);
    world.settle();
    one.set("Custom:abc", DeviceState::inuse);
    one.exchange.say_goodbye(wire::vote::Goodbye::How::restarting);
    EXPECT_FALSE(one.exchange.said_goodbye(one.exchange.lane_of(link.b_at_a)));
    world.settle();
    EXPECT_TRUE(one.exchange.said_goodbye(one.exchange.lane_of(link.b_at_a)));
    EXPECT_EQ(type_of(world.sent.back()), Type::goodbye);
    EXPECT_EQ(two.view(1).standing, Standing::stale) << "it said that it comes back";
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::inuse) << "the last change went ahead of the goodbye";
    one.set("Custom:abc", DeviceState::ringing);
    world.settle();
    EXPECT_EQ(type_of(world.sent.back()), Type::goodbye);
    world.cut(link);
    EXPECT_EQ(two.view(1).standing, Standing::stale) << "the end of the connection after it is no failure";
}

TEST(Exchange, AGoodbyeForGoodEndsTheVotesAtOnce) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    Link& link = world.connect(one, two);
    one.set("Custom:abc", DeviceState::busy);
    world.settle();
    one.exchange.say_goodbye(wire::vote::Goodbye::How::left);
    world.settle();
    EXPECT_EQ(two.view(1).standing, Standing::gone);
    EXPECT_EQ(two.count(News::Kind::goodbye), 1u);
    world.cut(link);
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::unavailable);
}

TEST(Exchange, ARestartedPeerIsBelievedAnewAndItsOldVotesGo) {
    World world;
    auto one = std::make_unique<Daemon>(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    Link* link = &world.connect(*one, two);
    one->set("Custom:kept", DeviceState::busy);
    one->set("Custom:dropped", DeviceState::busy);
    world.settle();
    one->exchange.say_goodbye(wire::vote::Goodbye::How::restarting);
    world.settle();
    world.cut(*link);
    world.links.clear();
    one = std::make_unique<Daemon>(1, 11, one_peer());
    one->set("Custom:kept", DeviceState::busy);
    link = &world.connect(*one, two);
    EXPECT_EQ(two.aggregate("Custom:kept"), DeviceState::busy) << "nothing passes through idle";
    world.settle();
    EXPECT_EQ(two.aggregate("Custom:kept"), DeviceState::busy);
    EXPECT_FALSE(two.vote("Custom:kept", 1)->stale);
    EXPECT_EQ(two.aggregate("Custom:dropped"), DeviceState::unavailable);
    EXPECT_TRUE(two.agrees_with(*one));
}

TEST(Exchange, APeerThatLostItsCounterLearnsItAndIsHeardAgain) {
    World world;
    auto one = std::make_unique<Daemon>(1, 500, one_peer());
    Daemon two(2, 20, one_peer());
    Link* link = &world.connect(*one, two);
    one->set("Custom:abc", DeviceState::busy);
    world.settle();
    world.cut(*link);
    world.links.clear();
    one = std::make_unique<Daemon>(1, 3, one_peer());
    one->set("Custom:abc", DeviceState::inuse);
    world.connect(*one, two);
    world.settle();
    EXPECT_EQ(one->engine.node(one->node).incarnation, 501u);
    EXPECT_EQ(two.view(1).incarnation, 501u);
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::inuse);
    EXPECT_TRUE(two.agrees_with(*one));
}

TEST(Exchange, WhoLearnsLaterOfAHigherIncarnationSaysSoThen) {
    World world;
    Daemon old_one(1, 500, one_peer());
    Daemon new_one(1, 3, one_peer());
    Daemon two(2, 20, one_peer());
    Daemon three(3, 30, one_peer());
    Link& to_old = world.connect(old_one, two);
    world.settle();
    world.cut(to_old);
    // Its hello says nothing of node 1 that is higher than 3 until it has met node 2's memory; here it has.
    world.connect(new_one, two);
    world.settle();
    EXPECT_EQ(new_one.engine.node(new_one.node).incarnation, 501u);
    EXPECT_EQ(two.count(News::Kind::outdated), 1u);
    world.connect(new_one, three);
    world.settle();
    EXPECT_EQ(three.view(1).incarnation, 501u);
}

TEST(Exchange, OfTwoPeersWithOneEidTheLaterIsRefusedUntilTheFirstIsGone) {
    World world;
    Daemon first(1, 10, one_peer());
    Daemon second(1, 11, one_peer());
    Daemon two(2, 20, one_peer());
    Link& link = world.connect(first, two);
    world.settle();
    world.connect(second, two);
    first.set("Custom:abc", DeviceState::busy);
    second.set("Custom:abc", DeviceState::inuse);
    world.settle();
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::busy);
    ASSERT_EQ(two.all_notices.size(), 1u);
    EXPECT_EQ(two.all_notices[0].kind, state::Notice::Kind::duplicate_eid);
    EXPECT_GT(two.exchange.counters().votes_unannounced, 0u);
    world.cut(link);
    world.settle();
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::inuse);
    EXPECT_TRUE(two.agrees_with(second));
}

TEST(Exchange, APeerWithOurOwnEidIsNamedAndNotHeard) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon other_one(1, 11, one_peer());
    world.connect(one, other_one);
    other_one.set("Custom:abc", DeviceState::busy);
    world.settle();
    EXPECT_EQ(one.aggregate("Custom:abc"), DeviceState::unknown);
    ASSERT_FALSE(one.all_notices.empty());
    EXPECT_EQ(one.all_notices[0].kind, state::Notice::Kind::own_eid_announced);
    one.exchange.set_own_nodes({{one.self}});
    other_one.exchange.set_own_nodes({{other_one.self}});
    world.settle();
    EXPECT_EQ(one.all_notices.size(), 1u) << "said once";
}

TEST(Exchange, SpeaksForAPbxAndSaysWhenItsLinkIsDown) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    const state::Announcement pbx{eid(9), "asterisk", 5, state::Announcement::Speaks::for_pbx};
    const state::NodeId pbx_node = one.engine.add_own_node(pbx, world.now, one.out.changes);
    world.connect(one, two);
    world.settle();
    one.exchange.set_own_nodes({{one.self, pbx}});
    const auto abc = *one.engine.intern_device("PJSIP/abc", one.out.changes);
    one.engine.set_own(pbx_node, abc, DeviceState::busy, state::Cachable::yes, state::Cause::pbx, world.now,
                       one.out.changes);
    one.publish();
    world.settle();
    EXPECT_TRUE(two.view(9).speaks_for_pbx);
    EXPECT_EQ(two.aggregate("PJSIP/abc"), DeviceState::busy);
    one.engine.set_pbx_link(pbx_node, false, world.now, one.out.changes);
    one.publish();
    world.settle();
    EXPECT_TRUE(two.view(9).pbx_lost);
    EXPECT_EQ(two.aggregate("PJSIP/abc"), DeviceState::unavailable);
    Daemon three(3, 30, one_peer());
    world.connect(one, three);
    world.settle();
    EXPECT_TRUE(three.view(9).pbx_lost) << "a joiner learns it from the hello";
    one.engine.set_pbx_link(pbx_node, true, world.now, one.out.changes);
    one.publish();
    world.settle();
    EXPECT_EQ(two.aggregate("PJSIP/abc"), DeviceState::busy);
    EXPECT_EQ(three.aggregate("PJSIP/abc"), DeviceState::busy);
}

TEST(Exchange, ASlowPeerCostsNobodyElseAnything) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon slow(2, 20, one_peer());
    Daemon quick(3, 30, one_peer());
    Link& to_slow = world.connect(one, slow);
    world.connect(one, quick);
    world.settle();
    to_slow.up = false;  // it does not read
    for (int i = 0; i < 100; ++i)
        for (int d = 0; d < 50; ++d) {
            one.set(device(d), i % 2 ? DeviceState::inuse : DeviceState::busy);
            world.settle();
        }
    EXPECT_TRUE(quick.agrees_with(one));
    EXPECT_EQ(one.exchange.waiting(), 50u) << "the newest of each device, whatever came meanwhile";
    to_slow.up = true;
    world.sent.clear();
    world.settle();
    EXPECT_TRUE(slow.agrees_with(one));
    EXPECT_EQ(world.sent.size(), 1u);
}

TEST(ExchangeToEverybody, SharesEveryVoteAndServesSeveralJoinersAtOnce) {
    Group group;
    std::vector<std::unique_ptr<Daemon>> daemons;
    for (std::uint8_t i = 1; i <= 4; ++i) {
        daemons.push_back(std::make_unique<Daemon>(i, i, everybody()));
        for (int d = 0; d < 1500; ++d)
            daemons.back()->set(device(d), static_cast<DeviceState>(i));
        group.join(*daemons.back());
        if (i == 2) group.settle();  // the later two join at once
    }
    group.settle();
    daemons[0]->set("Custom:last", DeviceState::ringing);
    group.settle();
    for (const auto& at : daemons)
        for (const auto& of : daemons)
            if (at != of) {
                EXPECT_TRUE(at->agrees_with(*of)) << at->self.name << " of " << of->self.name;
            }
    EXPECT_EQ(daemons[3]->aggregate("Custom:last"), DeviceState::ringing);
}

TEST(ExchangeToEverybody, SaysNothingWhenNobodyListens) {
    Daemon one(1, 10, everybody());
    one.set("Custom:abc", DeviceState::busy);
    EXPECT_FALSE(one.exchange.wants_to_send(Exchange::everybody));
    EXPECT_EQ(one.exchange.waiting(), 0u);
    one.exchange.say_goodbye(wire::vote::Goodbye::How::left);
    EXPECT_TRUE(one.exchange.said_goodbye(Exchange::everybody));
}

TEST(ExchangeToEverybody, APeerBackAfterSilenceIsToldEverythingAgain) {
    Group group;
    Daemon one(1, 10, everybody());
    Daemon two(2, 20, everybody());
    group.join(one);
    group.join(two);
    one.set("Custom:abc", DeviceState::busy);
    group.settle();
    for (auto [at, of] : {std::pair(&one, &two), std::pair(&two, &one)}) {
        at->exchange.peer_gone(group.peer(*at, *of), Departure::silent, group.now, at->out);
        at->publish();
    }
    EXPECT_EQ(two.view(1).standing, Standing::stale);
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::busy);
    one.set("Custom:abc", DeviceState::not_inuse);
    one.set("Custom:new", DeviceState::ringing);
    EXPECT_FALSE(one.exchange.wants_to_send(Exchange::everybody)) << "nobody can hear it";
    for (auto [at, of] : {std::pair(&one, &two), std::pair(&two, &one)}) {
        at->exchange.peer_present(group.peer(*at, *of), group.now, at->out);
        at->publish();
    }
    group.settle();
    EXPECT_EQ(two.view(1).standing, Standing::present);
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::not_inuse);
    EXPECT_TRUE(two.agrees_with(one));
}

}  // namespace
}  // namespace lamplight::bus::sync
