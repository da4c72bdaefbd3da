#include "bus/xmpp/roster.hpp"

#include "stream_xml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lamplight::bus::xmpp {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using wire::xml::Element;
using Texts = std::vector<std::string>;
using EventKind = Roster::Event::Kind;
using NewsKind = Roster::News::Kind;

constexpr std::string_view full = "server2@fa.test/astvoip2";
constexpr std::string_view greetings =
    "<status>Greetings! I am the Asterisk Open Source PBX and I want to subscribe to your "
    "presence\n</status>";
constexpr std::string_view caps =
    "<c node='http://www.asterisk.org/xmpp/client/caps' ver='asterisk-xmpp' ext='voice-v1 video-v1 "
    "camera-v1' xmlns='http://jabber.org/protocol/caps'/>";

state::Eid eid(std::uint8_t number) {
    return {{0x02, 0, 0, 0, 0, number}};
}

Roster::Settings with(std::vector<std::string> buddies) {
    Roster::Settings settings;
    for (const std::string& jid : buddies)
        settings.buddies.push_back({jid, {}, "jabber.conf:1"});
    return settings;
}

struct World {
    explicit World(Roster::Settings settings = with({"server1@fa.test"}))
        : roster(std::move(settings), requests) {}

    void bind(std::string_view items = {}) {
        requests.bound(std::string(full));
        roster.bound(*c2s::parse_jid(full), now, out);
        answer(out.stanzas.front(), "<query xmlns='jabber:iq:roster'>" + std::string(items) + "</query>");
    }
    void answer(const Element& request, std::string_view content, std::string_view type = "result") {
        const std::string from(request.value_of("to"));
        const Element iq = stanza_of(
            "<iq type='" + std::string(type) + "' id='" + std::string(request.value_of("id")) + "'" +
            (from.empty() ? "" : " from='" + from + "'") + ">" + std::string(content) + "</iq>");
        ASSERT_TRUE(requests.take(iq, now));
        roster.settle(out);
    }
    bool hear(std::string_view text) { return roster.receive(stanza_of(text), now, out); }
    void present(std::string_view from, std::string_view content = {}) {
        hear("<presence from='" + std::string(from) + "'>" + std::string(content) + "</presence>");
    }
    /// Each and its kind of an event, and forgets them.
    Texts events() {
        Texts texts;
        for (const Roster::Event& event : out.events)
            texts.push_back((event.kind == EventKind::came   ? "came "
                             : event.kind == EventKind::gone ? "gone "
                                                             : "changed ") +
                            c2s::to_string(event.jid) + (event.mark ? " " + event.mark->process : ""));
        out.events.clear();
        return texts;
    }
    Texts news(NewsKind kind) const {
        Texts texts;
        for (const Roster::News& news : out.news)
            if (news.kind == kind) texts.push_back(news.jid + (news.text.empty() ? "" : ": " + news.text));
        return texts;
    }
    Texts sent() { return texts_of(out.stanzas); }
    const Buddy& buddy(std::string_view jid) const { return *roster.find(*c2s::parse_jid(jid)); }

    state::Time now{1h};
    Requests requests;
    Roster roster;
    Roster::Output out;
};

std::string mark_text(std::string_view process, std::string_view rest = {}) {
    return "<lamplight xmlns='urn:lamplight:presence:1' process='" + std::string(process) + "'" +
           std::string(rest) + "/>";
}

// --- at login ---

TEST(Roster, AsksForTheRosterAndIsPresentAsAsteriskIs) {
    World world;
    world.requests.bound(std::string(full));
    world.roster.bound(*c2s::parse_jid(full), world.now, world.out);
    EXPECT_THAT(world.sent(),
                ElementsAre("<iq type='get'><query xmlns='jabber:iq:roster'/></iq>",
                            "<presence from='server2@fa.test/astvoip2'><status>Online and Available</status>"
                            "<priority>0</priority><c xmlns='http://jabber.org/protocol/caps' "
                            "node='http://www.asterisk.org/xmpp/client/caps' ver='asterisk-xmpp' "
                            "ext='voice-v1 video-v1 camera-v1'/></presence>"));
    EXPECT_FALSE(world.out.complete);
}

TEST(Roster, IsCompleteWithTheAnswerOrWithoutOne) {
    World answered;
    answered.bind();
    EXPECT_TRUE(answered.out.complete);
    World late;
    late.requests.bound(std::string(full));
    late.roster.bound(*c2s::parse_jid(full), late.now, late.out);
    late.requests.on_time(late.now + Requests::usual_patience);
    late.roster.settle(late.out);
    EXPECT_TRUE(late.out.complete);
}

