// The services there are, by what they answered when they were recorded.
#include "nodes_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace lamplight::bus::xmpp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Verdict = Nodes::Check::Verdict;
using Standing = Nodes::Standing;
using Software = Nodes::Software;
using NewsKind = Nodes::News::Kind;

Recorded recorded(const std::string& file, std::string account = "server1@fa.test") {
    Recorded server(std::move(account),
                    {{"message_waiting", "device_state"}, {"lamplight:1", "device_state"}});
    server.load(file);
    return server;
}

TEST(NodesOnProsody, AreMadeByAnAdministrator) {
    NodesWorld world(NodesWorld::usual());
    Recorded server = recorded("prosody-admins.txt");
    world.bind();
    world.run(std::ref(server));
    EXPECT_THAT(world.events(),
                UnorderedElementsAre("ready device_state", "ready message_waiting", "ready lamplight:1"));
    EXPECT_THAT(world.asked(), UnorderedElementsAre("http://jabber.org/protocol/disco#info pubsub.fa.test",
                                                    "jabber:iq:version fa.test", "subscribe device_state",
                                                    "create device_state", "subscribe device_state",
                                                    "affiliations device_state", "subscribe message_waiting",
                                                    "create message_waiting", "subscribe message_waiting",
                                                    "affiliations message_waiting", "create lamplight:1",
                                                    "affiliations lamplight:1"));
    EXPECT_EQ(world.nodes.software(), Software::prosody);
    EXPECT_EQ(world.nodes.software_text(), "Prosody 0.12.3");
    EXPECT_EQ(world.nodes.stanza_limit(), 0U);
    EXPECT_EQ(world.check("component").verdict, Verdict::pass);
    EXPECT_EQ(world.check("may create").verdict, Verdict::pass);
    EXPECT_EQ(world.check("may publish", "device_state").verdict, Verdict::pass);
    EXPECT_EQ(world.check("items", "device_state").verdict, Verdict::pass);
    EXPECT_EQ(world.check("limits").verdict, Verdict::pass);
    EXPECT_TRUE(world.view("device_state").made_here);
    EXPECT_TRUE(world.view("device_state").subscribed);
}

TEST(NodesOnProsody, CannotBeMadeByOthersAndItSaysWhatToWrite) {
    NodesWorld world(NodesWorld::usual());
    Recorded server = recorded("prosody-plain.txt");
    world.bind();
    world.run(std::ref(server));
    EXPECT_THAT(world.events(),
                UnorderedElementsAre("failed device_state", "failed message_waiting", "failed lamplight:1"));
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::absent);
    EXPECT_EQ(world.nodes.standing("lamplight:1"), Standing::absent);
    const Nodes::Check check = world.check("may create");
    EXPECT_EQ(check.verdict, Verdict::fail);
    EXPECT_EQ(check.text, "forbidden (auth)");
    EXPECT_THAT(check.advice,
                HasSubstr("Component \"pubsub.fa.test\" \"pubsub\"\n    admins = { \"server1@fa.test\""));
    EXPECT_EQ(world.news(NewsKind::trouble).size(), 3U);
    EXPECT_THAT(world.news(NewsKind::trouble)[0], HasSubstr("cannot be made: forbidden (auth)"));
    std::vector<std::string> asked = world.asked();
    EXPECT_EQ(std::ranges::count(asked, "create device_state"), 1) << "another form would not help";
}

TEST(NodesOnProsody, ThatMakesThemItselfCannotBePublishedTo) {
    NodesWorld world(NodesWorld::usual());
    Recorded server = recorded("prosody-autocreate.txt");
    world.bind();
    world.run(std::ref(server));
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::ready);
    EXPECT_EQ(world.check("items", "device_state").verdict, Verdict::warn);
    world.events();
    world.nodes.publish_refused("device_state", server.answer("server1@fa.test publish device_state"),
                                world.now, world.out);
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::asking);
    world.run(std::ref(server));
    EXPECT_THAT(world.events(), ElementsAre("lost device_state"));
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::forbidden);
    const Nodes::Check check = world.check("may publish", "device_state");
    EXPECT_EQ(check.verdict, Verdict::fail);
    EXPECT_THAT(check.advice, HasSubstr("admins = {"));
}

