#include "wire/vote/encode.hpp"
#include "world.hpp"

namespace lamplight::bus::sync {
namespace {

using namespace test;
using namespace std::chrono_literals;
using wire::MutableBytes;
using wire::vote::Refusal;
using wire::vote::Type;

std::string device(int number) {
    return "PJSIP/" + std::to_string(number);
}

struct Pair {
    World world;
    Daemon one{1, 10, one_peer()};
    Daemon two{2, 20, one_peer()};
    Link* link = &world.connect(one, two);

    Pair() { world.settle(); }
    /// Loses the next frame of this type.
    void lose_next(Type type) {
        world.loses = [type, done = false](const Frame& frame) mutable {
            if (done || type_of(frame) != type) return false;
            return done = true;
        };
    }
    void to_two(const Frame& frame) {
        two.exchange.receive(link->a_at_b, frame, world.now, two.out);
        two.publish();
    }
};

template <typename Encode>
Frame frame(Encode encode) {
    Frame bytes(wire::vote::max_frame_bytes);
    bytes.resize(encode(MutableBytes(bytes)));
    return bytes;
}

TEST(Repair, ALostVoteIsFoundByTheDigestAndMendedByASnapshot) {
    Pair pair;
    pair.one.set("Custom:abc", DeviceState::inuse);
    pair.world.settle();
    pair.lose_next(Type::votes);
    pair.one.set("Custom:abc", DeviceState::busy);
    pair.world.settle();
    ASSERT_EQ(pair.two.aggregate("Custom:abc"), DeviceState::inuse);
    pair.world.pass(30s);
    EXPECT_EQ(pair.two.aggregate("Custom:abc"), DeviceState::busy);
    EXPECT_EQ(pair.two.exchange.counters().digests_different, 1u);
    EXPECT_EQ(pair.two.count(News::Kind::digest_different), 1u);
    EXPECT_TRUE(pair.two.agrees_with(pair.one));
}

TEST(Repair, EqualDigestsCostOneFrameEachAndNothingMore) {
    Pair pair;
    pair.one.set("Custom:abc", DeviceState::inuse);
    pair.world.settle();
    pair.world.sent.clear();
    pair.world.pass(30s);
    EXPECT_EQ(pair.world.sent.size(), 2u);
    EXPECT_EQ(pair.world.count(Type::digest), 2u);
    EXPECT_EQ(pair.two.exchange.counters().digests_different, 0u);
    EXPECT_EQ(pair.two.exchange.counters().digests_compared, 1u);
}

TEST(Repair, AMissedNameIsAskedForAtOnce) {
    Pair pair;
    pair.lose_next(Type::votes);
    pair.one.set("Custom:abc", DeviceState::inuse);
    pair.world.settle();
    pair.one.set("Custom:abc", DeviceState::busy);
    pair.world.settle();
    EXPECT_EQ(pair.two.exchange.counters().votes_unnamed, 1u);
    EXPECT_EQ(pair.two.count(News::Kind::votes_missed), 1u);
    EXPECT_EQ(pair.two.aggregate("Custom:abc"), DeviceState::busy);
    EXPECT_TRUE(pair.two.agrees_with(pair.one));
}

TEST(Repair, ASnapshotWithAHoleDropsNothingAndIsAskedForAgain) {
    Pair pair;
    for (int i = 0; i < 5000; ++i)
        pair.one.set(device(i), DeviceState::inuse);
    pair.world.settle();
    Daemon three(3, 30, one_peer());
    pair.lose_next(Type::votes);
    pair.world.connect(pair.one, three);
    pair.world.settle();
    EXPECT_EQ(three.exchange.counters().snapshots_incomplete, 1u);
    EXPECT_EQ(three.exchange.counters().snapshots_received, 1u);
    EXPECT_TRUE(three.agrees_with(pair.one));
}

TEST(Repair, ALostHelloIsAskedForAndTheVotesBeforeItToo) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    one.set("Custom:abc", DeviceState::busy);
    bool lost = false;
    world.loses = [&](const Frame& frame) {
        if (lost || type_of(frame) != Type::hello) return false;
        return lost = true;
    };
    world.connect(one, two);
    world.settle();
    EXPECT_TRUE(lost);
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::busy);
    EXPECT_TRUE(two.agrees_with(one));
    EXPECT_TRUE(one.agrees_with(two));
}