TEST(Roster, AsksWhoDoesNotLetUsSeeIt) {
    World world(with({"a@fa.test", "b@fa.test/r", "c@fa.test", "d@fa.test", "e@fa.test"}));
    world.bind(
        "<item jid='a@fa.test' subscription='both'/><item jid='b@fa.test' subscription='from'/>"
        "<item jid='c@fa.test' subscription='to'/><item jid='d@fa.test' subscription='none' ask='subscribe'/>"
        "<item jid='stranger@fa.test' subscription='none'/>");
    const Texts sent = world.sent();
    ASSERT_EQ(sent.size(), 5U);
    EXPECT_EQ(sent[2], "<presence type='subscribe' to='b@fa.test'>" + std::string(greetings) + "</presence>");
    EXPECT_THAT(sent[3], HasSubstr("to='d@fa.test'"));
    EXPECT_THAT(sent[4], HasSubstr("to='e@fa.test'"));
    EXPECT_THAT(world.news(NewsKind::asked), ElementsAre("b@fa.test", "d@fa.test", "e@fa.test"));
    EXPECT_TRUE(world.buddy("e@fa.test").asked);
}

TEST(Roster, AsksNobodyWithoutAutoregister) {
    Roster::Settings settings = with({"a@fa.test"});
    settings.autoregister = false;
    World world(settings);
    world.bind();
    EXPECT_EQ(world.sent().size(), 2U);
}

TEST(Roster, SaysItsStatusAsJabberConfHasIt) {
    Roster::Settings settings;
    settings.status = "xaway";
    settings.status_message = "at <lunch>";
    settings.priority = -1;
    World world(settings);
    world.bind();
    EXPECT_THAT(world.sent()[1],
                HasSubstr("<show>xa</show><status>at &lt;lunch&gt;</status><priority>-1</priority>"));
    settings.status = "unavailable";
    world.roster.configure(settings, world.now, world.out);
    EXPECT_THAT(world.sent(), ElementsAre(HasSubstr("<presence type='unavailable' from='")));
}

TEST(Roster, SaysItsMarkFromWhenItHasOne) {
    World world;
    world.roster.set_mark({"0123456789abcdef", {}, {}}, world.out);
    EXPECT_THAT(world.sent(), IsEmpty());
    world.bind();
    EXPECT_THAT(
        world.sent()[1],
        HasSubstr("<lamplight xmlns='urn:lamplight:presence:1' process='0123456789abcdef'/></presence>"));
    world.roster.set_mark({"0123456789abcdef", "lamplight:1", "pubsub.fa.test"}, world.out);
    EXPECT_THAT(world.sent(), ElementsAre(HasSubstr("node='lamplight:1' service='pubsub.fa.test'/>")));
    world.roster.set_mark({"0123456789abcdef", "lamplight:1", "pubsub.fa.test"}, world.out);
    EXPECT_THAT(world.sent(), IsEmpty());
}

// --- who may see whom ---

TEST(Roster, ApprovesBuddiesAndAsksThemBack) {
    World world;
    world.bind();
    world.sent();
    world.hear("<presence type='subscribe' from='server1@fa.test'/>");
    EXPECT_THAT(
        world.sent(),
        ElementsAre("<presence type='subscribed' to='server1@fa.test' from='server2@fa.test/astvoip2'>"
                    "<status>Asterisk has approved your subscription</status></presence>"));
    EXPECT_THAT(world.news(NewsKind::approved), ElementsAre("server1@fa.test"));
}

TEST(Roster, AnswersNoStrangerAndSaysSoOnce) {
    World world;
    world.bind();
    world.sent();
    for (int i = 0; i < 3; ++i)
        world.hear("<presence type='subscribe' from='mallory@fa.test'/>");
    EXPECT_THAT(world.sent(), IsEmpty());
    EXPECT_THAT(world.news(NewsKind::refused), ElementsAre("mallory@fa.test: it is no buddy"));
    EXPECT_EQ(world.roster.find(*c2s::parse_jid("mallory@fa.test")), nullptr);
}

TEST(Roster, ApprovesNobodyWhenTheAuthPolicyDoesNotAccept) {
    Roster::Settings settings = with({"server1@fa.test"});
    settings.accept = false;
    World world(settings);
    world.bind();
    world.sent();
    world.hear("<presence type='subscribe' from='server1@fa.test'/>");
    EXPECT_THAT(world.sent(), IsEmpty());
    EXPECT_EQ(world.news(NewsKind::refused).size(), 1U);
}

