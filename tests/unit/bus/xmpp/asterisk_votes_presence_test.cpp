// Who is there: EIDs that are tied to a JID, EIDs that are not, and those that turn out to be Lamplights.
#include "asterisk_votes_world.hpp"

namespace lamplight::bus::xmpp::test {
namespace {

using state::Standing;

/// Two clients that are there, and nobody with them.
struct Presence : testing::Test, Daemon {
    Presence() {
        ready(first);
        ready(second);
    }
};

/// An Asterisk whose EID is tied to its JID, and that has voted.
struct Tied : Presence {
    Tied() {
        came(asterisk, pbx2);
        hears_vote(pbx2, "Custom:a", DeviceState::busy);
    }
};

TEST_F(Tied, IsNamedByItsJid) {
    EXPECT_EQ(told(News::Kind::heard_first), "02:00:00:00:00:02 from server2@fa.test");
}

TEST_F(Tied, IsSilentWhenItsLastClientIsGoneAndPresentWhenItIsBack) {
    came(asterisk, pbx2, second);
    gone(asterisk);
    EXPECT_EQ(standing(pbx2), Standing::present);
    gone(asterisk, second);
    EXPECT_EQ(standing(pbx2), Standing::stale);
    EXPECT_TRUE(vote("Custom:a", pbx2)->stale);
    EXPECT_FALSE(votes.eids().front().present);
    came("server2@fa.test/another", pbx2);
    EXPECT_EQ(standing(pbx2), Standing::present);
    EXPECT_FALSE(vote("Custom:a", pbx2)->stale);
    EXPECT_TRUE(votes.eids().front().present);
}

TEST_F(Tied, DoesNotCountAnyMoreWhenItStaysSilent) {
    gone(asterisk);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::busy);
    pass(15s);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::unavailable);
}

TEST_F(Tied, IsOutOfSightWithTheStreamThatItIsSeenOn) {
    lost();
    EXPECT_EQ(standing(pbx2), Standing::stale);
    ready();
    EXPECT_EQ(standing(pbx2), Standing::stale);
    came(asterisk, pbx2);
    EXPECT_EQ(standing(pbx2), Standing::present);
}

TEST_F(Tied, StaysPresentOverTheLossOfOneOfTwoServers) {
    came(asterisk, pbx2, second);
    lost();
    EXPECT_EQ(standing(pbx2), Standing::present);
}

/// On some bus.
bool end_unseen(const state::Engine& engine, const Eid& eid) {
    bool unseen = false;
    engine.for_each_member(*engine.find_node(eid),
                           [&](const state::MemberView& member) { unseen = unseen || member.end_unseen; });
    return unseen;
}

TEST_F(Presence, ThatIsTiedToNobodyEndsUnseenUntilItIsTied) {
    hears_vote(pbx2, "Custom:a", DeviceState::busy);
    EXPECT_TRUE(end_unseen(engine, pbx2));
    tie(pbx2, "server2@fa.test");
    EXPECT_FALSE(end_unseen(engine, pbx2));
}

TEST_F(Tied, DoesNotEndUnseen) {
    EXPECT_FALSE(end_unseen(engine, pbx2));
}

TEST_F(Tied, IsHeardFromItsJidOnlyWhereThePublisherIsNamed) {
    hears_vote(pbx2, "Custom:a", DeviceState::inuse, "server3@fa.test/astvoip3");
    EXPECT_EQ(vote("Custom:a", pbx2)->state, DeviceState::busy);
    EXPECT_EQ(counters().wrong_eid, 1u);
    ASSERT_EQ(count(News::Kind::wrong_eid), 1u);
    EXPECT_THAT(told(News::Kind::wrong_eid), testing::HasSubstr("server2@fa.test"));
    EXPECT_THAT(told(News::Kind::wrong_eid), testing::HasSubstr("server3@fa.test"));
    hears_vote(pbx2, "Custom:a", DeviceState::inuse, "server3@fa.test/astvoip3");
    EXPECT_EQ(count(News::Kind::wrong_eid), 1u);
    hears_vote(pbx2, "Custom:a", DeviceState::ringing, "server2@fa.test");
    EXPECT_EQ(vote("Custom:a", pbx2)->state, DeviceState::ringing);
    hears_vote(pbx2, "Custom:a", DeviceState::onhold);
    EXPECT_EQ(vote("Custom:a", pbx2)->state, DeviceState::onhold);
}

TEST_F(Tied, SpeaksWithNoOtherEid) {
    hears_vote(pbx3, "Custom:a", DeviceState::inuse, "server2@fa.test");
    EXPECT_EQ(vote("Custom:a", pbx3), std::nullopt);
    EXPECT_EQ(counters().wrong_eid, 1u);
    EXPECT_EQ(count(News::Kind::wrong_eid), 1u);
}

