#include "world.hpp"

namespace lamplight::bus::plain::test {
namespace {

TEST(PlainVotes, OfAnAsteriskAreItsNodesVotes) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.hears_vote(asterisk, pbx2, "Custom:a", DeviceState::busy);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::busy);
    const auto vote = daemon.vote("Custom:a", pbx2);
    ASSERT_TRUE(vote);
    EXPECT_TRUE(vote->counts);
    EXPECT_EQ(vote->bus, state::Bus::corosync_plain);
    EXPECT_FALSE(vote->version.exists());
    EXPECT_EQ(daemon.counters().votes_in, 1u);
    daemon.hears_vote(asterisk, pbx2, "Custom:a", DeviceState::not_inuse);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::not_inuse);
}

TEST(PlainVotes, WithOneOfOurOwnEidsAreCountedAndDropped) {
    Daemon daemon;
    daemon.set("Custom:a", DeviceState::inuse);
    daemon.came(asterisk);
    daemon.hears_vote(asterisk, own, "Custom:a", DeviceState::busy);
    daemon.hears(asterisk, event::Mwi{"100", "default", {1, 0}, own});
    daemon.hears(asterisk, event::Ping{own});
    daemon.announces(asterisk, own);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::inuse);
    EXPECT_EQ(daemon.counts("100"), std::nullopt);
    EXPECT_EQ(daemon.counters().own_eid, 4u);
    EXPECT_EQ(daemon.exchange.announced_by(asterisk), nullptr);
}

TEST(PlainVotes, OfALamplightAreOnlyCounted) {
    Daemon daemon;
    daemon.lamplights({lamplight});
    daemon.came(lamplight);
    daemon.hears_vote(lamplight, pbx2, "Custom:a", DeviceState::busy);
    daemon.announces(lamplight, pbx2);
    EXPECT_EQ(daemon.vote("Custom:a", pbx2), std::nullopt);
    EXPECT_EQ(daemon.counters().from_lamplights, 2u);
    EXPECT_EQ(daemon.counters().messages_in, 0u);
    EXPECT_FALSE(daemon.exchange.has_strangers());
}

TEST(PlainVotes, OfTypesThatAreNotSubscribedAreCountedAndDropped) {
    Settings settings = everything();
    settings.subscribe = {false, false, false, false};
    Daemon daemon(settings);
    daemon.came(asterisk);
    daemon.hears_vote(asterisk, pbx2, "Custom:a", DeviceState::busy);
    daemon.hears(asterisk, event::Mwi{"100", "default", {1, 0}, pbx2});
    daemon.hears(asterisk, event::Ping{pbx2});
    daemon.announces(asterisk, pbx2);
    EXPECT_EQ(daemon.counters().not_subscribed, 4u);
    EXPECT_EQ(daemon.vote("Custom:a", pbx2), std::nullopt);
    EXPECT_EQ(daemon.counts("100"), std::nullopt);
    EXPECT_EQ(daemon.count(News::Kind::ping), 0u);
    EXPECT_EQ(daemon.exchange.announced_by(asterisk), nullptr);
}

TEST(PlainVotes, AggregatesOfOthersAreOnlyCounted) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.hears(asterisk,
                 event::DeviceStateAggregate{"Custom:a", DeviceState::busy, state::Cachable::yes, pbx2});
    EXPECT_EQ(daemon.counters().aggregates, 1u);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::unknown);
}

TEST(PlainVotes, FromWhoIsNotInTheGroupAreNotHeard) {
    Daemon daemon;
    daemon.hears_vote(asterisk, pbx2, "Custom:a", DeviceState::busy);
    EXPECT_EQ(daemon.counters().unheard, 1u);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::unknown);
}

TEST(PlainVotes, OfDevicesAndNodesBeyondTheLimitsAreCountedAndNothingElseSuffers) {
    state::Limits limits;
    limits.devices = 1;
    Daemon daemon(everything(), limits);
    daemon.came(asterisk);
    daemon.hears_vote(asterisk, pbx2, "Custom:a", DeviceState::busy);
    daemon.hears_vote(asterisk, pbx2, "Custom:b", DeviceState::busy);
    EXPECT_EQ(daemon.counters().over_limit, 1u);
    daemon.hears_vote(asterisk, pbx2, "Custom:a", DeviceState::ringing);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::ringing);
}

TEST(PlainVotes, OfANodeThatAnotherSpeaksForAreRefused) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.came(second_asterisk);
    daemon.announces(asterisk, pbx2);
    daemon.hears_vote(asterisk, pbx2, "Custom:a", DeviceState::busy);
    daemon.hears_vote(second_asterisk, pbx2, "Custom:a", DeviceState::not_inuse);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::busy);
}