TEST(Roster, AdmitsEveryAccountOfADomainThatAsks) {
    World world(with({"*@FA.test"}));
    world.bind();
    world.sent();
    world.present("server3@fa.test/x");
    EXPECT_THAT(world.events(), IsEmpty()) << "it has not asked";
    world.hear("<presence type='subscribe' from='server3@fa.test'/>");
    EXPECT_THAT(world.sent(), ElementsAre(HasSubstr("type='subscribed' to='server3@fa.test'"),
                                          HasSubstr("type='subscribe' to='server3@fa.test'")));
    world.present("server3@fa.test/x");
    EXPECT_THAT(world.events(), ElementsAre("came server3@fa.test/x"));
    EXPECT_THAT(world.buddy("server3@fa.test").configured, IsEmpty());
    EXPECT_TRUE(world.roster.is_buddy(*c2s::parse_jid("anyone@fa.test/r")));
    for (const char* other : {"server3@other.test", "fa.test", "x@sub.fa.test"})
        EXPECT_FALSE(world.roster.is_buddy(*c2s::parse_jid(other))) << other;
    world.hear("<presence type='subscribe' from='server3@other.test'/>");
    EXPECT_EQ(world.news(NewsKind::refused).size(), 1U);
}

TEST(Roster, AdmitsWhoOfADomainIsOnTheRoster) {
    World world(with({"*@fa.test"}));
    world.bind(
        "<item jid='server3@fa.test' subscription='both'/><item jid='server2@fa.test' subscription='none'/>");
    EXPECT_EQ(world.sent().size(), 2U) << "nobody asks himself";
    world.present("server3@fa.test/x");
    EXPECT_THAT(world.events(), ElementsAre("came server3@fa.test/x"));
}

TEST(Roster, PrunesWhoIsNoBuddyWhenToldTo) {
    Roster::Settings settings = with({"server1@fa.test"});
    World world(settings);
    world.bind(
        "<item jid='old@fa.test' subscription='both'/><item jid='server1@fa.test' subscription='both'/>");
    EXPECT_EQ(world.sent().size(), 2U);
    settings.autoprune = true;
    world.roster.configure(settings, world.now, world.out);
    const Texts sent = world.sent();
    ASSERT_EQ(sent.size(), 3U);
    EXPECT_THAT(sent[0], HasSubstr("type='unsubscribe' to='old@fa.test'"));
    EXPECT_THAT(sent[1], HasSubstr("type='unsubscribed' to='old@fa.test'"));
    EXPECT_EQ(sent[2],
              "<iq type='set'><query xmlns='jabber:iq:roster'><item jid='old@fa.test' "
              "subscription='remove'/></query></iq>");
    EXPECT_THAT(world.news(NewsKind::pruned), ElementsAre("old@fa.test"));
    world.hear(
        "<iq type='set' id='p'><query xmlns='jabber:iq:roster'><item jid='old@fa.test' "
        "subscription='none'/></query></iq>");
    EXPECT_EQ(world.sent().size(), 1U) << "once a stream";
    world.hear(
        "<iq type='set' id='p'><query xmlns='jabber:iq:roster'><item jid='old@fa.test' "
        "subscription='remove'/></query></iq>");
    EXPECT_EQ(world.roster.buddies().size(), 1U);
}

TEST(Roster, TakesPushesOfOurServerOnly) {
    World world;
    world.bind();
    world.sent();
    const std::string query =
        "<query xmlns='jabber:iq:roster'><item jid='server1@fa.test' subscription='both'/></query></iq>";
    for (const char* from :
         {"server1@fa.test", "fa.test", "server2@fa.test/astvoip2", "server2@fa.test.evil"})
        EXPECT_TRUE(world.hear("<iq type='set' id='x' from='" + std::string(from) + "'>" + query));
    EXPECT_THAT(world.sent(), IsEmpty());
    EXPECT_EQ(world.buddy("server1@fa.test").subscription, "none");
    world.hear("<iq type='set' id='x' from='server2@FA.test'>" + query);
    EXPECT_THAT(world.sent(), ElementsAre("<iq to='server2@FA.test' type='result' id='x'/>"));
    EXPECT_EQ(world.buddy("server1@fa.test").subscription, "both");
    world.hear("<iq type='set' id='y'>" + query);
    EXPECT_THAT(world.sent(), ElementsAre("<iq type='result' id='y'/>"));
}

