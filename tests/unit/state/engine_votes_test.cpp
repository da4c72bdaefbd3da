#include "tests/unit/state/engine_fixture.hpp"

#include <set>

namespace lamplight::state {
namespace {

using enum DeviceState;
using EngineVotes = EngineFixture;

TEST_F(EngineVotes, AnUnheardDeviceIsUnknown) {
    EXPECT_EQ(aggregate("Custom:abc"), unknown);
}

TEST_F(EngineVotes, AnOwnVoteIsTheAggregateAndIsReportedForSending) {
    set("Custom:abc", inuse);
    EXPECT_EQ(aggregate("Custom:abc"), inuse);
    ASSERT_EQ(changes.own_votes.size(), 1u);
    EXPECT_EQ(changes.own_votes[0].node, self);
    ASSERT_EQ(changes.aggregates.size(), 1u);
    EXPECT_EQ(changes.aggregates[0].from, unknown);
    EXPECT_EQ(changes.aggregates[0].to, inuse);
    EXPECT_EQ(changes.aggregates[0].cause, Cause::console);
}

TEST_F(EngineVotes, RepeatingAnOwnVoteReportsNothing) {
    set("Custom:abc", inuse);
    changes.clear();
    set("Custom:abc", inuse);
    EXPECT_TRUE(changes.empty());
}

TEST_F(EngineVotes, OwnVersionsRiseWithEachChange) {
    set("Custom:abc", inuse);
    const Version first = view("Custom:abc", 1).version;
    set("Custom:abc", busy);
    EXPECT_EQ(first.incarnation, 1000u);
    EXPECT_LT(first, view("Custom:abc", 1).version);
}

TEST_F(EngineVotes, TheAggregateIsTheJoinOfEverybodysVotes) {
    const SenderId two = join(2, "pbx2");
    set("Custom:abc", inuse);
    EXPECT_EQ(vote(two, 2, "Custom:abc", ringing, {1, 1}), VoteOutcome::applied);
    EXPECT_EQ(aggregate("Custom:abc"), ringinuse);
    EXPECT_EQ(vote(two, 2, "Custom:abc", not_inuse, {1, 2}), VoteOutcome::applied);
    EXPECT_EQ(aggregate("Custom:abc"), inuse);
}

TEST_F(EngineVotes, ASingleInvalidVoteStaysInvalidAndIsNotUnavailable) {
    const SenderId two = join(2, "pbx2");
    vote(two, 2, "SIP/x", invalid, {1, 1});
    EXPECT_EQ(aggregate("SIP/x"), invalid);
}

TEST_F(EngineVotes, AVoteThatIsNotNewerIsRefusedAndCounted) {
    const SenderId two = join(2, "pbx2");
    vote(two, 2, "Custom:abc", inuse, {1, 5});
    EXPECT_EQ(vote(two, 2, "Custom:abc", busy, {1, 4}), VoteOutcome::refused_old);
    EXPECT_EQ(vote(two, 2, "Custom:abc", busy, {1, 5}), VoteOutcome::refused_old);
    EXPECT_EQ(vote(two, 2, "Custom:abc", inuse, {1, 5}), VoteOutcome::confirmed);
    EXPECT_EQ(aggregate("Custom:abc"), inuse);
    EXPECT_EQ(engine.counters().votes[static_cast<std::size_t>(VoteOutcome::refused_old)], 2u);
}

TEST_F(EngineVotes, AVoteOfAnEarlierIncarnationIsRefused) {
    const SenderId two = join(2, "pbx2", Bus::local, 7);
    EXPECT_EQ(vote(two, 2, "Custom:abc", inuse, {6, 100}), VoteOutcome::refused_old);
    EXPECT_EQ(vote(two, 2, "Custom:abc", inuse, {7, 1}), VoteOutcome::applied);
}

TEST_F(EngineVotes, OnAsterisksWireOrderIsArrival) {
    const SenderId two = join(2, "ast2", Bus::corosync_plain, 0);
    vote(two, 2, "SIP/alice", busy);
    vote(two, 2, "SIP/alice", not_inuse);
    EXPECT_EQ(aggregate("SIP/alice"), not_inuse);
}

TEST_F(EngineVotes, NobodyElseMayVoteForOurNode) {
    const SenderId two = join(2, "pbx2");
    set("Custom:abc", not_inuse);
    EXPECT_EQ(vote(two, 1, "Custom:abc", busy, {9999, 1}), VoteOutcome::refused_own);
    EXPECT_EQ(aggregate("Custom:abc"), not_inuse);
}

TEST_F(EngineVotes, AWithdrawnVoteStopsCountingAndTheLastOneLeavesUnavailable) {
    const SenderId two = join(2, "pbx2");
    vote(two, 2, "Custom:abc", inuse, {1, 1});
    changes.clear();
    EXPECT_EQ(withdraw(two, 2, "Custom:abc", {1, 2}), VoteOutcome::applied);
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
    ASSERT_EQ(changes.aggregates.size(), 1u);
    EXPECT_EQ(changes.aggregates[0].to, unavailable);
    EXPECT_EQ(changes.aggregates[0].cause, Cause::withdrawal);
}

TEST_F(EngineVotes, ALateMessageDoesNotBringAWithdrawnVoteBack) {
    const SenderId two = join(2, "pbx2");
    vote(two, 2, "Custom:abc", inuse, {1, 1});
    withdraw(two, 2, "Custom:abc", {1, 3});
    EXPECT_EQ(vote(two, 2, "Custom:abc", inuse, {1, 2}), VoteOutcome::refused_old);
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
}

TEST_F(EngineVotes, WithdrawingAnOwnVoteReportsItForSending) {
    set("Custom:abc", inuse);
    changes.clear();
    engine.withdraw_own(self, device("Custom:abc"), Cause::console, now, changes);
    EXPECT_EQ(changes.own_votes.size(), 1u);
    EXPECT_TRUE(view("Custom:abc", 1).withdrawn);
    EXPECT_EQ(engine.node(self).votes, 0u) << "a vote taken back is none";
    changes.clear();
    engine.withdraw_own(self, device("Custom:abc"), Cause::console, now, changes);
    EXPECT_TRUE(changes.empty());
}

TEST_F(EngineVotes, AConfirmedVoteKeepsTheTimeOfItsState) {
    const SenderId two = join(2, "pbx2");
    vote(two, 2, "Custom:abc", inuse, {1, 1});
    const Time first = now;
    pass(std::chrono::seconds(5));
    vote(two, 2, "Custom:abc", inuse, {1, 2});
    EXPECT_EQ(view("Custom:abc", 2).since, first);
    vote(two, 2, "Custom:abc", busy, {1, 3});
    EXPECT_EQ(view("Custom:abc", 2).since, now);
}

TEST_F(EngineVotes, AnOwnNodeWithALowerIncarnationRisesAboveTheOneSeen) {
    set("Custom:abc", inuse);
    changes.clear();
    engine.raise_incarnation(self, 5000, changes);
    EXPECT_EQ(engine.node(self).incarnation, 5001u);
    EXPECT_EQ(view("Custom:abc", 1).version.incarnation, 5001u);
    EXPECT_EQ(changes.own_votes.size(), 1u);
    changes.clear();
    engine.raise_incarnation(self, 17, changes);
    EXPECT_EQ(engine.node(self).incarnation, 5001u);
    EXPECT_TRUE(changes.empty());
}

TEST_F(EngineVotes, ManyNodesVoteForOneDevice) {
    constexpr int nodes = 200;
    for (int n = 2; n < nodes; ++n) {
        const auto last = static_cast<std::uint8_t>(n);
        const SenderId sender = join(last, "n" + std::to_string(n), Bus::corosync);
        vote(sender, last, "Queue:sales", n == 150 ? inuse : not_inuse, {1, 1});
    }
    EXPECT_EQ(aggregate("Queue:sales"), inuse);
    std::set<NodeId> seen;
    engine.for_each_vote(device("Queue:sales"), [&](const VoteView& v) { seen.insert(v.node); });
    EXPECT_EQ(seen.size(), std::size_t{nodes - 2});
}

TEST_F(EngineVotes, ABatchGivesWhatSingleVotesGive) {
    const SenderId two = join(2, "pbx2");
    const SenderId three = join(3, "pbx3");
    std::vector<Vote> batch;
    for (std::uint64_t i = 0; i < 500; ++i) {
        const std::string name = "SIP/" + std::to_string(i * 7 % 40);
        const bool second = i % 2 == 0;
        batch.push_back({device(name),
                         node(second ? 2 : 3),
                         static_cast<DeviceState>(i % 9),
                         VoteKind::state,
                         Cachable::yes,
                         second ? two : three,
                         {1, i + 1}});
    }
    Engine other({}, {}, 42);
    Changes other_changes;
    other.add_own_node({eid(1), "pbx1", 1000}, now, other_changes);
    for (std::uint8_t last : {std::uint8_t{2}, std::uint8_t{3}}) {
        const SenderId sender = *other.open_sender(Bus::local, "x", other_changes);
        other.announce(sender, {eid(last), "x", 1}, now, other_changes);
    }
    for (int i = 0; i < 40; ++i)
        other.intern_device(engine.device_name(DeviceId(static_cast<std::uint32_t>(i))), other_changes);
    changes.clear();
    other_changes.clear();
    engine.apply(batch, now, changes);
    for (const Vote& one : batch)
        other.apply({&one, 1}, now, other_changes);
    ASSERT_EQ(changes.aggregates.size(), other_changes.aggregates.size());
    for (std::uint32_t i = 0; i < 40; ++i)
        EXPECT_EQ(engine.aggregate(DeviceId{i}), other.aggregate(DeviceId{i}));
    EXPECT_EQ(engine.digest(node(2)), other.digest(NodeId{1}));
}

TEST_F(EngineVotes, DigestsDifferWhenOneVoteDiffers) {
    const SenderId two = join(2, "pbx2");
    vote(two, 2, "Custom:a", inuse, {1, 1});
    const Digest before = engine.digest(node(2));
    vote(two, 2, "Custom:b", inuse, {1, 2});
    const Digest after = engine.digest(node(2));
    EXPECT_NE(before.hash, after.hash);
    EXPECT_EQ(after.votes, 2u);
    withdraw(two, 2, "Custom:b", {1, 3});
    EXPECT_EQ(engine.digest(node(2)), before);
}

TEST_F(EngineVotes, TheTraceSeesEachVoteWithWhatCameOfIt) {
    const SenderId two = join(2, "pbx2");
    std::vector<std::pair<VoteOutcome, DeviceState>> seen;
    engine.set_vote_trace([&](DeviceId, NodeId, VoteOutcome outcome, DeviceState, DeviceState after) {
        seen.emplace_back(outcome, after);
    });
    set("Custom:abc", not_inuse);
    vote(two, 2, "Custom:abc", inuse, {1, 1});
    vote(two, 2, "Custom:abc", busy, {1, 1});
    ASSERT_EQ(seen.size(), 3u);
    EXPECT_EQ(seen[1], std::make_pair(VoteOutcome::applied, inuse));
    EXPECT_EQ(seen[2], std::make_pair(VoteOutcome::refused_old, inuse));
}

TEST_F(EngineVotes, TheJournalTellsADevicesStoryNewestFirst) {
    const SenderId two = join(2, "pbx2");
    set("Custom:abc", not_inuse);
    vote(two, 2, "Custom:other", busy, {1, 1});
    pass(std::chrono::seconds(1));
    vote(two, 2, "Custom:abc", inuse, {1, 2});
    std::vector<JournalEntry> story;
    engine.for_each_journal_entry(device("Custom:abc"), 10,
                                  [&](const JournalEntry& e) { story.push_back(e); });
    ASSERT_EQ(story.size(), 2u);
    EXPECT_EQ(story[0].to, inuse);
    EXPECT_EQ(story[0].aggregate, inuse);
    EXPECT_EQ(story[0].bus, Bus::local);
    EXPECT_EQ(story[0].cause, Cause::vote);
    EXPECT_EQ(story[0].time, now);
    EXPECT_EQ(story[1].to, not_inuse);
    EXPECT_EQ(story[1].cause, Cause::console);
}

class SmallEngine : public EngineFixture {
protected:
    SmallEngine()
        : EngineFixture({},
                        {.devices = 3, .nodes = 3, .name_bytes = 10, .journal_entries = 4, .senders = 2}) {}
};

TEST_F(SmallEngine, TheJournalIsBoundedAndForgetsTheOldest) {
    for (int i = 0; i < 10; ++i)
        set("Custom:abc", i % 2 == 0 ? inuse : busy);
    int lines = 0;
    engine.for_each_journal_entry(device("Custom:abc"), 100, [&](const JournalEntry&) { ++lines; });
    EXPECT_EQ(lines, 4);
    EXPECT_EQ(engine.counters().journal_overwritten, 6u);
}

TEST_F(SmallEngine, ADeviceOverwrittenInTheJournalHasNoStory) {
    set("Custom:a", inuse);
    for (int i = 0; i < 10; ++i)
        set("Custom:b", i % 2 == 0 ? inuse : busy);
    int lines = 0;
    engine.for_each_journal_entry(device("Custom:a"), 100, [&](const JournalEntry&) { ++lines; });
    EXPECT_EQ(lines, 0);
}

TEST_F(SmallEngine, OneDeviceTooManyIsRefusedCountedAndSaidOnce) {
    for (const char* name : {"a/1", "a/2", "a/3"})
        set(name, inuse);
    changes.clear();
    EXPECT_FALSE(engine.intern_device("a/4", changes));
    EXPECT_FALSE(engine.intern_device("a/5", changes));
    EXPECT_EQ(engine.counters().devices_refused, 2u);
    ASSERT_EQ(changes.notices.size(), 1u);
    EXPECT_EQ(changes.notices[0].kind, Notice::Kind::device_limit);
    set("a/1", busy);
    EXPECT_EQ(aggregate("a/1"), busy);
}

TEST_F(SmallEngine, ANameTooLongOrEmptyIsRefused) {
    EXPECT_FALSE(engine.intern_device("Custom:abcdefgh", changes));
    EXPECT_FALSE(engine.intern_device("", changes));
    EXPECT_TRUE(engine.intern_device("0123456789", changes));
}

TEST_F(SmallEngine, OneNodeTooManyIsRefused) {
    EXPECT_TRUE(engine.intern_node(eid(2), changes));
    EXPECT_TRUE(engine.intern_node(eid(3), changes));
    const SenderId two = join(2, "pbx2");
    vote(two, 2, "a/1", inuse, {1, 1});
    const SenderId three = join(3, "pbx3");
    vote(three, 3, "a/1", inuse, {1, 1});
    EXPECT_FALSE(engine.intern_node(eid(4), changes));
    EXPECT_EQ(engine.counters().nodes_refused, 1u);
}

TEST_F(SmallEngine, ClosedSendersMakeRoomForNewOnes) {
    for (int i = 0; i < 10; ++i) {
        const auto sender = engine.open_sender(Bus::local, "s", changes);
        ASSERT_TRUE(sender) << i;
        engine.sender_gone(*sender, Departure::failed, now, changes);
    }
    EXPECT_TRUE(engine.open_sender(Bus::local, "a", changes));
    EXPECT_TRUE(engine.open_sender(Bus::local, "b", changes));
    EXPECT_FALSE(engine.open_sender(Bus::local, "c", changes));
}

TEST_F(SmallEngine, ASenderIdUsedAgainKnowsNothingOfItsFormerNode) {
    const SenderId two = join(2, "pbx2");
    vote(two, 2, "a/1", inuse, {1, 1});
    engine.sender_gone(two, Departure::failed, now, changes);
    std::optional<SenderId> again;
    for (int i = 0; i < 4 && again != two; ++i) {
        if (again) engine.sender_gone(*again, Departure::failed, now, changes);
        again = engine.open_sender(Bus::local, "new", changes);
    }
    ASSERT_EQ(again, two);
    EXPECT_EQ(vote(*again, 2, "a/1", busy, {2, 1}), VoteOutcome::applied);
}

TEST(EidText, IsReadInEitherCaseAndRefusesWhatFollows) {
    const Eid eid{{0, 0x11, 2, 0xaa, 0xbb, 0xff}};
    EXPECT_EQ(to_string(eid), "00:11:02:aa:bb:ff");
    EXPECT_EQ(parse_eid("0:11:2:AA:bb:ff"), eid);
    for (const char* bad : {"", "00:11:02:aa:bb", "00:11:02:aa:bb:ff:", "00:11:02:aa:bb:fff",
                            "00-11-02-aa-bb-ff", "00:11:02:aa:bb:f ", ":11:02:aa:bb:ff"})
        EXPECT_FALSE(parse_eid(bad)) << bad;
}

TEST(PolicyRules, TheLastMatchingRuleWinsByNameOrEid) {
    Policy policy;
    policy.rules = {{Departure::silent, "pbx*", {std::chrono::seconds(60)}},
                    {Departure::silent, "02:00:00:00:00:0?", {std::chrono::seconds(5)}}};
    const Eid one{{2, 0, 0, 0, 0, 1}}, many{{2, 0, 0, 0, 0, 0x11}};
    EXPECT_EQ(policy.hold_for(Departure::silent, "pbx1", one).for_, std::chrono::seconds(5));
    EXPECT_EQ(policy.hold_for(Departure::silent, "pbx1", many).for_, std::chrono::seconds(60));
    EXPECT_EQ(policy.hold_for(Departure::silent, "gw", many).for_, std::chrono::seconds(15));
    EXPECT_EQ(policy.hold_for(Departure::failed, "pbx1", one).for_, std::chrono::seconds(0));
}

}  // namespace
}  // namespace lamplight::state
