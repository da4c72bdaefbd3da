#include "world.hpp"

#include <gmock/gmock.h>

#include <algorithm>

// Message counts in the talk of Lamplights.
namespace lamplight::bus::sync {
namespace {

using namespace test;
using state::Departure;
using testing::Each;
using testing::Field;
using testing::IsEmpty;
using testing::Ne;
using wire::vote::Type;

std::string box(int number) {
    return std::to_string(10'000 + number);
}

TEST(Mwi, APeerIsToldEveryChangeAndTheNewestIsTheSameEverywhere) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    world.connect(one, two);
    world.settle();
    one.count("6001", 2);
    world.settle();
    EXPECT_EQ(two.messages("6001"), 2u);
    two.mwi_sequence = one.mwi_sequence;
    two.count("6001", 5);
    world.settle();
    EXPECT_EQ(one.messages("6001"), 5u);
    EXPECT_EQ(two.counts_of("6001", 1)->counts.new_messages, 2u);
    two.uncount("6001");
    world.settle();
    EXPECT_EQ(one.messages("6001"), 2u);
    EXPECT_EQ(one.exchange.counters().mwi_out, 1u);
    EXPECT_EQ(two.exchange.counters().mwi_in, 1u);
}

TEST(Mwi, ABurstIsBunchedToTheNewestCountsPerMailbox) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    world.connect(one, two);
    world.settle();
    for (std::uint32_t number = 0; number < 1000; ++number)
        one.count(number % 2 ? "6001" : "6002", number);
    EXPECT_EQ(one.exchange.waiting(), 2u);
    world.settle();
    EXPECT_EQ(world.count(Type::mwi), 1u);
    EXPECT_EQ(two.messages("6001"), 999u);
    EXPECT_EQ(two.messages("6002"), 998u);
    EXPECT_EQ(one.exchange.waiting(), 0u);
}

TEST(Mwi, ALateJoinerHasEveryMailboxAndWithdrawalToo) {
    World world;
    Daemon one(1, 10, one_peer());
    for (int number = 0; number < 9000; ++number)
        one.count(box(number), 1);
    one.uncount(box(7));
    for (int number = 0; number < 500; ++number)
        one.set("PJSIP/" + box(number), DeviceState::inuse);
    Daemon two(2, 20, one_peer());
    world.connect(one, two);
    world.settle();
    EXPECT_EQ(two.mwi.size(), 9000u);
    EXPECT_TRUE(two.counts_of(box(7), 1)->withdrawn) << "so that no late message can bring the counts back";
    EXPECT_EQ(two.messages(box(8999)), 1u);
    EXPECT_TRUE(two.agrees_with(one));
    EXPECT_EQ(two.exchange.counters().snapshots_received, 1u);
    EXPECT_EQ(two.exchange.counters().snapshots_incomplete, 0u);
    EXPECT_EQ(one.exchange.counters().snapshots_sent, 1u);
}

TEST(Mwi, MailboxesOfOthersOnlyDoNotStopASnapshot) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    for (int number = 0; number < 9000; ++number)
        one.count(box(number), 1);
    two.count("99999", 3);
    world.connect(one, two);
    world.settle();
    Daemon three(3, 30, one_peer());
    world.connect(two, three);
    world.settle();
    EXPECT_EQ(three.mwi.size(), 1u) << "two says its own only";
    EXPECT_EQ(three.messages("99999"), 3u);
    EXPECT_EQ(three.exchange.counters().snapshots_received, 1u);
}

TEST(Mwi, CountsSaidWhileASnapshotRunsAreNewestAtItsEnd) {
    World world;
    world.budget = 1024;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    for (int number = 0; number < 500; ++number)
        one.count(box(number), 1);
    const Link& link = world.connect(one, two);
    constexpr std::uint32_t rounds = 12;
    for (std::uint32_t round = 2; round <= rounds; ++round) {
        one.count(box(0), round);
        one.count(box(499), round);
        one.uncount(box(250));
        world.step(one, link.b_at_a, two, link.a_at_b);
    }
    ASSERT_EQ(one.exchange.counters().snapshots_sent, 0u) << "it still runs";
    world.settle();
    EXPECT_EQ(two.messages(box(0)), rounds);
    EXPECT_EQ(two.messages(box(499)), rounds);
    EXPECT_EQ(two.messages(box(250)), std::nullopt);
    EXPECT_EQ(two.messages(box(251)), 1u);
    EXPECT_EQ(two.exchange.counters().snapshots_incomplete, 0u);
}

TEST(Mwi, WhoIsGoneTakesItsCountsAlong) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    Link& link = world.connect(one, two);
    one.count("6001", 2);
    world.settle();
    world.cut(link);
    EXPECT_EQ(two.messages("6001"), std::nullopt);
}