TEST(Repair, WhatASnapshotCannotMendIsAskedForEverLessOften) {
    World world;
    state::Limits small;
    small.devices = 2;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer(), small);
    world.connect(one, two);
    world.settle();
    for (int i = 0; i < 5; ++i)
        one.set(device(i), DeviceState::busy);
    world.settle();
    EXPECT_EQ(two.exchange.counters().votes_over_limit, 3u);
    for (int i = 0; i < 64; ++i)
        world.pass(30s);
    EXPECT_EQ(two.exchange.counters().digests_different, 64u);
    EXPECT_LE(two.exchange.counters().snapshots_requested, 8u);
    EXPECT_EQ(two.aggregate(device(0)), DeviceState::busy) << "what was there keeps working";
}

TEST(Repair, AFrameThatTheBusReportsAsLostIsSaidAgainWithItsNames) {
    Group group;
    Daemon one(1, 10, everybody());
    Daemon two(2, 20, everybody());
    group.join(one);
    group.join(two);
    group.settle();
    one.set("Custom:abc", DeviceState::ringing);
    one.set("Custom:abc", DeviceState::busy);
    Frame bytes(wire::vote::max_frame_bytes);
    const Taken taken = one.exchange.take_frame(Exchange::everybody, bytes);
    ASSERT_GT(taken.bytes, 0u);
    EXPECT_EQ(one.exchange.waiting(), 1u) << "accepted is not delivered";
    one.exchange.frame_lost(Exchange::everybody, taken.id);
    EXPECT_EQ(one.exchange.waiting(), 1u);
    group.settle();
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::busy);
    EXPECT_EQ(one.exchange.counters().votes_out, 1u);
    EXPECT_EQ(one.exchange.counters().frames_lost, 1u);
}

TEST(Repair, ALostPartOfASnapshotStartsItAnew) {
    for (int lost = 1; lost <= 6; ++lost) {
        SCOPED_TRACE(lost);
        Group group;
        Daemon one(1, 10, everybody());
        Daemon two(2, 20, everybody());
        for (int i = 0; i < 1500; ++i)
            one.set(device(i), DeviceState::inuse);
        group.join(one);
        group.join(two);
        for (int frame = 1; one.exchange.wants_to_send(Exchange::everybody); ++frame) {
            Frame bytes(wire::vote::max_frame_bytes);
            const Taken taken = one.exchange.take_frame(Exchange::everybody, bytes);
            bytes.resize(taken.bytes);
            if (frame == lost) {
                one.exchange.frame_lost(Exchange::everybody, taken.id);
                continue;
            }
            group.deliver(one, bytes);
            one.exchange.frame_delivered(Exchange::everybody, taken.id);
        }
        group.settle();
        EXPECT_TRUE(two.agrees_with(one));
        EXPECT_EQ(two.exchange.counters().votes_unnamed, 0u);
    }
}

TEST(Repair, ADigestWaitsUntilEverythingElseIsSaid) {
    Pair pair;
    pair.one.set("Custom:abc", DeviceState::busy);
    pair.one.exchange.on_time(pair.world.now + 30s, pair.one.out);
    pair.world.sent.clear();
    pair.world.settle();
    ASSERT_EQ(pair.world.sent.size(), 2u);
    EXPECT_EQ(type_of(pair.world.sent[0]), Type::votes);
    EXPECT_EQ(type_of(pair.world.sent[1]), Type::digest);
    EXPECT_EQ(pair.two.exchange.counters().digests_different, 0u);
}

// --- nonsense ---

