#include "bus/lan/shared_ring.hpp"

#include "world.hpp"

#include <gmock/gmock.h>

namespace lamplight::bus::lan::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SharedRingTest : public LanTest {};

// --- one for all ---

TEST_F(SharedRingTest, IsOneForAllModulesAndGoneWithTheLast) {
    auto one = module("one");
    auto two = module("two");
    EXPECT_EQ(one->ring, two->ring);
    const std::weak_ptr<SharedRing> seen = one->ring;
    one.reset();
    EXPECT_FALSE(seen.expired());
    two.reset();
    EXPECT_TRUE(seen.expired());
}

/// An expired pointer needs the code of the library that made it, which may be gone.
TEST_F(SharedRingTest, LeavesNothingOfItselfWithTheHost) {
    module("one");
    const std::weak_ptr<void> never;
    const std::weak_ptr<void>& left = host.shared("corosync ring");
    EXPECT_FALSE(left.owner_before(never));
    EXPECT_FALSE(never.owner_before(left));
}

TEST_F(SharedRingTest, TheGroupIsJoinedOnceByAll) {
    auto one = joined_module("one");
    auto two = module("two");
    ASSERT_TRUE(soon([&] { return !two->told.empty(); }));
    EXPECT_EQ(corosync.joins("lamplight"), 1u);
    EXPECT_EQ(corosync.connections(), 1u);
}

TEST_F(SharedRingTest, ItsRowIsOfTheBusThatMadeIt) {
    auto one = module("one", state::Bus::ais);
    auto two = module("two", state::Bus::corosync);
    EXPECT_EQ(two->ring->status().bus, "ais");
}

TEST_F(SharedRingTest, TheNamesOfTheRingAreInTheOrderOfIds) {
    auto one = joined_module("one");
    std::vector<std::string> names;
    for (const ring::RingNode& node : one->ring->names().nodes())
        names.push_back(node.name);
    EXPECT_THAT(names, ElementsAre("pbx1", "pbx2"));
    EXPECT_EQ(one->ring->names().cluster(), "ward");
}

// --- what modules are told ---

TEST_F(SharedRingTest, WithoutACorosyncItWaitsAndSaysWhyAfterASecond) {
    auto one = module("one");
    ASSERT_TRUE(soon([&] { return host.lines_with("joining as soon as it can be done") == 1; }));
    EXPECT_EQ(host.lines_with("Corosync does not answer (CS_ERR_LIBRARY)"), 1u);
    EXPECT_FALSE(one->ring->joined());
    EXPECT_FALSE(one->ring->status().up);
    EXPECT_THAT(one->ring->status().detail, HasSubstr("waiting for Corosync since"));
    EXPECT_THAT(one->told, IsEmpty());
    corosync.start();
    EXPECT_TRUE(soon([&] { return !one->told.empty(); }));
    EXPECT_THAT(one->told, ElementsAre("joined"));
}

TEST_F(SharedRingTest, AModuleThatComesLaterIsToldInTheNextTurnWhatIsSo) {
    auto one = joined_module("one");
    auto two = module("two");
    EXPECT_THAT(two->told, IsEmpty());
    EXPECT_EQ(two->names, 0);
    ASSERT_TRUE(soon([&] { return two->told.size() == 2; }));
    EXPECT_THAT(two->told, ElementsAre("joined", "lamplights 2"));
    EXPECT_EQ(two->names, 1);
    corosync.come("lamplight", 3, 4711);
    ASSERT_TRUE(soon([&] { return two->told.back() == "lamplights 3"; }));
    EXPECT_THAT(one->told, ElementsAre("joined", "lamplights 2", "lamplights 3"));
}

TEST_F(SharedRingTest, ALossIsToldToEverybodyAndLoggedOnce) {
    auto one = joined_module("one");
    auto two = module("two");
    ASSERT_TRUE(soon([&] { return !two->told.empty(); }));
    corosync.die();
    ASSERT_TRUE(soon([&] { return two->told.back() == "lost"; }));
    corosync.start();
    ASSERT_TRUE(soon([&] { return two->told.back() == "joined"; }));
    EXPECT_THAT(one->told, ElementsAre("joined", "lamplights 2", "lamplights 1", "lost", "joined"));
    EXPECT_EQ(host.lines_with("the connection is lost"), 1u);
    EXPECT_EQ(host.lines_with("joined the group lamplight as pbx1 pid"), 2u);
}

TEST_F(SharedRingTest, NamesAreAskedForOnceMoreWhenTheyMayHaveChangedMeanwhile) {
    auto one = joined_module("one");
    corosync.stop();
    for (int i = 0; i < 5; ++i)
        one->ring->learn_names();
    run_what_waits();
    corosync.resume();
    ASSERT_TRUE(soon([&] { return one->names == 4; }));
    run_what_waits();
    EXPECT_EQ(one->names, 4);
}

// --- what modules hand on ---

TEST_F(SharedRingTest, WhatEveryModuleHandsOnIsSaidOnce) {
    auto one = joined_module("one");
    auto two = module("two");
    const auto& exchange = one->ring->own_group().exchange();
    const auto before = exchange.counters().votes_out;
    const state::Changes changes = host.vote("Custom:a");
    one->ring->on_changes(one->user, changes);
    ASSERT_TRUE(soon([&] { return exchange.counters().votes_out == before + 1; }));
    two->ring->on_changes(two->user, changes);
    EXPECT_EQ(exchange.waiting(), 0u);
    run_what_waits();
    EXPECT_EQ(exchange.counters().votes_out, before + 1);
}

