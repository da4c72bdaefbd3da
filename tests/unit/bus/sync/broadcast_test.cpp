// One lane for the changes of all who hear it (Reach::each_and_all).
#include "world.hpp"

namespace lamplight::bus::sync {
namespace {

using namespace test;
using namespace std::chrono_literals;
using wire::vote::Refusal;
using wire::vote::Type;

Settings each_and_all() {
    Settings settings{state::Bus::xmpp, Settings::Reach::each_and_all};
    settings.catch_up = Settings::CatchUp::difference;
    return settings;
}

struct Broadcast : testing::Test {
    World world;
    Daemon one{1, 10, each_and_all()};
    Daemon two{2, 20, each_and_all()};
    Daemon three{3, 30, each_and_all()};
    Link* to_two = &world.connect(one, two);
    Link* to_three = &world.connect(one, three);

    Broadcast() {
        one.set("Custom:old", DeviceState::inuse);
        world.settle();
        one.exchange.broadcast_ready();
        world.sent.clear();
    }
    void both_hear() {
        one.exchange.peer_hears_broadcast(to_two->b_at_a);
        one.exchange.peer_hears_broadcast(to_three->b_at_a);
    }
    bool broadcast_waits() const { return one.exchange.wants_to_send(Exchange::everybody); }
    Frame take_broadcast(FrameId* id = nullptr) {
        Frame frame(wire::vote::max_frame_bytes);
        const Taken taken = one.exchange.take_frame(Exchange::everybody, frame);
        frame.resize(taken.bytes);
        if (id != nullptr)
            *id = taken.id;
        else
            one.exchange.frame_delivered(Exchange::everybody, taken.id);
        return frame;
    }
    void hear(Daemon& at, PeerId from, const Frame& frame) {
        at.exchange.receive_broadcast(from, frame, world.now, at.out);
        at.publish();
    }
    void broadcast_all() {
        while (broadcast_waits()) {
            const Frame frame = take_broadcast();
            hear(two, to_two->a_at_b, frame);
            hear(three, to_three->a_at_b, frame);
        }
    }
    std::size_t votes_on_lanes() const { return world.count(Type::votes) + world.count(Type::mwi); }
};

TEST_F(Broadcast, ChangesGoOnceForAllWhoHearIt) {
    both_hear();
    one.set("Custom:abc", DeviceState::busy);
    one.count("1234", 3);
    world.settle();
    EXPECT_EQ(votes_on_lanes(), 0u);
    broadcast_all();
    for (Daemon* daemon : {&two, &three}) {
        EXPECT_EQ(daemon->aggregate("Custom:abc"), DeviceState::busy);
        EXPECT_EQ(daemon->messages("1234"), 3u);
        EXPECT_EQ(daemon->exchange.counters().broadcasts_in, 2u);
    }
}

TEST_F(Broadcast, WhoDoesNotHearItGetsChangesAlone) {
    one.exchange.peer_hears_broadcast(to_two->b_at_a);
    EXPECT_TRUE(one.exchange.hears_broadcast(to_two->b_at_a));
    EXPECT_FALSE(one.exchange.hears_broadcast(to_three->b_at_a));
    one.set("Custom:abc", DeviceState::busy);
    world.settle();
    EXPECT_EQ(three.aggregate("Custom:abc"), DeviceState::busy);
    EXPECT_EQ(votes_on_lanes(), 1u);
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::unknown);
    broadcast_all();
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::busy);
}

TEST_F(Broadcast, NothingWaitsThereWhileNobodyHearsIt) {
    one.set("Custom:abc", DeviceState::busy);
    EXPECT_FALSE(broadcast_waits());
    both_hear();
    EXPECT_FALSE(broadcast_waits());
    one.set("Custom:abc", DeviceState::ringing);
    EXPECT_TRUE(broadcast_waits());
    world.cut(*to_two, state::Departure::left);
    EXPECT_TRUE(broadcast_waits());
    world.cut(*to_three, state::Departure::silent);
    EXPECT_FALSE(broadcast_waits());
    EXPECT_GT(one.exchange.waiting(), 0u) << "for the return of the silent one";
}

