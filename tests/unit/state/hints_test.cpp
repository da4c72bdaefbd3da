#include "state/hints.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace lamplight::state {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

HintDefinition hint(std::string extension, std::vector<std::string> devices, std::string context = "ext") {
    std::string text;
    for (const std::string& device : devices)
        text += (text.empty() ? "" : "&") + device;
    return {std::move(context), std::move(extension), text, std::move(devices), {}, {}};
}

struct HintsTest : testing::Test {
    Engine engine;
    Changes engine_changes;
    NodeId self = engine.add_own_node({Eid{{2, 0, 0, 0, 0, 1}}, "pbx1", 1}, Time{}, engine_changes);
    Hints hints{engine};
    std::vector<HintChange> changes;

    void load(const HintPlan& plan) { hints.load(plan, changes, engine_changes); }
    void load(std::vector<HintDefinition> definitions) { load(HintPlan{{}, std::move(definitions)}); }

    void follow() {
        Changes more;
        hints.follow(engine_changes, changes, more);
        engine_changes.clear();
    }
    void set(std::string_view device, DeviceState state) {
        const DeviceId id = *engine.intern_device(device, engine_changes);
        engine.set_own(self, id, state, Cachable::yes, Cause::console, Time{}, engine_changes);
        follow();
    }
    void withdraw(std::string_view device) {
        engine.withdraw_own(self, *engine.find_device(device), Cause::console, Time{}, engine_changes);
        follow();
    }
    std::optional<HintId> find(std::string_view extension, std::string_view context = "ext") {
        return hints.find(extension, context, engine_changes);
    }
    ExtensionState state(std::string_view extension, std::string_view context = "ext") {
        const auto id = find(extension, context);
        return id ? hints.view(*id).state : ExtensionState::deactivated;
    }
    std::string text(std::string_view extension, std::string_view context = "ext") {
        const auto id = find(extension, context);
        return id ? std::string(hints.view(*id).text) : "none";
    }
    /// `extension@context` of every hint, in order.
    std::vector<std::string> listed() const {
        std::vector<std::string> names;
        hints.for_each([&](const HintView& view) {
            names.push_back(std::string(view.extension) + "@" + std::string(view.context));
        });
        return names;
    }
};

TEST_F(HintsTest, ADeviceNeverHeardOfIsIdle) {
    load({hint("100", {"SIP/a"})});
    EXPECT_EQ(state("100"), ExtensionState::not_inuse);
}

TEST_F(HintsTest, WithoutADeviceItIsUnavailable) {
    load({hint("100", {}), hint("101", {"", ""})});
    EXPECT_EQ(state("100"), ExtensionState::unavailable);
    EXPECT_EQ(state("101"), ExtensionState::unavailable);
}

TEST_F(HintsTest, FollowsItsDevice) {
    load({hint("100", {"SIP/a"})});
    changes.clear();
    set("SIP/a", DeviceState::inuse);
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].hint, *find("100"));
    EXPECT_EQ(changes[0].from, ExtensionState::not_inuse);
    EXPECT_EQ(changes[0].to, ExtensionState::inuse);
    EXPECT_EQ(state("100"), ExtensionState::inuse);
}

TEST_F(HintsTest, DeviceNamesMatchExactly) {
    load({hint("100", {"SIP/a"})});
    set("sip/a", DeviceState::inuse);
    EXPECT_EQ(state("100"), ExtensionState::not_inuse);
}

TEST_F(HintsTest, JoinsTheAggregatesOfSeveralDevices) {
    load({hint("100", {"SIP/a", "SIP/b", "SIP/a"})});
    EXPECT_EQ(hints.view(*find("100")).devices.size(), 2u);
    set("SIP/a", DeviceState::ringing);
    EXPECT_EQ(state("100"), ExtensionState::ringing);
    set("SIP/b", DeviceState::onhold);
    EXPECT_EQ(state("100"), ExtensionState::inuse_ringing);
    set("SIP/a", DeviceState::not_inuse);
    EXPECT_EQ(state("100"), ExtensionState::onhold);
}

TEST_F(HintsTest, AChangeThatLeavesTheExtensionStateIsNotReported) {
    load({hint("100", {"SIP/a"})});
    changes.clear();
    set("SIP/a", DeviceState::not_inuse);
    EXPECT_THAT(changes, IsEmpty()) << "unknown and not in use are both idle";
    set("SIP/a", DeviceState::unavailable);
    EXPECT_EQ(changes.size(), 1u);
    set("SIP/a", DeviceState::invalid);
    EXPECT_EQ(changes.size(), 1u);
}