TEST(Nonsense, AnUnknownFormatIsAnsweredOnceInTheOldestFormat) {
    Pair pair;
    Frame strange{0x4c, 0x76, 9, 2, 0, 0, 0, 8};
    pair.world.sent.clear();
    for (int i = 0; i < 3; ++i)
        pair.to_two(strange);
    pair.world.settle();
    ASSERT_EQ(pair.world.sent.size(), 1u);
    const auto answer = wire::vote::decode(pair.world.sent[0]);
    ASSERT_TRUE(answer);
    EXPECT_EQ(std::get<wire::vote::Unsupported>(*answer).met, 9);
    EXPECT_EQ(pair.one.count(News::Kind::format_refused), 1u);
    EXPECT_EQ(pair.two.count(News::Kind::unknown_format), 1u);
    strange[3] = static_cast<std::uint8_t>(Type::unsupported);
    strange[2] = 10;
    pair.to_two(strange);
    pair.world.settle();
    EXPECT_EQ(pair.world.sent.size(), 1u) << "an answer is never answered";
}

TEST(Nonsense, MalformedFramesAreCountedByReasonSaidOnceAndChangeNothing) {
    Pair pair;
    pair.one.set("Custom:abc", DeviceState::busy);
    pair.world.settle();
    const auto before = pair.two.engine.digest(*pair.two.engine.find_node(eid(1)));
    for (int i = 0; i < 100; ++i) {
        pair.to_two({});
        pair.to_two(Frame(20, 0xff));
        pair.to_two({0x4c, 0x76, 1, 2, 0, 0, 0, 99});
        pair.to_two({0x4c, 0x76, 1, 99, 0, 0, 0, 8});
    }
    const Counters& counters = pair.two.exchange.counters();
    EXPECT_EQ(counters.frames_refused[static_cast<std::size_t>(Refusal::too_short)], 100u);
    EXPECT_EQ(counters.frames_refused[static_cast<std::size_t>(Refusal::not_ours)], 100u);
    EXPECT_EQ(counters.frames_refused[static_cast<std::size_t>(Refusal::length_lies)], 100u);
    EXPECT_EQ(counters.frames_refused[static_cast<std::size_t>(Refusal::unknown_type)], 100u);
    EXPECT_EQ(counters.refused_frames(), 400u);
    EXPECT_EQ(pair.two.count(News::Kind::malformed), 4u);
    EXPECT_EQ(pair.two.engine.digest(*pair.two.engine.find_node(eid(1))), before);
    pair.one.set("Custom:abc", DeviceState::inuse);
    pair.world.settle();
    EXPECT_EQ(pair.two.aggregate("Custom:abc"), DeviceState::inuse);
}

TEST(Nonsense, APeerCannotVoteForANodeThatItDidNotAnnounce) {
    Pair pair;
    pair.to_two(frame([](MutableBytes out) {
        wire::vote::VotesWriter writer(out, 50);
        writer.add(eid(7), 1, {3, 1, DeviceState::busy, {}, {}, "Custom:forged"});
        writer.add(eid(2), 99, {3, 1, DeviceState::busy, {}, {}, {}});
        return writer.finish();
    }));
    EXPECT_EQ(pair.two.exchange.counters().votes_unannounced, 2u);
    EXPECT_FALSE(pair.two.engine.find_device("Custom:forged")) << "it must not fill our tables either";
    EXPECT_FALSE(pair.two.engine.find_node(eid(7)));
    pair.world.settle();
    EXPECT_EQ(pair.world.count(Type::request), 2u)
        << "it may have said hello unheard: the hello, then its votes";
}

TEST(Nonsense, AGuardianIsHeardForEverybody) {
    Pair pair;
    state::Policy policy;
    policy.may_speak_for = {"pbx1"};
    pair.two.engine.configure(policy, pair.two.engine.limits());
    pair.to_two(frame([](MutableBytes out) {
        wire::vote::VotesWriter writer(out, 50);
        writer.add(eid(7), 1, {3, 1, DeviceState::busy, {}, {}, "Custom:guarded"});
        return writer.finish();
    }));
    ASSERT_TRUE(pair.two.vote("Custom:guarded", 7));
    EXPECT_EQ(pair.two.vote("Custom:guarded", 7)->state, DeviceState::busy);
}