TEST(Roster, SaysWhenSomebodyTakesItsSubscriptionBack) {
    World world;
    world.bind("<item jid='server1@fa.test' subscription='both'/>");
    world.hear("<presence type='unsubscribed' from='server1@fa.test'/>");
    world.hear("<presence type='unsubscribed' from='mallory@fa.test'/>");
    EXPECT_THAT(world.news(NewsKind::disappeared), ElementsAre("server1@fa.test"));
}

TEST(Roster, AsksAgainForWhomItAskedBeforeWhenThatAccountWasRemovedAndIsThereAgain) {
    World world;
    world.bind();  // asks server1
    world.sent();
    world.hear("<presence type='unsubscribed' from='server1@fa.test'/>");
    EXPECT_THAT(world.sent(), IsEmpty());
    world.hear("<presence type='subscribe' from='server1@fa.test'/>");
    EXPECT_THAT(world.sent(), ElementsAre(HasSubstr("type='subscribed' to='server1@fa.test'"),
                                          HasSubstr("type='subscribe' to='server1@fa.test'")));
    world.hear("<presence type='subscribe' from='server1@fa.test'/>");
    EXPECT_THAT(world.sent(), ElementsAre(HasSubstr("type='subscribed'"))) << "once is enough";
}

TEST(Roster, ShowsItselfToABuddyItSeesWhomTheRosterDoesNotShowIt) {
    World world;
    world.bind("<item jid='server1@fa.test' subscription='to'/>");
    world.sent();
    world.present("server1@fa.test/astvoip1");
    EXPECT_THAT(world.sent(), Contains(HasSubstr("<priority>0</priority>")).Times(1));
    world.present("server1@fa.test/astvoip1");
    EXPECT_THAT(world.sent(), Not(Contains(HasSubstr("<priority>")))) << "once a resource";
    world.roster.set_mark({"0123456789abcdef", {}, {}}, world.out);
    EXPECT_THAT(world.sent(),
                ElementsAre(Not(HasSubstr("to='server1")), HasSubstr("to='server1@fa.test/astvoip1'")));
}

TEST(Roster, LeavesItToTheRosterToShowItselfWhereThatDoes) {
    World world;
    world.bind("<item jid='server1@fa.test' subscription='both'/>");
    world.sent();
    world.present("server1@fa.test/astvoip1");
    EXPECT_THAT(world.sent(), Not(Contains(HasSubstr("<priority>"))));
}

// --- who is there ---

TEST(Roster, KnowsWhoIsThereAndHow) {
    World world;
    world.bind();
    world.present("server1@fa.test/astvoip1",
                  "<show>dnd</show><status>busy</status><priority>5</priority>" + std::string(caps));
    EXPECT_THAT(world.events(), ElementsAre("came server1@fa.test/astvoip1"));
    const Resource& resource = world.buddy("server1@fa.test").resources.at(0);
    EXPECT_EQ(resource.status, 5);
    EXPECT_EQ(resource.status_text, "busy");
    EXPECT_EQ(resource.priority, 5);
    EXPECT_EQ(resource.caps_node, "http://www.asterisk.org/xmpp/client/caps");
    EXPECT_EQ(resource.caps_version, "asterisk-xmpp");
    EXPECT_EQ(resource.since, world.now);
    world.now += 1s;
    world.present("server1@fa.test/astvoip1", "<priority>999</priority>");
    EXPECT_THAT(world.events(), IsEmpty());
    EXPECT_EQ(resource.status, 1);
    EXPECT_EQ(resource.priority, 0);
    EXPECT_EQ(resource.since, world.now - 1s);
    world.hear("<presence type='unavailable' from='server1@fa.test/astvoip1'/>");
    world.hear("<presence type='unavailable' from='server1@fa.test/astvoip1'/>");
    EXPECT_THAT(world.events(), ElementsAre("gone server1@fa.test/astvoip1"));
    EXPECT_THAT(world.buddy("server1@fa.test").resources, IsEmpty());
}

TEST(Roster, PassesOverStrangersOurselvesErrorsAndBareNames) {
    World world;
    world.bind("<item jid='server2@fa.test' subscription='both'/>");
    world.sent();
    world.present("mallory@fa.test/x", caps);
    world.present("server2@fa.test/other", mark_text("0123456789abcdef"));
    world.present("server1@fa.test");
    world.hear("<presence type='error' from='server1@fa.test/x'><error type='cancel'/></presence>");
    world.hear("<presence type='probe' from='server1@fa.test/x'/>");
    world.hear("<presence from='@@'/>");
    world.hear("<presence/>");
    EXPECT_THAT(world.events(), IsEmpty());
    EXPECT_THAT(world.sent(), IsEmpty());
}