TEST_F(HintsTest, TheLastVoteGoingMakesItUnavailable) {
    load({hint("100", {"SIP/a"})});
    set("SIP/a", DeviceState::busy);
    withdraw("SIP/a");
    EXPECT_EQ(state("100"), ExtensionState::unavailable);
}

TEST_F(HintsTest, NewHintsAreReportedWithTheirState) {
    set("SIP/a", DeviceState::ringing);
    load({hint("100", {"SIP/a"})});
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].from, ExtensionState::removed);
    EXPECT_EQ(changes[0].to, ExtensionState::ringing);
}

TEST_F(HintsTest, OfAnExtensionGivenTwiceTheFirstIsTaken) {
    load({hint("100", {"SIP/a"}), hint("100", {"SIP/b"}), hint("1-00", {"SIP/c"}), hint("_1X", {"SIP/d"}),
          hint("_1x", {"SIP/e"})});
    EXPECT_EQ(text("100"), "SIP/a");
    EXPECT_EQ(text("12"), "SIP/d");
    EXPECT_EQ(hints.size(), 3u);
}

TEST_F(HintsTest, FindsAnExtensionDashesAside) {
    load({hint("555-1212", {"SIP/a"})});
    EXPECT_EQ(find("5551212"), find("555-12-12"));
    EXPECT_TRUE(find("5551212"));
}

TEST_F(HintsTest, FindsNothingWhereThereIsNothing) {
    load({hint("100", {"SIP/a"}), hint("_2XX", {"Custom:${EXTEN}"})});
    EXPECT_FALSE(find("101"));
    EXPECT_FALSE(find("100", "other"));
    EXPECT_FALSE(find(""));
    EXPECT_FALSE(find("-"));
    EXPECT_FALSE(find("_2XX"));
    EXPECT_FALSE(find(std::string(100'000, '2')));
}

// --- patterns ---

TEST_F(HintsTest, APatternBecomesAConcreteHintWhenFirstLookedUpAndStays) {
    load({hint("_1XX", {"Custom:p${EXTEN}"})});
    EXPECT_THAT(listed(), ElementsAre("_1XX@ext"));
    set("Custom:p101", DeviceState::inuse);
    const auto made = find("101");
    ASSERT_TRUE(made);
    const HintView view = hints.view(*made);
    EXPECT_EQ(view.text, "Custom:p101");
    EXPECT_EQ(view.extension, "101");
    EXPECT_TRUE(view.automatic);
    EXPECT_FALSE(view.pattern);
    EXPECT_EQ(view.state, ExtensionState::inuse);
    EXPECT_EQ(find("101"), made);
    EXPECT_THAT(listed(), ElementsAre("101@ext", "_1XX@ext"));
}

TEST_F(HintsTest, AHintMadeFromAPatternIsReportedOnce) {
    load({hint("_1XX", {"Custom:p${EXTEN}"})});
    EXPECT_THAT(changes, IsEmpty());
    const auto made = find("101");
    follow();
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].hint, *made);
    EXPECT_EQ(changes[0].from, ExtensionState::removed);
    EXPECT_EQ(changes[0].to, ExtensionState::not_inuse);
    follow();
    EXPECT_EQ(changes.size(), 1u);
}

TEST_F(HintsTest, APatternItselfIsUnavailableAndHasNoWatchers) {
    load({hint("_1XX", {"Custom:p${EXTEN}"})});
    hints.for_each([&](const HintView& view) {
        EXPECT_TRUE(view.pattern);
        EXPECT_EQ(view.state, ExtensionState::unavailable);
        EXPECT_EQ(view.text, "Custom:p${EXTEN}");
        EXPECT_EQ(hints.watch(view.id), WatchOutcome::no_such_hint);
    });
}

TEST_F(HintsTest, ALiteralBeatsAPatternAndTheMoreSpecificPatternWins) {
    load({hint("_1.", {"Custom:dot"}), hint("_1XX", {"Custom:x"}), hint("_10[12]", {"Custom:set"}),
          hint("102", {"Custom:literal"})});
    EXPECT_EQ(text("102"), "Custom:literal");
    EXPECT_EQ(text("101"), "Custom:set");
    EXPECT_EQ(text("109"), "Custom:x");
    EXPECT_EQ(text("1000"), "Custom:dot");
}

TEST_F(HintsTest, AMalformedPatternIsListedAndMatchesNothing) {
    load({hint("_1[2", {"Custom:a"})});
    EXPECT_THAT(listed(), ElementsAre("_1[2@ext"));
    EXPECT_FALSE(find("12"));
}

TEST_F(HintsTest, WhatIsDialledCannotAddADevice) {
    load({hint("_X.", {"SIP/${EXTEN}"})});
    set("SIP/b", DeviceState::busy);
    const auto made = find("1&SIP/b");
    ASSERT_TRUE(made);
    EXPECT_EQ(hints.view(*made).devices.size(), 1u);
    EXPECT_EQ(hints.view(*made).state, ExtensionState::not_inuse);
}

// --- contexts ---

TEST_F(HintsTest, SearchesIncludesInOrderAndInDepth) {
    load(HintPlan{{{"ext", false, {"first", "second"}}, {"first", false, {"deep"}}},
                  {hint("1", {"a"}, "deep"), hint("1", {"b"}, "second"), hint("2", {"c"}, "second"),
                   hint("_X", {"d"}, "first")}});
    EXPECT_EQ(text("1"), "d") << "a pattern of a nearer context beats a literal of a farther one";
    EXPECT_EQ(hints.view(*find("1")).context, "first");
    EXPECT_EQ(text("2"), "d");
    EXPECT_EQ(text("2", "second"), "c");
    EXPECT_FALSE(find("44"));
}

TEST_F(HintsTest, SurvivesIncludesInACircle) {
    load(HintPlan{{{"ext", false, {"ext", "b", "nowhere"}}, {"b", false, {"c"}}, {"c", false, {"ext", "b"}}},
                  {hint("1", {"x"}, "c")}});
    EXPECT_EQ(text("1"), "x");
    EXPECT_FALSE(find("2"));
}

TEST_F(HintsTest, SurvivesALongChainOfIncludes) {
    HintPlan plan;
    constexpr int length = 100'000;
    for (int i = 0; i < length; ++i)
        plan.contexts.push_back({std::to_string(i), false, {std::to_string(i + 1)}});
    plan.hints.push_back(hint("1", {"x"}, std::to_string(length)));
    load(plan);
    EXPECT_EQ(text("1", "0"), "x");
}

TEST_F(HintsTest, ListsByContextAndExtension) {
    load({hint("2", {"x"}, "b"), hint("1", {"x"}, "b"), hint("3", {"x"}, "a")});
    EXPECT_THAT(listed(), ElementsAre("3@a", "1@b", "2@b"));
}

// --- autohints ---

struct AutohintsTest : HintsTest {
    AutohintsTest() { load(HintPlan{{{"auto", true, {}}}, {hint("known", {"SIP/other"}, "auto")}}); }
};

TEST_F(AutohintsTest, MakesAHintForEachDeviceThatChanges) {
    changes.clear();
    set("PJSIP/alice", DeviceState::inuse);
    EXPECT_EQ(state("alice", "auto"), ExtensionState::inuse);
    EXPECT_EQ(text("alice", "auto"), "PJSIP/alice");
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].from, ExtensionState::removed);
    EXPECT_EQ(changes[0].to, ExtensionState::inuse);
    set("Custom:door", DeviceState::ringing);
    EXPECT_EQ(state("door", "auto"), ExtensionState::ringing);
    EXPECT_TRUE(hints.view(*find("door", "auto")).automatic);
}

