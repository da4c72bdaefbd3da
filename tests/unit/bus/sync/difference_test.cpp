// Who was silent is brought up to date by what differs (CatchUp::difference).
#include "world.hpp"

namespace lamplight::bus::sync {
namespace {

using namespace test;
using namespace std::chrono_literals;
using wire::vote::Type;

Settings far() {
    Settings settings{state::Bus::xmpp, Settings::Reach::one_peer};
    settings.catch_up = Settings::CatchUp::difference;
    return settings;
}

struct Difference : testing::Test {
    World world;
    Daemon one{1, 10, far()};
    Daemon two{2, 20, far()};
    Link* link = &world.connect(one, two);
    std::uint64_t votes_before = 0;

    Difference() {
        for (int i = 0; i < 50; ++i)
            one.set("PJSIP/" + std::to_string(i), DeviceState::inuse);
        world.settle();
        world.sent.clear();
        votes_before = two.exchange.counters().votes_in;
    }
    void cut() { world.cut(*link, state::Departure::silent); }
    void back() {
        link->up = true;
        one.exchange.peer_present(link->b_at_a, world.now, one.out);
        two.exchange.peer_present(link->a_at_b, world.now, two.out);
        one.publish();
        two.publish();
    }
    std::size_t bytes() const {
        std::size_t bytes = 0;
        for (const Frame& frame : world.sent)
            bytes += frame.size();
        return bytes;
    }
    void expect_no_snapshot() const {
        EXPECT_EQ(world.count(Type::snapshot_begin), 0u);
        EXPECT_EQ(two.exchange.counters().snapshots_requested, 0u);
    }
    const Counters& at_two() const { return two.exchange.counters(); }
};

TEST_F(Difference, WhoJoinsGetsASnapshotAsOnEveryBus) {
    EXPECT_EQ(at_two().snapshots_received, 1u);
    EXPECT_TRUE(two.agrees_with(one));
}

TEST_F(Difference, AReturnWithoutAnyChangeConfirmsEverythingForAFewBytes) {
    cut();
    world.pass(5s);
    EXPECT_TRUE(two.vote("PJSIP/0", 1)->stale);
    back();
    world.settle();
    EXPECT_FALSE(two.vote("PJSIP/0", 1)->stale);
    EXPECT_FALSE(two.view(1).until);
    expect_no_snapshot();
    EXPECT_EQ(world.count(Type::votes), 0u);
    EXPECT_LT(bytes(), 600u);
    EXPECT_GE(at_two().nodes_confirmed, 1u);
}

TEST_F(Difference, AReturnAfterTheHoldLightsTheLampsAgain) {
    cut();
    world.pass(60s);
    ASSERT_EQ(two.aggregate("PJSIP/0"), DeviceState::unavailable);
    back();
    world.settle();
    EXPECT_EQ(two.aggregate("PJSIP/0"), DeviceState::inuse);
    expect_no_snapshot();
}

TEST_F(Difference, WhatChangedMeanwhileIsSaidAndNothingElse) {
    cut();
    one.set("PJSIP/7", DeviceState::busy);
    one.set("PJSIP/new", DeviceState::ringing);
    one.withdraw("PJSIP/8");
    world.pass(60s);
    back();
    world.settle();
    EXPECT_TRUE(two.agrees_with(one));
    EXPECT_EQ(two.aggregate("PJSIP/7"), DeviceState::busy);
    EXPECT_TRUE(two.vote("PJSIP/8", 1)->withdrawn);
    expect_no_snapshot();
    EXPECT_LE(at_two().votes_in, votes_before + 2 * 3u);
}

TEST_F(Difference, WhatWasLostWithoutAWordIsAskedForFromWhereItStopped) {
    world.loses = [](const Frame& frame) { return type_of(frame) == Type::votes; };
    one.set("PJSIP/7", DeviceState::busy);
    one.set("PJSIP/9", DeviceState::busy);
    one.withdraw("PJSIP/8");
    world.settle();
    world.loses = [](const Frame&) { return false; };
    cut();
    world.pass(5s);
    back();
    world.settle();
    EXPECT_TRUE(two.agrees_with(one));
    EXPECT_TRUE(two.vote("PJSIP/8", 1)->withdrawn);
    expect_no_snapshot();
    EXPECT_EQ(at_two().sinces_asked, 1u);
    EXPECT_EQ(one.exchange.counters().sinces_answered, 1u);
    EXPECT_EQ(two.count(News::Kind::newer_asked), 1u);
    EXPECT_EQ(at_two().votes_in, votes_before + 3u);
}

TEST_F(Difference, WhatComesAfterTheReturnDoesNotHideWhatWasLostBefore) {
    world.loses = [](const Frame& frame) { return type_of(frame) == Type::votes; };
    one.set("PJSIP/7", DeviceState::busy);
    world.settle();
    world.loses = [](const Frame&) { return false; };
    cut();
    world.pass(5s);
    back();
    one.set("PJSIP/9", DeviceState::busy);  // is said before the digest
    world.settle();
    EXPECT_TRUE(two.agrees_with(one));
    EXPECT_EQ(at_two().sinces_asked, 1u);
    expect_no_snapshot();
}

TEST_F(Difference, AHoleBeforeTheNewestIsMendedByASnapshot) {
    world.loses = [](const Frame& frame) { return type_of(frame) == Type::votes; };
    one.set("PJSIP/7", DeviceState::busy);
    world.settle();
    world.loses = [](const Frame&) { return false; };
    one.set("PJSIP/9", DeviceState::busy);
    world.settle();
    cut();
    world.pass(5s);
    back();
    world.settle();
    EXPECT_TRUE(two.agrees_with(one));
    EXPECT_EQ(at_two().sinces_asked, 1u);
    EXPECT_EQ(at_two().snapshots_requested, 1u);
    EXPECT_EQ(two.aggregate("PJSIP/7"), DeviceState::busy);
    EXPECT_FALSE(two.vote("PJSIP/0", 1)->stale);
}

TEST_F(Difference, ADigestThatDiffersAsksForWhatIsNewerFirst) {
    world.loses = [](const Frame& frame) { return type_of(frame) == Type::votes; };
    one.set("PJSIP/7", DeviceState::busy);
    world.settle();
    world.loses = [](const Frame&) { return false; };
    world.pass(30s);
    EXPECT_TRUE(two.agrees_with(one));
    EXPECT_EQ(at_two().sinces_asked, 1u);
    expect_no_snapshot();
}

TEST_F(Difference, MessageCountsAreSaidAgainThoughNoDigestTells) {
    one.count("1234", 3);
    world.settle();
    world.loses = [](const Frame& frame) { return type_of(frame) == Type::mwi; };
    one.count("1234", 5);
    one.count("99", 1);
    world.settle();
    world.loses = [](const Frame&) { return false; };
    cut();
    world.pass(60s);
    EXPECT_FALSE(two.messages("1234"));
    back();
    world.settle();
    EXPECT_EQ(two.messages("1234"), 5u);
    EXPECT_EQ(two.messages("99"), 1u);
    expect_no_snapshot();
}

TEST_F(Difference, WhoDidNotNoticeTheSilenceAnswersAHelloWithItsDigests) {
    two.exchange.peer_gone(link->a_at_b, state::Departure::silent, world.now, two.out);
    two.publish();
    world.pass(5s);
    two.exchange.peer_present(link->a_at_b, world.now, two.out);
    two.publish();
    EXPECT_TRUE(two.vote("PJSIP/0", 1)->stale);
    world.settle();
    EXPECT_FALSE(two.vote("PJSIP/0", 1)->stale);
    EXPECT_EQ(at_two().digests_different, 0u);
    expect_no_snapshot();
}

TEST_F(Difference, NamesSaidBeforeTheSilenceHoldAfterIt) {
    cut();
    world.pass(5s);
    back();
    world.settle();
    world.sent.clear();
    one.set("PJSIP/7", DeviceState::busy);
    world.settle();
    EXPECT_EQ(two.aggregate("PJSIP/7"), DeviceState::busy);
    EXPECT_EQ(at_two().votes_unnamed, 0u);
    EXPECT_LT(bytes(), 60u);
}

TEST_F(Difference, ALostDigestIsSaidAgain) {
    cut();
    world.pass(5s);
    back();
    const LaneId lane = one.exchange.lane_of(link->b_at_a);
    Frame buffer(wire::vote::max_frame_bytes);
    bool lost = false;
    while (one.exchange.wants_to_send(lane)) {
        const Taken taken = one.exchange.take_frame(lane, buffer);
        const bool digest = buffer[3] == static_cast<std::uint8_t>(Type::digest);
        if (digest && !lost) {
            lost = true;
            one.exchange.frame_lost(lane, taken.id);
            continue;
        }
        two.exchange.receive(link->a_at_b, wire::Bytes(buffer).first(taken.bytes), world.now, two.out);
        two.publish();
        one.exchange.frame_delivered(lane, taken.id);
    }
    EXPECT_TRUE(lost);
    EXPECT_FALSE(two.vote("PJSIP/0", 1)->stale);
}

TEST_F(Difference, ASinceOfSomebodyElsesNodeIsPassedOver) {
    Frame frame(wire::vote::min_budget_bytes);
    frame.resize(wire::vote::encode(wire::vote::Since{eid(9), {1, 1}}, frame));
    one.exchange.receive(link->b_at_a, frame, world.now, one.out);
    one.publish();
    EXPECT_FALSE(one.exchange.wants_to_send(one.exchange.lane_of(link->b_at_a)));
}

TEST_F(Difference, ASinceFromNothingIsAnsweredWithEverything) {
    Frame frame(wire::vote::min_budget_bytes);
    frame.resize(wire::vote::encode(wire::vote::Since{eid(1), {}}, frame));
    one.exchange.receive(link->b_at_a, frame, world.now, one.out);
    one.publish();
    world.settle();
    EXPECT_EQ(at_two().votes_in, votes_before + 50u);
}

TEST_F(Difference, SnapshotsAndDifferencesFitTheSmallestFrames) {
    world.budget = wire::vote::min_budget_bytes;
    Daemon three{3, 30, far()};
    for (int i = 0; i < 40; ++i)
        one.set("Local/" + std::string(200, 'x') + std::to_string(i), DeviceState::busy);
    one.count(std::string(255, '1'), 3);
    Link& other = world.connect(one, three);
    world.settle();
    EXPECT_TRUE(three.agrees_with(one));
    EXPECT_EQ(three.exchange.counters().snapshots_incomplete, 0u);
    world.cut(other, state::Departure::silent);
    for (int i = 0; i < 30; ++i)
        one.set("Local/" + std::string(200, 'x') + std::to_string(i), DeviceState::ringing);
    world.settle();
    other.up = true;
    one.exchange.peer_present(other.b_at_a, world.now, one.out);
    three.exchange.peer_present(other.a_at_b, world.now, three.out);
    world.settle();
    EXPECT_TRUE(three.agrees_with(one));
    EXPECT_EQ(three.exchange.counters().snapshots_requested, 0u);
    for (const Frame& frame : world.sent)
        EXPECT_LE(frame.size(), wire::vote::min_budget_bytes);
}

TEST_F(Difference, AfterASilenceTheOtherMendsWhatASnapshotCutShortHadLeft) {
    Daemon three{3, 30, far()};
    world.budget = wire::vote::min_budget_bytes;
    Link& other = world.connect(one, three);
    for (int i = 0; i < 3; ++i)
        world.step(one, other.b_at_a, three, other.a_at_b);
    world.cut(other, state::Departure::silent);
    other.up = true;
    one.exchange.peer_present(other.b_at_a, world.now, one.out);
    three.exchange.peer_present(other.a_at_b, world.now, three.out);
    world.settle();
    world.pass(30s);
    EXPECT_TRUE(three.agrees_with(one));
    EXPECT_FALSE(three.vote("PJSIP/49", 1)->stale);
}

}  // namespace
}  // namespace lamplight::bus::sync
