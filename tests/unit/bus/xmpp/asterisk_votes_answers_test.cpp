// What becomes of publishes that are refused or lost, and the leaves of collections.
#include "asterisk_votes_world.hpp"

namespace lamplight::bus::xmpp::test {
namespace {

/// One Asterisk on a server where everything can be published, told everything.
struct Answers : testing::Test, Daemon {
    Answers() {
        ready();
        came(asterisk);
        greet();
        says();
    }
    /// The node has taken something.
    void prove() {
        set("Custom:proof", DeviceState::busy);
        says();
    }
};

TEST_F(Answers, ThatAreLostMakeTheVoteWaitAgain) {
    set("Custom:a", DeviceState::busy);
    set_mwi("100", {2, 5});
    for (int i = 0; i < 2; ++i) {
        const auto taken = take();
        ASSERT_TRUE(taken);
        lose(taken->tag);
    }
    EXPECT_EQ(counters().publish_lost, 2u);
    EXPECT_THAT(says(), testing::UnorderedElementsAre("Custom:a BUSY", "100@default 2/5"));
}

TEST_F(Answers, ThatAreLostBringTheNewestVote) {
    set("Custom:a", DeviceState::busy);
    const auto taken = take();
    set("Custom:a", DeviceState::inuse);
    lose(taken->tag);
    EXPECT_EQ(says(), Said{"Custom:a INUSE"});
}

TEST_F(Answers, ToNothingOfOursAreIgnored) {
    accept(4711);
    lose(4711);
    refuse(4711, error("forbidden"));
    set("Custom:a", DeviceState::busy);
    const auto taken = take();
    accept(taken->tag);
    lose(taken->tag);
    EXPECT_EQ(says(), Said{});
    EXPECT_EQ(counters().published, 1u);
    EXPECT_EQ(counters().publish_refused, 0u);
}

TEST_F(Answers, ThatRefuseAreForNodesAndNothingGoesBeforeTheNodeIsReadyAgain) {
    set("Custom:a", DeviceState::busy);
    EXPECT_EQ(refuse_next("item-not-found"), "Custom:a BUSY");
    EXPECT_EQ(counters().publish_refused, 1u);
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_EQ(refused[0].client, first);
    EXPECT_EQ(refused[0].node, "device_state");
    EXPECT_TRUE(pubsub::parse_error(refused[0].error).is("item-not-found"));
    set("Custom:a", DeviceState::inuse);
    set("Custom:b", DeviceState::busy);
    EXPECT_EQ(votes.wants_to_send(first), Wants::nothing);
    pass(1h);
    EXPECT_EQ(votes.wants_to_send(first), Wants::nothing);
    set_mwi("100", {2, 5});
    EXPECT_EQ(says(), Said{"100@default 2/5"});  // another node
    node_ready("device_state");
    EXPECT_THAT(says(), testing::UnorderedElementsAre("Custom:a INUSE", "Custom:b BUSY"));
}

TEST_F(Answers, ThatRefuseMessageCountsWaitForTheirNode) {
    set_mwi("100", {2, 5});
    EXPECT_EQ(refuse_next("item-not-found"), "100@default 2/5");
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_EQ(refused[0].node, "message_waiting");
    EXPECT_EQ(says(), Said{});
    node_ready("message_waiting");
    EXPECT_EQ(says(), Said{"100@default 2/5"});
}

TEST_F(Answers, ThatRefuseWhatWasUnderWayTogetherAreToldOnce) {
    for (const char* device : {"Custom:a", "Custom:b", "Custom:c"})
        set(device, DeviceState::busy);
    const auto a = take();
    const auto b = take();
    const auto c = take();
    refuse(a->tag, error("item-not-found"));
    refuse(b->tag, error("item-not-found"));
    node_ready("device_state");
    refuse(c->tag, error("item-not-found"));  // it went before the node was made
    EXPECT_EQ(refused.size(), 1u);
    EXPECT_THAT(says(), testing::UnorderedElementsAre("Custom:a BUSY", "Custom:b BUSY", "Custom:c BUSY"));
}

TEST_F(Answers, ThatRefuseAgainAndAgainAreToldWithGrowingPauses) {
    set("Custom:a", DeviceState::busy);
    std::vector<state::Duration> pauses;
    state::Time told_at = now;
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(refuse_next("item-not-found"), "Custom:a BUSY");
        const std::size_t before = refused.size();
        EXPECT_TRUE(i > 0 || before == 1u);
        while (i > 0 && refused.size() == before) {
            ASSERT_TRUE(votes.next_deadline());
            pass(std::max<state::Duration>(*votes.next_deadline() - now, 1ms));
        }
        pauses.push_back(now - told_at);
        told_at = now;
        node_ready("device_state");
    }
    EXPECT_EQ(pauses, (std::vector<state::Duration>{0s, 1s, 2s, 4s, 8s, 16s, 32s, 60s}));
    EXPECT_EQ(says(), Said{"Custom:a BUSY"});
    set("Custom:a", DeviceState::inuse);
    refuse_next("item-not-found");
    EXPECT_EQ(refused.size(), 9u);  // it was well meanwhile: at once
}

TEST_F(Answers, OfNodesThatItCannotBeUsedStopEverything) {
    set("Custom:a", DeviceState::busy);
    votes.node_failed(first, "device_state");
    EXPECT_EQ(votes.wants_to_send(first), Wants::nothing);
    votes.node_failed(first, "message_waiting");
    set_mwi("100", {2, 5});
    EXPECT_EQ(votes.wants_to_send(first), Wants::nothing);
    EXPECT_EQ(votes.waiting(first), 2u);
    node_ready("message_waiting");
    EXPECT_EQ(says(), Said{"100@default 2/5"});
}

// --- publish-options ---

TEST_F(Answers, ThatRefusePublishOptionsMakeTheNextOnesGoWithoutAndNoVoteIsLost) {
    set("Local/a", DeviceState::inuse, state::Cachable::no);
    set("Local/b", DeviceState::inuse, state::Cachable::no);
    EXPECT_EQ(refuse_next("conflict", "precondition-not-met"), "Local/a INUSE +options");
    EXPECT_TRUE(refused.empty());
    EXPECT_EQ(says(), (Said{"Local/b INUSE", "Local/a INUSE"}));
    set("Local/a", DeviceState::not_inuse, state::Cachable::no);
    EXPECT_EQ(says(), Said{"Local/a NOT_INUSE"});
}

TEST_F(Answers, ThatRefusePublishOptionsAsTigase8DoesAreUnderstood) {
    set("Local/a", DeviceState::inuse, state::Cachable::no);
    EXPECT_EQ(refuse_next("conflict"), "Local/a INUSE +options");
    EXPECT_EQ(says(), Said{"Local/a INUSE"});
}

TEST_F(Answers, ThatRefuseTheSameWithoutOptionsAreAboutTheItem) {
    set("Local/a", DeviceState::inuse, state::Cachable::no);
    refuse_next("bad-request");
    EXPECT_EQ(refuse_next("bad-request"), "Local/a INUSE");
    EXPECT_EQ(says(), Said{});
}

TEST_F(Answers, ThatForbidAreNotAboutPublishOptions) {
    set("Local/a", DeviceState::inuse, state::Cachable::no);
    refuse_next("forbidden");
    EXPECT_EQ(refused.size(), 1u);
    node_ready("device_state");
    EXPECT_EQ(says(), Said{"Local/a INUSE +options"});
}

TEST_F(Answers, OnTheNextStreamPublishOptionsAreTriedAgain) {
    set("Local/a", DeviceState::inuse, state::Cachable::no);
    refuse_next("conflict");
    says();
    lost();
    ready();
    came(asterisk);
    greet();
    EXPECT_EQ(says(), Said{"Local/a INUSE +options"});
}

// --- one item ---

TEST_F(Answers, ThatForbidOneItemAmongOthersHoldNothingElseUp) {
    prove();
    set("Custom:theirs", DeviceState::busy);
    set("Custom:ours", DeviceState::busy);
    EXPECT_EQ(refuse_next("forbidden"), "Custom:theirs BUSY");
    EXPECT_EQ(says(), Said{"Custom:ours BUSY"});
    EXPECT_EQ(votes.waiting(first), 1u);
    EXPECT_EQ(refused.size(), 1u);
    set("Custom:theirs", DeviceState::inuse);
    EXPECT_EQ(refuse_next("forbidden"), "Custom:theirs INUSE");
    EXPECT_EQ(refused.size(), 1u);  // Nodes was told a moment ago
    pass(60s);
    set("Custom:theirs", DeviceState::ringing);
    refuse_next("forbidden");
    EXPECT_EQ(refused.size(), 2u);
}

TEST_F(Answers, ThatForbidOneItemMakeItWaitForItsNextChangeOrTheNode) {
    prove();
    set("Custom:theirs", DeviceState::busy);
    set_mwi("100", {1, 1});
    EXPECT_THAT(refuse_next("forbidden"), testing::AnyOf("Custom:theirs BUSY", "100@default 1/1"));
    node_ready("message_waiting");
    node_ready("device_state");
    EXPECT_THAT(says(), testing::UnorderedElementsAre("Custom:theirs BUSY", "100@default 1/1"));
    EXPECT_EQ(votes.waiting(first), 0u);
}

TEST_F(Answers, ThatForbidTheFirstOfAllAreAboutTheNode) {
    set("Custom:a", DeviceState::busy);
    set("Custom:b", DeviceState::busy);
    refuse_next("forbidden");
    EXPECT_EQ(says(), Said{});
}

TEST_F(Answers, ThatForbidOneAfterTheOtherAreAboutTheNode) {
    prove();
    for (int i = 0; i < 20; ++i)
        set("Custom:" + std::to_string(i), DeviceState::busy);
    int sent = 0;
    while (!refuse_next("forbidden").empty())
        ++sent;
    EXPECT_EQ(sent, 8);
    node_ready("device_state");
    EXPECT_EQ(says().size(), 20u);
}

TEST_F(Answers, ThatForbidManyItemsDelayTheOthersByAMomentOnly) {
    prove();
    for (int i = 0; i < 20; ++i)
        set("Custom:theirs" + std::to_string(i), DeviceState::busy);
    set("Custom:ours", DeviceState::busy);
    const state::Time start = now;
    std::vector<std::string> accepted;
    for (int i = 0; i < 200 && accepted.empty(); ++i) {
        if (votes.wants_to_send(first) == Wants::nothing) pass(100ms);
        for (const auto& one : std::exchange(refused, {}))
            node_ready(one.node);  // as Nodes, that finds nothing wrong
        const auto taken = take();
        if (!taken) continue;
        if (text(taken->iq) == "Custom:ours BUSY") {
            accepted.push_back("ours");
            accept(taken->tag);
        } else {
            refuse(taken->tag, error("forbidden"));
        }
    }
    EXPECT_EQ(accepted.size(), 1u);
    EXPECT_LE(now - start, 4s);
}

TEST_F(Answers, ThatForbidAnItemAgainAndAgainAreNotAskedForAgainAtOnce) {
    prove();
    set("Custom:theirs", DeviceState::busy);
    refuse_next("forbidden");
    node_ready("device_state");
    EXPECT_EQ(refuse_next("forbidden"), "Custom:theirs BUSY");
    node_ready("device_state");
    EXPECT_EQ(says(), Said{});
    ASSERT_TRUE(votes.next_deadline());
    EXPECT_EQ(*votes.next_deadline(), now + 60s);
    pass(60s);
    EXPECT_EQ(says(), Said{"Custom:theirs BUSY"});
}

// --- collections ---

struct Leaves : testing::Test, Daemon {
    void greeted(const AsteriskVotes::ClientSettings& settings) {
        ready(first, settings);
        came(asterisk);
        greet();
    }
    std::vector<std::string> wanted() {
        pass(0ms);
        std::vector<std::string> names;
        for (const auto& leaf : leaves)
            names.push_back(leaf.device + " of " + std::string(leaf.collection));
        leaves.clear();
        return names;
    }
    void node_failed(const std::string& name) { votes.node_failed(first, name); }
};

TEST_F(Leaves, AreWhereEachDeviceAndMailboxIsPublished) {
    set("Custom:a", DeviceState::busy);
    set_mwi("100", {2, 5});
    greeted(collection());
    EXPECT_EQ(says(), (Said{"Custom:a BUSY in Custom:a", "100@default 2/5 in 100@default"}));
    EXPECT_EQ(wanted(), Said{});
}

TEST_F(Leaves, AreWantedWhenTheyAreNotFound) {
    set("Custom:a", DeviceState::busy);
    greeted(collection());
    EXPECT_EQ(refuse_next("item-not-found"), "Custom:a BUSY in Custom:a");
    ASSERT_EQ(refused.size(), 1u);  // who believes that it is there learns better
    EXPECT_EQ(refused[0].node, "Custom:a");
    EXPECT_EQ(wanted(), Said{"Custom:a of device_state"});
    EXPECT_EQ(says(), Said{});
    set("Custom:b", DeviceState::busy);
    EXPECT_EQ(says(), Said{"Custom:b BUSY in Custom:b"});  // another node
    node_ready("Custom:a");
    EXPECT_EQ(says(), Said{"Custom:a BUSY in Custom:a"});
}

TEST_F(Leaves, OfMailboxesAreWantedWhenTheyAreNotFoundOnly) {
    set_mwi("100", {2, 5});
    greeted(leaves_first());
    EXPECT_EQ(wanted(), Said{});
    EXPECT_EQ(refuse_next("item-not-found"), "100@default 2/5 in 100@default");
    EXPECT_EQ(wanted(), Said{"100@default of message_waiting"});
    EXPECT_EQ(says(), Said{});
    node_ready("100@default");
    EXPECT_EQ(says(), Said{"100@default 2/5 in 100@default"});
}

TEST_F(Leaves, AreWantedBeforeTheFirstPublishWithAutocreate) {
    set("Custom:a", DeviceState::busy);
    greeted(leaves_first());
    EXPECT_EQ(says(), Said{});
    ASSERT_TRUE(votes.next_deadline());
    EXPECT_EQ(wanted(), Said{"Custom:a of device_state"});
    set("Custom:a", DeviceState::inuse);
    EXPECT_EQ(says(), Said{});
    EXPECT_EQ(wanted(), Said{});
    EXPECT_EQ(votes.waiting(first), 1u);
    node_ready("Custom:a");
    EXPECT_EQ(says(), Said{"Custom:a INUSE in Custom:a"});
    set("Custom:a", DeviceState::ringing);
    EXPECT_EQ(says(), Said{"Custom:a RINGING in Custom:a"});
    EXPECT_EQ(wanted(), Said{});
}

TEST_F(Leaves, ThatCannotBeMadeHoldTheirDeviceBackOnly) {
    set("Custom:a", DeviceState::busy);
    set("Custom:b", DeviceState::busy);
    greeted(leaves_first());
    says();
    EXPECT_EQ(wanted(), (Said{"Custom:a of device_state", "Custom:b of device_state"}));
    node_failed("Custom:a");
    node_ready("Custom:b");
    EXPECT_EQ(says(), Said{"Custom:b BUSY in Custom:b"});
    set("Custom:a", DeviceState::inuse);
    EXPECT_EQ(says(), Said{});
    EXPECT_EQ(wanted(), Said{});
    node_ready("Custom:a");
    EXPECT_EQ(says(), Said{"Custom:a INUSE in Custom:a"});
}

TEST_F(Leaves, AreWantedSoManyAtATime) {
    for (int i = 0; i < 100; ++i)
        set("Custom:" + std::to_string(i), DeviceState::busy);
    greeted(leaves_first());
    std::set<std::string> said;
    std::size_t rounds = 0;
    for (; said.size() < 100 && rounds < 100; ++rounds) {
        for (const std::string& one : says())
            said.insert(one);
        const auto some = wanted();
        EXPECT_LE(some.size(), 32u);
        for (const std::string& leaf : some)
            node_ready(leaf.substr(0, leaf.find(' ')));
    }
    EXPECT_EQ(said.size(), 100u);
    EXPECT_LT(rounds, 10u);
}

TEST_F(Leaves, ThatWereDeletedAreWantedAgainWithGrowingPauses) {
    set("Custom:a", DeviceState::busy);
    greeted(leaves_first());
    says();
    wanted();
    node_ready("Custom:a");
    EXPECT_EQ(refuse_next("item-not-found"), "Custom:a BUSY in Custom:a");
    EXPECT_EQ(wanted(), Said{"Custom:a of device_state"});
    node_ready("Custom:a");
    refuse_next("item-not-found");
    EXPECT_EQ(wanted(), Said{});
    pass(1s);
    EXPECT_EQ(wanted(), Said{"Custom:a of device_state"});
}

TEST_F(Leaves, ThatRefuseOtherwiseAreForNodes) {
    set("Custom:a", DeviceState::busy);
    greeted(collection());
    refuse_next("forbidden");
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_EQ(refused[0].node, "Custom:a");
    EXPECT_EQ(says(), Said{});
    node_ready("Custom:a");
    EXPECT_EQ(says(), Said{"Custom:a BUSY in Custom:a"});
}

TEST_F(Leaves, ThatAreNotThereAreNotMadeForAGoodbye) {
    set("Custom:a", DeviceState::busy);
    set("Custom:b", DeviceState::busy);
    greeted(leaves_first());
    says();
    wanted();
    node_ready("Custom:a");
    votes.say_goodbye();
    EXPECT_EQ(says(), Said{"Custom:a UNAVAILABLE in Custom:a"});
    EXPECT_TRUE(votes.said_goodbye());
    EXPECT_EQ(wanted(), Said{});
}

TEST_F(Leaves, WaitForTheirCollection) {
    set("Custom:a", DeviceState::busy);
    bound(first, collection());
    came(asterisk);
    greet();
    EXPECT_EQ(says(), Said{});
    node_ready("device_state");
    EXPECT_EQ(says(), Said{"Custom:a BUSY in Custom:a"});
}

TEST_F(Leaves, OfAFlatServiceAreNone) {
    set("Custom:a", DeviceState::busy);
    greeted({.service = service, .autocreate = true});
    node_ready("Custom:a");
    EXPECT_EQ(says(), Said{"Custom:a BUSY"});
}

}  // namespace
}  // namespace lamplight::bus::xmpp::test