TEST_F(Presence, OfTwoServersOnOneAccountIsByTheirResources) {
    const std::vector<Tie> ties{{pbx2, jid("server2@fa.test/astvoip2")},
                                {pbx3, jid("server2@fa.test/other")}};
    votes.set_ties(ties, now, out);
    came("server2@fa.test/astvoip2");
    came("server2@fa.test/other");
    hears_vote(pbx2, "Custom:a", DeviceState::busy, "server2@fa.test/astvoip2");
    hears_vote(pbx3, "Custom:a", DeviceState::inuse, "server2@fa.test");
    hears_vote(pbx3, "Custom:a", DeviceState::ringing, "server2@fa.test/astvoip2");
    EXPECT_EQ(vote("Custom:a", pbx2)->state, DeviceState::busy);
    EXPECT_EQ(vote("Custom:a", pbx3)->state, DeviceState::inuse);
    EXPECT_EQ(counters().wrong_eid, 1u);
    gone("server2@fa.test/astvoip2");
    EXPECT_EQ(standing(pbx2), Standing::stale);
    EXPECT_EQ(standing(pbx3), Standing::present);
}

TEST_F(Presence, OfATieIsKnownBeforeItsJidCame) {
    tie(pbx2, "server2@fa.test");
    hears_vote(pbx2, "Custom:a", DeviceState::inuse, "server3@fa.test");
    EXPECT_EQ(vote("Custom:a", pbx2), std::nullopt);
    EXPECT_EQ(counters().wrong_eid, 1u);
}

TEST_F(Presence, ThatFollowsTheVotesOfAnAsteriskThatLogsInIsWaitedFor) {
    tie(pbx2, "server2@fa.test");
    hears_vote(pbx2, "Custom:a", DeviceState::busy);
    EXPECT_EQ(standing(pbx2), Standing::present);
    pass(4s);
    hears_vote(pbx2, "Custom:b", DeviceState::busy);
    pass(4s);
    EXPECT_EQ(standing(pbx2), Standing::present);
    came(asterisk);
    pass(1h);
    EXPECT_EQ(standing(pbx2), Standing::present);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::busy);
}

TEST_F(Presence, ThatDoesNotFollowLeavesTheVotesOfATiedOneSilent) {
    tie(pbx2, "server2@fa.test");
    hears_vote(pbx2, "Custom:a", DeviceState::busy);
    pass(0ms);
    ASSERT_TRUE(votes.next_deadline());
    EXPECT_EQ(*votes.next_deadline(), now + AsteriskVotes::presence_follows);
    pass(5s);
    EXPECT_EQ(standing(pbx2), Standing::stale);
    pass(0ms);
    EXPECT_EQ(votes.next_deadline(), std::nullopt);
    pass(15s);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::unavailable);
}

TEST_F(Tied, ThatIsGoneIsBelievedAgainForAWhileWhenItVotes) {
    gone(asterisk);
    hears_vote(pbx2, "Custom:a", DeviceState::inuse);
    EXPECT_EQ(standing(pbx2), Standing::present);
    pass(5s);
    EXPECT_EQ(standing(pbx2), Standing::stale);
}

TEST_F(Presence, OfAJidThatIsTiedLaterRulesFromThenOn) {
    hears_vote(pbx2, "Custom:a", DeviceState::busy);
    EXPECT_FALSE(votes.eids().front().tied);
    came(asterisk, pbx2);
    EXPECT_TRUE(votes.eids().front().tied);
    gone(asterisk);
    EXPECT_EQ(standing(pbx2), Standing::stale);
}

TEST_F(Tied, IsUntiedByTheNextConfiguration) {
    votes.set_ties({}, now, out);
    publish();
    gone(asterisk);
    EXPECT_EQ(standing(pbx2), Standing::present);
    EXPECT_FALSE(votes.eids().front().tied);
}

TEST_F(Tied, IsNotHeldForPresentWhenItsTieGoesWithItsBuddy) {
    gone(asterisk);
    votes.set_ties({}, now, out);
    publish();
    EXPECT_EQ(standing(pbx2), Standing::stale);
    pass(15s);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::unavailable);
    hears_vote(pbx2, "Custom:a", DeviceState::ringing);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::ringing) << "who is heard again is there";
}

// --- tied to nobody ---

struct Untied : Presence {
    Untied() { hears_vote(pbx2, "Custom:a", DeviceState::busy); }
};

TEST_F(Untied, StaysPresentWhoeverGoes) {
    came(asterisk);
    gone(asterisk);
    pass(1h);
    EXPECT_EQ(standing(pbx2), Standing::present);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::busy);
}

TEST_F(Untied, IsSilentWhileTheOnlyStreamItWasHeardThroughIsLost) {
    lost();
    EXPECT_EQ(standing(pbx2), Standing::stale);
    EXPECT_TRUE(vote("Custom:a", pbx2)->stale);
    ready();
    EXPECT_EQ(standing(pbx2), Standing::stale);
    hears_vote(pbx2, "Custom:b", DeviceState::ringing);
    EXPECT_EQ(standing(pbx2), Standing::present);
    EXPECT_FALSE(vote("Custom:a", pbx2)->stale);
}

