#include "console/commands.hpp"

#include "console_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::console {
namespace {

using namespace std::chrono_literals;
using state::DeviceState;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class CommandsTest : public ConsoleTest {};

TEST_F(CommandsTest, SetsACustomStateAsTheSeedDoes) {
    const auto reply = run("dialplan set global DEVICE_STATE(Custom:abc) INUSE");
    EXPECT_EQ(reply.status, 0);
    EXPECT_EQ(reply.text, "\n    -- Global variable 'DEVICE_STATE(Custom:abc)' set to 'INUSE'\n");
    EXPECT_EQ(daemon_.customs.at("Custom:abc"), DeviceState::inuse);
}

TEST_F(CommandsTest, NeverClaimsSuccessForNonsense) {
    for (const auto* line :
         {"dialplan set global DEVICE_STATE(Custom:abc) NONSENSE",
          "dialplan set global DEVICE_STATE(Custom:abc) UNKNOWN",
          "dialplan set global DEVICE_STATE(PJSIP/alice) INUSE",
          "dialplan set global DEVICE_STATE(Custom:) INUSE", "dialplan set global FOO bar",
          "dialplan set global DEVICE_STATE(Custom:abc)", "devstate change PJSIP/alice INUSE",
          "devstate change Custom:abc NONSENSE", "devstate change Custom:abc", "devstate delete Custom:abc",
          "devstate delete SIP/x"}) {
        const auto reply = run(line);
        EXPECT_EQ(reply.status, 1) << line;
        EXPECT_THAT(reply.text, Not(HasSubstr("set to"))) << line;
        EXPECT_FALSE(reply.text.empty()) << line;
    }
    EXPECT_THAT(daemon_.customs, IsEmpty());
}

TEST_F(CommandsTest, TakesThePrefixAndTheStateInAnyCase) {
    EXPECT_EQ(run("devstate change custom:Abc inuse").text, "Changing Abc to inuse\n");
    EXPECT_EQ(daemon_.customs.count("Custom:Abc"), 1U);
}

TEST_F(CommandsTest, SaysWhoDecidesWhenASetDoesNot) {
    daemon_.pass(131s);
    daemon_.remote_vote("Custom:abc", DeviceState::inuse);
    daemon_.pass(10s);
    EXPECT_THAT(run("dialplan set global DEVICE_STATE(Custom:abc) NOT_INUSE").text,
                HasSubstr("set to 'NOT_INUSE'\naggregate stays INUSE: pbx2 says so since 10:02:11\n"));
}

TEST_F(CommandsTest, SaysWhatTheAggregateBecameWhenTwoTogetherMakeAThird) {
    daemon_.remote_vote("Custom:abc", DeviceState::inuse);
    EXPECT_EQ(run("devstate change Custom:abc RINGING").text,
              "Changing abc to RINGING\naggregate is RINGINUSE: pbx2 says INUSE since 10:00:00\n");
}

TEST_F(CommandsTest, SaysThatWhoDecidesIsAway) {
    daemon_.remote_vote("Custom:abc", DeviceState::busy);
    daemon_.remote_gone(state::Departure::silent);
    EXPECT_THAT(run("devstate change Custom:abc INUSE").text,
                HasSubstr("aggregate stays BUSY: pbx2 says so since 10:00:00 (stale: it is away)"));
}

TEST_F(CommandsTest, ADiskThatRefusesIsAFailure) {
    daemon_.disk_problem = "No space left on device";
    const auto reply = run("devstate change Custom:abc INUSE");
    EXPECT_EQ(reply.status, 1);
    EXPECT_THAT(reply.text, HasSubstr("No space left on device"));
}

TEST_F(CommandsTest, LogsWhoMadeAChange) {
    run("devstate change Custom:abc INUSE");
    EXPECT_THAT(said_, Contains("alice (pid 77) set Custom:abc to INUSE"));
    run("core stop now");
    EXPECT_THAT(said_, Contains("alice (pid 77) asked: core stop now"));
}

TEST_F(CommandsTest, DeletesACustomState) {
    run("devstate change Custom:abc INUSE");
    EXPECT_EQ(run("devstate delete Custom:abc").status, 0);
    EXPECT_THAT(daemon_.customs, IsEmpty());
    EXPECT_EQ(daemon_.engine.aggregate(*daemon_.engine.find_device("Custom:abc")), DeviceState::unavailable);
}

TEST_F(CommandsTest, RefusesANameThatAsterisksWiresWouldCut) {
    EXPECT_THAT(run("devstate change Custom:" + std::string(80, 'a') + " INUSE").text, HasSubstr("79"));
    EXPECT_EQ(run("devstate change Custom:" + std::string(72, 'a') + " INUSE").status, 0);
}

TEST_F(CommandsTest, SetsDebugWithAsterisksWords) {
    EXPECT_EQ(run("core set debug 1").text, "Core debug was OFF and is now 1.\n");
    EXPECT_EQ(run("core set debug 1").text, "Core debug is still 1.\n");
    EXPECT_EQ(run("core set debug off").text, "Core debug was 1 and is now OFF.\n");
    EXPECT_EQ(run("core set debug 3 res_corosync").text,
              "Core debug was OFF and has been set to 3 for 'res_corosync'.\n");
    EXPECT_EQ(run("core set debug atleast 2 res_corosync").text,
              "Core debug is still 3 for 'res_corosync'.\n");
    EXPECT_EQ(run("core set verbose 3").text, "Console verbose was OFF and is now 3.\n");
    EXPECT_EQ(run("core set verbose atleast 2").text, "Console verbose is still 3.\n");
    for (const auto* line : {"core set debug", "core set debug x", "core set debug -1", "core set debug 256",
                             "core set debug 1 a b", "core set verbose 1 module"})
        EXPECT_EQ(run(line).status, 1) << line;
}

TEST_F(CommandsTest, EndsAsAsked) {
    run("core stop gracefully");
    run("core restart now");
    EXPECT_THAT(daemon_.ended, ElementsAre(std::pair(Ending::stop, When::gracefully),
                                           std::pair(Ending::restart, When::now)));
    EXPECT_EQ(run("core stop now please").status, 1);
}

TEST_F(CommandsTest, ReloadsEachScope) {
    for (const auto* line : {"core reload", "dialplan reload", "logger reload", "module reload"})
        EXPECT_EQ(run(line).status, 0) << line;
    EXPECT_THAT(daemon_.reloaded, ElementsAre(Scope::all, Scope::dialplan, Scope::logger, Scope::modules));
}

TEST_F(CommandsTest, AReloadThatFailsSaysWhyAndThatNothingChanged) {
    daemon_.reload_problem =
        "/etc/lamplight/extensions.conf:3: no such thing\n/etc/lamplight/extensions.conf:9: nor this";
    const auto reply = run("core reload");
    EXPECT_EQ(reply.status, 1);
    EXPECT_EQ(reply.text,
              "Nothing was reloaded; what ran before goes on:\n"
              "/etc/lamplight/extensions.conf:3: no such thing\n"
              "/etc/lamplight/extensions.conf:9: nor this\n");
}

TEST_F(CommandsTest, ReloadsSeveralModulesAndFailsIfOneDoes) {
    const auto reply = run("module reload bus_local.so res_ais.so");
    EXPECT_EQ(reply.status, 1);
    EXPECT_EQ(reply.text,
              "Module 'bus_local.so' reloaded successfully.\n"
              "Module 'res_ais.so' was not reloaded; what it had goes on: it is not loaded\n");
}

TEST_F(CommandsTest, ShowsDevicesWithoutThoseOfOtherNames) {
    daemon_.remote_vote("Custom:abc", DeviceState::inuse);
    daemon_.remote_vote("PJSIP/alice", DeviceState::ringing);
    const auto text = run("device show like pjsip").text;
    EXPECT_THAT(text, HasSubstr("PJSIP/alice"));
    EXPECT_THAT(text, Not(HasSubstr("Custom:abc")));
    EXPECT_THAT(text, HasSubstr("1 device\n"));
}

TEST_F(CommandsTest, EveryShowCommandAnswersAsJsonOfItsOwn) {
    for (const auto* command : registry_.commands()) {
        if (command->words.find("show") == std::string::npos && command->words != "devstate list") continue;
        const auto line = command->words == "core show hint" ? "core show hint 1" : command->words;
        const auto reply = run(line, true);
        ASSERT_TRUE(reply.json) << line;
        if (reply.status != 0) continue;
        EXPECT_FALSE(reply.json->is_object() && reply.json->as_object().contains("ok")) << line;
    }
}

TEST_F(CommandsTest, EveryCommandHasASummaryAndAUsage) {
    for (const auto* command : registry_.commands()) {
        EXPECT_FALSE(command->summary.empty()) << command->words;
        EXPECT_TRUE(command->usage.starts_with("Usage: ")) << command->words;
        EXPECT_TRUE(command->usage.ends_with("\n")) << command->words;
    }
}

TEST_F(CommandsTest, CompletesDevicesHintsModulesAndStates) {
    daemon_.load_hints(
        {{{"default", false, {}}}, {{"default", "6001", "Custom:abc", {"Custom:abc"}, "", ""}}});
    run("devstate change Custom:abc INUSE");
    EXPECT_THAT(registry_.complete("core show hint 6"), ElementsAre("6001"));
    EXPECT_THAT(registry_.complete("device show like Cu"), ElementsAre("Custom:abc"));
    EXPECT_THAT(registry_.complete("devstate change Cus"), ElementsAre("Custom:abc"));
    EXPECT_THAT(registry_.complete("devstate change Custom:abc RING"), ElementsAre("RINGING", "RINGINUSE"));
    EXPECT_THAT(registry_.complete("dialplan set global DEV"), ElementsAre("DEVICE_STATE(Custom:abc)"));
    EXPECT_THAT(registry_.complete("module load res_"), ElementsAre("res_ais.so", "res_jabber.so"));
    EXPECT_THAT(registry_.complete("module unload "), ElementsAre("bus_local.so"));
    EXPECT_THAT(registry_.complete("help core show hi"), ElementsAre("hint", "hints"));
}

TEST_F(CommandsTest, ShowsAModuleByTheOtherNameThatItIsAskedFor) {
    for (ModuleView& module : daemon_.known_modules)
        module.loaded = true;
    EXPECT_THAT(
        run("module show like jabber").text,
        HasSubstr("\nres_jabber.so                  AJI - Asterisk Jabber Interface          0         \n"
                  "1 modules loaded\n"));
    EXPECT_THAT(
        run("module show like xmpp").text,
        HasSubstr("\nres_xmpp.so                    Asterisk XMPP Interface                  0         \n"
                  "1 modules loaded\n"));
    EXPECT_THAT(run("module show").text, Not(HasSubstr("res_xmpp")));
}

TEST_F(CommandsTest, ShowsABusOfALongNameWhole) {
    daemon_.known_buses.push_back({"xmpp:headquarters", true, "as pbx@example.org/one", 2, 0, 0, 0, 7, 0, 0});
    const std::string text = run("bus show").text;
    EXPECT_THAT(text, HasSubstr("\nlocal             up         1 "));
    EXPECT_THAT(text, HasSubstr("\nxmpp:headquarters up         2 "));
    EXPECT_THAT(text, StartsWith("Bus               State  Peers "));
}

TEST_F(CommandsTest, HelpOfAWholeCommandIsItsUsage) {
    EXPECT_EQ(run("help core show hints").text, "Usage: core show hints\n       List registered hints\n");
    EXPECT_THAT(run("help core stop").text, HasSubstr("core stop gracefully  Shut down"));
    EXPECT_EQ(run("help nothing").text, "No such command 'nothing'.\n");
    EXPECT_EQ(run("help nothing").status, 1);
}

TEST_F(CommandsTest, AHintThatIsNotThereIsAFailure) {
    EXPECT_EQ(run("core show hints").text, "There are no registered dialplan hints\n");
    EXPECT_EQ(run("core show hints").status, 0);
    daemon_.load_hints(
        {{{"default", false, {}}}, {{"default", "6001", "Custom:abc", {"Custom:abc"}, "", ""}}});
    EXPECT_EQ(run("core show hint 7").text, "No hints matching extension 7\n");
    EXPECT_EQ(run("core show hint 7").status, 1);
    EXPECT_EQ(run("core show hint 6001@default").status, 0);
    EXPECT_EQ(run("core show hint 6001@other").status, 1);
}

}  // namespace
}  // namespace lamplight::console