TEST(Nonsense, NobodyCanDriveOurIncarnationBeyondItsRange) {
    Pair pair;
    constexpr std::uint64_t latest = std::uint64_t{1} << 48;
    for (const std::uint64_t seen :
         {wire::vote::max_incarnation, wire::vote::max_incarnation - 1, latest, latest - 1}) {
        pair.to_two(frame([&](MutableBytes out) {
            static constexpr std::uint8_t formats[] = {1};
            const wire::vote::KnownNode known[] = {{eid(2), seen}};
            return wire::vote::encode_hello({formats, "x", {}, known}, out).bytes;
        }));
        pair.world.settle();
    }
    EXPECT_EQ(pair.two.engine.node(pair.two.node).incarnation, latest) << "those to come need room, too";
    pair.two.set("Custom:abc", DeviceState::busy);
    pair.world.settle();
    EXPECT_EQ(pair.one.aggregate("Custom:abc"), DeviceState::busy);
}

TEST(Nonsense, AFloodOfRequestsCostsOneMoreSnapshotNotOneEach) {
    Pair pair;
    for (int i = 0; i < 3000; ++i)
        pair.one.set(device(i), DeviceState::inuse);
    pair.world.settle();
    const auto before = pair.one.exchange.counters().snapshots_sent;
    const Frame request = frame([](MutableBytes out) {
        return encode(wire::vote::Request{wire::vote::Request::What::snapshot, eid(1)}, out);
    });
    for (int i = 0; i < 100; ++i)
        pair.one.exchange.receive(pair.link->b_at_a, request, pair.world.now, pair.one.out);
    pair.world.settle();
    EXPECT_EQ(pair.one.exchange.counters().snapshots_sent, before + 1);
}

TEST(Forgetting, ADeviceThatTheReceiverForgotIsFoundAgainByItsNumber) {
    World world;
    state::Policy forgetful;
    forgetful.forget_after = 60s;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer(), {}, forgetful);
    world.connect(one, two);
    one.set("Custom:abc", DeviceState::busy, world.now);
    world.settle();
    one.withdraw("Custom:abc", world.now);
    world.settle();
    const auto number = two.engine.find_device("Custom:abc");
    world.pass(10min);
    ASSERT_FALSE(two.engine.find_device("Custom:abc")) << "the sender still knows it, the receiver does not";
    two.set("Custom:other", DeviceState::onhold, world.now);
    ASSERT_EQ(two.engine.find_device("Custom:other"), number) << "its number is used again";
    world.sent.clear();
    one.set("Custom:abc", DeviceState::ringing, world.now);
    world.settle();
    EXPECT_EQ(two.aggregate("Custom:abc"), DeviceState::ringing);
    EXPECT_EQ(two.aggregate("Custom:other"), DeviceState::onhold);
    EXPECT_EQ(world.count(Type::request), 0u) << "by the name that was kept, without asking";
}

TEST(Forgetting, ANumberThatTheSenderUsesAgainIsDefinedAgain) {
    World world;
    state::Policy forgetful;
    forgetful.forget_after = 60s;
    Daemon one(1, 10, one_peer(), {}, forgetful);
    Daemon two(2, 20, one_peer());
    world.connect(one, two);
    one.set("Custom:abc", DeviceState::busy, world.now);
    one.withdraw("Custom:abc", world.now);
    world.settle();
    world.pass(10min);
    ASSERT_FALSE(one.engine.find_device("Custom:abc"));
    one.set("Custom:other", DeviceState::onhold, world.now);
    world.settle();
    EXPECT_EQ(two.aggregate("Custom:other"), DeviceState::onhold);
    EXPECT_TRUE(two.vote("Custom:abc", 1)->withdrawn);
}

}  // namespace
}  // namespace lamplight::bus::sync