TEST_F(Broadcast, BeforeItIsReadyAndAfterItIsLostEverybodyGetsChangesAlone) {
    one.exchange.broadcast_lost();
    both_hear();
    one.set("Custom:abc", DeviceState::busy);
    EXPECT_FALSE(broadcast_waits());
    world.settle();
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::busy);
    EXPECT_EQ(three.aggregate("Custom:abc"), DeviceState::busy);
    one.exchange.broadcast_ready();
    one.set("Custom:abc", DeviceState::ringing);
    EXPECT_TRUE(broadcast_waits()) << "who said that it hears it hears it still";
}

TEST_F(Broadcast, WhenItIsLostWhatWaitsAndWhatIsUnderWayGoesToEach) {
    both_hear();
    one.set("Custom:under way", DeviceState::busy);
    one.count("1234", 1);
    FrameId id{};
    take_broadcast(&id);
    take_broadcast(&id);
    one.set("Custom:waits", DeviceState::ringing);
    one.count("99", 2);
    one.exchange.broadcast_lost();
    EXPECT_FALSE(broadcast_waits());
    one.exchange.frame_lost(Exchange::everybody, id);
    EXPECT_FALSE(broadcast_waits());
    world.settle();
    for (Daemon* daemon : {&two, &three}) {
        EXPECT_TRUE(daemon->agrees_with(one));
        EXPECT_EQ(daemon->messages("1234"), 1u);
        EXPECT_EQ(daemon->messages("99"), 2u);
        EXPECT_EQ(daemon->aggregate("Custom:under way"), DeviceState::busy);
    }
}

TEST_F(Broadcast, ALostFrameIsSaidAgainThere) {
    both_hear();
    one.set("Custom:abc", DeviceState::busy);
    FrameId id{};
    take_broadcast(&id);
    EXPECT_FALSE(broadcast_waits());
    one.exchange.frame_lost(Exchange::everybody, id);
    broadcast_all();
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::busy);
}

TEST_F(Broadcast, EachOfItsFramesNeedsNoneBeforeIt) {
    both_hear();
    one.set("Custom:abc", DeviceState::busy);
    take_broadcast();  // nobody hears this one
    one.set("Custom:abc", DeviceState::ringing);
    const Frame second = take_broadcast();
    hear(two, to_two->a_at_b, second);
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::ringing);
    EXPECT_EQ(two.exchange.counters().votes_unnamed, 0u);
}

TEST_F(Broadcast, ItsFramesLeaveThePeersOwnNamesAlone) {
    both_hear();
    one.set("Custom:old", DeviceState::busy);
    broadcast_all();
    one.exchange.peer_misses_broadcast(to_two->b_at_a, world.now);
    world.settle();
    one.set("Custom:old", DeviceState::ringing);
    world.settle();
    EXPECT_EQ(two.aggregate("Custom:old"), DeviceState::ringing);
    EXPECT_EQ(two.exchange.counters().votes_unnamed, 0u);
}

TEST_F(Broadcast, WhoMissesItIsToldTheDigestsAndAsksForTheRest) {
    both_hear();
    one.set("Custom:abc", DeviceState::busy);
    one.count("1234", 3);
    const Frame votes = take_broadcast();
    const Frame counts = take_broadcast();
    hear(three, to_three->a_at_b, votes);
    hear(three, to_three->a_at_b, counts);
    one.exchange.peer_misses_broadcast(to_two->b_at_a, world.now);
    EXPECT_FALSE(one.exchange.hears_broadcast(to_two->b_at_a));
    world.settle();
    EXPECT_TRUE(two.agrees_with(one));
    EXPECT_EQ(two.messages("1234"), 3u);
    EXPECT_EQ(two.exchange.counters().sinces_asked, 1u);
    EXPECT_EQ(two.exchange.counters().snapshots_requested, 0u);
    EXPECT_EQ(three.exchange.counters().sinces_asked, 0u);
}

