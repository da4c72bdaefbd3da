#include "console/mailbox.hpp"
#include "console_fixture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace lamplight::console {
namespace {

using state::Mailbox;
using state::MessageCounts;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class MwiCommandsTest : public ConsoleTest {};

TEST_F(MwiCommandsTest, UpdateTellsWhoAskedAndChangesTheCountsOfThisServer) {
    EXPECT_EQ(run("mwi update 6001@office 2 1").status, 0);
    EXPECT_EQ(daemon_.table.aggregate({"6001", "office"}), (MessageCounts{2, 1}));
    EXPECT_THAT(said_,
                Contains("alice (pid 77) set the message counts of 6001@office to 2 new and 1 old message"));
}

TEST_F(MwiCommandsTest, AMailboxWithoutAContextIsInDefault) {
    run("mwi update 6001 2 1");
    EXPECT_EQ(daemon_.table.aggregate({"6001", "default"}), (MessageCounts{2, 1}));
    run("mwi delete 6001");
    EXPECT_EQ(daemon_.table.aggregate({"6001", "default"}), std::nullopt);
    EXPECT_THAT(said_, Contains("alice (pid 77) asked: mwi delete 6001@default"));
}

TEST_F(MwiCommandsTest, DeleteTakesBackThisServersCountsOnly) {
    daemon_.remote_count({"6001", "default"}, {3, 0});
    EXPECT_EQ(run("mwi delete 6001").status, 1);
    EXPECT_EQ(daemon_.table.aggregate({"6001", "default"}), (MessageCounts{3, 0}));
    run("mwi update 6001 9 9");
    EXPECT_EQ(daemon_.table.aggregate({"6001", "default"}), (MessageCounts{9, 9}));
    EXPECT_THAT(run("mwi delete 6001").text, HasSubstr("pbx2 says so since"));
    EXPECT_EQ(daemon_.table.aggregate({"6001", "default"}), (MessageCounts{3, 0}));
}

TEST_F(MwiCommandsTest, WhatTheDaemonRefusesIsNotClaimedAsDone) {
    daemon_.mwi_problem = "100000 mailboxes are known, which is the limit";
    const auto reply = run("mwi update 6001 2 1");
    EXPECT_EQ(reply.status, 1);
    EXPECT_EQ(reply.text, "6001@default was not updated: 100000 mailboxes are known, which is the limit\n");
}

TEST_F(MwiCommandsTest, NonsenseChangesNothing) {
    for (const auto* line : {"mwi update", "mwi update 6001", "mwi update 6001 1", "mwi update 6001 1 2 3",
                             "mwi update 6001 x 0", "mwi update 6001 0 -1", "mwi update 6001 4294967297 0",
                             "mwi update 6001 '' 0", "mwi update @ 1 0", "mwi update \"\" 1 0",
                             "mwi update \"a\tb\" 1 0", "mwi delete", "mwi delete 6001 6002"}) {
        EXPECT_EQ(run(line).status, 1) << line;
        EXPECT_EQ(daemon_.table.size(), 0u) << line;
    }
    EXPECT_THAT(said_, IsEmpty());
}

TEST_F(MwiCommandsTest, TheLongestNamesOfTheWiresAreTaken) {
    const std::string longest(79, 'm');
    EXPECT_EQ(run(fmt::format("mwi update {0}@{0} 2147483647 0", longest)).status, 0);
    EXPECT_EQ(run(fmt::format("mwi update {}m@default 1 0", longest)).status, 1);
    EXPECT_EQ(run(fmt::format("mwi update 6001@{}m 1 0", longest)).status, 1);
    EXPECT_EQ(daemon_.table.size(), 1u);
}

TEST_F(MwiCommandsTest, AMailboxThatNobodyCountsAnyMoreIsNotShown) {
    run("mwi update 6001 2 1");
    EXPECT_THAT(run("mwi show").text, EndsWith("1 mailbox\n"));
    run("mwi delete 6001");
    EXPECT_THAT(run("mwi show").text, EndsWith("0 mailboxes\n"));
}

TEST_F(MwiCommandsTest, MoreMailboxesThanOneAnswerHoldsAreCountedAndSaid) {
    for (int number = 0; number < 10'002; ++number)
        ASSERT_TRUE(daemon_.update_mwi({fmt::format("{:05}", number), "default"}, {1, 0}, {}));
    const auto text = run("mwi show").text;
    EXPECT_THAT(text, HasSubstr("\n10002 mailboxes\nOnly the first 10000 are shown: narrow them down with "
                                "'mwi show like <text>'.\n"));
    EXPECT_THAT(text, HasSubstr("\n09999@default"));
    EXPECT_THAT(text, Not(HasSubstr("\n10000@default")));
    const auto json = run("mwi show", true).json;
    EXPECT_EQ(json->at("total").to_number<int>(), 10'002);
    EXPECT_EQ(json->at("mailboxes").as_array().size(), 10'000u);
}

TEST_F(MwiCommandsTest, CompletesMailboxes) {
    daemon_.remote_count({"6001", "default"}, {3, 0});
    run("mwi update 6002 1 0");
    EXPECT_THAT(registry_.complete("mwi "), ElementsAre("delete", "show", "update"));
    EXPECT_THAT(registry_.complete("mwi show l"), ElementsAre("like"));
    EXPECT_THAT(registry_.complete("mwi show like 6"), ElementsAre("6001@default", "6002@default"));
    EXPECT_THAT(registry_.complete("mwi update 6"), ElementsAre("6001@default", "6002@default"));
    EXPECT_THAT(registry_.complete("mwi delete 6"), ElementsAre("6002@default"));
    EXPECT_THAT(registry_.complete("mwi update 6001 "), IsEmpty());
    run("mwi delete 6002");
    EXPECT_THAT(registry_.complete("mwi delete "), IsEmpty());
}

TEST(Mailbox, IsReadAsAsteriskWritesIt) {
    EXPECT_EQ(parse_mailbox("6001"), (Mailbox{"6001", "default"}));
    EXPECT_EQ(parse_mailbox("6001@office"), (Mailbox{"6001", "office"}));
    EXPECT_EQ(parse_mailbox("alice@example.com@x"), (Mailbox{"alice", "example.com@x"}));
    EXPECT_FALSE(parse_mailbox(""));
    EXPECT_EQ(to_string(Mailbox{"6001", "office"}), "6001@office");
}

}  // namespace
}  // namespace lamplight::console