TEST(Roster, PassesOverOurselvesAlsoWhereEverybodyIsABuddy) {
    World world(with({"*@fa.test", "server2@fa.test"}));
    world.bind("<item jid='server2@fa.test' subscription='both'/>");
    world.sent();
    world.present("server2@fa.test/other", mark_text("0123456789abcdef"));
    world.hear("<presence type='subscribe' from='server2@fa.test'/>");
    EXPECT_THAT(world.events(), IsEmpty());
    EXPECT_THAT(world.sent(), IsEmpty());
}

TEST(Roster, KnowsALamplightByItsMark) {
    World world;
    world.bind("<item jid='server1@fa.test' subscription='both'/>");
    world.sent();
    world.present("server1@fa.test/l",
                  mark_text("0123456789abcdef", " node='lamplight:1' service='PubSub.fa.test'"));
    EXPECT_THAT(world.events(), ElementsAre("came server1@fa.test/l 0123456789abcdef"));
    const Resource& resource = world.buddy("server1@fa.test").resources.at(0);
    EXPECT_EQ(resource.mark, (Mark{"0123456789abcdef", "lamplight:1", "pubsub.fa.test"}));
    EXPECT_EQ(resource.jingle, true);
    EXPECT_THAT(world.sent(),
                ElementsAre(HasSubstr("<presence from='server2@fa.test/astvoip2' to='server1@fa.test/l'>")))
        << "it is shown ours, whatever the roster does, and not asked what it can do";
    world.present("server1@fa.test/l",
                  mark_text("0123456789abcdef", " node='lamplight:1' service='pubsub.fa.test'"));
    EXPECT_THAT(world.events(), IsEmpty());
    world.present("server1@fa.test/l", mark_text("0123456789abcde0"));
    EXPECT_THAT(world.events(), ElementsAre("changed server1@fa.test/l 0123456789abcde0"));
    world.present("server1@fa.test/l");
    EXPECT_THAT(world.events(), ElementsAre("changed server1@fa.test/l"));
}

TEST(Roster, TakesNoMarkThatIsNone) {
    World world;
    world.bind();
    for (const char* process :
         {"", "0123456789abcde", "0123456789ABCDEF", "0123456789abcdefa", "0123456789abcdeg"}) {
        world.present("server1@fa.test/l", mark_text(process));
        EXPECT_FALSE(world.buddy("server1@fa.test").resources.at(0).mark) << process;
    }
    for (const std::string& rest :
         {std::string(" node='n'"), std::string(" service='s'"), std::string(" node='n' service='@'"),
          " node='" + std::string(300, 'n') + "' service='s'", std::string(" node='a&#10;b' service='s'")}) {
        world.present("server1@fa.test/l", mark_text("0123456789abcdef", rest));
        EXPECT_EQ(world.buddy("server1@fa.test").resources.at(0).mark, (Mark{"0123456789abcdef", {}, {}}))
            << rest;
    }
}

TEST(Roster, LosesAllResourcesWithTheBareName) {
    World world;
    world.bind();
    world.present("server1@fa.test/a");
    world.present("server1@fa.test/b", mark_text("0123456789abcdef"));
    world.events();
    world.hear("<presence type='unavailable' from='server1@fa.test'/>");
    EXPECT_THAT(world.events(),
                ElementsAre("gone server1@fa.test/a", "gone server1@fa.test/b 0123456789abcdef"));
}

TEST(Roster, KeepsNoMoreResourcesThanItsLimitAndSaysSoOnce) {
    World world;
    world.bind();
    for (std::size_t i = 0; i < Roster::most_resources + 5; ++i)
        world.present("server1@fa.test/" + std::to_string(i));
    EXPECT_EQ(world.buddy("server1@fa.test").resources.size(), Roster::most_resources);
    EXPECT_THAT(world.news(NewsKind::too_many), ElementsAre("server1@fa.test: more than 32 resources"));
}

TEST(Roster, KeepsNoMoreBuddiesThanItsLimit) {
    World world(with({"*@fa.test"}));
    world.bind();
    for (std::size_t i = 0; i < Roster::most_buddies + 5; ++i)
        world.hear("<presence type='subscribe' from='a" + std::to_string(i) + "@fa.test'/>");
    EXPECT_EQ(world.roster.buddies().size(), Roster::most_buddies);
    EXPECT_EQ(world.news(NewsKind::too_many).size(), 1U);
}