TEST_F(AutohintsTest, LeavesAlreadyWrittenHintsAlone) {
    set("SIP/known", DeviceState::inuse);
    EXPECT_EQ(text("known", "auto"), "SIP/other");
}

TEST_F(AutohintsTest, OfTwoDevicesOfOneNameTheFirstGetsTheHint) {
    set("PJSIP/alice", DeviceState::inuse);
    set("SIP/alice", DeviceState::busy);
    EXPECT_EQ(text("alice", "auto"), "PJSIP/alice");
}

TEST_F(AutohintsTest, MakesNoneForNamesThatAreNone) {
    for (const char* device : {"nothing", "SIP/", "SIP/-", "SIP/_X."})
        set(device, DeviceState::inuse);
    EXPECT_EQ(hints.size(), 1u);
}

TEST_F(AutohintsTest, MakesNoneInContextsWithout) {
    set("PJSIP/alice", DeviceState::inuse);
    EXPECT_FALSE(find("alice", "ext"));
}

TEST_F(AutohintsTest, APatternThatMatchesGoesFirst) {
    load(HintPlan{{{"auto", true, {}}}, {hint("_al.", {"Custom:p-${EXTEN}"}, "auto")}});
    set("PJSIP/alice", DeviceState::inuse);
    EXPECT_EQ(text("alice", "auto"), "Custom:p-alice");
}

TEST_F(AutohintsTest, MakesHintsOfDevicesKnownWhenLoaded) {
    load(HintPlan{});
    set("PJSIP/bob", DeviceState::busy);
    changes.clear();
    load(HintPlan{{{"auto", true, {}}}, {}});
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(state("bob", "auto"), ExtensionState::busy);
}

