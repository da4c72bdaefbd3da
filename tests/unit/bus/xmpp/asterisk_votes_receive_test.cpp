#include "asterisk_votes_world.hpp"

namespace lamplight::bus::xmpp::test {
namespace {

/// A client that is there, and nobody with it.
struct Hearing : testing::Test, Daemon {
    Hearing() { ready(); }
};

using pubsub::Refusal;

TEST_F(Hearing, OfAVoteMakesItCountForTheEidInIt) {
    hears_vote(pbx2, "Custom:a", DeviceState::busy);
    const auto held = vote("Custom:a", pbx2);
    ASSERT_TRUE(held);
    EXPECT_TRUE(held->counts);
    EXPECT_EQ(held->state, DeviceState::busy);
    EXPECT_EQ(held->bus, Bus::xmpp_plain);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::busy);
    EXPECT_EQ(counters().items_in, 1u);
    EXPECT_EQ(counters().states_in, 1u);
}

TEST_F(Hearing, OfUnknownInvalidAndUnavailableIsAVoteLikeAnyOther) {
    for (const auto state : {DeviceState::unknown, DeviceState::invalid, DeviceState::unavailable}) {
        hears_vote(pbx2, "Custom:a", DeviceState::busy);
        hears_vote(pbx2, "Custom:a", state);
        ASSERT_TRUE(vote("Custom:a", pbx2));
        EXPECT_EQ(vote("Custom:a", pbx2)->state, state);
        EXPECT_FALSE(vote("Custom:a", pbx2)->withdrawn);
    }
}

TEST_F(Hearing, KeepsWhetherAVoteIsCachable) {
    hears({event_item(pubsub::StateItem{"Custom:a", pbx2, DeviceState::busy, state::Cachable::no})});
    EXPECT_FALSE(vote("Custom:a", pbx2)->cachable);
}

TEST_F(Hearing, OfSeveralItemsInOneEventTakesAll) {
    hears({event_item(state_item(pbx2, "Custom:a", DeviceState::busy)),
           event_item(state_item(pbx3, "Custom:b", DeviceState::ringing)),
           event_item(mailbox_item(pbx2, "100", 2, 5))});
    EXPECT_EQ(vote("Custom:a", pbx2)->state, DeviceState::busy);
    EXPECT_EQ(vote("Custom:b", pbx3)->state, DeviceState::ringing);
    EXPECT_EQ(counts("100"), (state::MessageCounts{2, 5}));
    EXPECT_EQ(counters().items_in, 3u);
    EXPECT_EQ(counters().states_in, 2u);
    EXPECT_EQ(counters().mailboxes_in, 1u);
}

TEST_F(Hearing, OfABadItemAmongGoodOnesTakesTheGoodOnes) {
    hears({refused_item(Refusal::no_eid), event_item(state_item(pbx2, "Custom:a", DeviceState::busy))});
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::busy);
    EXPECT_EQ(counters().refused_items(), 1u);
}

TEST_F(Hearing, OfOurOwnEidIsThatOursCameBack) {
    set("Custom:a", DeviceState::busy);
    hears_vote(own, "Custom:a", DeviceState::not_inuse, "anybody@elsewhere.test/x");
    hears({event_item(mailbox_item(own, "100", 1, 1))});
    EXPECT_EQ(vote("Custom:a", own)->state, DeviceState::busy);
    EXPECT_EQ(counts("100"), std::nullopt);
    EXPECT_EQ(counters().own_items, 2u);
    EXPECT_EQ(counters().from_strangers, 0u);
    EXPECT_EQ(count(News::Kind::stranger), 0u);
}

TEST_F(Hearing, OfEveryOwnNodeIsDropped) {
    add_own(eid(9));
    hears_vote(eid(9), "Custom:a", DeviceState::busy);
    EXPECT_EQ(counters().own_items, 1u);
    EXPECT_TRUE(votes.eids().empty());
}