TEST(PlainVotes, OfTheSecondAnnouncerOfAnEidAreHeardWhenTheFirstIsGone) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.came(second_asterisk);
    daemon.announces(asterisk, pbx2);
    daemon.announces(second_asterisk, pbx2);
    ASSERT_EQ(daemon.notices.size(), 1u);
    EXPECT_EQ(daemon.notices[0].kind, state::Notice::Kind::duplicate_eid);
    daemon.announces(second_asterisk, pbx2);
    EXPECT_EQ(daemon.notices.size(), 1u) << "it is said once";
    daemon.gone(asterisk, Departure::failed);
    daemon.hears_vote(second_asterisk, pbx2, "Custom:a", DeviceState::busy);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::busy);
}

// --- departures ---

TEST(PlainDepartures, AnAsteriskWhoseProcessEndsTakesItsLampsWithItAtOnce) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.announces(asterisk, pbx2);
    daemon.hears_vote(asterisk, pbx2, "Custom:a", DeviceState::busy);
    daemon.gone(asterisk, Departure::failed);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::unavailable);
    EXPECT_EQ(daemon.exchange.members(), 0u);
}

TEST(PlainDepartures, OneThatNeverAnnouncedItselfTakesThemTooWhenItEnds) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.hears_vote(asterisk, pbx2, "Custom:a", DeviceState::busy);
    daemon.gone(asterisk, Departure::failed);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::unavailable);
}

TEST(PlainDepartures, ASilentOneIsStaleAndWhenItReturnsCountsAtOnce) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.hears_vote(asterisk, pbx2, "Custom:a", DeviceState::busy);
    daemon.gone(asterisk, Departure::silent);
    EXPECT_TRUE(daemon.vote("Custom:a", pbx2)->stale);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::busy);
    EXPECT_FALSE(daemon.exchange.has_strangers());
    daemon.pass(1min);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::unavailable);
    daemon.returned(asterisk);
    EXPECT_FALSE(daemon.vote("Custom:a", pbx2)->stale);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::busy);
}

TEST(PlainDepartures, ANeighbourOnTheSameCorosyncNodeIsNotTakenForTheOneThatLeft) {
    Daemon daemon;
    const Member beside{asterisk.node_id, 201};
    daemon.came(asterisk);
    daemon.came(beside);
    daemon.announces(asterisk, pbx2);
    daemon.hears_vote(asterisk, pbx2, "Custom:a", DeviceState::busy);
    daemon.gone(beside, Departure::failed);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::busy);
    EXPECT_FALSE(daemon.vote("Custom:a", pbx2)->stale);
}

TEST(PlainDepartures, AnAsteriskThatIsRestartedSpeaksForItsNodeAgain) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.announces(asterisk, pbx2);
    daemon.hears_vote(asterisk, pbx2, "Custom:a", DeviceState::busy);
    daemon.hears_vote(asterisk, pbx2, "Custom:b", DeviceState::busy);
    daemon.gone(asterisk, Departure::failed);
    const Member again{asterisk.node_id, 999};
    daemon.came(again);
    daemon.announces(again, pbx2);
    daemon.hears_vote(again, pbx2, "Custom:a", DeviceState::inuse);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::inuse);
    EXPECT_EQ(daemon.aggregate("Custom:b"), DeviceState::unavailable) << "it has not said it again";
}

// --- discovery ---

TEST(PlainDiscovery, MakesTheSenderTheOneThatSpeaksForTheNode) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.came(second_asterisk);
    daemon.hears_vote(second_asterisk, pbx2, "Custom:a", DeviceState::busy);
    daemon.announces(asterisk, pbx2);
    daemon.hears_vote(asterisk, pbx2, "Custom:a", DeviceState::inuse);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::inuse) << "an announcement beats a first vote";
    ASSERT_NE(daemon.exchange.announced_by(asterisk), nullptr);
    EXPECT_EQ(*daemon.exchange.announced_by(asterisk), pbx2);
    ASSERT_EQ(daemon.count(News::Kind::discovered), 1u);
    EXPECT_EQ(daemon.news.back().text, "10.0.0.2");
}

TEST(PlainDiscovery, WithANodeIdThatIsNotTheSendersIsALieAndIgnored) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.hears(asterisk, event::ClusterDiscovery{second_asterisk.node_id, "10.0.0.3", pbx3});
    EXPECT_EQ(daemon.counters().lying_discoveries, 1u);
    EXPECT_EQ(daemon.counters().refused(), 1u);
    EXPECT_EQ(daemon.exchange.announced_by(asterisk), nullptr);
}