TEST(Roster, TiesAnEidToTheJidItIsWrittenBeside) {
    Roster::Settings settings;
    settings.buddies = {{"one@fa.test", eid(1), ""},
                        {"res@fa.test/r", eid(2), ""},
                        {"two@fa.test/a", eid(3), ""},
                        {"two@fa.test/b", eid(4), ""},
                        {"none@fa.test", {}, ""}};
    World world(settings);
    world.bind();
    const auto tied = [&](const char* jid) {
        world.present(jid);
        const auto found = world.out.events.back().eid;
        world.events();
        return found;
    };
    EXPECT_EQ(tied("one@fa.test/any"), eid(1));
    EXPECT_EQ(tied("res@fa.test/any"), eid(2));
    EXPECT_EQ(tied("two@fa.test/a"), eid(3));
    EXPECT_EQ(tied("two@fa.test/b"), eid(4));
    EXPECT_EQ(tied("two@fa.test/c"), std::nullopt);
    EXPECT_EQ(tied("none@fa.test/c"), std::nullopt);
    EXPECT_EQ(world.buddy("res@fa.test").eid, eid(2));
    EXPECT_THAT(world.buddy("two@fa.test").configured, ElementsAre("two@fa.test/a", "two@fa.test/b"));
    settings.buddies[0].eid = eid(9);
    world.roster.configure(settings, world.now, world.out);
    EXPECT_THAT(world.events(), ElementsAre("changed one@fa.test/any"));
}

TEST(Roster, LosesWhoIsNoBuddyAnyMore) {
    World world(with({"a@fa.test", "b@fa.test"}));
    world.bind("<item jid='b@fa.test' subscription='both'/>");
    world.present("a@fa.test/x");
    world.present("b@fa.test/x");
    world.events();
    world.sent();
    world.roster.configure(with({"c@fa.test"}), world.now, world.out);
    EXPECT_THAT(world.events(), ElementsAre("gone a@fa.test/x", "gone b@fa.test/x"));
    EXPECT_THAT(world.sent(), ElementsAre(HasSubstr("type='subscribe' to='c@fa.test'")));
    EXPECT_EQ(world.roster.find(*c2s::parse_jid("a@fa.test")), nullptr);
    EXPECT_FALSE(world.roster.is_buddy(*c2s::parse_jid("b@fa.test")));
    EXPECT_TRUE(world.buddy("b@fa.test").in_roster);
}

TEST(Roster, SeesABuddyAtOnceThatWasTakenOutAndPutBack) {
    Roster::Settings settings = with({"a@fa.test"});
    World world(settings);
    world.bind("<item jid='a@fa.test' subscription='both'/>");
    world.present("a@fa.test/x", mark_text("0123456789abcdef"));
    world.present("a@fa.test/gone");
    world.sent();
    world.roster.configure(with({}), world.now, world.out);
    EXPECT_THAT(world.sent(), ElementsAre("<presence type='unavailable' to='a@fa.test/x'/>"))
        << "the Lamplight does not wait for us";
    EXPECT_THAT(world.buddy("a@fa.test").resources, IsEmpty());
    world.hear("<presence type='unavailable' from='a@fa.test/gone'/>");
    world.present("a@fa.test/new");
    world.events();
    world.sent();
    settings.buddies[0].eid = eid(2);
    world.roster.configure(settings, world.now, world.out);
    ASSERT_EQ(world.out.events.size(), 2U);
    EXPECT_EQ(world.out.events[0].eid, eid(2));
    EXPECT_THAT(world.events(), ElementsAre("came a@fa.test/x 0123456789abcdef", "came a@fa.test/new"));
    EXPECT_THAT(world.sent(),
                ElementsAre(HasSubstr("to='a@fa.test/x'"), HasSubstr("<iq to='a@fa.test/new' type='get'>")))
        << "it is greeted, and asked what it can";
    world.roster.configure(settings, world.now, world.out);
    EXPECT_THAT(world.events(), IsEmpty());
}

TEST(Roster, SeesABuddyAtOnceThatWasOnlyInTheRosterBefore) {
    World world(with({}));
    world.bind("<item jid='a@fa.test' subscription='both'/>");
    world.present("a@fa.test/x");
    world.present("nobody@fa.test/x");
    for (std::size_t i = 0; i < 2 * Roster::most_resources; ++i)
        world.present("a@fa.test/r" + std::to_string(i));
    EXPECT_THAT(world.events(), IsEmpty());
    EXPECT_EQ(world.buddy("a@fa.test").hidden.size(), Roster::most_resources);
    EXPECT_EQ(world.roster.find(*c2s::parse_jid("nobody@fa.test")), nullptr);
    world.roster.configure(with({"*@fa.test"}), world.now, world.out);
    EXPECT_EQ(world.events().size(), Roster::most_resources);
}