TEST_F(Hearing, OfAnEidThatIsALamplightIsPassedOver) {
    become_lamplight(pbx2);
    hears_vote(pbx2, "Custom:a", DeviceState::busy);
    EXPECT_EQ(vote("Custom:a", pbx2), std::nullopt);
    EXPECT_EQ(counters().from_lamplights, 1u);
    EXPECT_FALSE(votes.has_audience(first));
}

TEST_F(Hearing, OfRetractsPurgesAndDeletionsIsCountedAndHarmless) {
    hears_vote(pbx2, "Custom:a", DeviceState::busy);
    pubsub::Event retracts = event({});
    retracts.retracted = {"Custom:a", "Custom:b"};
    hears(retracts);
    hears(event_of(pubsub::Event::Kind::purged));
    hears(event_of(pubsub::Event::Kind::deleted));
    hears(event_of(pubsub::Event::Kind::configured));
    EXPECT_EQ(counters().retracts, 4u);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::busy);
}

TEST_F(Hearing, OfWhatIsRefusedCountsTheReasonAndSaysItOnceAMinute) {
    hears({refused_item(Refusal::no_eid), refused_item(Refusal::no_eid), refused_item(Refusal::no_state)});
    EXPECT_EQ(counters().refused[static_cast<std::size_t>(Refusal::no_eid)], 2u);
    EXPECT_EQ(counters().refused[static_cast<std::size_t>(Refusal::no_state)], 1u);
    EXPECT_EQ(counters().refused_items(), 3u);
    EXPECT_EQ(count(News::Kind::malformed), 2u);
    EXPECT_THAT(told(News::Kind::malformed), testing::HasSubstr(service));
    pass(59s);
    hears({refused_item(Refusal::no_eid)});
    EXPECT_EQ(count(News::Kind::malformed), 2u);
    pass(1s);
    hears({refused_item(Refusal::no_eid)});
    EXPECT_EQ(count(News::Kind::malformed), 3u);
}

TEST_F(Hearing, OfAFrameInAsterisksNodeIsAnUnknownPayload) {
    hears({event_item(pubsub::FrameItem{{1, 2, 3}})});
    EXPECT_EQ(counters().refused[static_cast<std::size_t>(Refusal::unknown_payload)], 1u);
}

TEST_F(Hearing, OfANamedPublisherThatIsNoBuddyIsRefusedAndSaidOnceAMinute) {
    hears_vote(pbx2, "Custom:a", DeviceState::busy, "mallory@fa.test/x");
    hears_vote(pbx2, "Custom:b", DeviceState::busy, "mallory@fa.test/x");
    EXPECT_EQ(vote("Custom:a", pbx2), std::nullopt);
    EXPECT_EQ(counters().from_strangers, 2u);
    ASSERT_EQ(count(News::Kind::stranger), 1u);
    EXPECT_EQ(told(News::Kind::stranger), "mallory@fa.test/x");
    pass(60s);
    hears_vote(pbx2, "Custom:b", DeviceState::busy, "mallory@fa.test/x");
    EXPECT_EQ(count(News::Kind::stranger), 2u);
}

TEST_F(Hearing, OfAPublisherThatCannotBeReadIsAStranger) {
    hears_vote(pbx2, "Custom:a", DeviceState::busy, "@");
    EXPECT_EQ(counters().from_strangers, 1u);
    EXPECT_EQ(vote("Custom:a", pbx2), std::nullopt);
}

TEST_F(Hearing, OfANamedBuddyIsBelieved) {
    hears_vote(pbx2, "Custom:a", DeviceState::busy, "server2@fa.test");
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::busy);
}

TEST_F(Hearing, OfSomebodyWhoIsNotTheServiceIsRefused) {
    hears(event({event_item(state_item(pbx2, "Custom:a", DeviceState::busy))}, "mallory@fa.test"));
    hears(event({event_item(state_item(pbx2, "Custom:a", DeviceState::busy))}, ""));
    EXPECT_EQ(vote("Custom:a", pbx2), std::nullopt);
    EXPECT_EQ(counters().from_strangers, 2u);
}

TEST_F(Hearing, IsOfTheStreamThatIsThere) {
    lost();
    hears_vote(pbx2, "Custom:a", DeviceState::busy);
    EXPECT_EQ(vote("Custom:a", pbx2), std::nullopt);
}