TEST(NodesOnEjabberd, AreMadeByAnyLocalAccount) {
    NodesWorld world(NodesWorld::usual());
    Recorded server = recorded("ejabberd.txt");
    world.bind();
    world.run(std::ref(server));
    EXPECT_THAT(world.events(),
                UnorderedElementsAre("ready device_state", "ready message_waiting", "ready lamplight:1"));
    EXPECT_EQ(world.nodes.software_text(), "ejabberd 23.01-1");
    EXPECT_EQ(world.nodes.software(), Software::ejabberd);
}

/// An Asterisk's first word is an unsubscribe, and it dies of how ejabberd refuses that (peers-measured F8).
TEST(NodesOnEjabberd, HaveTheirBuddiesSubscribedBeforeTheyComeAndAfterTheyWent) {
    NodesWorld world(NodesWorld::usual());
    Recorded server = recorded("ejabberd.txt");
    world.bind();
    world.run(std::ref(server));
    const std::vector<std::string> asked = world.asked();
    EXPECT_THAT(asked,
                testing::IsSupersetOf({"subscriptions device_state", "subscriptions message_waiting"}));
    EXPECT_THAT(asked, testing::Not(testing::Contains("subscriptions lamplight:1")));
    world.nodes.went(*c2s::parse_jid("server2@fa.test"), world.now, world.out);
    ASSERT_EQ(world.out.stanzas.size(), 2U);
    EXPECT_THAT(wire::xml::to_text(world.out.stanzas[0]),
                HasSubstr("<subscriptions node='device_state'><subscription jid='server2@fa.test' "
                          "subscription='subscribed'/></subscriptions>"));
    world.out.stanzas.clear();
    world.nodes.went(*c2s::parse_jid("mallory@fa.test"), world.now, world.out);
    EXPECT_THAT(world.out.stanzas, IsEmpty());
}

TEST(NodesOnProsody, LeaveSubscriptionsToThoseWhoseTheyAre) {
    NodesWorld world(NodesWorld::usual());
    Recorded server = recorded("prosody-admins.txt");
    world.bind();
    world.run(std::ref(server));
    world.nodes.went(*c2s::parse_jid("server2@fa.test"), world.now, world.out);
    EXPECT_THAT(world.out.stanzas, IsEmpty());
}

TEST(NodesOnEjabberd, ThatLetsNobodyMakeThemAreAskedFor) {
    NodesWorld world(NodesWorld::usual());
    Recorded server = recorded("ejabberd-closed.txt");
    world.bind();
    world.run(std::ref(server));
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::absent);
    const Nodes::Check check = world.check("may create");
    EXPECT_EQ(check.text, "forbidden (auth): You're not allowed to create nodes");
    EXPECT_THAT(check.advice, HasSubstr("access_createnode: pubsub_createnode"));
}

TEST(NodesOnEjabberd, OfAnotherOwnerAreLookedAtAndShared) {
    NodesWorld world(NodesWorld::usual(), "server2@fa.test/r2");
    Recorded server = recorded("ejabberd.txt", "server2@fa.test");
    Recorded first = recorded("ejabberd.txt");
    world.bind();
    world.run([&](const Element& request) {
        auto answer = server(request);
        return answer ? answer : first(request);
    });
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::ready);
    EXPECT_FALSE(world.view("device_state").made_here);
    EXPECT_EQ(world.check("items", "device_state").verdict, Verdict::pass);
    const std::vector<std::string> asked = world.asked();
    EXPECT_THAT(asked, testing::Contains("get configure device_state"));
    EXPECT_THAT(asked, testing::Not(testing::Contains("configure device_state")));
}