TEST(PlainDiscovery, WithOneOfOurOwnEidsIsToldTheOperatorOnce) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.announces(asterisk, own);
    daemon.announces(asterisk, own);
    ASSERT_EQ(daemon.notices.size(), 1u);
    EXPECT_EQ(daemon.notices[0].kind, state::Notice::Kind::own_eid_announced);
}

TEST(PlainPing, IsNewsWithTheEidItCameFrom) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.hears(asterisk, event::Ping{pbx2});
    ASSERT_EQ(daemon.count(News::Kind::ping), 1u);
    EXPECT_EQ(daemon.news.back().text, "02:00:00:00:00:02");
    EXPECT_EQ(daemon.news.back().member, asterisk);
}

TEST(PlainPing, OfAFloodIsNewsTenTimesASecond) {
    Daemon daemon;
    daemon.came(asterisk);
    for (int ping = 0; ping < 1000; ++ping)
        daemon.hears(asterisk, event::Ping{pbx2});
    EXPECT_EQ(daemon.count(News::Kind::ping), 1u);
    daemon.pass(100ms);
    daemon.hears(asterisk, event::Ping{pbx2});
    EXPECT_EQ(daemon.count(News::Kind::ping), 2u);
}

TEST(PlainPing, OfALamplightIsNewsToo) {
    Daemon daemon;
    daemon.lamplights({lamplight});
    daemon.came(lamplight);
    daemon.hears(lamplight, event::Ping{pbx2});
    ASSERT_EQ(daemon.count(News::Kind::ping), 1u);
    EXPECT_EQ(daemon.news.back().text, "02:00:00:00:00:02");
    EXPECT_EQ(daemon.counters().from_lamplights, 1u);
}

// --- message counts ---

TEST(PlainMwi, OfTheSenderThatSpeaksForTheNodeIsHandedOn) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.announces(asterisk, pbx2);
    daemon.hears(asterisk, event::Mwi{"100", "default", {2, 5}, pbx2});
    EXPECT_EQ(daemon.counts("100"), (state::MessageCounts{2, 5}));
    EXPECT_EQ(daemon.counters().mwi_in, 1u);
}

TEST(PlainMwi, OfAnotherThanWhoSpeaksForTheNodeIsNot) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.came(second_asterisk);
    daemon.announces(asterisk, pbx2);
    daemon.hears(second_asterisk, event::Mwi{"100", "default", {2, 5}, pbx2});
    EXPECT_EQ(daemon.counts("100"), std::nullopt);
    EXPECT_EQ(daemon.counters().unheard, 1u);
}

TEST(PlainMwi, OfANodeThatNobodyAnnouncedOrVotesForBelongsToTheFirstThatSpeaksOfIt) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.came(second_asterisk);
    daemon.hears(asterisk, event::Mwi{"100", "default", {2, 5}, pbx2});
    daemon.hears(second_asterisk, event::Mwi{"100", "default", {9, 9}, pbx2});
    EXPECT_EQ(daemon.counts("100"), (state::MessageCounts{2, 5}));
    daemon.gone(asterisk, Departure::failed);
    EXPECT_EQ(daemon.counts("100"), std::nullopt) << "its counts end with it";
    daemon.hears(second_asterisk, event::Mwi{"100", "default", {9, 9}, pbx2});
    EXPECT_EQ(daemon.counts("100"), (state::MessageCounts{9, 9}));
}

TEST(PlainMwi, OfANodeThatANearerBusOwnsIsNotHandedOn) {
    Daemon daemon;
    const auto near = daemon.engine.open_sender(state::Bus::corosync, "near", daemon.out.changes);
    daemon.engine.announce(*near, {pbx2, "pbx2", 5, {}}, daemon.now, daemon.out.changes);
    daemon.came(asterisk);
    daemon.announces(asterisk, pbx2);
    daemon.hears(asterisk, event::Mwi{"100", "default", {2, 5}, pbx2});
    EXPECT_EQ(daemon.counts("100"), std::nullopt);
}

// --- nonsense ---

