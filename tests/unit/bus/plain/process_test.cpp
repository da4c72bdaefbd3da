// Members that are told apart by process, as in event channels; strangers that speak with an EID of ours.
#include "world.hpp"

#include <iterator>

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

// --- that comes and goes again and again ---

Settings paced() {
    Settings settings = channels();
    settings.dump_pause = 1s;
    settings.longest_dump_pause = 30s;
    return settings;
}

struct Paced : Process {
    Paced() : Process(paced()) {}
    /// It goes, and is there again as another process.
    void flap() {
        gone(flapper, Departure::left);
        ++flapper.pid;
        came(flapper);
        greet();
    }
    Said flaps_for(state::Duration time) {
        Said said;
        for (const state::Time end = now + time; now < end;) {
            flap();
            std::ranges::move(says(), std::back_inserter(said));
            pass(70ms);
            std::ranges::move(says(), std::back_inserter(said));
        }
        return said;
    }
    Member flapper = asterisk;
};

TEST_F(Paced, GetsTheFirstDumpAsSoonAsEver) {
    EXPECT_EQ(first, Said{"vote Custom:a BUSY"});
}

TEST_F(Paced, WaitsForItsDumpAndHearsChangesMeanwhile) {
    const state::Time began = now;
    flap();
    set("Custom:b", DeviceState::inuse);
    EXPECT_EQ(says(), Said{"vote Custom:b INUSE"});
    EXPECT_EQ(exchange.next_deadline(), began + 1s);
    pass(1s - 31ms);
    EXPECT_EQ(says(), Said{});
    pass(1ms);
    EXPECT_EQ(says_in_some_order(), (Said{"vote Custom:a BUSY", "vote Custom:b INUSE"}));
    EXPECT_FALSE(exchange.next_deadline() && *exchange.next_deadline() > now);
}

TEST_F(Paced, HearsAtOnceWhatChangedSinceTheLastDumpWhileNobodyListened) {
    gone(flapper, Departure::left);
    set("Custom:b", DeviceState::inuse);
    set_mwi("100", {2, 5});
    EXPECT_EQ(says(), Said{});
    came(asterisk);
    set("Custom:b", DeviceState::ringing);
    EXPECT_EQ(says(), Said{});
    greet();
    EXPECT_EQ(says_in_some_order(), (Said{"mwi 100@default 2/5", "vote Custom:b RINGING"}));
}

TEST_F(Paced, ThatComesLongAfterHearsWhatChangedInTheDumpAlone) {
    gone(flapper, Departure::left);
    set("Custom:b", DeviceState::inuse);
    pass(2s);
    came(asterisk);
    greet();
    EXPECT_EQ(says_in_some_order(), (Said{"vote Custom:a BUSY", "vote Custom:b INUSE"}));
}

TEST_F(Paced, HearsTheRestOfADumpThatAnotherLeft) {
    set("Custom:b", DeviceState::inuse);
    set("Custom:c", DeviceState::inuse);
    says();
    pass(5s);
    flap();
    Said said{take_text()};
    flap();
    for (std::string& one : says())
        said.push_back(std::move(one));
    std::ranges::sort(said);
    EXPECT_EQ(said, (Said{"vote Custom:a BUSY", "vote Custom:b INUSE", "vote Custom:c INUSE"}));
}

TEST_F(Paced, SharesTheDumpWithWhoCameMeanwhile) {
    flap();
    came(second_asterisk);
    greet();
    pass(1s);
    EXPECT_EQ(says(), Said{"vote Custom:a BUSY"});
    pass(60s);
    EXPECT_EQ(says(), Said{});
}

TEST_F(Paced, CostsFewerDumpsTheLongerItGoesOn) {
    EXPECT_EQ(flaps_for(62s).size(), 6u) << "after 1, 3, 7, 15, 31 and 61 s";
    EXPECT_LE(flaps_for(300s).size(), 11u) << "never longer than half a minute apart";
}

TEST_F(Paced, ThatStayedAtLastHasEverything) {
    flaps_for(20s);
    set("Custom:b", DeviceState::ringing);
    says();
    pass(30s);
    EXPECT_EQ(says_in_some_order(), (Said{"vote Custom:a BUSY", "vote Custom:b RINGING"}));
}

TEST_F(Paced, AfterAQuietTimeGetsItsDumpAtOnceAndTheNextSoon) {
    flaps_for(20s);
    pass(30s);
    says();
    pass(61s);
    flap();
    EXPECT_EQ(says(), Said{"vote Custom:a BUSY"});
    flap();
    EXPECT_EQ(says(), Said{});
    pass(1s);
    EXPECT_EQ(says(), Said{"vote Custom:a BUSY"});
}

TEST_F(Paced, WaitsLongerWhereADumpSaysMore) {
    for (int i = 0; i < 4'500; ++i)
        set("Custom:d" + std::to_string(i), DeviceState::inuse);
    pass(61s);
    says();
    flap();
    EXPECT_EQ(says().size(), 4'501u);
    flap();
    pass(4s);
    EXPECT_EQ(says(), Said{});
    pass(1s);
    EXPECT_EQ(says().size(), 4'501u);
}

TEST_F(Paced, ThatIsGoneBeforeItsDumpCostsNone) {
    flap();
    gone(flapper, Departure::left);
    EXPECT_FALSE(exchange.next_deadline());
    pass(1s);
    EXPECT_EQ(says(), Said{});
}

TEST_F(Paced, WithOurEidCostsTheOthersNoDumpEachTime) {
    came(second_asterisk);
    greet();
    pass(10s);
    says();
    std::size_t dumped = 0;
    for (int i = 0; i < 100; ++i) {
        ++flapper.pid;
        came(flapper);
        hears_vote(flapper, own, "Custom:a", DeviceState::inuse);
        gone(flapper, Departure::left);
        pass(100ms);
        dumped += says().size();
    }
    EXPECT_LE(dumped, 5u);
    pass(30s);
    EXPECT_EQ(says(), Said{"vote Custom:a BUSY"}) << "after the last one everything is right again";
}

TEST_F(Paced, WaitingForItsDumpHearsInTheGoodbyeOfWithdrawalsItMissed) {
    gone(asterisk, Departure::silent);
    withdraw("Custom:a");
    pass(2s);
    came(second_asterisk);
    greet();
    EXPECT_EQ(says(), Said{"vote Custom:a UNAVAILABLE"});
    returned(asterisk);
    greet();
    EXPECT_EQ(says(), Said{}) << "its dump waits";
    exchange.say_goodbye();
    EXPECT_EQ(says(), Said{"vote Custom:a UNAVAILABLE"});
    EXPECT_TRUE(exchange.said_goodbye());
}

TEST_F(Paced, AfterOurConnectionWasLostIsNotWaitedForBefore) {
    flap();
    exchange.disconnected();
    EXPECT_FALSE(exchange.next_deadline());
    gone(flapper, Departure::failed);
    flap();
    pass(1s);
    EXPECT_EQ(says(), Said{"vote Custom:a BUSY"});
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