TEST(Roster, ForgetsWhomItDoesNotSeeWithTheNextStream) {
    World world(with({}));
    world.bind("<item jid='a@fa.test' subscription='both'/>");
    world.present("a@fa.test/x");
    world.out = {};
    world.bind("<item jid='a@fa.test' subscription='both'/>");
    world.roster.configure(with({"a@fa.test"}), world.now, world.out);
    EXPECT_THAT(world.events(), IsEmpty());
}

TEST(Roster, AsksABuddyAgainThatWasTakenOutBeforeItAnswered) {
    World world(with({"a@fa.test"}));
    world.bind();
    world.roster.configure(with({}), world.now, world.out);
    world.sent();
    world.roster.configure(with({"a@fa.test"}), world.now, world.out);
    EXPECT_THAT(world.sent(), ElementsAre(HasSubstr("type='subscribe' to='a@fa.test'")));
}

TEST(Roster, PrunesWhomItAskedOnThisStreamAndAsksItAgainAfterwards) {
    Roster::Settings settings = with({"a@fa.test"});
    settings.autoprune = true;
    World world(settings);
    world.bind();
    const auto push = [&](const std::string& subscription) {
        world.hear(
            "<iq type='set' id='p'><query xmlns='jabber:iq:roster'><item jid='a@fa.test' subscription='" +
            subscription + "'/></query></iq>");
    };
    Roster::Settings without = settings;
    without.buddies.clear();
    for (int round = 0; round < 2; ++round) {
        push("both");
        world.sent();
        world.roster.configure(without, world.now, world.out);
        EXPECT_THAT(world.sent(),
                    ElementsAre(HasSubstr("type='unsubscribe' to="), HasSubstr("type='unsubscribed' to="),
                                HasSubstr("subscription='remove'")));
        world.roster.configure(settings, world.now, world.out);
        EXPECT_THAT(world.sent(), IsEmpty()) << "the server has not said yet that it is not subscribed";
        push("remove");
        EXPECT_THAT(world.sent(), Contains(HasSubstr("type='subscribe' to='a@fa.test'")));
    }
}

TEST(Roster, KnowsEverybodyUntilTheNextStream) {
    World world;
    world.bind("<item jid='server1@fa.test' subscription='both'/>");
    world.present("server1@fa.test/x");
    world.roster.stream_lost();
    EXPECT_EQ(world.buddy("server1@fa.test").resources.size(), 1U);
    EXPECT_FALSE(world.hear("<presence from='server1@fa.test/y'/>"));
    world.out = {};
    world.bind();
    EXPECT_THAT(world.buddy("server1@fa.test").resources, IsEmpty());
    EXPECT_EQ(world.buddy("server1@fa.test").subscription, "none");
}

/// The two outputs of `jabber show buddies` in the book: a roster entry, and beside it the buddy as written.
TEST(Roster, KnowsABuddyWithAResourceByItsBareName) {
    World world(with({"server1@fa.test/astvoip1"}));
    world.bind();
    world.present("server1@fa.test/astvoip1", caps);
    const Buddy& buddy = world.buddy("server1@fa.test");
    EXPECT_THAT(buddy.configured, ElementsAre("server1@fa.test/astvoip1"));
    EXPECT_EQ(buddy.resources.size(), 1U);
    EXPECT_THAT(world.sent()[2], HasSubstr("type='subscribe' to='server1@fa.test'>"));
}

// --- what is asked ---

TEST(Roster, AsksOnceWhatACapabilityMeans) {
    World world(with({"a@fa.test", "b@fa.test"}));
    world.bind("<item jid='a@fa.test' subscription='both'/><item jid='b@fa.test' subscription='both'/>");
    world.sent();
    world.present("a@fa.test/x", caps);
    const Element request = world.out.stanzas.at(0);
    EXPECT_THAT(world.sent(), ElementsAre("<iq to='a@fa.test/x' type='get'><query "
                                          "xmlns='http://jabber.org/protocol/disco#info'/></iq>"));
    world.present("b@fa.test/y", caps);
    EXPECT_THAT(world.sent(), IsEmpty());
    EXPECT_FALSE(world.buddy("a@fa.test").resources.at(0).jingle);
    world.answer(request,
                 "<query xmlns='http://jabber.org/protocol/disco#info'><feature "
                 "var='urn:xmpp:jingle:1'/></query>");
    EXPECT_EQ(world.buddy("a@fa.test").resources.at(0).jingle, true);
    EXPECT_EQ(world.buddy("b@fa.test").resources.at(0).jingle, true);
    world.present("a@fa.test/x", caps);
    EXPECT_EQ(world.buddy("a@fa.test").resources.at(0).jingle, true);
    EXPECT_THAT(world.sent(), IsEmpty());
}