TEST_F(AutohintsTest, StayWhileTheContextHasThem) {
    set("PJSIP/alice", DeviceState::inuse);
    const auto id = find("alice", "auto");
    changes.clear();
    load(HintPlan{{{"auto", true, {}}}, {}});
    EXPECT_EQ(find("alice", "auto"), id);
    load(HintPlan{{{"auto", false, {}}}, {}});
    EXPECT_FALSE(find("alice", "auto"));
    EXPECT_EQ(changes.back().hint, *id);
    EXPECT_EQ(changes.back().to, ExtensionState::removed);
}

// --- loading again ---

TEST_F(HintsTest, KeepsIdStateAndWatchersOfAHintInBothPlans) {
    load({hint("100", {"SIP/a"}), hint("200", {"SIP/b"})});
    const auto id = find("100");
    hints.watch(*id);
    set("SIP/a", DeviceState::inuse);
    changes.clear();
    load({hint("100", {"SIP/a"})});
    EXPECT_EQ(find("100"), id);
    EXPECT_EQ(hints.view(*id).watchers, 1u);
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(hints.view(changes[0].hint).extension, "200") << "what was removed can still be named";
    EXPECT_EQ(changes[0].from, ExtensionState::not_inuse);
    EXPECT_EQ(changes[0].to, ExtensionState::removed);
}

TEST_F(HintsTest, AHintWithOtherDevicesTakesTheirState) {
    set("SIP/b", DeviceState::busy);
    load({hint("100", {"SIP/a"})});
    changes.clear();
    load({hint("100", {"SIP/b"})});
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].to, ExtensionState::busy);
    changes.clear();
    set("SIP/a", DeviceState::ringing);
    EXPECT_THAT(changes, IsEmpty());
}

TEST_F(HintsTest, WatchersOfARemovedHintAreGone) {
    load({hint("100", {"SIP/a"})});
    const auto id = find("100");
    hints.watch(*id);
    load(std::vector<HintDefinition>{});
    EXPECT_EQ(hints.watch(*id), WatchOutcome::no_such_hint);
    hints.unwatch(*id);
    load({hint("200", {"SIP/b"})});
    EXPECT_EQ(hints.view(*find("200")).watchers, 0u);
}

TEST_F(HintsTest, AHintOfAPatternStaysWhileThePatternStays) {
    load({hint("_1XX", {"Custom:p${EXTEN}"})});
    const auto id = find("101");
    load({hint("_1XX", {"Custom:q${EXTEN}"})});
    EXPECT_EQ(find("101"), id);
    EXPECT_EQ(text("101"), "Custom:q101");
    load({hint("101", {"SIP/a"})});
    EXPECT_EQ(find("101"), id) << "now it is written";
    EXPECT_FALSE(hints.view(*id).automatic);
    load({hint("_2XX", {"Custom:p${EXTEN}"})});
    EXPECT_FALSE(find("101"));
}

TEST_F(HintsTest, AWatchedHintIsHandedOverToAPattern) {
    load({hint("101", {"SIP/a"}), hint("102", {"SIP/b"})});
    const auto id = find("101");
    hints.watch(*id);
    load({hint("_1XX", {"Custom:p${EXTEN}"})});
    EXPECT_EQ(find("101"), id);
    EXPECT_EQ(hints.view(*id).watchers, 1u);
    EXPECT_EQ(hints.view(*id).text, "Custom:p101");
    EXPECT_THAT(listed(), ElementsAre("101@ext", "_1XX@ext"));
}

TEST_F(HintsTest, LoadingManyTimesDoesNotGrow) {
    HintId highest{};
    for (int i = 0; i < 100; ++i) {
        load({hint(std::to_string(1000 + i), {"SIP/a"}), hint("_" + std::to_string(i) + "X", {"SIP/b"})});
        hints.for_each([&](const HintView& view) { highest = std::max(highest, view.id); });
    }
    EXPECT_LT(index_of(highest), 6u);
    EXPECT_EQ(hints.size(), 2u);
}

// --- limits ---

TEST_F(HintsTest, RefusesOneWatcherTooMany) {
    Hints small(engine, {.watchers_per_hint = 1, .automatic_hints = 1});
    small.load({{}, {hint("100", {"SIP/a"})}}, changes, engine_changes);
    const auto id = *small.find("100", "ext", engine_changes);
    EXPECT_EQ(small.watch(id), WatchOutcome::watching);
    EXPECT_EQ(small.watch(id), WatchOutcome::too_many_watchers);
    EXPECT_EQ(small.counters().watchers_refused, 1u);
    small.unwatch(id);
    EXPECT_EQ(small.watch(id), WatchOutcome::watching);
}

