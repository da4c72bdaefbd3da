#include "bus/xmpp/requests.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lamplight::bus::xmpp {
namespace {

using namespace std::chrono_literals;
using state::Time;
using wire::xml::Element;

constexpr std::string_view client = "jabber:client";

Element iq(std::string_view type, std::string_view to = {}) {
    Element made("iq", std::string(client));
    if (!to.empty()) made.set("to", std::string(to));
    made.set("type", std::string(type));
    return made;
}

struct World {
    World() { requests.bound("Server1@Example.org/astvoip1"); }
    std::string ask(std::string_view to = {}, state::Duration patience = Requests::usual_patience) {
        requests.ask(
            iq("get", to),
            [this](const Requests::Reply& reply, Time) {
                answers.push_back(reply.answer);
                took = reply.took;
            },
            now, out, patience);
        return std::string(out.back().value_of("id"));
    }
    bool answer(std::string_view id, std::string_view from, std::string_view type = "result") {
        Element made = iq(type);
        made.set("id", std::string(id));
        if (!from.empty()) made.set("from", std::string(from));
        return requests.take(made, now);
    }

    Time now{1h};
    Requests requests;
    Stanzas out;
    std::vector<Answer> answers;
    state::Duration took{};
};

TEST(Requests, GivesEachItsOwnIdAndKnowsItsAnswer) {
    World world;
    const std::string first = world.ask("pubsub.example.org");
    const std::string second = world.ask("pubsub.example.org");
    EXPECT_NE(first, second);
    EXPECT_EQ(world.requests.under_way(), 2U);
    world.now += 30ms;
    EXPECT_TRUE(world.answer(second, "pubsub.example.org", "error"));
    EXPECT_TRUE(world.answer(first, "pubsub.example.org"));
    EXPECT_EQ(world.answers, (std::vector{Answer::refused, Answer::accepted}));
    EXPECT_EQ(world.took, 30ms);
    EXPECT_EQ(world.requests.under_way(), 0U);
}

TEST(Requests, TakesAnAnswerOnce) {
    World world;
    const std::string id = world.ask("pubsub.example.org");
    EXPECT_TRUE(world.answer(id, "pubsub.example.org"));
    EXPECT_FALSE(world.answer(id, "pubsub.example.org"));
    EXPECT_EQ(world.answers.size(), 1U);
    EXPECT_FALSE(world.requests.next_deadline());
}

TEST(Requests, TakesNoAnswerFromAnybodyElse) {
    World world;
    const std::string id = world.ask("server2@example.org/astvoip2");
    for (const char* from :
         {"", "example.org", "server2@example.org", "server2@example.org/Astvoip2",
          "server2@example.org/astvoip22", "server1@example.org", "xserver2@example.org/astvoip2"})
        EXPECT_FALSE(world.answer(id, from)) << from;
    EXPECT_FALSE(world.answer("l0", "server2@example.org/astvoip2"));
    EXPECT_FALSE(world.answer(id, "server2@example.org/astvoip2", "get"));
    EXPECT_TRUE(world.answer(id, "SERVER2@example.ORG/astvoip2"));
}

TEST(Requests, AreAnsweredByOurServerForOurAccount) {
    for (const char* from : {"", "server1@example.org", "server1@example.org/astvoip1", "example.org"}) {
        World world;
        EXPECT_TRUE(world.answer(world.ask(), from)) << from;
    }
    World world;
    EXPECT_TRUE(world.answer(world.ask("example.org"), ""));
    EXPECT_TRUE(world.answer(world.ask("example.org"), "example.org"));
    EXPECT_FALSE(world.answer(world.ask("example.org"), "server1@example.org"));
    EXPECT_FALSE(world.answer(world.ask(), "example.com"));
    EXPECT_FALSE(world.answer(world.ask(), "server2@example.org"));
}

TEST(Requests, AreLostWhenNothingComesInTime) {
    World world;
    world.ask("a.example.org", 5s);
    const std::string id = world.ask("b.example.org");
    EXPECT_EQ(world.requests.next_deadline(), Time(1h + 5s));
    world.now += 5s - 1ms;
    world.requests.on_time(world.now);
    EXPECT_TRUE(world.answers.empty());
    world.now += 1ms;
    world.requests.on_time(world.now);
    EXPECT_EQ(world.answers, std::vector{Answer::lost});
    EXPECT_EQ(world.took, 5s);
    EXPECT_EQ(world.requests.next_deadline(), Time(1h + 20s));
    EXPECT_TRUE(world.answer(id, "b.example.org"));
}

TEST(Requests, AreAllLostWithTheStream) {
    World world;
    const std::string id = world.ask("a.example.org");
    world.ask("a.example.org");
    world.requests.stream_lost(world.now);
    EXPECT_EQ(world.answers, (std::vector{Answer::lost, Answer::lost}));
    EXPECT_FALSE(world.answer(id, "a.example.org"));
    EXPECT_NE(world.ask("a.example.org"), id) << "what comes late on another stream is nobody's";
}

TEST(Requests, MayAskAgainFromTheHandler) {
    World world;
    int calls = 0;
    Requests::Handler again = [&](const Requests::Reply&, Time at) {
        if (++calls < 4) world.requests.ask(iq("get", "a.example.org"), again, at, world.out);
    };
    world.requests.ask(iq("get", "a.example.org"), again, world.now, world.out);
    EXPECT_TRUE(world.answer(world.out.back().value_of("id"), "a.example.org"));
    world.requests.stream_lost(world.now);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(world.requests.under_way(), 1U) << "asked while the others were lost";
    world.now += 20s;
    world.requests.on_time(world.now);
    EXPECT_EQ(calls, 3);
}

TEST(Requests, BeyondTheMostAreLostAtOnce) {
    World world;
    for (std::size_t i = 0; i < Requests::most; ++i)
        world.ask("a.example.org");
    EXPECT_TRUE(world.answers.empty());
    const std::size_t sent = world.out.size();
    world.ask("a.example.org");
    EXPECT_EQ(world.answers, std::vector{Answer::lost});
    EXPECT_EQ(world.out.size(), sent);
}

}  // namespace
}  // namespace lamplight::bus::xmpp
