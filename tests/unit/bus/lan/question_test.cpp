#include "bus/lan/question.hpp"

#include "ring/worker.hpp"
#include "world.hpp"

#include <gmock/gmock.h>

#include <optional>

namespace lamplight::bus::lan::test {
namespace {

using testing::ElementsAre;

class QuestionsTest : public LanTest {
protected:
    void ask(const std::string& who) {
        questions->ask_occupants(
            [this, who](const console::Reply& reply) { answers.push_back(who + ": " + reply.text); },
            [this](const ring::Occupants& occupants) {
                ++worded;
                return console::Reply::ok(occupants ? "some" : occupants.error().text);
            });
    }

    ring::Worker worker{loop};
    std::optional<Questions> questions{std::in_place, loop, worker};
    std::vector<std::string> answers;
    int worded = 0;
};

TEST_F(QuestionsTest, AllThatWaitGetTheAnswerOfOne) {
    corosync.start();
    corosync.stop();
    ask("one");
    ask("two");
    corosync.resume();
    ASSERT_TRUE(soon([&] { return answers.size() == 2; }));
    EXPECT_THAT(answers, ElementsAre("one: some", "two: some"));
    EXPECT_EQ(worded, 1);
    EXPECT_EQ(corosync.lists(), 1u);
    ask("three");
    ASSERT_TRUE(soon([&] { return answers.size() == 3; }));
    EXPECT_EQ(corosync.lists(), 2u);
}

TEST_F(QuestionsTest, AFailureIsAnAnswer) {
    ask("one");
    ASSERT_TRUE(soon([&] { return answers.size() == 1; }));
    EXPECT_THAT(answers, ElementsAre("one: CS_ERR_LIBRARY (2)"));
}

TEST_F(QuestionsTest, AStoppedCorosyncIsWaitedForThreeSeconds) {
    corosync.start();
    corosync.stop();
    const auto begin = std::chrono::steady_clock::now();
    ask("one");
    ASSERT_TRUE(soon([&] { return answers.size() == 1; }));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 3s);
    EXPECT_THAT(answers, ElementsAre("one: Corosync does not answer; see bus show.\n"));
    corosync.resume();
    ASSERT_TRUE(soon([&] { return worded == 1; }));
    EXPECT_EQ(answers.size(), 1u);
}

TEST_F(QuestionsTest, TheEndAnswersWhoWaitsAndCorosyncsAnswerComesToNobody) {
    corosync.start();
    corosync.stop();
    ask("one");
    questions.reset();
    EXPECT_THAT(answers, ElementsAre("one: The module is being unloaded.\n"));
    corosync.resume();
    bool behind = false;
    worker.run([] {}, [&] { behind = true; });
    ASSERT_TRUE(soon([&] { return behind; }));
    EXPECT_EQ(answers.size(), 1u);
    EXPECT_EQ(worded, 0);
}

}  // namespace
}  // namespace lamplight::bus::lan::test