TEST(PlainNonsense, IsCountedByReasonAndSaidOnceAMemberReasonAndMinute) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.came(second_asterisk);
    daemon.hears(asterisk, Message{1, 2});
    daemon.hears(asterisk, Message{1});
    EXPECT_EQ(daemon.counters().malformed[static_cast<std::size_t>(event::Malformed::too_short)], 2u);
    EXPECT_EQ(daemon.counters().refused(), 2u);
    EXPECT_EQ(daemon.count(News::Kind::malformed), 1u);
    EXPECT_EQ(daemon.news.back().text, event::to_string(event::Malformed::too_short));
    daemon.hears(asterisk, Message{0, 0x63, 0, 4});
    EXPECT_EQ(daemon.count(News::Kind::malformed), 2u) << "another reason";
    daemon.hears(second_asterisk, Message{1});
    EXPECT_EQ(daemon.count(News::Kind::malformed), 3u) << "another member";
    daemon.pass(1min);
    daemon.hears(asterisk, Message{1});
    EXPECT_EQ(daemon.count(News::Kind::malformed), 4u) << "another minute";
}

TEST(PlainNonsense, DoesNotDisturbTheSendersOtherVotes) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.hears_vote(asterisk, pbx2, "Custom:a", DeviceState::busy);
    daemon.hears(asterisk, Message(70'000, 0x06));
    daemon.hears_vote(asterisk, pbx2, "Custom:b", DeviceState::ringing);
    EXPECT_EQ(daemon.aggregate("Custom:a"), DeviceState::busy);
    EXPECT_EQ(daemon.aggregate("Custom:b"), DeviceState::ringing);
}

// --- Lamplights ---

/// Another Lamplight, taken for an Asterisk at first, and its road through the group of Lamplights.
struct Recognised : testing::Test, Daemon {
    Recognised() {
        came(lamplight);
        hears_vote(lamplight, pbx2, "Custom:a", DeviceState::busy);
        hears_vote(lamplight, pbx2, "Custom:b", DeviceState::inuse);
    }
    void hello_by_its_own_group() {
        near = *engine.open_sender(state::Bus::corosync, "near", out.changes);
        engine.announce(near, {pbx2, "pbx2", 5, {}}, now, out.changes);
        publish();
    }
    void snapshot(const std::string& device, DeviceState state) {
        const state::NodeId of = *engine.find_node(pbx2);
        engine.snapshot_begin(near, of, now, out.changes);
        const state::Vote vote{*engine.find_device(device), of,   state, state::VoteKind::state,
                               state::Cachable::yes,        near, {5, 1}};
        engine.apply({&vote, 1}, now, out.changes);
        engine.snapshot_end(near, of, now, out.changes);
        publish();
    }
    state::SenderId near{};
};

TEST_F(Recognised, KeepsItsVotesUntilItsOwnGroupHasConfirmedThem) {
    lamplights({lamplight});
    EXPECT_FALSE(exchange.has_strangers());
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::busy) << "nothing passes through idle";
    hello_by_its_own_group();
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::busy);
    snapshot("Custom:a", DeviceState::ringing);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::ringing);
    EXPECT_EQ(aggregate("Custom:b"), DeviceState::unavailable) << "not confirmed";
}

TEST_F(Recognised, AfterItsOwnGroupSpokeKeepsItsVotesToo) {
    hello_by_its_own_group();
    snapshot("Custom:a", DeviceState::ringing);
    lamplights({lamplight});
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::ringing);
    EXPECT_FALSE(vote("Custom:a", pbx2)->stale);
    gone(lamplight, Departure::failed);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::ringing) << "its own group says what became of it";
}

TEST_F(Recognised, AndGoneFromHereDoesNotEndTheHoldOfItsPlannedRestart) {
    hello_by_its_own_group();
    snapshot("Custom:a", DeviceState::ringing);
    lamplights({lamplight});
    engine.sender_gone(near, Departure::restarting, now, out.changes);
    engine.sender_gone(near, Departure::failed, now, out.changes);
    gone(lamplight, Departure::failed);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::ringing);
    EXPECT_TRUE(vote("Custom:a", pbx2)->stale);
}

TEST_F(Recognised, IsNotHeardHereAnyMore) {
    lamplights({lamplight});
    hello_by_its_own_group();
    snapshot("Custom:a", DeviceState::ringing);
    hears_vote(lamplight, pbx2, "Custom:a", DeviceState::not_inuse);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::ringing);
    EXPECT_EQ(counters().from_lamplights, 1u);
}

TEST_F(Recognised, AndOutOfItsOwnGroupButStillHereIsAStrangerAgain) {
    lamplights({lamplight});
    hello_by_its_own_group();
    engine.sender_gone(near, Departure::left, now, out.changes);
    lamplights({});
    EXPECT_TRUE(exchange.has_strangers());
    hears_vote(lamplight, pbx2, "Custom:a", DeviceState::onhold);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::onhold);
}

}  // namespace
}  // namespace lamplight::bus::plain::test