TEST(Roster, TakesARefusalForNoAndSilenceForNothing) {
    World world;
    world.bind("<item jid='server1@fa.test' subscription='both'/>");
    world.sent();
    world.present("server1@fa.test/x");
    world.answer(world.out.stanzas.at(0), "<error type='cancel'/>", "error");
    EXPECT_EQ(world.buddy("server1@fa.test").resources.at(0).jingle, false);
    world.sent();
    world.present("server1@fa.test/y");
    EXPECT_EQ(world.sent().size(), 1U);
    world.requests.on_time(world.now + 1h);
    EXPECT_FALSE(world.buddy("server1@fa.test").resources.at(1).jingle);
    world.present("server1@fa.test/y");
    EXPECT_EQ(world.sent().size(), 1U) << "it is asked again";
}

TEST(Roster, AnswersDiscoAsAsteriskAndALamplight) {
    World world;
    world.bind();
    world.sent();
    EXPECT_TRUE(
        world.hear("<iq type='get' id='d' from='server2@fa.test'><query xmlns='http://jabber.org/protocol/"
                   "disco#info' node='http://www.asterisk.org/xmpp/client/caps#asterisk-xmpp'/></iq>"));
    EXPECT_THAT(
        world.sent(),
        ElementsAre(
            "<iq to='server2@fa.test' type='result' id='d'><query "
            "xmlns='http://jabber.org/protocol/disco#info' "
            "node='http://www.asterisk.org/xmpp/client/caps#asterisk-xmpp'><identity category='client' "
            "type='pc' "
            "name='asterisk'/><feature var='http://www.google.com/xmpp/protocol/voice/v1'/><feature "
            "var='http://jabber.org/protocol/disco#info'/><feature var='urn:xmpp:jingle:1'/><feature "
            "var='urn:xmpp:jingle:transports:ice-udp:1'/><feature var='urn:xmpp:jingle:apps:rtp:1'/><feature "
            "var='urn:xmpp:jingle:apps:rtp:audio'/><feature var='urn:xmpp:jingle:apps:rtp:video'/><feature "
            "var='jabber:iq:version'/><feature var='urn:xmpp:ping'/><feature "
            "var='urn:lamplight:votes:1'/></query></iq>"));
    world.hear(
        "<iq type='get' id='d' from='a@fa.test/x'><query xmlns='http://jabber.org/protocol/disco#info' "
        "node='other'/></iq>");
    EXPECT_THAT(world.sent(), ElementsAre(HasSubstr("item-not-found")));
}

TEST(Roster, AnswersVersionAndPing) {
    Roster::Settings settings;
    settings.software_version = "1.2";
    World world(settings);
    world.bind();
    world.sent();
    world.hear("<iq type='get' id='v' from='a@fa.test/x'><query xmlns='jabber:iq:version'/></iq>");
    world.hear("<iq type='get' id='p' from='fa.test'><ping xmlns='urn:xmpp:ping'/></iq>");
    EXPECT_THAT(world.sent(),
                ElementsAre("<iq to='a@fa.test/x' type='result' id='v'><query xmlns='jabber:iq:version'>"
                            "<name>lamplight</name><version>1.2</version></query></iq>",
                            "<iq to='fa.test' type='result' id='p'/>"));
}

TEST(Roster, RefusesEverythingElseWithoutAnEcho) {
    World world;
    world.bind();
    world.sent();
    EXPECT_FALSE(
        world.hear("<iq type='set' id='e' from='a@fa.test/x'><pubsub xmlns='http://jabber.org/protocol/"
                   "pubsub'><publish node='device_state'/></pubsub></iq>"));
    EXPECT_THAT(
        world.sent(),
        ElementsAre("<iq to='a@fa.test/x' type='error' id='e'><error code='503' type='cancel'>"
                    "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"));
    EXPECT_FALSE(world.hear("<iq type='result' id='e' from='a@fa.test/x'/>"));
    EXPECT_FALSE(world.hear("<iq type='bogus' id='e' from='a@fa.test/x'/>"));
    EXPECT_FALSE(world.hear("<message from='a@fa.test/x'/>"));
    EXPECT_THAT(world.sent(), IsEmpty());
}

}  // namespace
}  // namespace lamplight::bus::xmpp
