// Members that are told apart by process, as in event channels; strangers that speak with an EID of ours.
#include "world.hpp"

namespace lamplight::bus::plain::test {
namespace {

Settings channels(Duplicate duplicate = Duplicate::yield) {
    Settings settings = everything();
    settings.bus = state::Bus::ais_plain;
    settings.identity = Identity::process;
    settings.duplicate = duplicate;
    settings.publish = {true, true, false, false};
    settings.subscribe = {true, true, false, false};
    return settings;
}

struct Process : testing::Test, Daemon {
    explicit Process(const Settings& settings = channels()) : Daemon(settings) {
        set("Custom:a", DeviceState::busy);
        came(asterisk);
        greet();
        first = says();
    }
    Said first;
};

TEST_F(Process, GetsADumpAndNeitherDiscoveryNorPing) {
    exchange.ping();
    EXPECT_EQ(first, Said{"vote Custom:a BUSY"});
    EXPECT_EQ(says(), Said{});
}

TEST_F(Process, BesideUsIsNoNews) {
    came(beside_us);
    greet();
    EXPECT_EQ(says(), Said{"vote Custom:a BUSY"});
    gone(beside_us, Departure::failed);
    EXPECT_EQ(count(News::Kind::shared_node), 0u);
    EXPECT_EQ(count(News::Kind::shared_node_over), 0u);
    EXPECT_EQ(says(), Said{}) << "the others have lost nothing of ours";
}

TEST_F(Process, ThatLeavesANodeWhereAnotherStaysIsNoReasonToSayAnything) {
    constexpr Member beside{asterisk.node_id, 201};
    came(beside);
    announces(asterisk, pbx2);
    hears_vote(asterisk, pbx2, "Custom:b", DeviceState::inuse);
    greet();
    says();
    gone(beside, Departure::failed);
    EXPECT_EQ(says(), Said{});
    EXPECT_EQ(aggregate("Custom:b"), DeviceState::inuse);
}

TEST_F(Process, WhoseVotesNobodyElseHasTakesThemAlong) {
    hears_vote(asterisk, pbx2, "Custom:b", DeviceState::ringing);
    EXPECT_EQ(aggregate("Custom:b"), DeviceState::ringing);
    gone(asterisk, Departure::left);
    EXPECT_EQ(aggregate("Custom:b"), DeviceState::unavailable);
}

TEST_F(Process, ThatDiesAndComesBackWithAnotherPidIsHeardAgain) {
    hears_vote(asterisk, pbx2, "Custom:b", DeviceState::ringing);
    gone(asterisk, Departure::failed);
    constexpr Member reborn{asterisk.node_id, 201};
    came(reborn);
    hears_vote(reborn, pbx2, "Custom:b", DeviceState::not_inuse);
    EXPECT_EQ(aggregate("Custom:b"), DeviceState::not_inuse);
    greet();
    EXPECT_EQ(says(), Said{"vote Custom:a BUSY"});
}

TEST_F(Process, ThatHearsMoreThanBeforeGetsADumpOnceMoreAndChangesMeanwhile) {
    exchange.member_hears_more(asterisk, now, out);
    set("Custom:b", DeviceState::inuse);
    EXPECT_EQ(says(), Said{"vote Custom:b INUSE"}) << "not before the delay";
    greet();
    EXPECT_EQ(says_in_some_order(), (Said{"vote Custom:a BUSY", "vote Custom:b INUSE"}));
    pass(1ms);
    EXPECT_FALSE(exchange.next_deadline());
}

TEST_F(Process, ThatIsALamplightOrOutOfSightHearsNoMore) {
    lamplights({lamplight});
    came(lamplight);
    exchange.member_hears_more(lamplight, now, out);
    exchange.member_hears_more(second_asterisk, now, out);
    gone(asterisk, Departure::silent);
    exchange.member_hears_more(asterisk, now, out);
    EXPECT_FALSE(exchange.next_deadline());
}

// --- with an EID of ours ---

TEST_F(Process, ThatVotesWithOurEidMakesUsSilentForItAndIsToldOnce) {
    hears_vote(asterisk, own, "Custom:a", DeviceState::inuse);
    hears_vote(asterisk, own, "Custom:b", DeviceState::inuse);
    hears(asterisk, event::Mwi{"100", "default", {1, 2}, own});
    set("Custom:a", DeviceState::ringing);
    set_mwi("200", {1, 0});
    EXPECT_EQ(says(), Said{});
    EXPECT_EQ(counters().own_eid, 3u);
    ASSERT_EQ(notices.size(), 1u);
    EXPECT_EQ(notices[0].kind, state::Notice::Kind::own_eid_announced);
    pass(1ms);
    EXPECT_EQ(count(News::Kind::yields), 1u);
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::ringing) << "here our own votes count";
    EXPECT_EQ(aggregate("Custom:b"), DeviceState::unknown) << "and the other's do not";
    EXPECT_FALSE(counts("100"));
}

TEST_F(Process, WithOurEidThatGoesLeavesUsToSayEverythingAgain) {
    hears_vote(asterisk, own, "Custom:a", DeviceState::inuse);
    came(second_asterisk);
    greet();
    EXPECT_EQ(says(), Said{});
    gone(asterisk, Departure::failed);
    EXPECT_EQ(count(News::Kind::yields_no_more), 1u);
    EXPECT_EQ(says(), Said{"vote Custom:a BUSY"});
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::busy);
}

TEST_F(Process, WithOurEidSilencesUsForTheRestWhileOneOfThemIsThere) {
    came(second_asterisk);
    greet();
    says();
    hears_vote(asterisk, own, "Custom:a", DeviceState::inuse);
    hears_vote(second_asterisk, own, "Custom:a", DeviceState::inuse);
    gone(asterisk, Departure::failed);
    set("Custom:a", DeviceState::ringing);
    EXPECT_EQ(says(), Said{});
    EXPECT_EQ(count(News::Kind::yields_no_more), 0u);
}

TEST_F(Process, WithOurEidHearsNoGoodbyeOfItsOwnDevices) {
    hears_vote(asterisk, own, "Custom:a", DeviceState::inuse);
    exchange.say_goodbye();
    EXPECT_EQ(says(), Said{}) << "it would be UNAVAILABLE for a device that lives";
    EXPECT_TRUE(exchange.said_goodbye());
}

TEST_F(Process, WithOneOfOurEidsLeavesUsToSpeakForTheOthers) {
    const state::NodeId pbx = engine.add_own_node({pbx3, "linked", 7, {}}, now, out.changes);
    exchange.set_own_nodes({{state::Announcement{pbx3, "linked", 7, {}}}});
    publish();
    says();
    hears_vote(asterisk, pbx3, "Custom:a", DeviceState::inuse);
    engine.set_own(pbx, *engine.find_device("Custom:a"), DeviceState::ringing, state::Cachable::yes,
                   state::Cause::pbx, now, out.changes);
    publish();
    set("Custom:a", DeviceState::not_inuse);
    EXPECT_EQ(says(), Said{"vote Custom:a NOT_INUSE"});
}

struct StandIn : Process {
    StandIn() : Process(channels(Duplicate::ignore)) {}
};

TEST_F(StandIn, SpeaksOnBesideADuplicate) {
    hears_vote(asterisk, own, "Custom:a", DeviceState::inuse);
    set("Custom:a", DeviceState::ringing);
    EXPECT_EQ(says(), Said{"vote Custom:a RINGING"});
    EXPECT_EQ(counters().own_eid, 1u);
    EXPECT_EQ(count(News::Kind::yields), 0u);
}

}  // namespace
}  // namespace lamplight::bus::plain::test