TEST(Mwi, WhoWasRestartedKeepsWhatItSaysAgainAndLosesTheRest) {
    World world;
    Daemon first(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    Link& link = world.connect(first, two);
    first.count("6001", 2);
    first.count("6002", 2);
    world.settle();
    first.exchange.say_goodbye(wire::vote::Goodbye::How::restarting);
    world.settle();
    world.cut(link);
    EXPECT_EQ(two.messages("6001"), 2u) << "it said that it comes back";
    two.mwi_changes.clear();
    Daemon second(1, 11, one_peer());
    second.mwi_sequence = first.mwi_sequence;
    second.count("6001", 2);
    world.connect(second, two);
    world.settle();
    EXPECT_EQ(two.messages("6001"), 2u);
    EXPECT_FALSE(two.counts_of("6002", 1));
    EXPECT_THAT(two.mwi_changes,
                Each(Field(&state::MwiChange::mailbox, Ne(state::Mailbox{"6001", "default"}))))
        << "it never was without counts";
}

TEST(Mwi, WhoRestartsSaysWhatWaitsBeforeItsGoodbye) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    world.connect(one, two);
    world.settle();
    one.count("6001", 4);
    one.exchange.say_goodbye(wire::vote::Goodbye::How::restarting);
    world.settle();
    EXPECT_EQ(two.messages("6001"), 4u);
    EXPECT_EQ(two.count(News::Kind::goodbye), 1u);
}

TEST(Mwi, AFrameThatTheBusReportsAsLostIsSaidAgainWithTheNewestCounts) {
    Group group;
    Daemon one(1, 10, everybody());
    Daemon two(2, 20, everybody());
    group.join(one);
    group.join(two);
    group.settle();
    one.count("6001", 1);
    one.count("6002", 1);
    Frame bytes(wire::vote::max_frame_bytes);
    const Taken taken = one.exchange.take_frame(Exchange::everybody, bytes);
    ASSERT_GT(taken.bytes, 0u);
    EXPECT_EQ(one.exchange.waiting(), 2u) << "accepted is not delivered";
    one.count("6001", 7);
    one.exchange.frame_lost(Exchange::everybody, taken.id);
    EXPECT_EQ(one.exchange.waiting(), 2u);
    group.settle();
    EXPECT_EQ(two.messages("6001"), 7u);
    EXPECT_EQ(two.messages("6002"), 1u);
    EXPECT_EQ(one.exchange.counters().mwi_out, 2u);
}

TEST(Mwi, ALostPartOfASnapshotStartsItAnew) {
    for (int lost = 1; lost <= 6; ++lost) {
        SCOPED_TRACE(lost);
        Group group;
        Daemon one(1, 10, everybody());
        Daemon two(2, 20, everybody());
        for (int number = 0; number < 1500; ++number)
            one.count(box(number), 1);
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
        EXPECT_EQ(two.mwi.size(), 1500u);
        EXPECT_GE(two.exchange.counters().snapshots_received, 1u);
    }
}

TEST(Mwi, ASnapshotWithAHoleDropsNothingAndIsAskedForAgain) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    for (int number = 0; number < 1500; ++number)
        one.count(box(number), 1);
    world.loses = [lost = false](const Frame& frame) mutable {
        return type_of(frame) == Type::mwi && !std::exchange(lost, true);
    };
    world.connect(one, two);
    world.settle();
    EXPECT_EQ(two.exchange.counters().snapshots_incomplete, 1u);
    EXPECT_EQ(two.exchange.counters().snapshots_received, 1u);
    EXPECT_EQ(two.mwi.size(), 1500u);
}

TEST(Mwi, ARaisedIncarnationSaysEverythingAgainWithTheSameAge) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    one.count("6001", 2);
    one.count("6002", 2);
    one.uncount("6002");
    world.connect(one, two);
    world.settle();
    two.mwi_changes.clear();
    one.out.raises.push_back({one.self.eid, 50});
    one.publish();
    world.settle();
    EXPECT_EQ(two.counts_of("6001", 1)->version, (state::Version{51, 1}));
    EXPECT_EQ(two.counts_of("6002", 1)->version, (state::Version{51, 3}));
    EXPECT_EQ(two.messages("6001"), 2u);
    EXPECT_THAT(two.mwi_changes, IsEmpty()) << "nobody's lamp has blinked";
}

TEST(Mwi, APeerCannotSayCountsOfANodeThatItDidNotAnnounce) {
    World world;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    const Link& link = world.connect(one, two);
    world.settle();
    Frame frame(wire::vote::max_frame_bytes);
    wire::vote::MwiWriter writer(frame);
    wire::vote::MwiEntry forged;
    forged.sequence = 9;
    forged.new_messages = 3;
    forged.mailbox = "6001";
    writer.add(eid(7), 1, forged);
    writer.add(eid(2), 99, forged);
    frame.resize(writer.finish());
    two.exchange.receive(link.a_at_b, frame, world.now, two.out);
    two.publish();
    EXPECT_EQ(two.mwi.size(), 0u);
    EXPECT_FALSE(two.engine.find_node(eid(7)));
}

TEST(Mwi, MailboxesAndDevicesThatWaitGetFramesInTurn) {
    World world;
    world.budget = 1024;
    Daemon one(1, 10, one_peer());
    Daemon two(2, 20, one_peer());
    world.connect(one, two);
    world.settle();
    world.sent.clear();
    for (int number = 0; number < 500; ++number) {
        one.set("PJSIP/" + box(number), DeviceState::inuse);
        one.count(box(number), 1);
    }
    world.settle();
    std::vector<Type> types;
    for (const Frame& frame : world.sent)
        types.push_back(type_of(frame));
    ASSERT_GE(std::ranges::count(types, Type::mwi), 3);
    for (std::size_t i = 0; i + 1 < 6; ++i)
        EXPECT_NE(types[i], types[i + 1]) << i;
    EXPECT_EQ(two.mwi.size(), 500u);
    EXPECT_TRUE(two.agrees_with(one));
}

}  // namespace
}  // namespace lamplight::bus::sync