TEST_F(Untied, IsPresentWhileOneOfTheStreamsItWasHeardThroughIsThere) {
    hears_vote(pbx2, "Custom:a", DeviceState::busy, {}, second);
    lost(first);
    EXPECT_EQ(standing(pbx2), Standing::present);
    lost(second);
    EXPECT_EQ(standing(pbx2), Standing::stale);
}

TEST_F(Untied, HeardOnTheOtherStreamIsPresentAgain) {
    lost(first);
    hears_vote(pbx2, "Custom:a", DeviceState::busy, {}, second);
    EXPECT_EQ(standing(pbx2), Standing::present);
}

// --- Lamplights after all ---

TEST_F(Untied, ThatBecomesALamplightGoesOnToCountUntilThatBusSpeaks) {
    become_lamplight(pbx2);
    hears_vote(pbx2, "Custom:a", DeviceState::inuse);
    EXPECT_EQ(counters().from_lamplights, 1u);
    ASSERT_TRUE(votes.next_deadline());
    pass(0ms);
    EXPECT_TRUE(votes.eids().empty());
    EXPECT_EQ(standing(pbx2), Standing::stale);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::busy);
    EXPECT_FALSE(votes.has_audience(first));
}

TEST_F(Untied, ThatIsALamplightElsewhereEndsWithTheLamplight) {
    const auto lamplight = engine.open_sender(Bus::corosync, "lamplight", out.changes);
    engine.announce(*lamplight, {pbx2, "pbx2", 3, {}}, now, out.changes);
    become_lamplight(pbx2);
    publish();
    pass(0ms);
    engine.sender_gone(*lamplight, state::Departure::silent, now, out.changes);
    publish();
    EXPECT_EQ(standing(pbx2), Standing::stale);
}

TEST_F(Untied, ThatIsNoLamplightAnyMoreIsHeardAgain) {
    become_lamplight(pbx2);
    hears_vote(pbx2, "Custom:a", DeviceState::inuse);
    pass(0ms);
    lamplights.clear();
    hears_vote(pbx2, "Custom:a", DeviceState::ringing);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::ringing);
    EXPECT_EQ(standing(pbx2), Standing::present);
}

// --- clients that come and go with their sections ---

struct Reloads : testing::Test, Daemon {
    /// A section under another name: a client of its own each time.
    ClientId comes() {
        const ClientId id{++last};
        ready(id);
        came(asterisk, {}, id);
        return id;
    }
    void is_retired(ClientId id) {
        lost(id);
        votes.client_retired(id, now, out);
        publish();
    }
    std::uint32_t last = 0;
};

TEST_F(Reloads, ThatBringAThousandClientsLeaveNothingOfThemBehind) {
    for (int i = 0; i < 1'000; ++i) {
        const ClientId id = comes();
        hears_vote(pbx2, "Custom:a", i % 2 == 0 ? DeviceState::busy : DeviceState::not_inuse, {}, id);
        EXPECT_EQ(aggregate("Custom:a"), i % 2 == 0 ? DeviceState::busy : DeviceState::not_inuse);
        is_retired(id);
        EXPECT_EQ(standing(pbx2), Standing::stale);
    }
    EXPECT_EQ(votes.clients(), 0U);
    EXPECT_EQ(counters().states_in, 1'000U);
}

TEST_F(Reloads, LeaveTheClientThatStaysWhatItHas) {
    ready(first);
    last = 1;
    hears_vote(pbx2, "Custom:a", DeviceState::busy);
    for (int i = 0; i < 300; ++i) {
        const ClientId id = comes();
        hears_vote(pbx2, "Custom:a", DeviceState::busy, {}, id);
        is_retired(id);
    }
    EXPECT_EQ(standing(pbx2), Standing::present);
    EXPECT_EQ(votes.clients(), 1U);
    EXPECT_TRUE(votes.has_audience(first));
}

TEST_F(Reloads, ReachTheLatestClientAsTheFirst) {
    for (int i = 0; i < 300; ++i)
        is_retired(comes());
    set("Custom:mine", DeviceState::busy);
    const ClientId id = comes();
    greet();
    EXPECT_EQ(says(id), Said{"Custom:mine BUSY"});
}

TEST_F(Reloads, AreNotUndoneByAnAnswerThatComesLate) {
    set("Custom:mine", DeviceState::busy);
    const ClientId id = comes();
    greet();
    const auto taken = take(id);
    ASSERT_TRUE(taken);
    is_retired(id);
    accept(taken->tag, id);
    votes.node_failed(id, "device_state");
    EXPECT_EQ(votes.clients(), 0U);
}

}  // namespace
}  // namespace lamplight::bus::xmpp::test
