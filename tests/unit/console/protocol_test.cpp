#include "console/protocol.hpp"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::console {
namespace {

using testing::ElementsAre;

template <typename T, typename Message>
T there_and_back(const Message& message) {
    auto line = encode(message);
    EXPECT_EQ(line.back(), '\n');
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    line.pop_back();
    if constexpr (std::is_same_v<Message, ClientMessage>)
        return std::get<T>(*parse_client_message(line));
    else
        return std::get<T>(*parse_server_message(line));
}

TEST(Protocol, RequestsComeOverAsTheyWere) {
    const auto run =
        there_and_back<RunRequest>(ClientMessage(RunRequest{7, "device show like \"a b\"\n", true}));
    EXPECT_EQ(run.id, 7U);
    EXPECT_EQ(run.line, "device show like \"a b\"\n");
    EXPECT_TRUE(run.json);
    EXPECT_EQ(there_and_back<CompleteRequest>(ClientMessage(CompleteRequest{8, "core "})).line, "core ");
    EXPECT_FALSE(there_and_back<SubscribeRequest>(ClientMessage(SubscribeRequest{9, false})).on);
}

TEST(Protocol, AnswersComeOverAsTheyWere) {
    const auto greeting = there_and_back<Greeting>(ServerMessage(Greeting{1, "pbx1", "0.1.0"}));
    EXPECT_EQ(greeting.name, "pbx1");
    EXPECT_EQ(greeting.version, "0.1.0");
    const auto answer =
        there_and_back<RunAnswer>(ServerMessage(RunAnswer{3, 1, "no\n", boost::json::parse("[1]")}));
    EXPECT_EQ(answer.id, 3U);
    EXPECT_EQ(answer.status, 1);
    EXPECT_EQ(answer.text, "no\n");
    EXPECT_EQ(*answer.json, boost::json::parse("[1]"));
    EXPECT_THAT(there_and_back<CompleteAnswer>(ServerMessage(CompleteAnswer{4, {"a", "b"}})).words,
                ElementsAre("a", "b"));
    EXPECT_TRUE(there_and_back<SubscribeAnswer>(ServerMessage(SubscribeAnswer{5, true})).on);
    EXPECT_EQ(there_and_back<LogLine>(ServerMessage(LogLine{"DEBUG", "[x] y"})).line, "[x] y");
    EXPECT_EQ(there_and_back<LostLines>(ServerMessage(LostLines{12})).count, 12U);
    EXPECT_EQ(there_and_back<Refusal>(ServerMessage(Refusal{"why"})).why, "why");
}

TEST(Protocol, ANameThatIsNoUtf8StillReachesTheOtherSide) {
    const auto answer =
        there_and_back<RunAnswer>(ServerMessage(RunAnswer{1, 0, "gr\xc3\xbc\xff\xc3 \xed\xa0\x80.", {}}));
    EXPECT_EQ(answer.text, "gr\xc3\xbc\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.");
}

TEST(Protocol, RefusesWhatIsNoRequest) {
    for (const auto* line : {"", "x", "[]", "1", "{}", R"({"run":1})", R"({"subscribe":"all"})",
                             R"({"run":"a"} x)", R"({"run":"a")", "{\"run\":\"\xff\"}"})
        EXPECT_FALSE(parse_client_message(line)) << line;
    EXPECT_FALSE(parse_client_message(std::string(request_bytes + 1, ' ')));
    EXPECT_FALSE(parse_client_message(std::string(40'000, '[')));
}

TEST(Protocol, AWrongIdIsNone) {
    EXPECT_EQ(std::get<RunRequest>(*parse_client_message(R"({"run":"a","id":-1})")).id, 0U);
    EXPECT_EQ(std::get<RunRequest>(*parse_client_message(R"({"run":"a","id":"x"})")).id, 0U);
    EXPECT_EQ(std::get<RunRequest>(*parse_client_message(R"({"run":"a","id":18446744073709551615})")).id,
              18446744073709551615U);
}

TEST(Protocol, RefusesWhatIsNoAnswer) {
    for (const auto* line : {"", "{}", "[]", R"({"id":1})", "HTTP/1.1 400 Bad Request"})
        EXPECT_FALSE(parse_server_message(line)) << line;
}

}  // namespace
}  // namespace lamplight::console