TEST_F(HintsTest, RefusesOneAutomaticHintTooManyAndKeepsWhatIsThere) {
    Hints small(engine, {.watchers_per_hint = 1, .automatic_hints = 1});
    const HintPlan plan{{}, {hint("_1XX", {"Custom:${EXTEN}"}), hint("200", {"SIP/a"})}};
    small.load(plan, changes, engine_changes);
    EXPECT_TRUE(small.find("101", "ext", engine_changes));
    EXPECT_FALSE(small.find("102", "ext", engine_changes));
    EXPECT_TRUE(small.find("101", "ext", engine_changes));
    EXPECT_TRUE(small.find("200", "ext", engine_changes));
    EXPECT_EQ(small.counters().automatic_hints_refused, 1u);
    small.load(plan, changes, engine_changes);
    EXPECT_FALSE(small.find("102", "ext", engine_changes)) << "what was kept still counts";
    small.load({}, changes, engine_changes);
    small.load(plan, changes, engine_changes);
    EXPECT_TRUE(small.find("102", "ext", engine_changes));
}

TEST_F(HintsTest, LeavesOutADeviceThatTheEngineRefuses) {
    const std::string long_name = "SIP/" + std::string(300, 'a');
    load({hint("100", {long_name, "SIP/b"}), hint("101", {long_name})});
    set("SIP/b", DeviceState::inuse);
    EXPECT_EQ(state("100"), ExtensionState::inuse);
    EXPECT_EQ(state("101"), ExtensionState::unavailable);
    EXPECT_EQ(hints.counters().devices_refused, 2u);
}

TEST_F(HintsTest, WatchingAnIdThatNeverWasGivesNoSuchHint) {
    EXPECT_EQ(hints.watch(HintId{4711}), WatchOutcome::no_such_hint);
    hints.unwatch(HintId{4711});
}

// --- forgetting ---

struct RemoteHintsTest : HintsTest {
    const Eid eid{{2, 0, 0, 0, 0, 9}};
    SenderId sender = *engine.open_sender(Bus::local, "pbx9", engine_changes);

    void vote(std::string_view device, DeviceState state, std::uint64_t sequence) {
        engine.announce(sender, {eid, "pbx9", 1}, Time{}, engine_changes);
        engine.sender_present(sender, Time{}, engine_changes);
        Vote vote;
        vote.device = *engine.intern_device(device, engine_changes);
        vote.node = *engine.find_node(eid);
        vote.state = state;
        vote.sender = sender;
        vote.version = {1, sequence};
        engine.apply({&vote, 1}, Time{}, engine_changes);
        follow();
    }
    void fail_and_forget() {
        engine.sender_gone(sender, Departure::failed, Time{}, engine_changes);
        follow();
        engine.on_time(Time{std::chrono::hours(48)}, engine_changes);
        follow();
    }
};

TEST_F(RemoteHintsTest, ADeadServersLampIsUnavailableAndItsDeviceStaysKnown) {
    load({hint("100", {"SIP/a"})});
    vote("SIP/a", DeviceState::busy, 1);
    vote("SIP/b", DeviceState::busy, 2);
    EXPECT_EQ(state("100"), ExtensionState::busy);
    fail_and_forget();
    EXPECT_EQ(state("100"), ExtensionState::unavailable);
    EXPECT_TRUE(engine.find_device("SIP/a"));
    EXPECT_FALSE(engine.find_device("SIP/b"));
}

TEST_F(RemoteHintsTest, AForgottenDeviceGetsNoAutohint) {
    vote("SIP/a", DeviceState::busy, 1);
    load(HintPlan{{{"auto", true, {}}}, {hint("a", {"SIP/other"}, "auto")}});
    engine.sender_gone(sender, Departure::failed, Time{}, engine_changes);
    engine.on_time(Time{std::chrono::hours(48)}, engine_changes);
    load(HintPlan{{{"auto", true, {}}}, {}});
    ASSERT_THAT(engine_changes.forgotten, testing::Not(IsEmpty()));
    follow();
    EXPECT_EQ(hints.size(), 0u);
}

TEST_F(RemoteHintsTest, DevicesAreReleasedWithTheirHints) {
    load({hint("100", {"SIP/a"})});
    vote("SIP/a", DeviceState::busy, 1);
    load({hint("100", {"SIP/a"})});
    load(HintPlan{});
    fail_and_forget();
    EXPECT_FALSE(engine.find_device("SIP/a"));
}

}  // namespace
}  // namespace lamplight::state
