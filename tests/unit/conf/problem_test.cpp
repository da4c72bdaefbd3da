#include "conf/problem.hpp"

#include "log/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace lamplight::conf {
namespace {

TEST(Problem, NamesFileLineWhatWhyAndWhatToDo) {
    const Problem problem{Severity::error, {"/etc/a.conf", 7}, "x is refused", "it is no number", "write 1"};
    EXPECT_EQ(to_string(problem), "/etc/a.conf:7: x is refused, it is no number, write 1");
}

TEST(Problem, LeavesOutWhatThereIsNot) {
    EXPECT_EQ(to_string(Problem{Severity::error, {"/etc/a.conf", 0}, "it is not there", "", ""}),
              "/etc/a.conf: it is not there");
}

TEST(Problem, StaysOneLineWhateverTheFileHolds) {
    EXPECT_EQ(to_string(Problem{Severity::error, {"a", 1}, "x\x1b[2J\n\x7f", "", ""}), "a:1: x?[2J??");
}

TEST(Problem, ShowsWhatIsNoTextByItsBytes) {
    EXPECT_EQ(
        to_string(Problem{Severity::error, {"a", 1}, "x\xff\xfe é → \xf0\x9f\x92\xa1 \xc3", "\xc0\x80", ""}),
        "a:1: x\\xff\\xfe é → \xf0\x9f\x92\xa1 \\xc3, \\xc0\\x80");
}

TEST(Problem, OfLesserWeightIsNoError) {
    Problems problems{{Severity::warning, {}, "w", "", ""}, {Severity::notice, {}, "n", "", ""}};
    EXPECT_FALSE(has_errors(problems));
    problems.push_back({Severity::error, {}, "e", "", ""});
    EXPECT_TRUE(has_errors(problems));
}

TEST(Problem, ErrorsAreForWhoAskedAndTheRestForTheLog) {
    const Problems problems{{Severity::warning, {"a", 1}, "w", "", ""},
                            {Severity::error, {"a", 2}, "e", "", ""},
                            {Severity::notice, {"a", 3}, "n", "", ""},
                            {Severity::error, {"a", 4}, "f", "", ""}};
    EXPECT_EQ(error_lines(problems), "a:2: e\na:4: f");
    log::Log log;
    std::vector<std::pair<log::Level, std::string>> lines;
    const auto id = log.attach(
        [&](const log::Record& record) { lines.emplace_back(record.level, std::string(record.text)); });
    log_others(log, problems);
    log.detach(id);
    EXPECT_THAT(lines, testing::ElementsAre(std::pair(log::Level::warning, "a:1: w"),
                                            std::pair(log::Level::notice, "a:3: n")));
}

}  // namespace
}  // namespace lamplight::conf
