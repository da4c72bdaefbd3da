#include "tests/unit/state/engine_fixture.hpp"

namespace lamplight::state {
namespace {

using enum DeviceState;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class EngineMembers : public EngineFixture {
protected:
    /// pbx2 says BUSY for Custom:abc.
    SenderId busy_member(Bus bus = Bus::local,
                         Announcement::Speaks speaks = Announcement::Speaks::for_itself) {
        const SenderId two = join(2, "pbx2", bus, has_versions(bus) ? 1 : 0, speaks);
        vote(two, 2, "Custom:abc", busy, has_versions(bus) ? Version{1, 1} : Version{});
        changes.clear();
        return two;
    }
    /// The whole of pbx2's opinion: BUSY for Custom:abc.
    void snapshot(SenderId two, std::uint64_t incarnation, std::uint64_t sequence) {
        engine.snapshot_begin(two, node(2), now, changes);
        vote(two, 2, "Custom:abc", busy, {incarnation, sequence});
        EXPECT_TRUE(engine.snapshot_end(two, node(2), now, changes));
    }
};

// --- departures ---

TEST_F(EngineMembers, WhoeverLeavesStopsCountingAtOnce) {
    const SenderId two = busy_member();
    engine.sender_gone(two, Departure::left, now, changes);
    EXPECT_EQ(standing(2), Standing::gone);
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
    ASSERT_EQ(changes.aggregates.size(), 1u);
    EXPECT_EQ(changes.aggregates[0].cause, Cause::member_left);
}

TEST_F(EngineMembers, WhoeverFailsStopsCountingAtOnceAndOthersDecide) {
    const SenderId two = busy_member();
    set("Custom:abc", not_inuse);
    EXPECT_EQ(aggregate("Custom:abc"), busy);
    engine.sender_gone(two, Departure::failed, now, changes);
    EXPECT_EQ(aggregate("Custom:abc"), not_inuse);
}

TEST_F(EngineMembers, AFailedDaemonThatSpeaksForAPbxIsHeld) {
    const SenderId two = busy_member(Bus::local, Announcement::Speaks::for_pbx);
    engine.sender_gone(two, Departure::failed, now, changes);
    EXPECT_EQ(standing(2), Standing::stale);
    EXPECT_EQ(aggregate("Custom:abc"), busy);
    EXPECT_TRUE(view("Custom:abc", 2).stale);
    pass(seconds(15));
    EXPECT_EQ(standing(2), Standing::gone);
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
}

TEST_F(EngineMembers, ARestartingMemberIsHeldForRestartHold) {
    const SenderId two = busy_member();
    engine.sender_gone(two, Departure::restarting, now, changes);
    engine.sender_gone(two, Departure::failed, now, changes);  // its process ends as it said
    EXPECT_EQ(standing(2), Standing::stale);
    EXPECT_EQ(aggregate("Custom:abc"), busy);
    pass(milliseconds(14'999));
    EXPECT_EQ(aggregate("Custom:abc"), busy);
    pass(milliseconds(1));
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
    EXPECT_EQ(changes.aggregates.back().cause, Cause::hold_expired);
}

TEST_F(EngineMembers, ASilentMemberIsStaleThenGoneThenForgotten) {
    const SenderId two = busy_member();
    engine.sender_gone(two, Departure::silent, now, changes);
    EXPECT_EQ(standing(2), Standing::stale);
    EXPECT_TRUE(view("Custom:abc", 2).counts);
    EXPECT_EQ(engine.next_deadline(), now + seconds(15));
    pass(seconds(15));
    EXPECT_EQ(standing(2), Standing::gone);
    EXPECT_FALSE(view("Custom:abc", 2).counts);
    EXPECT_EQ(view("Custom:abc", 2).state, busy);  // kept, so that the story can be told
    changes.clear();
    pass(hours(24));
    EXPECT_EQ(standing(2), Standing::unheard);
    ASSERT_EQ(changes.forgotten.size(), 1u);
    EXPECT_EQ(changes.forgotten[0].name, "Custom:abc");
    EXPECT_FALSE(engine.find_device("Custom:abc"));
}

TEST_F(EngineMembers, ADeviceThatAHintNamesIsNotForgotten) {
    const SenderId two = busy_member();
    const DeviceId abc = device("Custom:abc");
    engine.retain_device(abc);
    engine.sender_gone(two, Departure::left, now, changes);
    pass(hours(48));
    EXPECT_EQ(engine.find_device("Custom:abc"), abc);
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
    engine.release_device(abc);
}

TEST_F(EngineMembers, AFailureAfterSilenceEndsTheHold) {
    const SenderId two = busy_member();
    engine.sender_gone(two, Departure::silent, now, changes);
    engine.sender_gone(two, Departure::failed, now, changes);
    EXPECT_EQ(standing(2), Standing::gone);
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
}

TEST_F(EngineMembers, SilenceSaidTwiceDoesNotLengthenTheHold) {
    const SenderId two = busy_member();
    engine.sender_gone(two, Departure::silent, now, changes);
    pass(seconds(10));
    engine.sender_gone(two, Departure::silent, now, changes);
    pass(seconds(5));
    EXPECT_EQ(standing(2), Standing::gone);
}

TEST_F(EngineMembers, AFailureOfWhatIsGoneAlreadyIsNoNews) {
    const SenderId two = busy_member();
    engine.sender_gone(two, Departure::silent, now, changes);
    pass(seconds(15));
    const auto forgotten_at = engine.node(node(2)).until;
    pass(seconds(1));
    changes.clear();
    engine.sender_gone(two, Departure::failed, now, changes);
    EXPECT_TRUE(changes.empty());
    EXPECT_EQ(engine.node(node(2)).until, forgotten_at);
}

TEST_F(EngineMembers, APolicyRuleChangesTheHold) {
    Policy policy;
    policy.rules = {{Departure::silent, "pbx2", {seconds(3600)}}, {Departure::left, "*", {seconds(2)}}};
    engine.configure(policy, engine.limits());
    const SenderId two = busy_member();
    engine.sender_gone(two, Departure::silent, now, changes);
    pass(seconds(3599));
    EXPECT_EQ(aggregate("Custom:abc"), busy);
    pass(seconds(1));
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
}

TEST_F(EngineMembers, VotesOfASenderThatHasLeftAreRefused) {
    const SenderId two = busy_member();
    engine.sender_gone(two, Departure::left, now, changes);
    EXPECT_EQ(vote(two, 2, "Custom:abc", inuse, {1, 9}), VoteOutcome::refused_not_member);
}

// --- return ---

TEST_F(EngineMembers, AReturnWithinTheHoldPassesNothingThroughIdle) {
    const SenderId two = busy_member();
    engine.sender_gone(two, Departure::silent, now, changes);
    pass(seconds(10));
    engine.sender_present(two, now, changes);
    EXPECT_EQ(standing(2), Standing::present);
    EXPECT_TRUE(view("Custom:abc", 2).stale);
    snapshot(two, 1, 1);
    EXPECT_FALSE(view("Custom:abc", 2).stale);
    pass(seconds(60));
    EXPECT_EQ(aggregate("Custom:abc"), busy);
    EXPECT_TRUE(changes.aggregates.empty());
}

TEST_F(EngineMembers, ARestartedMemberWithANewIncarnationPassesNothingThroughIdle) {
    const SenderId two = busy_member();
    engine.sender_gone(two, Departure::restarting, now, changes);
    engine.sender_gone(two, Departure::failed, now, changes);
    pass(seconds(3));
    const SenderId again = join(2, "pbx2", Bus::local, 2);
    EXPECT_TRUE(view("Custom:abc", 2).counts);
    snapshot(again, 2, 1);
    EXPECT_TRUE(changes.aggregates.empty());
    EXPECT_EQ(aggregate("Custom:abc"), busy);
}

TEST_F(EngineMembers, WhatTheSnapshotDoesNotConfirmIsDropped) {
    const SenderId two = busy_member();
    vote(two, 2, "Custom:other", inuse, {1, 2});
    engine.sender_gone(two, Departure::restarting, now, changes);
    engine.sender_gone(two, Departure::failed, now, changes);
    changes.clear();
    const SenderId again = join(2, "pbx2", Bus::local, 2);
    snapshot(again, 2, 1);
    EXPECT_EQ(aggregate("Custom:abc"), busy);
    EXPECT_EQ(aggregate("Custom:other"), unavailable);
    ASSERT_EQ(changes.aggregates.size(), 1u);
    EXPECT_EQ(changes.aggregates[0].cause, Cause::snapshot);
}

TEST_F(EngineMembers, AReturnAfterTheHoldCountsOnlyWhatIsConfirmed) {
    const SenderId two = busy_member();
    engine.sender_gone(two, Departure::silent, now, changes);
    pass(seconds(20));
    engine.sender_present(two, now, changes);
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
    snapshot(two, 1, 1);
    EXPECT_EQ(aggregate("Custom:abc"), busy);
}

TEST_F(EngineMembers, ASnapshotThatNeverEndsLetsTheUnconfirmedGoAfterTheHold) {
    const SenderId two = busy_member();
    engine.sender_gone(two, Departure::silent, now, changes);
    pass(seconds(1));
    engine.sender_present(two, now, changes);
    engine.snapshot_begin(two, node(2), now, changes);
    pass(seconds(15));
    EXPECT_EQ(standing(2), Standing::present);
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
}

TEST_F(EngineMembers, ChangesDuringASnapshotAreConfirmedByIt) {
    const SenderId two = busy_member();
    engine.snapshot_begin(two, node(2), now, changes);
    vote(two, 2, "Custom:new", inuse, {1, 2});
    vote(two, 2, "Custom:abc", busy, {1, 1});
    EXPECT_TRUE(engine.snapshot_end(two, node(2), now, changes));
    EXPECT_EQ(aggregate("Custom:new"), inuse);
    EXPECT_EQ(aggregate("Custom:abc"), busy);
}

TEST_F(EngineMembers, AnEndWithoutABeginOrFromSomebodyElseChangesNothing) {
    const SenderId two = busy_member();
    const SenderId three = join(3, "pbx3");
    EXPECT_FALSE(engine.snapshot_end(two, node(2), now, changes));
    engine.snapshot_begin(three, node(2), now, changes);
    EXPECT_FALSE(engine.snapshot_end(three, node(2), now, changes));
    engine.snapshot_begin(two, node(2), now, changes);
    engine.snapshot_begin(three, node(2), now, changes);
    EXPECT_FALSE(engine.snapshot_end(three, node(2), now, changes));
    EXPECT_EQ(aggregate("Custom:abc"), busy);
    vote(two, 2, "Custom:abc", busy, {1, 1});
    EXPECT_TRUE(engine.snapshot_end(two, node(2), now, changes));
    EXPECT_EQ(aggregate("Custom:abc"), busy);
}

TEST_F(EngineMembers, ASnapshotCutShortBySilenceMustBeginAgain) {
    const SenderId two = busy_member();
    engine.snapshot_begin(two, node(2), now, changes);
    engine.sender_gone(two, Departure::silent, now, changes);
    engine.sender_present(two, now, changes);
    EXPECT_FALSE(engine.snapshot_end(two, node(2), now, changes));
    EXPECT_EQ(aggregate("Custom:abc"), busy);
}

TEST_F(EngineMembers, AnOlderVoteInASnapshotConfirmsTheNewerThatOvertookIt) {
    const SenderId two = busy_member();
    vote(two, 2, "Custom:abc", ringing, {1, 5});
    engine.snapshot_begin(two, node(2), now, changes);
    EXPECT_EQ(vote(two, 2, "Custom:abc", busy, {1, 1}), VoteOutcome::refused_old);
    EXPECT_TRUE(engine.snapshot_end(two, node(2), now, changes));
    EXPECT_EQ(aggregate("Custom:abc"), ringing);
    EXPECT_EQ(view("Custom:abc", 2).version, (Version{1, 5}));
}

TEST_F(EngineMembers, AnOlderVoteInASnapshotMakesTheNewerCountAgain) {
    const SenderId two = busy_member();
    vote(two, 2, "Custom:abc", ringing, {1, 5});
    engine.sender_gone(two, Departure::silent, now, changes);
    pass(seconds(20));
    engine.sender_present(two, now, changes);
    engine.snapshot_begin(two, node(2), now, changes);
    changes.clear();
    vote(two, 2, "Custom:abc", busy, {1, 1});
    EXPECT_EQ(aggregate("Custom:abc"), ringing);
    ASSERT_EQ(changes.aggregates.size(), 1u);
    EXPECT_FALSE(view("Custom:abc", 2).stale);
}

TEST_F(EngineMembers, AnOlderVoteOutsideASnapshotConfirmsNothing) {
    const SenderId two = busy_member();
    vote(two, 2, "Custom:abc", ringing, {1, 5});
    engine.sender_gone(two, Departure::silent, now, changes);
    engine.sender_present(two, now, changes);
    vote(two, 2, "Custom:abc", busy, {1, 1});
    EXPECT_TRUE(view("Custom:abc", 2).stale);
}

TEST_F(EngineMembers, ContradictingTheVersionHeldConfirmsNothing) {
    const SenderId two = busy_member();
    engine.snapshot_begin(two, node(2), now, changes);
    EXPECT_EQ(vote(two, 2, "Custom:abc", ringing, {1, 1}), VoteOutcome::refused_old);
    EXPECT_TRUE(engine.snapshot_end(two, node(2), now, changes));
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
}

TEST_F(EngineMembers, WhatASnapshotDroppedComesBackWhenItsNodeSaysItAgain) {
    const SenderId two = busy_member();
    engine.snapshot_begin(two, node(2), now, changes);
    EXPECT_TRUE(engine.snapshot_end(two, node(2), now, changes));
    ASSERT_EQ(aggregate("Custom:abc"), unavailable);
    EXPECT_EQ(vote(two, 2, "Custom:abc", busy, {1, 1}), VoteOutcome::applied);
    EXPECT_EQ(aggregate("Custom:abc"), busy);
}

// --- confirming without a snapshot ---

TEST_F(EngineMembers, ConfirmingMakesEveryVoteHeldFreshWithoutAnyChange) {
    const SenderId two = busy_member();
    engine.sender_gone(two, Departure::silent, now, changes);
    pass(seconds(1));
    engine.sender_present(two, now, changes);
    changes.clear();
    EXPECT_TRUE(view("Custom:abc", 2).stale);
    EXPECT_TRUE(engine.node(node(2)).until);
    EXPECT_TRUE(engine.confirm(two, node(2), now, changes));
    EXPECT_FALSE(view("Custom:abc", 2).stale);
    EXPECT_FALSE(engine.node(node(2)).until);
    EXPECT_TRUE(changes.aggregates.empty());
    pass(seconds(60));
    EXPECT_EQ(aggregate("Custom:abc"), busy);
}

TEST_F(EngineMembers, ConfirmingAfterTheHoldBringsTheVotesBackAndSaysSoOnce) {
    const SenderId two = busy_member();
    vote(two, 2, "Custom:gone", busy, {1, 2});
    withdraw(two, 2, "Custom:gone", {1, 3});
    engine.sender_gone(two, Departure::silent, now, changes);
    pass(seconds(20));
    engine.sender_present(two, now, changes);
    changes.clear();
    EXPECT_TRUE(engine.confirm(two, node(2), now, changes));
    EXPECT_EQ(aggregate("Custom:abc"), busy);
    EXPECT_EQ(aggregate("Custom:gone"), unavailable) << "a withdrawal stays one";
    ASSERT_EQ(changes.aggregates.size(), 1u);
    EXPECT_EQ(changes.aggregates[0].cause, Cause::member_returned);
    EXPECT_TRUE(engine.confirm(two, node(2), now, changes));
    EXPECT_EQ(changes.aggregates.size(), 1u);
}

TEST_F(EngineMembers, ConfirmingInASnapshotLetsItsEndDropNothing) {
    const SenderId two = busy_member();
    engine.snapshot_begin(two, node(2), now, changes);
    EXPECT_TRUE(engine.confirm(two, node(2), now, changes));
    EXPECT_TRUE(engine.snapshot_end(two, node(2), now, changes));
    EXPECT_EQ(aggregate("Custom:abc"), busy);
}

TEST_F(EngineMembers, OnlyTheNodesSpeakerConfirms) {
    const SenderId two = busy_member(Bus::xmpp);
    const SenderId three = join(3, "pbx3");
    engine.sender_gone(two, Departure::silent, now, changes);
    EXPECT_FALSE(engine.confirm(two, node(2), now, changes)) << "it is away";
    engine.sender_present(two, now, changes);
    EXPECT_FALSE(engine.confirm(three, node(2), now, changes));
    EXPECT_FALSE(engine.confirm(two, self, now, changes));
    EXPECT_TRUE(view("Custom:abc", 2).stale);
    join(2, "pbx2", Bus::local, 1);
    EXPECT_FALSE(engine.confirm(two, node(2), now, changes)) << "a nearer bus owns the node";
    EXPECT_TRUE(view("Custom:abc", 2).stale);
}

TEST_F(EngineMembers, ConfirmingSaysByWhichRoadTheVotesAreKnownNow) {
    busy_member(Bus::corosync);
    const SenderId far = join(2, "pbx2", Bus::xmpp, 1);
    engine.sender_gone(SenderId{0}, Departure::silent, now, changes);
    ASSERT_EQ(engine.node(node(2)).owner, Bus::xmpp);
    EXPECT_EQ(view("Custom:abc", 2).bus, Bus::corosync);
    EXPECT_TRUE(engine.confirm(far, node(2), now, changes));
    EXPECT_EQ(view("Custom:abc", 2).bus, Bus::xmpp);
    EXPECT_TRUE(view("Custom:abc", 2).cachable);
}

TEST_F(EngineMembers, ConfirmingDoesNotMakeALostPbxCount) {
    const SenderId two = busy_member(Bus::local, Announcement::Speaks::for_pbx);
    engine.node_pbx_link(two, node(2), false, now, changes);
    const bool counted = view("Custom:abc", 2).counts;
    EXPECT_TRUE(engine.confirm(two, node(2), now, changes));
    EXPECT_EQ(view("Custom:abc", 2).counts, counted);
    EXPECT_TRUE(view("Custom:abc", 2).stale);
}

TEST_F(EngineMembers, TheNewestVersionOfANodeCountsWithdrawalsToo) {
    EXPECT_EQ(engine.newest_version(node(2)), Version{});
    const SenderId two = busy_member();
    vote(two, 2, "Custom:b", busy, {1, 9});
    vote(two, 2, "Custom:c", busy, {1, 4});
    EXPECT_EQ(engine.newest_version(node(2)), (Version{1, 9}));
    withdraw(two, 2, "Custom:c", {1, 12});
    EXPECT_EQ(engine.newest_version(node(2)), (Version{1, 12}));
    vote(two, 2, "Custom:abc", busy, {2, 1});
    EXPECT_EQ(engine.newest_version(node(2)), (Version{2, 1}));
    EXPECT_EQ(engine.newest_version(node(3)), Version{});
}

TEST_F(EngineMembers, OurFrameOnXmppIsNearerThanAsterisksWireThere) {
    const SenderId plain = join(2, "pbx2 of Asterisk", Bus::xmpp_plain, 0);
    vote(plain, 2, "Custom:abc", busy);
    EXPECT_EQ(engine.node(node(2)).owner, Bus::xmpp_plain);
    join(2, "pbx2", Bus::xmpp, 1);
    EXPECT_EQ(engine.node(node(2)).owner, Bus::xmpp);
    EXPECT_EQ(vote(plain, 2, "Custom:abc", ringing), VoteOutcome::refused_far);
    EXPECT_FALSE(has_versions(Bus::xmpp_plain));
}

TEST_F(EngineMembers, AfterASnapshotNothingIsPending) {
    const SenderId two = busy_member();
    engine.sender_gone(two, Departure::silent, now, changes);
    engine.sender_present(two, now, changes);
    EXPECT_TRUE(engine.node(node(2)).until);
    snapshot(two, 1, 1);
    EXPECT_FALSE(engine.node(node(2)).until);
}

TEST_F(EngineMembers, OnAsterisksWireTheSameProcessCountsAgainAtOnce) {
    const SenderId two = busy_member(Bus::corosync_plain);
    engine.sender_gone(two, Departure::silent, now, changes);
    pass(seconds(20));
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
    engine.sender_present(two, now, changes);
    EXPECT_EQ(aggregate("Custom:abc"), busy);
    EXPECT_FALSE(view("Custom:abc", 2).stale);
}

TEST_F(EngineMembers, OnAsterisksWireANewProcessCountsWithWhatItSaysOnly) {
    const SenderId two = busy_member(Bus::corosync_plain);
    vote(two, 2, "Custom:other", inuse);
    engine.sender_gone(two, Departure::silent, now, changes);
    const SenderId again = join(2, "pbx2", Bus::corosync_plain, 0);
    vote(again, 2, "Custom:other", inuse);
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
    EXPECT_EQ(aggregate("Custom:other"), inuse);
}

// --- who may speak ---

TEST_F(EngineMembers, AnEidBelongsToTheFirstThatVotedForIt) {
    const SenderId first = *engine.open_sender(Bus::corosync_plain, "first", changes);
    const SenderId second = *engine.open_sender(Bus::corosync_plain, "second", changes);
    EXPECT_EQ(vote(first, 9, "SIP/a", inuse), VoteOutcome::applied);
    EXPECT_EQ(vote(second, 9, "SIP/a", busy), VoteOutcome::refused_speaker);
    EXPECT_EQ(aggregate("SIP/a"), inuse);
}

TEST_F(EngineMembers, AnAnnouncementBeatsAFirstVoteOfAnUnannouncedSender) {
    const SenderId first = *engine.open_sender(Bus::corosync_plain, "first", changes);
    vote(first, 9, "SIP/a", inuse);
    const SenderId announced = join(9, "real", Bus::corosync_plain, 0);
    EXPECT_EQ(vote(announced, 9, "SIP/a", busy), VoteOutcome::applied);
    EXPECT_EQ(vote(first, 9, "SIP/a", inuse), VoteOutcome::refused_speaker);
    EXPECT_EQ(aggregate("SIP/a"), busy);
}

TEST_F(EngineMembers, TheSecondOfTwoAnnouncersIsRefusedAndBothAreNamed) {
    const SenderId two = busy_member();
    const SenderId twin = *engine.open_sender(Bus::local, "twin", changes);
    EXPECT_EQ(engine.announce(twin, {eid(2), "twin", 99}, now, changes), AnnounceOutcome::duplicate);
    ASSERT_EQ(changes.notices.size(), 1u);
    EXPECT_EQ(changes.notices[0].kind, Notice::Kind::duplicate_eid);
    EXPECT_EQ(changes.notices[0].first, "pbx2");
    EXPECT_EQ(changes.notices[0].second, "twin");
    EXPECT_EQ(vote(twin, 2, "Custom:abc", inuse, {99, 1}), VoteOutcome::refused_speaker);
    EXPECT_EQ(vote(two, 2, "Custom:abc", onhold, {1, 2}), VoteOutcome::applied);
}

TEST_F(EngineMembers, OnceTheFirstAnnouncerIsGoneTheSecondIsAccepted) {
    const SenderId two = busy_member();
    const SenderId twin = *engine.open_sender(Bus::local, "twin", changes);
    engine.announce(twin, {eid(2), "twin", 99}, now, changes);
    engine.sender_gone(two, Departure::failed, now, changes);
    EXPECT_EQ(engine.announce(twin, {eid(2), "twin", 99}, now, changes), AnnounceOutcome::accepted);
    EXPECT_EQ(vote(twin, 2, "Custom:abc", inuse, {99, 1}), VoteOutcome::applied);
}

TEST_F(EngineMembers, TheSecondAnnouncerIsBelievedThoughItStartedInTheSameSecond) {
    const SenderId two = join(2, "pbx2", Bus::local, 99);
    vote(two, 2, "Custom:abc", busy, {99, 7});
    const SenderId twin = *engine.open_sender(Bus::local, "twin", changes);
    engine.announce(twin, {eid(2), "twin", 99}, now, changes);
    engine.sender_gone(two, Departure::failed, now, changes);
    EXPECT_EQ(engine.announce(twin, {eid(2), "twin", 99}, now, changes), AnnounceOutcome::accepted);
    engine.snapshot_begin(twin, node(2), now, changes);
    EXPECT_EQ(vote(twin, 2, "Custom:abc", ringing, {99, 1}), VoteOutcome::applied);
    EXPECT_TRUE(engine.snapshot_end(twin, node(2), now, changes));
    EXPECT_EQ(aggregate("Custom:abc"), ringing);
}

TEST_F(EngineMembers, AnnouncingOneOfOurEidsIsRefusedAndTold) {
    const SenderId thief = *engine.open_sender(Bus::local, "thief", changes);
    EXPECT_EQ(engine.announce(thief, {eid(1), "thief", 9999}, now, changes), AnnounceOutcome::own);
    ASSERT_EQ(changes.notices.size(), 1u);
    EXPECT_EQ(changes.notices[0].kind, Notice::Kind::own_eid_announced);
}

TEST_F(EngineMembers, AnAnnouncementWithoutEidOrWithAnOldIncarnationIsRefused) {
    const SenderId sender = *engine.open_sender(Bus::local, "x", changes);
    EXPECT_EQ(engine.announce(sender, {Eid{}, "x", 1}, now, changes), AnnounceOutcome::refused);
    EXPECT_EQ(engine.announce(sender, {eid(2), "x", 5}, now, changes), AnnounceOutcome::accepted);
    engine.sender_gone(sender, Departure::failed, now, changes);
    const SenderId again = *engine.open_sender(Bus::local, "x", changes);
    EXPECT_EQ(engine.announce(again, {eid(2), "x", 4}, now, changes), AnnounceOutcome::refused);
    EXPECT_EQ(engine.announce(again, {eid(2), "x", 6}, now, changes), AnnounceOutcome::accepted);
}

TEST_F(EngineMembers, AGuardianIsHeardAndOwnsNothing) {
    Policy policy;
    policy.may_speak_for = {"guard*"};
    engine.configure(policy, engine.limits());
    const SenderId guardian = join(9, "guardian1");
    EXPECT_TRUE(engine.is_guardian(guardian));
    const SenderId two = busy_member();
    EXPECT_EQ(vote(guardian, 2, "Custom:abc", unavailable, {1, 2}), VoteOutcome::applied);
    EXPECT_EQ(engine.node(node(2)).owner, Bus::local);
    EXPECT_EQ(vote(two, 2, "Custom:abc", inuse, {1, 3}), VoteOutcome::applied);
    engine.configure({}, engine.limits());
    EXPECT_FALSE(engine.is_guardian(guardian));
    EXPECT_EQ(vote(guardian, 2, "Custom:abc", unavailable, {1, 4}), VoteOutcome::refused_speaker);
}

// --- two roads to one node ---

TEST_F(EngineMembers, TheNearestBusOwnsTheNodeAndVotesFromElsewhereAreIgnored) {
    const SenderId far = join(2, "pbx2", Bus::xmpp);
    vote(far, 2, "Custom:abc", inuse, {1, 1});
    const SenderId near = join(2, "pbx2", Bus::corosync);
    EXPECT_EQ(engine.node(node(2)).owner, Bus::corosync);
    EXPECT_TRUE(view("Custom:abc", 2).stale);  // until the new owner has said it
    EXPECT_EQ(vote(far, 2, "Custom:abc", busy, {1, 2}), VoteOutcome::refused_far);
    EXPECT_EQ(vote(near, 2, "Custom:abc", busy, {1, 2}), VoteOutcome::applied);
    EXPECT_FALSE(view("Custom:abc", 2).stale);
}

TEST_F(EngineMembers, ANodeIsSilentOnlyWhenSilentOnAll) {
    const SenderId far = join(2, "pbx2", Bus::xmpp);
    const SenderId near = join(2, "pbx2", Bus::corosync);
    vote(near, 2, "Custom:abc", busy, {1, 1});
    engine.sender_gone(near, Departure::silent, now, changes);
    EXPECT_EQ(standing(2), Standing::present);
    EXPECT_EQ(engine.node(node(2)).owner, Bus::xmpp);
    EXPECT_EQ(aggregate("Custom:abc"), busy);
    engine.sender_gone(far, Departure::silent, now, changes);
    EXPECT_EQ(standing(2), Standing::stale);
}

TEST_F(EngineMembers, LeftOrFailedOnOneBusEndsTheIncarnationOnAll) {
    join(2, "pbx2", Bus::xmpp);
    const SenderId near = join(2, "pbx2", Bus::corosync);
    vote(near, 2, "Custom:abc", busy, {1, 1});
    engine.sender_gone(near, Departure::failed, now, changes);
    EXPECT_EQ(standing(2), Standing::gone);
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
}

TEST_F(EngineMembers, AnAsteriskThatFailedOnTheRingHasFailedOnXmppToo) {
    join(2, "ast2", Bus::xmpp, 0);
    const SenderId ring = join(2, "ast2", Bus::corosync_plain, 0);
    vote(ring, 2, "SIP/a", busy);
    engine.sender_gone(ring, Departure::failed, now, changes);
    EXPECT_EQ(aggregate("SIP/a"), unavailable);
}

TEST_F(EngineMembers, TheEndOfAnOldIncarnationDoesNotTouchANewOne) {
    const SenderId old = join(2, "pbx2", Bus::xmpp, 1);
    const SenderId fresh = join(2, "pbx2", Bus::corosync, 2);
    vote(fresh, 2, "Custom:abc", busy, {2, 1});
    engine.sender_gone(old, Departure::failed, now, changes);
    EXPECT_EQ(standing(2), Standing::present);
    EXPECT_EQ(aggregate("Custom:abc"), busy);
}

TEST_F(EngineMembers, WhenOwnershipMovesTheUnconfirmedGoAfterTheHold) {
    const SenderId far = join(2, "pbx2", Bus::xmpp);
    vote(far, 2, "Custom:abc", inuse, {1, 1});
    join(2, "pbx2", Bus::corosync);
    pass(seconds(15));
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
}

// --- the PBX behind a node ---

TEST_F(EngineMembers, ALostPbxLinkStopsItsVotesAndItsReturnBringsThemBack) {
    const SenderId two = busy_member(Bus::local, Announcement::Speaks::for_pbx);
    engine.node_pbx_link(two, node(2), false, now, changes);
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
    EXPECT_TRUE(engine.node(node(2)).pbx_lost);
    vote(two, 2, "Custom:late", inuse, {1, 2});
    EXPECT_EQ(aggregate("Custom:late"), unavailable);
    engine.node_pbx_link(two, node(2), true, now, changes);
    EXPECT_EQ(aggregate("Custom:abc"), busy);
    EXPECT_EQ(aggregate("Custom:late"), inuse);
    EXPECT_EQ(standing(2), Standing::present);
}

TEST_F(EngineMembers, OnlyTheNodesSpeakerMaySayThatItsPbxIsLost) {
    busy_member(Bus::local, Announcement::Speaks::for_pbx);
    const SenderId three = join(3, "pbx3");
    engine.node_pbx_link(three, node(2), false, now, changes);
    EXPECT_EQ(aggregate("Custom:abc"), busy);
}

TEST_F(EngineMembers, AnOwnPbxLinkIsUnderTheSamePolicy) {
    const NodeId pbx =
        engine.add_own_node({eid(7), "pbx1-pbx", 1000, Announcement::Speaks::for_pbx}, now, changes);
    engine.set_own(pbx, device("PJSIP/alice"), inuse, Cachable::yes, Cause::pbx, now, changes);
    engine.set_pbx_link(pbx, false, now, changes);
    EXPECT_EQ(aggregate("PJSIP/alice"), unavailable);
    engine.set_pbx_link(pbx, true, now, changes);
    EXPECT_EQ(aggregate("PJSIP/alice"), inuse);
}

TEST_F(EngineMembers, ADaemonThatComesBackWhileItsPbxIsLostDoesNotCount) {
    const SenderId two = busy_member(Bus::local, Announcement::Speaks::for_pbx);
    engine.node_pbx_link(two, node(2), false, now, changes);
    engine.sender_gone(two, Departure::silent, now, changes);
    engine.sender_present(two, now, changes);
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
    EXPECT_NE(standing(2), Standing::present);
    engine.node_pbx_link(two, node(2), true, now, changes);
    EXPECT_EQ(standing(2), Standing::present);
    EXPECT_EQ(aggregate("Custom:abc"), busy);
}

TEST_F(EngineMembers, ANewIncarnationKnowsItsPbxLinkAnew) {
    const SenderId two = busy_member(Bus::local, Announcement::Speaks::for_pbx);
    engine.node_pbx_link(two, node(2), false, now, changes);
    engine.sender_gone(two, Departure::failed, now, changes);
    const SenderId again = join(2, "pbx2", Bus::local, 2, Announcement::Speaks::for_pbx);
    EXPECT_EQ(standing(2), Standing::present);
    snapshot(again, 2, 1);
    EXPECT_EQ(aggregate("Custom:abc"), busy);
}

// --- forgetting ---

TEST_F(EngineMembers, AWithdrawnDeviceIsForgottenInTheEnd) {
    set("Custom:abc", inuse);
    engine.withdraw_own(self, device("Custom:abc"), Cause::console, now, changes);
    EXPECT_EQ(aggregate("Custom:abc"), unavailable);
    pass(hours(24));
    pass(hours(24));
    EXPECT_FALSE(engine.find_device("Custom:abc"));
    EXPECT_EQ(engine.node(self).votes, 0u);
}

TEST_F(EngineMembers, AForgottenDevicesIdIsUsedAgainWithoutItsStory) {
    set("Custom:abc", inuse);
    const DeviceId id = device("Custom:abc");
    engine.withdraw_own(self, id, Cause::console, now, changes);
    pass(hours(24));
    pass(hours(24));
    EXPECT_EQ(device("Custom:new"), id);
    EXPECT_EQ(aggregate("Custom:new"), unknown);
    int lines = 0;
    engine.for_each_journal_entry(id, 10, [&](const JournalEntry&) { ++lines; });
    EXPECT_EQ(lines, 0);
}

}  // namespace
}  // namespace lamplight::state
