#include "world.hpp"

namespace lamplight::bus::plain::test {
namespace {

/// One Asterisk, greeted and told everything.
struct Greeted : testing::Test, Daemon {
    explicit Greeted(const Settings& settings = everything()) : Daemon(settings) {
        set("Custom:a", DeviceState::busy);
        came(asterisk);
        greet();
        first = says();
    }
    Said first;
};

TEST(PlainSending, IsNothingWhileNobodyButLamplightsIsThere) {
    Daemon daemon;
    daemon.set("Custom:a", DeviceState::busy);
    daemon.lamplights({lamplight});
    daemon.came(lamplight);
    daemon.greet();
    daemon.set("Custom:a", DeviceState::inuse);
    EXPECT_FALSE(daemon.exchange.has_strangers());
    EXPECT_FALSE(daemon.exchange.wants_to_send());
    EXPECT_EQ(daemon.says(), Said{});
    EXPECT_EQ(daemon.exchange.waiting(), 0u);
}

TEST_F(Greeted, GotOurDiscoveryAndADump) {
    EXPECT_EQ(first, (Said{"discovery 1 10.0.0.1", "vote Custom:a BUSY"}));
    pass(1ms);
    EXPECT_EQ(count(News::Kind::announced), 1u);
    EXPECT_EQ(count(News::Kind::dump_begins), 1u);
    EXPECT_EQ(count(News::Kind::dump_ended), 1u);
    EXPECT_EQ(news.back().text, "1");
    EXPECT_FALSE(exchange.wants_to_send());
}

TEST(PlainSending, BeginsAfterTheDelayInWhichALamplightIsRecognised) {
    Daemon daemon;
    daemon.set("Custom:a", DeviceState::busy);
    daemon.came(lamplight);
    EXPECT_FALSE(daemon.exchange.wants_to_send());
    ASSERT_TRUE(daemon.exchange.next_deadline());
    EXPECT_EQ(*daemon.exchange.next_deadline(), daemon.now + everything().dump_delay);
    daemon.pass(29ms);
    daemon.lamplights({lamplight});
    daemon.pass(1ms);
    EXPECT_EQ(daemon.says(), Said{});
    EXPECT_EQ(daemon.exchange.next_deadline(), std::nullopt);
}

TEST(PlainSending, OfAChangeDuringTheDelayIsInTheDump) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.pass(10ms);
    daemon.set("Custom:a", DeviceState::busy);
    EXPECT_EQ(daemon.says(), Said{});
    daemon.pass(20ms);
    EXPECT_EQ(daemon.says(), (Said{"discovery 1 10.0.0.1", "vote Custom:a BUSY"}));
}

TEST_F(Greeted, GetsAnOwnChangeAtOnceAndABurstAsItsNewest) {
    set("Custom:a", DeviceState::inuse);
    set("Custom:a", DeviceState::not_inuse);
    set("Custom:b", DeviceState::ringing);
    EXPECT_EQ(says(), (Said{"vote Custom:a NOT_INUSE", "vote Custom:b RINGING"}));
}

TEST_F(Greeted, GetsAWithdrawnVoteAsUnavailable) {
    withdraw("Custom:a");
    EXPECT_EQ(says(), Said{"vote Custom:a UNAVAILABLE"});
}

TEST_F(Greeted, GetsOurVotesAsCachableAsTheyAre) {
    const auto device = engine.intern_device("DAHDI/1", out.changes);
    engine.set_own(node, *device, DeviceState::inuse, state::Cachable::no, state::Cause::pbx, now,
                   out.changes);
    publish();
    const auto taken = take();
    EXPECT_EQ(std::get<event::DeviceStateChange>(*event::decode(taken.bytes)).cachable, state::Cachable::no);
}

TEST_F(Greeted, IsNotSentVotesOfOthers) {
    came(second_asterisk);
    hears_vote(second_asterisk, pbx3, "Custom:z", DeviceState::busy);
    EXPECT_EQ(says(), Said{});
}

TEST_F(Greeted, DoesNotGetANameThatItsWireCannotCarryWhichIsSaidOnceADevice) {
    const std::string longest = "Custom:" + std::string(72, 'x');
    const std::string too_long = longest + "y";
    set(longest, DeviceState::busy);
    set(too_long, DeviceState::busy);
    EXPECT_EQ(says(), Said{"vote " + longest + " BUSY"});
    set(too_long, DeviceState::inuse);
    EXPECT_EQ(says(), Said{});
    pass(1ms);
    EXPECT_EQ(counters().names_too_long, 1u);
    ASSERT_EQ(count(News::Kind::name_too_long), 1u);
    EXPECT_EQ(news.back().text, too_long);
}

TEST_F(Greeted, OfItsNewsTheNextDeadlineReminds) {
    set(std::string(100, 'x'), DeviceState::busy);
    says();
    ASSERT_TRUE(exchange.next_deadline());
    EXPECT_LE(*exchange.next_deadline(), now);
    pass(0ms);
    EXPECT_EQ(exchange.next_deadline(), std::nullopt);
}

TEST_F(Greeted, GetsAPingWhenAsked) {
    exchange.ping();
    EXPECT_EQ(says(), Said{"ping"});
}

TEST(PlainSending, OfAPingIsForLamplightsToo) {
    Daemon daemon;
    daemon.lamplights({lamplight});
    daemon.came(lamplight);
    daemon.exchange.ping();
    daemon.set("Custom:a", DeviceState::inuse);
    EXPECT_EQ(daemon.says(), Said{"ping"});
    EXPECT_FALSE(daemon.exchange.wants_to_send());
}

TEST(PlainSending, OfAPingIsOverWhenTheGroupIsLeft) {
    Daemon daemon;
    daemon.exchange.ping();
    daemon.exchange.disconnected();
    EXPECT_EQ(daemon.says(), Said{});
}

TEST(PlainSending, OfPingsIsSwitchedOffWithThem) {
    Settings settings = everything();
    settings.publish = {false, false, false, false};
    Daemon daemon(settings);
    daemon.set("Custom:a", DeviceState::busy);
    daemon.came(asterisk);
    daemon.greet();
    daemon.exchange.ping();
    daemon.set("Custom:a", DeviceState::inuse);
    daemon.set_mwi("100", {1, 2});
    EXPECT_EQ(daemon.says(), Said{}) << "as everything else is";
}

// --- messages that Corosync lost ---

TEST_F(Greeted, GetsALostVoteAgainInItsNewestState) {
    set("Custom:a", DeviceState::inuse);
    const auto taken = take();
    EXPECT_EQ(exchange.waiting(), 1u);
    set("Custom:a", DeviceState::ringing);
    set("Custom:a", DeviceState::onhold);
    exchange.lost(taken.id);
    EXPECT_EQ(says(), Said{"vote Custom:a ONHOLD"});
    EXPECT_EQ(exchange.waiting(), 0u);
    EXPECT_EQ(counters().lost, 1u);
}

TEST_F(Greeted, GetsLostWordsAndCountsAgain) {
    exchange.ping();
    exchange.lost(take().id);
    EXPECT_EQ(says(), Said{"ping"});
    set_mwi("100", {1, 2});
    exchange.lost(take().id);
    EXPECT_EQ(says(), Said{"mwi 100@default 1/2"});
}

TEST(PlainSending, OfALostDiscoveryIsRepeatedUntilItIsDelivered) {
    Daemon daemon;
    daemon.came(asterisk);
    daemon.greet();
    const auto first = daemon.take();
    EXPECT_FALSE(daemon.exchange.wants_to_send() && !daemon.take().bytes.empty()) << "one is under way";
    daemon.exchange.lost(first.id);
    EXPECT_EQ(daemon.says(), Said{"discovery 1 10.0.0.1"});
}

TEST_F(Greeted, CountsAsReachedOnlyByWhatIsDelivered) {
    const std::uint64_t before = counters().votes_out;
    set("Custom:a", DeviceState::inuse);
    const auto taken = take();
    EXPECT_EQ(counters().votes_out, before);
    exchange.delivered(taken.id);
    EXPECT_EQ(counters().votes_out, before + 1);
    exchange.delivered(taken.id);
    exchange.lost(taken.id);
    exchange.lost(MessageId{4711});
    EXPECT_EQ(counters().votes_out, before + 1) << "once";
    EXPECT_FALSE(exchange.wants_to_send());
}

TEST_F(Greeted, IsGreetedAnewAfterOurConnectionWasLost) {
    set("Custom:b", DeviceState::busy);
    const auto taken = take();
    gone(asterisk, Departure::silent);
    exchange.lost(taken.id);
    exchange.disconnected();
    EXPECT_EQ(exchange.waiting(), 0u);
    EXPECT_FALSE(exchange.wants_to_send());
    returned(asterisk);
    greet();
    EXPECT_EQ(says(), (Said{"discovery 1 10.0.0.1", "vote Custom:a BUSY", "vote Custom:b BUSY"}));
}

// --- discovery ---

TEST_F(Greeted, IsAnsweredWhenItAnnouncesItselfButNotAgain) {
    came(second_asterisk);
    announces(second_asterisk, pbx3);
    EXPECT_EQ(says(), Said{"discovery 1 10.0.0.1"});
    announces(second_asterisk, pbx3);
    announces(asterisk, pbx2);
    announces(asterisk, pbx2);
    EXPECT_EQ(says(), Said{}) << "no ping-pong: both have ours";
    greet();
    EXPECT_EQ(says(), Said{"vote Custom:a BUSY"}) << "it has it already";
}

TEST_F(Greeted, GetsTheDiscoveryAgainAfterAMerge) {
    announces(asterisk, pbx2);
    gone(asterisk, Departure::silent);
    pass(1s);
    returned(asterisk);
    greet();
    EXPECT_EQ(says(), (Said{"discovery 1 10.0.0.1", "vote Custom:a BUSY"}));
    announces(asterisk, pbx2);
    EXPECT_EQ(says(), Said{});
}

TEST(PlainDiscoveryOut, IsNotSaidWithoutAnAddressAndLaterWithOne) {
    Daemon daemon;
    daemon.exchange.set_self(self, "");
    daemon.came(asterisk);
    daemon.greet();
    EXPECT_EQ(daemon.says(), Said{});
    EXPECT_FALSE(daemon.exchange.wants_to_send());
    daemon.exchange.set_self(self, "fd00::7");
    EXPECT_EQ(daemon.says(), Said{"discovery 1 fd00::7"});
}

TEST_F(Greeted, OnOurOwnCorosyncNodeIsToldTheOperatorAndGetsNoDiscovery) {
    came(beside_us);
    announces(beside_us, pbx3);
    greet();
    EXPECT_EQ(says(), Said{"vote Custom:a BUSY"});
    ASSERT_EQ(count(News::Kind::shared_node), 1u);
    EXPECT_EQ(count(News::Kind::shared_node_over), 0u);
    gone(beside_us, Departure::failed);
    EXPECT_EQ(count(News::Kind::shared_node_over), 1u);
    EXPECT_EQ(says(), (Said{"discovery 1 10.0.0.1", "vote Custom:a BUSY"}))
        << "the others may have dropped what they had of this node";
    came(beside_us);
    greet();
    EXPECT_EQ(count(News::Kind::shared_node), 2u) << "once an appearance";
}

TEST_F(Greeted, OnOurOwnCorosyncNodeIsToldOnceOfMany) {
    constexpr ring::Member second_beside_us{1, 778};
    came(beside_us);
    came(second_beside_us);
    greet();
    EXPECT_EQ(count(News::Kind::shared_node), 1u);
    gone(beside_us, Departure::failed);
    EXPECT_EQ(count(News::Kind::shared_node_over), 0u) << "one is still there";
    gone(second_beside_us, Departure::failed);
    EXPECT_EQ(count(News::Kind::shared_node_over), 1u);
}

TEST(PlainSharedNode, IsNoNewsOfALamplight) {
    Daemon daemon;
    daemon.lamplights({beside_us});
    daemon.came(beside_us);
    daemon.greet();
    daemon.gone(beside_us, Departure::left);
    EXPECT_EQ(daemon.count(News::Kind::shared_node), 0u);
    EXPECT_EQ(daemon.count(News::Kind::shared_node_over), 0u);
}

// --- the dump ---

struct ManyVotes : testing::Test, Daemon {
    ManyVotes() {
        exchange.set_self(self, "");
        for (int i = 0; i < devices; ++i)
            set(name(i), DeviceState::busy);
        came(asterisk);
        greet();
    }
    static std::string name(int i) { return "Custom:" + std::to_string(100 + i); }
    static std::string busy(int i) { return "vote " + name(i) + " BUSY"; }
    Said all() const {
        Said said;
        for (int i = 0; i < devices; ++i)
            said.push_back(busy(i));
        return said;
    }
    Said take_some(int messages) {
        Said said;
        for (int i = 0; i < messages; ++i)
            said.push_back(take_text());
        return said;
    }
    static constexpr int devices = 20;
};

TEST_F(ManyVotes, AreDumpedOnce) {
    EXPECT_GE(exchange.waiting(), 20u);
    EXPECT_EQ(says_in_some_order(), all());
    EXPECT_EQ(exchange.waiting(), 0u);
}

TEST_F(ManyVotes, AreDumpedOnceForSeveralThatComeTogether) {
    came(second_asterisk);
    came({5, 500});
    says();
    greet();
    EXPECT_EQ(says_in_some_order(), all());
}

TEST_F(ManyVotes, AreDumpedToASecondJoinerFromWhereTheDumpStandsOnceAround) {
    const Said before = take_some(15);
    came(second_asterisk);
    greet();
    Said after = says();
    EXPECT_EQ(after.front(), busy(14)) << "no restart: it goes on with the device where it stands";
    std::sort(after.begin(), after.end());
    EXPECT_EQ(after, all());
}

TEST_F(ManyVotes, LetChangesGoAheadButDoNotStop) {
    take_some(2);
    int dumped = 0;
    for (int i = 0; i < 40; ++i) {
        set("Custom:change", i % 2 == 0 ? DeviceState::inuse : DeviceState::ringing);
        dumped += take_text().find("Custom:change") == std::string::npos;
    }
    EXPECT_GE(dumped, 8);
    EXPECT_LE(dumped, 12);
    says();
    EXPECT_FALSE(exchange.wants_to_send());
}

TEST_F(ManyVotes, ThatChangeBehindTheDumpAreSaidAgain) {
    take_some(10);
    set(name(3), DeviceState::ringing);
    set(name(15), DeviceState::ringing);
    const Said rest = says();
    EXPECT_NE(std::find(rest.begin(), rest.end(), "vote " + name(3) + " RINGING"), rest.end());
    EXPECT_NE(std::find(rest.begin(), rest.end(), "vote " + name(15) + " RINGING"), rest.end());
    EXPECT_EQ(std::find(rest.begin(), rest.end(), busy(15)), rest.end());
}

TEST_F(ManyVotes, OfWhichOneOfTheDumpIsLostAreComplete) {
    const auto taken = take();
    Said rest = take_some(5);
    exchange.lost(taken.id);
    const Said more = says();
    rest.insert(rest.end(), more.begin(), more.end());
    std::sort(rest.begin(), rest.end());
    EXPECT_EQ(rest, all());
}

TEST_F(ManyVotes, AreNotSaidAnyMoreWhenTheLastAsteriskIsGone) {
    take_some(5);
    gone(asterisk, Departure::failed);
    EXPECT_FALSE(exchange.wants_to_send());
    Message room(event::max_event_bytes);
    EXPECT_EQ(exchange.take(room).bytes, 0u);
    EXPECT_EQ(exchange.waiting(), 0u);
}

TEST_F(ManyVotes, ThatWereWithdrawnWhileSomebodyWasSilentAreInItsDump) {
    says();
    gone(asterisk, Departure::silent);
    withdraw(name(4));
    returned(asterisk);
    greet();
    const Said said = says();
    EXPECT_NE(std::find(said.begin(), said.end(), "vote " + name(4) + " UNAVAILABLE"), said.end());
}

TEST_F(ManyVotes, OfTwoOwnNodesAreDumpedBoth) {
    const state::Announcement pbx{eid(9), "pbx", 3, state::Announcement::Speaks::for_pbx};
    const state::NodeId second = engine.add_own_node(pbx, now, out.changes);
    exchange.set_own_nodes({{pbx}});
    engine.set_own(second, *engine.find_device(name(0)), DeviceState::inuse, state::Cachable::yes,
                   state::Cause::pbx, now, out.changes);
    publish();
    EXPECT_EQ(says().size(), 22u) << "the change, and the dump";
    came(second_asterisk);
    greet();
    const Said said = says();
    EXPECT_EQ(said.size(), 21u);
    EXPECT_NE(std::find(said.begin(), said.end(), "vote " + name(0) + " INUSE of 9"), said.end());
}

// --- message counts ---

TEST_F(Greeted, GetsOurMessageCounts) {
    set_mwi("100", {1, 2});
    set_mwi("100", {3, 4});
    EXPECT_EQ(says(), Said{"mwi 100@default 3/4"});
    set_mwi("100", {}, state::VoteKind::withdrawal);
    EXPECT_EQ(says(), Said{"mwi 100@default 0/0"});
    EXPECT_EQ(counters().mwi_out, 2u);
}

TEST_F(Greeted, GetsOurMessageCountsInTheDump) {
    set_mwi("100", {1, 2});
    set_mwi("200", {3, 4});
    says();
    came(second_asterisk);
    greet();
    EXPECT_EQ(says(), (Said{"discovery 1 10.0.0.1", "vote Custom:a BUSY", "mwi 100@default 1/2",
                            "mwi 200@default 3/4"}));
}

// --- settings ---

TEST(PlainSettings, ThatPublishMoreBringADumpOfIt) {
    Settings settings = everything();
    settings.publish = {};
    settings.publish.cluster_discovery = false;
    Daemon daemon(settings);
    daemon.set("Custom:a", DeviceState::busy);
    daemon.set_mwi("100", {1, 2});
    daemon.came(asterisk);
    daemon.greet();
    EXPECT_EQ(daemon.says(), Said{});
    settings.publish.device_state = true;
    daemon.exchange.configure(settings);
    EXPECT_EQ(daemon.says(), Said{"vote Custom:a BUSY"});
    settings.publish.mwi = true;
    daemon.exchange.configure(settings);
    EXPECT_EQ(daemon.says(), Said{"mwi 100@default 1/2"});
    settings.publish.cluster_discovery = true;
    daemon.exchange.configure(settings);
    EXPECT_EQ(daemon.says(), Said{"discovery 1 10.0.0.1"});
    daemon.exchange.configure(settings);
    EXPECT_EQ(daemon.says(), Said{});
}

TEST_F(Greeted, GetsEverythingAgainWithAnotherHash) {
    Settings settings = everything();
    settings.dialect.hash = event::HashRule::legacy;
    exchange.configure(settings);
    EXPECT_EQ(says(), Said{"vote Custom:a BUSY"});
}

// --- goodbye ---

TEST_F(Greeted, GetsEveryVoteTakenBackByAGoodbyeAndNothingMore) {
    set("Custom:b", DeviceState::inuse);
    set("Custom:c", DeviceState::inuse);
    set_mwi("100", {1, 2});
    says();
    withdraw("Custom:c");
    says();
    set("Custom:b", DeviceState::ringing);
    exchange.ping();
    exchange.say_goodbye();
    EXPECT_FALSE(exchange.said_goodbye());
    EXPECT_EQ(says(),
              (Said{"vote Custom:a UNAVAILABLE", "vote Custom:b UNAVAILABLE", "mwi 100@default 0/0"}));
    EXPECT_TRUE(exchange.said_goodbye());
    set("Custom:a", DeviceState::inuse);
    exchange.ping();
    came(second_asterisk);
    greet();
    EXPECT_EQ(says(), Said{});
}

TEST_F(Greeted, HasHeardTheGoodbyeOnlyWhenItIsDelivered) {
    exchange.say_goodbye();
    const auto taken = take();
    EXPECT_TRUE(take().bytes.empty());
    EXPECT_FALSE(exchange.said_goodbye());
    exchange.lost(taken.id);
    const auto again = take();
    EXPECT_EQ(text(*event::decode(again.bytes)), "vote Custom:a UNAVAILABLE");
    exchange.delivered(again.id);
    take();
    EXPECT_TRUE(exchange.said_goodbye());
}

TEST_F(Greeted, HearsInTheGoodbyeOfAWithdrawalThatWasWaiting) {
    withdraw("Custom:a");
    exchange.say_goodbye();
    EXPECT_EQ(says(), Said{"vote Custom:a UNAVAILABLE"});
    EXPECT_TRUE(exchange.said_goodbye());
}

TEST_F(Greeted, HearsInTheGoodbyeOfWithdrawalsItMissed) {
    gone(asterisk, Departure::silent);
    withdraw("Custom:a");
    returned(asterisk);
    exchange.say_goodbye();
    EXPECT_EQ(says(), Said{"vote Custom:a UNAVAILABLE"});
}

TEST(PlainGoodbye, IsSaidAtOnceWhenNobodyListens) {
    Daemon daemon;
    daemon.set("Custom:a", DeviceState::busy);
    EXPECT_FALSE(daemon.exchange.said_goodbye());
    daemon.exchange.say_goodbye();
    EXPECT_TRUE(daemon.exchange.said_goodbye());
}

TEST_F(Greeted, WhoIsGoneDuringTheGoodbyeDoesNotHoldItUp) {
    exchange.say_goodbye();
    gone(asterisk, Departure::failed);
    EXPECT_TRUE(exchange.said_goodbye());
}

// --- others' states, which real Asterisks drop by the Corosync node alone ---

/// An Asterisk that shares its Corosync node with another process, and one that listens.
struct SharedElsewhere : testing::Test, Daemon {
    SharedElsewhere() {
        exchange.set_self(self, "10.0.0.1");
        came(second_asterisk);
        came(asterisk);
        came(beside);
        announces(asterisk, pbx2);
        greet();
        hears_vote(asterisk, pbx2, "Custom:a", DeviceState::busy);
        hears_vote(asterisk, pbx2, "Custom:b", DeviceState::inuse);
        hears(asterisk, event::Mwi{"100", "default", {1, 2}, pbx2});
        says();
    }
    static constexpr Member beside{asterisk.node_id, 201};
    const Said healing{"discovery 2 10.0.0.2 of 2", "vote Custom:a BUSY of 2", "vote Custom:b INUSE of 2",
                       "mwi 100@default 1/2 of 2"};
};

TEST_F(SharedElsewhere, IsSaidAgainOnBehalfOfTheOneThatStays) {
    gone(beside, Departure::failed);
    EXPECT_EQ(says(), healing);
    EXPECT_FALSE(exchange.wants_to_send());
}

TEST(PlainSharedNode, IsHealedAlsoWhenNobodyIsGreetedYet) {
    Daemon daemon;
    daemon.came(second_asterisk);
    daemon.came(asterisk);
    daemon.came({asterisk.node_id, 201});
    daemon.announces(asterisk, pbx2);
    daemon.hears_vote(asterisk, pbx2, "Custom:a", DeviceState::busy);
    daemon.gone({asterisk.node_id, 201}, Departure::failed);
    EXPECT_EQ(daemon.says(), Said{}) << "not yet";
    daemon.greet();
    const Said said = daemon.says();
    EXPECT_NE(std::find(said.begin(), said.end(), "vote Custom:a BUSY of 2"), said.end());
}

TEST_F(SharedElsewhere, IsSaidAgainWhoeverLeaves) {
    lamplights({beside});
    gone(beside, Departure::left);
    EXPECT_EQ(says(), healing);
}

TEST_F(SharedElsewhere, IsSaidAgainByTheLowestLamplightOnly) {
    exchange.set_self({5, 100}, "10.0.0.5");
    lamplights({lamplight});
    came(lamplight);
    gone(beside, Departure::failed);
    EXPECT_EQ(says(), Said{});
    came(beside);
    greet();
    says();
    gone(lamplight, Departure::failed);
    gone(beside, Departure::failed);
    EXPECT_EQ(says(), healing) << "now we are the lowest";
}

TEST_F(SharedElsewhere, IsNotSaidOfWhoNeverAnnouncedItself) {
    came({3, 301});
    hears_vote(second_asterisk, pbx3, "Custom:c", DeviceState::busy);
    greet();
    says();
    gone({3, 301}, Departure::failed);
    EXPECT_EQ(says(), Said{});
}

TEST_F(SharedElsewhere, IsNotSaidWhenTheWholeNodeIsGone) {
    gone(beside, Departure::silent);
    gone(asterisk, Departure::silent);
    EXPECT_EQ(says(), Said{});
}

TEST_F(SharedElsewhere, IsSaidAgainWhenItWasLost) {
    gone(beside, Departure::failed);
    Said said;
    for (std::size_t i = 0; i < healing.size(); ++i) {
        const auto taken = take();
        exchange.lost(taken.id);
    }
    said = says_in_some_order();
    Said expected = healing;
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(said, expected);
}

TEST_F(SharedElsewhere, IsSaidOnceMoreWhenItsOwnerSpokeMeanwhile) {
    gone(beside, Departure::failed);
    const auto discovery = take();
    const auto repeated = take();
    ASSERT_EQ(text(*event::decode(repeated.bytes)), "vote Custom:a BUSY of 2");
    hears_vote(asterisk, pbx2, "Custom:a", DeviceState::not_inuse);
    exchange.delivered(discovery.id);
    exchange.delivered(repeated.id);  // the others believe BUSY now, after NOT_INUSE
    const Said rest = says();
    EXPECT_NE(std::find(rest.begin(), rest.end(), "vote Custom:a NOT_INUSE of 2"), rest.end());
}

TEST_F(SharedElsewhere, IsSaidOnceMoreAlsoWhenForAMomentNobodyListened) {
    gone(beside, Departure::failed);
    const auto discovery = take();
    const auto repeated = take();
    gone(second_asterisk, Departure::failed);
    gone(asterisk, Departure::failed);
    const Member again{asterisk.node_id, 202};
    came(second_asterisk);
    came(again);
    announces(again, pbx2);
    hears_vote(again, pbx2, "Custom:a", DeviceState::not_inuse);
    exchange.delivered(discovery.id);
    exchange.delivered(repeated.id);
    greet();
    const Said said = says();
    EXPECT_NE(std::find(said.begin(), said.end(), "vote Custom:a NOT_INUSE of 2"), said.end());
}

TEST_F(SharedElsewhere, IsTakenBackWhenItsOwnerProvesToHaveGoneMeanwhile) {
    gone(beside, Departure::failed);
    says();
    pass(100ms);
    gone(asterisk, Departure::failed);
    EXPECT_EQ(says(), (Said{"vote Custom:a UNAVAILABLE of 2", "vote Custom:b UNAVAILABLE of 2",
                            "mwi 100@default 0/0 of 2"}));
}

TEST_F(SharedElsewhere, IsLeftToTheOthersWhenItsOwnerGoesLater) {
    gone(beside, Departure::failed);
    says();
    pass(1s);
    gone(asterisk, Departure::failed);
    EXPECT_EQ(says(), Said{});
}

}  // namespace
}  // namespace lamplight::bus::plain::test
