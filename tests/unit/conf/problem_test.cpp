#include "conf/problem.hpp"

#include <gtest/gtest.h>

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

TEST(Problem, OfLesserWeightIsNoError) {
    Problems problems{{Severity::warning, {}, "w", "", ""}, {Severity::notice, {}, "n", "", ""}};
    EXPECT_FALSE(has_errors(problems));
    problems.push_back({Severity::error, {}, "e", "", ""});
    EXPECT_TRUE(has_errors(problems));
}

}  // namespace
}  // namespace lamplight::conf
