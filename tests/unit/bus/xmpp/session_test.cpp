#include "bus/xmpp/session.hpp"

#include <gtest/gtest.h>

namespace lamplight::bus::xmpp {
namespace {

using namespace std::chrono_literals;
using wire::xml::Element;

/// A session that is bound at 100 s and has asked for the roster.
class SessionTest : public testing::Test {
protected:
    SessionTest() : session(Session::Settings{}, "example.org") {
        Session::Output out;
        session.bound(*c2s::parse_jid("pbx1@example.org/asterisk"), now, out);
        for (const Element& stanza : out.stanzas)
            if (stanza.child("query", "jabber:iq:roster")) roster_id = stanza.value_of("id");
    }

    /// Whether the roster was said to be complete.
    bool answered(std::string_view type) {
        Element iq("iq", "jabber:client");
        iq.set("type", std::string(type)).set("id", roster_id);
        if (type == "result") iq.add("query", "jabber:iq:roster");
        Session::Output out;
        session.receive(iq, now, out);
        return out.complete;
    }

    state::Time now{100s};
    Session session;
    std::string roster_id;
};

TEST_F(SessionTest, IsCompleteWhenTheRosterCame) {
    EXPECT_FALSE(session.is_complete());
    EXPECT_TRUE(answered("result"));
    EXPECT_TRUE(session.is_complete());
}

TEST_F(SessionTest, IsCompleteWhenThereIsNoRoster) {
    EXPECT_TRUE(answered("error"));
    EXPECT_TRUE(session.is_complete());
}

TEST_F(SessionTest, IsCompleteWhenNoRosterCameInTimeThoughNothingElseComes) {
    now += Requests::usual_patience;
    Session::Output out;
    session.on_time(now, out);
    EXPECT_TRUE(out.complete);
    EXPECT_TRUE(session.is_complete());
}

TEST_F(SessionTest, SaysOnceThatItIsComplete) {
    EXPECT_TRUE(answered("result"));
    now += 5s;
    Session::Output out;
    session.on_time(now, out);
    EXPECT_FALSE(out.complete);
    EXPECT_FALSE(answered("result"));
}

}  // namespace
}  // namespace lamplight::bus::xmpp
