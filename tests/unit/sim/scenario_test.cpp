#include "sim/scenario.hpp"

#include "sim/random_run.hpp"
#include "sim/scenario_parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

const std::string two_nodes = "node a 02:00:00:00:00:01\nnode b 02:00:00:00:00:02\nstart a b\nwait 1s\n";

std::vector<std::pair<std::size_t, std::string>> pairs(const std::vector<ScenarioProblem>& problems) {
    std::vector<std::pair<std::size_t, std::string>> all;
    for (const ScenarioProblem& problem : problems)
        all.emplace_back(problem.line, problem.text);
    return all;
}

std::vector<std::pair<std::size_t, std::string>> mistakes(const std::string& text) {
    const auto scenario = Scenario::parse(text);
    return scenario ? std::vector<std::pair<std::size_t, std::string>>{} : pairs(scenario.error());
}

std::vector<std::pair<std::size_t, std::string>> seen_otherwise(const std::string& text) {
    const auto scenario = Scenario::parse(text);
    EXPECT_TRUE(scenario) << text;
    return scenario ? pairs(scenario->run())
                    : std::vector<std::pair<std::size_t, std::string>>{{0, "unparsed"}};
}

TEST(Scenario, SaysEveryMistakeWithItsLine) {
    EXPECT_THAT(mistakes("nonsense\nnode a 02:00:00:00:00:01\n\nvote a Custom:x\nvote z Custom:x INUSE\n"
                         "vote a Custom:x IDLE\nset delay 1ms\nwait 5 # no unit\n"),
                ElementsAre(Pair(1, HasSubstr("nonsense")), Pair(4, HasSubstr("usage: vote")),
                            Pair(5, HasSubstr("z")), Pair(6, HasSubstr("IDLE")),
                            Pair(7, HasSubstr("before the first node")), Pair(8, HasSubstr("duration"))));
}

TEST(Scenario, RefusesAFileInWhichNothingHappens) {
    EXPECT_THAT(mistakes(""), ElementsAre(Pair(0, HasSubstr("nothing happens"))));
    EXPECT_THAT(mistakes("node a 02:00:00:00:00:01\n"), ElementsAre(Pair(1, HasSubstr("nothing happens"))));
}

TEST(Scenario, RefusesWrongWords) {
    for (const char* line :
         {"node a 00:00:00:00:00:00", "node a x", "set bus token-ring", "set weather 1s", "set delay -1s",
          "set seed x", "expect", "expect miracle a", "wait -1s", "wait 99999h"}) {
        EXPECT_THAT(mistakes(std::string(line) + "\nheal\n"), ElementsAre(Pair(1, testing::_))) << line;
    }
    for (const char* line :
         {"link a sideways", "clock a noon", "burst a d 0 INUSE", "burst a d 999999999 INUSE", "hint a 100 x",
          "hint a @c x", "expect node a b lost", "expect outcome a maybe some", "expect agree never",
          "expect vote a d b INUSE fresh", "expect trace z", "heal now", "node a 02:00:00:00:00:03"}) {
        EXPECT_THAT(mistakes(two_nodes + line + "\n"), ElementsAre(Pair(5, testing::_))) << line;
    }
}

TEST(Scenario, SaysWhatWasSeenInsteadOfWhatWasExpected) {
    EXPECT_THAT(
        seen_otherwise(two_nodes + "vote a Custom:x INUSE\nwait 1s\nexpect aggregate b Custom:x BUSY\n"
                                   "expect vote b Custom:x a BUSY stale\nexpect node b a gone\n"
                                   "expect hint b 1@c Idle\nexpect outcome b applied none\n"),
        ElementsAre(Pair(7, HasSubstr("expected BUSY\n  seen     INUSE")),
                    Pair(8, HasSubstr("expected BUSY stale\n  seen     INUSE")),
                    Pair(9, HasSubstr("seen     present")), Pair(10, HasSubstr("seen     none")),
                    Pair(11, HasSubstr("seen     1"))));
}

TEST(Scenario, ShowsTheDifferenceOfATrace) {
    const auto problems =
        seen_otherwise(two_nodes +
                       "mark\nvote a Custom:x INUSE\nwait 1s\nvote a Custom:x BUSY\nwait 1s\n"
                       "expect trace b Custom:x\n"
                       "  Custom:x UNKNOWN -> INUSE (a, vote)\n"
                       "  Custom:x INUSE -> RINGING (a, vote)\n"
                       "mark\n");
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_EQ(problems[0].first, 10u);
    EXPECT_THAT(problems[0].second, HasSubstr("\n    Custom:x UNKNOWN -> INUSE (a, vote)"
                                              "\n  - Custom:x INUSE -> RINGING (a, vote)"
                                              "\n  + Custom:x INUSE -> BUSY (a, vote)"));
}

TEST(Scenario, SaysThatANodeDoesNotRun) {
    EXPECT_THAT(seen_otherwise(two_nodes + "kill b\nexpect aggregate b Custom:x UNKNOWN\n"),
                ElementsAre(Pair(6, HasSubstr("does not run"))));
}

TEST(Scenario, SaysWhereNodesDisagree) {
    EXPECT_THAT(seen_otherwise(two_nodes +
                               "vote a Custom:x INUSE\nexpect agree votes\nwait 1s\nexpect agree votes\n"),
                ElementsAre(Pair(6, HasSubstr("a says of Custom:x: INUSE"))));
}

TEST(ParseDuration, ReadsUnitsAndRefusesTheRest) {
    EXPECT_EQ(parse_duration("200ms"), Duration{200});
    EXPECT_EQ(parse_duration("-2m"), Duration{-120'000});
    EXPECT_EQ(parse_duration("25h"), Duration{25 * 3'600'000});
    for (const char* text :
         {"", "s", "5", "5d", "5 s", "10001h", "9223372036854775807h", "-99999999999999999999s"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

TEST(RandomRun, IsDecidedByItsSeed) {
    const RandomRun run{42, 3, 60};
    const auto first = run_random(run);
    const auto second = run_random(run);
    EXPECT_EQ(first.story, second.story);
    EXPECT_EQ(first.trace, second.trace);
    EXPECT_THAT(first.failures, IsEmpty());
    EXPECT_NE(run_random({43, 3, 60}).story, first.story);
}

TEST(RandomRun, CanBeReplayed) {
    EXPECT_EQ(replay_line({17, 5, 300}), "lamplight-sim --seed 17 --nodes 5 --steps 300");
}

TEST(RandomRun, DrawsTheSameNumbersOnEveryHost) {
    Random random(1234567);
    EXPECT_EQ(random.next(), 6457827717110365317u);
    EXPECT_EQ(random.next(), 3203168211198807973u);
}

}  // namespace
}  // namespace lamplight::sim