TEST_F(Broadcast, WhatWaitsThereGoesWithWhoMissesIt) {
    both_hear();
    one.set("Custom:under way", DeviceState::busy);
    FrameId id{};
    take_broadcast(&id);
    one.set("Custom:waits", DeviceState::busy);
    one.exchange.peer_misses_broadcast(to_two->b_at_a, world.now);
    world.settle();
    EXPECT_TRUE(two.agrees_with(one));
    EXPECT_EQ(two.exchange.counters().digests_different, 0u);
    EXPECT_EQ(two.exchange.counters().sinces_asked, 0u);
}

TEST_F(Broadcast, ADigestWaitsForChangesThatAreUnderWayThere) {
    both_hear();
    one.set("Custom:abc", DeviceState::busy);
    FrameId id{};
    const Frame frame = take_broadcast(&id);
    world.pass(30s);
    EXPECT_EQ(two.exchange.counters().digests_compared, 0u);
    hear(two, to_two->a_at_b, frame);
    hear(three, to_three->a_at_b, frame);
    one.exchange.frame_delivered(Exchange::everybody, id);
    world.settle();
    EXPECT_GT(two.exchange.counters().digests_compared, 0u);
    EXPECT_EQ(two.exchange.counters().digests_different, 0u);
}

TEST_F(Broadcast, WhatItSaysDoesNotCountIntoASnapshot) {
    both_hear();
    Daemon four{4, 40, each_and_all()};
    Link& to_four = world.connect(one, four);
    one.exchange.peer_hears_broadcast(to_four.b_at_a);
    world.step(one, to_four.b_at_a, four, to_four.a_at_b);  // hello
    world.step(one, to_four.b_at_a, four, to_four.a_at_b);  // begin
    one.set("Custom:abc", DeviceState::busy);
    hear(four, to_four.a_at_b, take_broadcast());
    world.settle();
    EXPECT_EQ(four.exchange.counters().snapshots_incomplete, 0u);
    EXPECT_EQ(four.exchange.counters().snapshots_received, 1u);
    EXPECT_EQ(four.aggregate("Custom:abc"), DeviceState::busy);
    EXPECT_EQ(four.aggregate("Custom:old"), DeviceState::inuse);
}

TEST_F(Broadcast, AChangeThatOvertakesAWholeSnapshotIsNotDroppedAtItsEnd) {
    both_hear();
    Daemon four{4, 40, each_and_all()};
    Link& to_four = world.connect(one, four);
    one.exchange.peer_hears_broadcast(to_four.b_at_a);
    world.step(one, to_four.b_at_a, four, to_four.a_at_b);  // hello
    std::deque<Frame> under_way;
    const LaneId lane = one.exchange.lane_of(to_four.b_at_a);
    while (one.exchange.wants_to_send(lane)) {
        Frame frame(wire::vote::max_frame_bytes);
        frame.resize(one.exchange.take_frame(lane, frame).bytes);
        under_way.push_back(frame);
    }
    one.set("Custom:abc", DeviceState::busy);
    one.count("1234", 3);
    hear(four, to_four.a_at_b, take_broadcast());
    hear(four, to_four.a_at_b, take_broadcast());
    for (const Frame& frame : under_way) {
        four.exchange.receive(to_four.a_at_b, frame, world.now, four.out);
        four.publish();
        EXPECT_EQ(four.aggregate("Custom:abc"), DeviceState::busy);
    }
    EXPECT_EQ(four.exchange.counters().snapshots_received, 1u);
    EXPECT_EQ(four.messages("1234"), 3u);
    EXPECT_TRUE(four.agrees_with(one));
}

TEST_F(Broadcast, OtherTypesAndTablesAreRefusedThere) {
    const auto misplaced = static_cast<std::size_t>(Refusal::misplaced);
    Frame frame(wire::vote::min_budget_bytes);
    frame.resize(wire::vote::encode(wire::vote::Goodbye{}, frame));
    hear(two, to_two->a_at_b, frame);
    EXPECT_EQ(two.exchange.counters().frames_refused[misplaced], 1u);
    EXPECT_EQ(two.aggregate("Custom:old"), DeviceState::inuse);
    frame.resize(wire::vote::min_budget_bytes);
    wire::vote::VotesWriter writer(frame, 7);
    writer.add(eid(1), 10,
               {1, 99, DeviceState::busy, state::VoteKind::state, state::Cachable::yes, "Custom:old"});
    frame.resize(writer.finish());
    hear(two, to_two->a_at_b, frame);
    EXPECT_EQ(two.exchange.counters().frames_refused[misplaced], 2u);
    EXPECT_EQ(two.aggregate("Custom:old"), DeviceState::inuse);
    EXPECT_EQ(two.count(News::Kind::malformed), 1u) << "once a digest period";
}