TEST_F(SharedRingTest, TheLongestAttachedSpeaksAndAfterItTheNext) {
    auto one = joined_module("one");
    auto two = module("two");
    EXPECT_TRUE(one->ring->is_first(one->user));
    EXPECT_FALSE(one->ring->is_first(two->user));
    one->say_goodbye();
    EXPECT_TRUE(one->said_goodbye);
    EXPECT_EQ(host.lines_with("one goes; the group lamplight stays joined for two"), 1u);
    EXPECT_FALSE(two->ring->is_first(one->user));
    EXPECT_TRUE(two->ring->is_first(two->user));
    run_what_waits();
    EXPECT_TRUE(two->ring->joined());
    EXPECT_EQ(goodbyes(), 0u);

    const auto& exchange = two->ring->own_group().exchange();
    const auto before = exchange.counters().votes_out;
    one->ring->on_changes(one->user, host.vote("Custom:a"));
    EXPECT_EQ(exchange.waiting(), 0u);
    one.reset();
    two->ring->on_changes(two->user, host.vote("Custom:b"));
    ASSERT_TRUE(soon([&] { return exchange.counters().votes_out > before; }));
}

// --- the end ---

TEST_F(SharedRingTest, TheLastOneSaysTheGoodbyeAndWaitsUntilTheGroupIsLeft) {
    auto one = joined_module("one");
    auto two = module("two");
    ASSERT_TRUE(soon([&] { return !two->told.empty(); }));
    one->say_goodbye();
    two->say_goodbye();
    EXPECT_TRUE(one->said_goodbye);
    EXPECT_FALSE(two->said_goodbye);
    ASSERT_TRUE(soon([&] { return two->said_goodbye; }));
    EXPECT_EQ(goodbyes(), 1u);
    EXPECT_EQ(corosync.leaves("lamplight"), 1u);
    EXPECT_EQ(host.lines_with("the goodbye did not come back in time"), 0u);
}

TEST_F(SharedRingTest, AGoodbyeThatDoesNotComeBackIsNotWaitedForLong) {
    auto one = joined_module("one");
    corosync.hold_messages();
    const auto begin = std::chrono::steady_clock::now();
    one->say_goodbye();
    ASSERT_TRUE(soon([&] { return one->said_goodbye; }));
    const auto waited = std::chrono::steady_clock::now() - begin;
    EXPECT_GE(waited, SharedRing::goodbye_patience);
    EXPECT_LT(waited, SharedRing::goodbye_patience + 1s);
    EXPECT_EQ(host.lines_with("the goodbye did not come back in time"), 1u);
}

TEST_F(SharedRingTest, AModuleThatGoesWithoutAGoodbyeIsForgottenAndTheOthersGoOn) {
    auto one = joined_module("one");
    auto two = module("two");
    ASSERT_TRUE(soon([&] { return !two->told.empty(); }));
    one.reset();
    EXPECT_TRUE(two->ring->joined());
    EXPECT_TRUE(two->ring->is_first(two->user));
    two.reset();
    EXPECT_TRUE(soon([&] { return corosync.connections() == 0; }));
    EXPECT_EQ(goodbyes(), 0u);
}

TEST_F(SharedRingTest, NothingOfAForgottenModuleIsCalled) {
    auto one = joined_module("one");
    const auto kept = one->ring;
    bool called = false;
    corosync.hold_messages();
    kept->detach(one->user, Goodbye::stop, [&] { called = true; });
    one.reset();
    ASSERT_TRUE(soon([&] { return host.lines_with("the goodbye did not come back in time") == 1; }));
    run_what_waits();
    EXPECT_FALSE(called);
}

TEST_F(SharedRingTest, WhoAttachesDuringAGoodbyeJoinsTheGroupAnew) {
    auto one = joined_module("one");
    one->say_goodbye();
    auto two = module("two");
    ASSERT_TRUE(soon([&] { return one->said_goodbye; }));
    one.reset();
    ASSERT_TRUE(soon([&] { return two->told.size() == 2; }));
    EXPECT_THAT(two->told, ElementsAre("joined", "lamplights 2"));
    EXPECT_EQ(goodbyes(), 1u);
    EXPECT_EQ(corosync.joins("lamplight"), 2u);
    EXPECT_EQ(corosync.connections(), 1u);
}

TEST_F(SharedRingTest, WhoAttachesAfterAGoodbyeJoinsTheGroupAnew) {
    auto one = joined_module("one");
    one->say_goodbye();
    ASSERT_TRUE(soon([&] { return one->said_goodbye; }));
    run_what_waits();
    auto two = module("two");
    ASSERT_TRUE(soon([&] { return two->told.size() == 2; }));
    EXPECT_EQ(corosync.joins("lamplight"), 2u);
    two->say_goodbye();
    EXPECT_TRUE(soon([&] { return two->said_goodbye; }));
    EXPECT_EQ(goodbyes(), 2u);
}

TEST_F(SharedRingTest, AGoodbyeBeforeCorosyncAnsweredIsOverAtOnceAndNothingIsJoinedAfterIt) {
    corosync.start();
    corosync.stop();
    auto one = module("one");
    one->say_goodbye();
    ASSERT_TRUE(soon([&] { return one->said_goodbye; }));
    corosync.resume();
    ASSERT_TRUE(soon([&] { return one->ring->names().known(); }));
    bool behind = false;  // what the worker was asked to do
    one->ring->worker().run([] {}, [&] { behind = true; });
    ASSERT_TRUE(soon([&] { return behind; }));
    EXPECT_EQ(corosync.connections(), 0u);
}

}  // namespace
}  // namespace lamplight::bus::lan::test