TEST_F(Hearing, OfAnEidForTheFirstTimeIsNews) {
    hears_vote(pbx2, "Custom:a", DeviceState::busy);
    hears_vote(pbx2, "Custom:b", DeviceState::busy);
    ASSERT_EQ(count(News::Kind::heard_first), 1u);
    EXPECT_EQ(told(News::Kind::heard_first), "02:00:00:00:00:02 via pubsub.fa.test");
}

TEST_F(Hearing, ShowsWhoVotesAndWhetherItCanBeKnownDead) {
    tie(pbx2, "server2@fa.test");
    came(asterisk);
    hears_vote(pbx2, "Custom:a", DeviceState::busy);
    hears_vote(pbx3, "Custom:a", DeviceState::busy);
    const auto eids = votes.eids();
    ASSERT_EQ(eids.size(), 2u);
    EXPECT_EQ(eids[0].eid, pbx2);
    EXPECT_EQ(eids[0].from, "server2@fa.test");
    EXPECT_TRUE(eids[0].tied);
    EXPECT_TRUE(eids[0].present);
    EXPECT_EQ(eids[1].from, service);
    EXPECT_FALSE(eids[1].tied);
}

TEST_F(Hearing, IsOfAsManyEidsAsTheLimitSaysTheNewcomerIsRefused) {
    state::Limits limits;
    limits.nodes = 2'000;
    limits.senders = 2'000;
    Daemon daemon(limits);
    daemon.ready();
    for (std::uint16_t i = 0; i <= AsteriskVotes::most_eids; ++i) {
        const Eid who{
            {0x02, 1, 0, 0, static_cast<std::uint8_t>(i / 256), static_cast<std::uint8_t>(i % 256)}};
        daemon.hears_vote(who, "Custom:a", DeviceState::busy);
    }
    EXPECT_EQ(daemon.votes.eids().size(), AsteriskVotes::most_eids);
    EXPECT_EQ(daemon.counters().over_limit, 1u);
}

TEST(HearingOfTooMany, DevicesIsCounted) {
    state::Limits limits;
    limits.devices = 1;
    Daemon daemon(limits);
    daemon.ready();
    daemon.hears_vote(pbx2, "Custom:a", DeviceState::busy);
    daemon.hears_vote(pbx2, "Custom:b", DeviceState::busy);
    EXPECT_EQ(daemon.counters().over_limit, 1u);
    EXPECT_EQ(daemon.counters().states_in, 1u);
}

TEST_F(Hearing, OfMessageCountsFollowsWhetherTheirServerIsThere) {
    tie(pbx2, "server2@fa.test");
    came(asterisk);
    hears({event_item(mailbox_item(pbx2, "100", 2, 5))});
    EXPECT_EQ(counts("100"), (state::MessageCounts{2, 5}));
    gone(asterisk);
    pass(15s);
    EXPECT_EQ(counts("100"), std::nullopt);
    came(asterisk);
    EXPECT_EQ(counts("100"), (state::MessageCounts{2, 5}));
}

TEST_F(Hearing, OfMessageCountsFromAFarRoadToANodeIsIgnored) {
    const auto near = engine.open_sender(Bus::corosync, "near", out.changes);
    engine.announce(*near, {pbx2, "pbx2", 3, {}}, now, out.changes);
    hears({event_item(mailbox_item(pbx2, "100", 2, 5))});
    EXPECT_EQ(counts("100"), std::nullopt);
    EXPECT_EQ(counters().mailboxes_in, 0u);
}

TEST_F(Hearing, OfTwoClientsIsOfOneSenderAnEid) {
    ready(second);
    hears_vote(pbx2, "Custom:a", DeviceState::busy, {}, first);
    hears_vote(pbx2, "Custom:a", DeviceState::inuse, {}, second);
    EXPECT_EQ(vote("Custom:a", pbx2)->state, DeviceState::inuse);
    EXPECT_EQ(votes.eids().size(), 1u);
}

}  // namespace
}  // namespace lamplight::bus::xmpp::test