TEST_F(Broadcast, NobodySpeaksThereForAnothersNode) {
    Frame frame(wire::vote::min_budget_bytes);
    wire::vote::VotesWriter writer(frame, wire::vote::frame_table);
    writer.add(eid(9), 10,
               {1, 99, DeviceState::busy, state::VoteKind::state, state::Cachable::yes, "Custom:old"});
    frame.resize(writer.finish());
    hear(two, to_two->a_at_b, frame);
    EXPECT_EQ(two.exchange.counters().votes_unannounced, 1u);
    EXPECT_FALSE(two.vote("Custom:old", 9));
}

TEST_F(Broadcast, WhoFellSilentGetsItsCountsOfLatelyAgain) {
    both_hear();
    one.count("1234", 3);
    broadcast_all();
    one.count("1234", 4);
    take_broadcast();  // accepted by the service, and lost on the way
    world.cut(*to_two, state::Departure::silent);
    one.set("Custom:abc", DeviceState::busy);
    broadcast_all();
    world.pass(5s);
    to_two->up = true;
    one.exchange.peer_present(to_two->b_at_a, world.now, one.out);
    two.exchange.peer_present(to_two->a_at_b, world.now, two.out);
    EXPECT_TRUE(one.exchange.hears_broadcast(to_two->b_at_a));
    world.settle();
    EXPECT_EQ(two.messages("1234"), 4u);
    EXPECT_TRUE(two.agrees_with(one));
    EXPECT_EQ(two.exchange.counters().snapshots_requested, 0u);
}

TEST_F(Broadcast, CountsThatWereLostThereAreSaidWithTheDigests) {
    both_hear();
    one.count("1234", 3);
    take_broadcast();  // accepted by the service, and lost on the way
    world.pass(30s);
    EXPECT_EQ(two.messages("1234"), 3u);
    EXPECT_EQ(three.messages("1234"), 3u);
    world.sent.clear();
    world.pass(30s);
    EXPECT_EQ(world.count(Type::mwi), 0u) << "once";
}

TEST_F(Broadcast, AGoodbyeIsTheLastWordToEach) {
    both_hear();
    one.set("Custom:abc", DeviceState::busy);
    one.exchange.say_goodbye(wire::vote::Goodbye::How::restarting);
    EXPECT_FALSE(broadcast_waits());
    EXPECT_TRUE(one.exchange.said_goodbye(Exchange::everybody));
    world.settle();
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::busy);
    EXPECT_TRUE(one.exchange.said_goodbye(one.exchange.lane_of(to_two->b_at_a)));
    EXPECT_EQ(two.count(News::Kind::goodbye), 1u);
    one.exchange.broadcast_ready();
    one.set("Custom:abc", DeviceState::ringing);
    EXPECT_FALSE(broadcast_waits());
}

TEST_F(Broadcast, FreshIsWhatIsMoreThanAPartOfASnapshot) {
    Daemon four{4, 40, each_and_all()};
    Link& to_four = world.connect(one, four);
    const LaneId lane = one.exchange.lane_of(to_four.b_at_a);
    Frame frame(wire::vote::max_frame_bytes);
    EXPECT_TRUE(one.exchange.has_fresh(lane));
    EXPECT_TRUE(one.exchange.take_frame(lane, frame).fresh) << "hello";
    EXPECT_FALSE(one.exchange.has_fresh(lane));
    EXPECT_TRUE(one.exchange.wants_to_send(lane));
    EXPECT_FALSE(one.exchange.take_frame(lane, frame).fresh) << "begin";
    one.set("Custom:abc", DeviceState::busy);
    EXPECT_TRUE(one.exchange.has_fresh(lane));
    EXPECT_TRUE(one.exchange.take_frame(lane, frame).fresh) << "a change and the snapshot";
}

}  // namespace
}  // namespace lamplight::bus::sync