TEST(NodesOnEjabberd, ThatKeepItemsOfAnotherPublisherAreMended) {
    NodesWorld world(NodesWorld::usual());
    Recorded server = recorded("ejabberd.txt");
    world.bind();
    world.run(std::ref(server));
    world.events();
    world.asked();
    bool configured = false;
    world.nodes.publish_refused("device_state", server.answer("server2@fa.test publish kept"), world.now,
                                world.out);
    world.run([&](const Element& request) -> std::optional<Element> {
        if (kind_of(request) == "get configure device_state")
            return configuration(configured ? "0" : "1", "open");
        configured = configured || kind_of(request) == "configure device_state";
        return server(request) ? server(request) : result();
    });
    EXPECT_TRUE(configured);
    EXPECT_THAT(world.events(), ElementsAre("ready device_state"));
}

struct Tigase : testing::TestWithParam<std::pair<const char*, const char*>> {
    std::string domain() const { return GetParam().second; }
    Recorded recorded(const std::vector<std::string>& files) const {
        Recorded made("server1@" + domain(),
                      {{"message_waiting", "device_state"}, {"lamplight:1", "device_state"}});
        for (const std::string& file : files)
            made.load(std::string(GetParam().first) + "/" + file + ".txt");
        return made;
    }
    Recorded before_there_are_nodes() const { return recorded({"03-disco", "04-absent-node"}); }
    Recorded server() const {
        return recorded({"05-create-configure-affiliations", "06-subscribe-publish-event",
                         "07-items-retract-delete", "08-unsubscribe"});
    }
};

TEST_P(Tigase, LetsEverybodyMakeNodes) {
    NodesWorld world(NodesWorld::usual(domain()), "server1@" + domain() + "/astvoip1");
    Recorded before = before_there_are_nodes();
    Recorded tigase = server();
    std::set<std::string> subscribed;
    world.bind();
    world.run([&](const Element& request) -> std::optional<Element> {
        const std::string kind = kind_of(request);
        if (kind.starts_with("jabber:iq:version")) return error("service-unavailable");
        const bool absent = kind.starts_with("subscribe") && subscribed.insert(kind).second;
        return absent || kind.starts_with("http") ? before(request) : tigase(request);
    });
    EXPECT_THAT(world.events(),
                UnorderedElementsAre("ready device_state", "ready message_waiting", "ready lamplight:1"));
    EXPECT_EQ(world.nodes.software(), Software::tigase);
    const bool old = domain() == "tigase5.test";
    EXPECT_EQ(world.nodes.software_text(), old ? "Tigase 5.1.5" : "Tigase 8.1.2");
    EXPECT_EQ(world.nodes.stanza_limit(), old ? 0U : 2'500U);
    EXPECT_TRUE(world.view("device_state").subscribed);
    EXPECT_THAT(world.news(NewsKind::trouble), IsEmpty());
}

TEST_P(Tigase, RefusesAStranger) {
    const Recorded tigase = server();
    const std::string stranger = "server3@" + domain();
    NodesWorld world(NodesWorld::usual(domain()), stranger + "/r3");
    world.bind();
    world.run(
        Table{{{"subscribe device_state", tigase.answer(stranger + " subscribe device_state")},
               {"get configure message_waiting", tigase.answer(stranger + " affiliations device_state")}}});
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::forbidden);
    EXPECT_THAT(world.check("may publish", "device_state").advice, HasSubstr("buddy = server3@"));
    world.events();
    world.nodes.publish_refused("message_waiting", tigase.answer(stranger + " publish device_state"),
                                world.now, world.out);
    world.run(
        Table{{{"get configure message_waiting", tigase.answer(stranger + " affiliations device_state")}}});
    EXPECT_THAT(world.events(), ElementsAre("lost message_waiting"));
}

INSTANTIATE_TEST_SUITE_P(Recorded, Tigase,
                         testing::Values(std::pair{"tigase-5.1.5", "tigase5.test"},
                                         std::pair{"tigase-8.1.2", "tigase8.test"}),
                         [](const auto& server) { return server.index == 0 ? "V5" : "V8"; });

}  // namespace
}  // namespace lamplight::bus::xmpp
