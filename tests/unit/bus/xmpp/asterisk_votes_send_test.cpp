// When something is said, and what.
#include "asterisk_votes_world.hpp"

namespace lamplight::bus::xmpp::test {
namespace {

/// One Asterisk on a server where everything can be published, told everything.
struct Greeted : testing::Test, Daemon {
    Greeted() {
        set("Custom:a", DeviceState::busy);
        ready();
        came(asterisk);
        greet();
        told_first = says();
    }
    Said told_first;
};

TEST(AsteriskSending, IsNothingWhileNobodyMayHear) {
    Daemon daemon;
    daemon.ready();
    daemon.set("Custom:a", DeviceState::busy);
    daemon.set_mwi("100", {2, 5});
    daemon.pass(10s);
    EXPECT_FALSE(daemon.votes.has_audience(first));
    EXPECT_EQ(daemon.votes.wants_to_send(first), Wants::nothing);
    EXPECT_EQ(daemon.says(), Said{});
    EXPECT_EQ(daemon.votes.waiting(first), 0u);
    EXPECT_EQ(daemon.votes.next_deadline(), std::nullopt);
}

TEST_F(Greeted, GotADump) {
    EXPECT_EQ(told_first, Said{"Custom:a BUSY"});
    pass(0ms);
    EXPECT_EQ(count(News::Kind::dump_begins), 1u);
    EXPECT_EQ(told(News::Kind::dump_begins), "1");
    EXPECT_EQ(count(News::Kind::dump_ended), 1u);
    EXPECT_EQ(told(News::Kind::dump_ended), "1");
    EXPECT_EQ(counters().published, 1u);
    EXPECT_EQ(votes.wants_to_send(first), Wants::nothing);
    EXPECT_EQ(votes.waiting(first), 0u);
}

TEST(AsteriskSending, BeginsAfterTheDelay) {
    Daemon daemon;
    daemon.set("Custom:a", DeviceState::busy);
    daemon.ready();
    daemon.came(asterisk);
    EXPECT_EQ(daemon.votes.next_deadline(), daemon.now + AsteriskVotes::dump_delay);
    daemon.pass(499ms);
    EXPECT_EQ(daemon.says(), Said{});
    daemon.pass(1ms);
    EXPECT_EQ(daemon.votes.wants_to_send(first), Wants::bulk);
    EXPECT_EQ(daemon.says(), Said{"Custom:a BUSY"});
}

TEST(AsteriskSending, OfAChangeDuringTheDelayIsInTheDump) {
    Daemon daemon;
    daemon.ready();
    daemon.came(asterisk);
    daemon.set("Custom:a", DeviceState::busy);
    EXPECT_EQ(daemon.says(), Said{});
    daemon.greet();
    EXPECT_EQ(daemon.says(), Said{"Custom:a BUSY"});
}

TEST(AsteriskSending, BeginsForAnUntiedOneThatHasBeenHeard) {
    Daemon daemon;
    daemon.set("Custom:a", DeviceState::busy);
    daemon.ready();
    daemon.hears_vote(pbx2, "Custom:z", DeviceState::busy);
    EXPECT_TRUE(daemon.votes.has_audience(first));
    daemon.greet();
    EXPECT_EQ(daemon.says(), Said{"Custom:a BUSY"});
    daemon.hears_vote(pbx2, "Custom:z", DeviceState::inuse);
    daemon.greet();
    EXPECT_EQ(daemon.says(), Said{});
}

TEST(AsteriskSending, DoesNotBeginForATiedOneThatIsNotThere) {
    Daemon daemon;
    daemon.set("Custom:a", DeviceState::busy);
    daemon.ready();
    daemon.tie(pbx2, "server2@fa.test");
    daemon.hears_vote(pbx2, "Custom:z", DeviceState::busy);
    EXPECT_FALSE(daemon.votes.has_audience(first));
}

TEST_F(Greeted, GetsAChangeAtOnceAndABurstAsItsNewest) {
    set("Custom:a", DeviceState::inuse);
    set("Custom:a", DeviceState::not_inuse);
    set("Custom:b", DeviceState::ringing);
    EXPECT_EQ(votes.wants_to_send(first), Wants::fresh);
    EXPECT_EQ(says(), (Said{"Custom:a NOT_INUSE", "Custom:b RINGING"}));
}

TEST_F(Greeted, GetsAWithdrawalAsUnavailable) {
    withdraw("Custom:a");
    EXPECT_EQ(says(), Said{"Custom:a UNAVAILABLE"});
}

TEST_F(Greeted, GetsMessageCountsAndTheirWithdrawalAsNone) {
    set_mwi("100", {2, 5});
    EXPECT_EQ(says(), Said{"100@default 2/5"});
    set_mwi("100", {}, state::VoteKind::withdrawal);
    EXPECT_EQ(says(), Said{"100@default 0/0"});
    set_mwi("100", {3'000'000'000u, 0});
    EXPECT_EQ(says(), Said{"100@default 2147483647/0"});
}

TEST_F(Greeted, IsNotSentVotesOfOthers) {
    hears_vote(pbx3, "Custom:z", DeviceState::busy);
    greet();
    EXPECT_EQ(says(), Said{"Custom:a BUSY"});  // for who was heard first, only ours
}

TEST_F(Greeted, GetsVotesOfEveryOwnNodeEachWithItsEid) {
    const state::NodeId pbx = add_own(eid(9));
    set_of(pbx, "Custom:a", DeviceState::inuse);
    set_of(pbx, "Custom:b", DeviceState::inuse);
    EXPECT_THAT(says(), testing::IsSupersetOf({"Custom:a INUSE of 09", "Custom:b INUSE of 09"}));
    came(second_asterisk);
    greet();
    EXPECT_THAT(says(), testing::UnorderedElementsAre("Custom:a BUSY", "Custom:a INUSE of 09",
                                                      "Custom:b INUSE of 09"));
}

TEST_F(Greeted, GetsANotCachableVoteWithPublishOptions) {
    set("Local/s@lc", DeviceState::inuse, state::Cachable::no);
    const auto taken = take();
    ASSERT_TRUE(taken);
    EXPECT_EQ(text(taken->iq), "Local/s@lc INUSE +options");
    EXPECT_EQ(taken->iq.children[0].children[0].children[0].children[0].value_of("cachable"), "0");
}

TEST_F(Greeted, DoesNotGetANameThatIsTooLongWhichIsSaidOnceADevice) {
    const std::string longest = "Custom:" + std::string(72, 'x');
    set(longest, DeviceState::busy);
    set(longest + "y", DeviceState::busy);
    EXPECT_EQ(says(), Said{longest + " BUSY"});
    set(longest + "y", DeviceState::inuse);
    EXPECT_EQ(says(), Said{});
    pass(0ms);
    ASSERT_EQ(count(News::Kind::name_too_long), 1u);
    EXPECT_EQ(told(News::Kind::name_too_long), longest + "y");
}

TEST_F(Greeted, DoesNotGetANameThatWouldArriveAsAnother) {
    set("Custom:\x01"
        "a",
        DeviceState::busy);
    set("Custom:\xff", DeviceState::busy);
    set_mwi("10@0", {1, 1});
    set_mwi("100", {1, 1}, state::VoteKind::state, "");
    EXPECT_EQ(says(), Said{});
    pass(0ms);
    EXPECT_EQ(count(News::Kind::name_too_long), 4u);
    set("Custom:\xc3\xa4<&", DeviceState::busy);
    EXPECT_EQ(says(), Said{"Custom:\xc3\xa4<& BUSY"});
}

TEST_F(Greeted, OfItsNewsTheNextDeadlineReminds) {
    set(std::string(100, 'x'), DeviceState::busy);
    says();
    ASSERT_TRUE(votes.next_deadline());
    EXPECT_LE(*votes.next_deadline(), now);
    pass(0ms);
    EXPECT_EQ(votes.next_deadline(), std::nullopt);
}

TEST_F(Greeted, WhoComesGetsEverythingOnceMore) {
    came(second_asterisk);
    EXPECT_EQ(says(), Said{});
    greet();
    EXPECT_EQ(says(), Said{"Custom:a BUSY"});
    came(second_asterisk);  // another status, not another server
    greet();
    EXPECT_EQ(says(), Said{});
}

TEST_F(Greeted, WhoComesWhileADumpIsDueGetsOneAfterItsOwnDelay) {
    came(second_asterisk);
    pass(400ms);
    came("third@fa.test/x");
    pass(100ms);
    EXPECT_EQ(says(), Said{"Custom:a BUSY"});
    pass(399ms);
    EXPECT_EQ(says(), Said{});
    pass(1ms);
    EXPECT_EQ(says(), Said{"Custom:a BUSY"});
}

TEST_F(Greeted, WhoComesDuringADumpMakesItGoOnceAround) {
    for (int i = 0; i < 10; ++i)
        set("Custom:" + std::to_string(i), DeviceState::busy);
    says();
    came(second_asterisk);
    greet();
    Said said;
    for (int i = 0; i < 5; ++i)
        said.push_back(say_next());
    came("third@fa.test/x");
    greet();
    const Said rest = says();
    EXPECT_EQ(rest.size(), 11u);
    EXPECT_EQ(std::set<std::string>(rest.begin(), rest.end()).size(), 11u);
    EXPECT_EQ(count(News::Kind::dump_begins), 2u);
}

TEST_F(Greeted, WhenEverybodyIsGoneNothingIsKeptButThatADumpIsDue) {
    set("Custom:a", DeviceState::inuse);
    came(second_asterisk);
    greet();
    gone(second_asterisk);
    EXPECT_TRUE(votes.has_audience(first));
    gone(asterisk);
    EXPECT_FALSE(votes.has_audience(first));
    EXPECT_EQ(votes.wants_to_send(first), Wants::nothing);
    EXPECT_FALSE(votes.take(first, now));
    EXPECT_EQ(votes.waiting(first), 0u);
    set("Custom:b", DeviceState::ringing);
    EXPECT_EQ(votes.waiting(first), 0u);
    came(asterisk);
    greet();
    EXPECT_EQ(says(), (Said{"Custom:a INUSE", "Custom:b RINGING"}));
}

TEST_F(Greeted, EveryFourthStanzaIsTheDumpsWhileChangesWait) {
    std::vector<std::string> names;
    for (int i = 0; i < 40; ++i) {
        names.push_back("Custom:" + std::to_string(i));
        set(names.back(), DeviceState::busy);
    }
    says();
    came(second_asterisk);
    greet();
    for (const std::string& name : names)
        set(name, DeviceState::inuse);
    int fresh = 0;
    int bulk = 0;
    for (int i = 0; i < 20; ++i) {
        const auto taken = take();
        ASSERT_TRUE(taken);
        ++(taken->fresh ? fresh : bulk);
        accept(taken->tag);
    }
    EXPECT_EQ(fresh, 15);
    EXPECT_EQ(bulk, 5);
}

TEST_F(Greeted, OfManyDevicesWithoutAVoteOfOursLooksThroughSomeOnly) {
    for (int i = 0; i < 100'000; ++i)
        ASSERT_TRUE(engine.intern_device("Custom:other" + std::to_string(i), out.changes));
    set("Custom:last", DeviceState::busy);
    says();
    came(second_asterisk);
    greet();
    int empty = 0;
    Said said;
    while (votes.wants_to_send(first) != Wants::nothing) {
        const auto taken = votes.take(first, now);
        empty += !taken;
        if (!taken) continue;
        said.push_back(text(taken->iq));
        accept(taken->tag);
    }
    EXPECT_GT(empty, 4);
    EXPECT_THAT(said, testing::UnorderedElementsAre("Custom:a BUSY", "Custom:last BUSY"));
}

TEST_F(Greeted, OfAnOwnNodeThatIsAddedGetsEverything) {
    const state::NodeId late = engine.add_own_node({eid(9), "pbx9", 7, {}}, now, out.changes);
    const auto device = engine.intern_device("Custom:c", out.changes);
    engine.set_own(late, *device, DeviceState::onhold, state::Cachable::yes, state::Cause::pbx, now,
                   out.changes);
    publish();
    EXPECT_EQ(says(), Said{});
    announcements.push_back({eid(9), "pbx9", 7, {}});
    votes.set_own_nodes(announcements);
    EXPECT_THAT(says(), testing::Contains("Custom:c ONHOLD of 09"));
}

TEST_F(Greeted, OfADeviceThatWasForgottenIsNotMixedUpWithTheNextOne) {
    set(std::string(100, 'x'), DeviceState::busy);
    says();
    const auto taken = take();
    EXPECT_FALSE(taken);
    set("Custom:b", DeviceState::busy);
    const auto under_way = take();
    ASSERT_TRUE(under_way);
    state::Changes changes;
    changes.forgotten.push_back({*engine.find_device("Custom:b"), "Custom:b"});
    changes.forgotten.push_back({*engine.find_device(std::string(100, 'x')), std::string(100, 'x')});
    votes.on_changes(changes);
    lose(under_way->tag);
    EXPECT_EQ(says(), Said{});
    set(std::string(100, 'x'), DeviceState::inuse);
    says();
    pass(0ms);
    EXPECT_EQ(count(News::Kind::name_too_long), 2u);
}

// --- two clients ---

TEST(AsteriskSending, OfTwoClientsIsEachOnItsOwn) {
    Daemon daemon;
    daemon.ready(first);
    daemon.ready(second);
    daemon.came(asterisk, {}, first);
    daemon.came(second_asterisk, {}, second);
    daemon.greet();
    EXPECT_EQ(daemon.says(first), Said{});
    EXPECT_EQ(daemon.says(second), Said{});
    daemon.set("Custom:a", DeviceState::busy);
    EXPECT_EQ(daemon.says(first), Said{"Custom:a BUSY"});
    EXPECT_EQ(daemon.votes.waiting(second), 1u);
    daemon.lost(second);
    daemon.set("Custom:b", DeviceState::busy);
    EXPECT_EQ(daemon.says(first), Said{"Custom:b BUSY"});
    EXPECT_EQ(daemon.says(second), Said{});
    daemon.ready(second);
    daemon.came(second_asterisk, {}, second);
    daemon.greet();
    EXPECT_EQ(daemon.says(second), (Said{"Custom:a BUSY", "Custom:b BUSY"}));
    EXPECT_EQ(daemon.says(first), Said{});
}

// --- streams ---

TEST_F(Greeted, OfAStreamThatIsLostGetsADumpOnTheNext) {
    set("Custom:b", DeviceState::inuse);
    const auto under_way = take();
    ASSERT_TRUE(under_way);
    lost();
    lose(under_way->tag);
    EXPECT_EQ(counters().publish_lost, 1u);
    set("Custom:a", DeviceState::onhold);
    EXPECT_EQ(says(), Said{});
    bound();
    came(asterisk);
    greet();
    EXPECT_EQ(says(), Said{});
    node_ready("device_state");
    EXPECT_EQ(says(), (Said{"Custom:a ONHOLD", "Custom:b INUSE"}));
}

TEST(AsteriskSending, OfADumpToAnUntiedOneComesWithTheNextStream) {
    Daemon daemon;
    daemon.set("Custom:a", DeviceState::busy);
    daemon.ready();
    daemon.hears_vote(pbx2, "Custom:z", DeviceState::busy);
    daemon.lost();
    daemon.ready();
    daemon.greet();
    EXPECT_EQ(daemon.says(), Said{"Custom:a BUSY"});
    daemon.hears_vote(pbx2, "Custom:z", DeviceState::inuse);
    daemon.greet();
    EXPECT_EQ(daemon.says(), Said{});
}

TEST_F(Greeted, OfOtherSettingsOfTheSameServiceGoesOn) {
    bound(first, flat());
    EXPECT_TRUE(votes.has_audience(first));
    set("Custom:a", DeviceState::inuse);
    EXPECT_EQ(says(), Said{"Custom:a INUSE"});
}

TEST_F(Greeted, OfAnotherServiceGetsEverythingThere) {
    bound(first, {.service = "other.fa.test"});
    EXPECT_EQ(says(), Said{});
    node_ready("device_state");
    greet();
    const auto taken = take();
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->iq.value_of("to"), "other.fa.test");
}

// --- goodbye ---

TEST_F(Greeted, AtGoodbyeHearsUnavailableForEveryStandingVoteAndNoMessages) {
    set("Custom:b", DeviceState::inuse);
    set("Custom:gone", DeviceState::inuse);
    set_mwi("100", {2, 5});
    says();
    withdraw("Custom:gone");
    says();
    set("Custom:b", DeviceState::ringing);
    votes.say_goodbye();
    EXPECT_FALSE(votes.said_goodbye());
    EXPECT_EQ(votes.wants_to_send(first), Wants::fresh);
    set("Custom:late", DeviceState::ringing);
    EXPECT_EQ(says(), (Said{"Custom:a UNAVAILABLE", "Custom:b UNAVAILABLE", "Custom:late UNAVAILABLE",
                            "100@default 0/0"}));
    EXPECT_TRUE(votes.said_goodbye());
}

TEST_F(Greeted, AtGoodbyeHearsOfAWithdrawalThatWaited) {
    withdraw("Custom:a");
    votes.say_goodbye();
    EXPECT_EQ(says(), Said{"Custom:a UNAVAILABLE"});
}

TEST_F(Greeted, AtGoodbyeOfWhoIsNotGreetedYetWithdrawalsAreRepeated) {
    withdraw("Custom:a");
    says();
    came(second_asterisk);
    votes.say_goodbye();
    EXPECT_EQ(says(), Said{"Custom:a UNAVAILABLE"});
}

TEST_F(Greeted, GoodbyeIsSaidWhenItIsAnswered) {
    votes.say_goodbye();
    const auto taken = take();
    ASSERT_TRUE(taken);
    EXPECT_TRUE(taken->fresh);
    EXPECT_FALSE(votes.said_goodbye());
    lose(taken->tag);
    EXPECT_FALSE(votes.said_goodbye());
    EXPECT_EQ(says(), Said{"Custom:a UNAVAILABLE"});
    EXPECT_TRUE(votes.said_goodbye());
}

TEST_F(Greeted, GoodbyeIsSaidToNobodyWhenNobodyHearsIt) {
    gone(asterisk);
    votes.say_goodbye();
    EXPECT_TRUE(votes.said_goodbye());
    came(asterisk);
    pass(10s);
    EXPECT_EQ(says(), Said{});
    EXPECT_TRUE(votes.said_goodbye());
}

TEST_F(Greeted, GoodbyeEndsWithTheStream) {
    votes.say_goodbye();
    lost();
    EXPECT_TRUE(votes.said_goodbye());
}

TEST_F(Greeted, GoodbyeEndsAtANodeThatRefusesIt) {
    set("Custom:b", DeviceState::inuse);
    says();
    votes.say_goodbye();
    EXPECT_EQ(refuse_next("item-not-found"), "Custom:a UNAVAILABLE");
    EXPECT_EQ(says(), Said{});
    EXPECT_TRUE(votes.said_goodbye());
    EXPECT_TRUE(refused.empty());
}

}  // namespace
}  // namespace lamplight::bus::xmpp::test
