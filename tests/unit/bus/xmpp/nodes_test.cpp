#include "bus/xmpp/nodes.hpp"

#include "nodes_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace lamplight::bus::xmpp {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;
using Texts = std::vector<std::string>;
using Verdict = Nodes::Check::Verdict;
using Standing = Nodes::Standing;
using NewsKind = Nodes::News::Kind;
using Role = Nodes::NodeView::Role;

constexpr std::string_view closed = "<closed-node xmlns='http://jabber.org/protocol/pubsub#errors'/>";

Element subscription(std::string_view state, std::string_view jid = "server1@fa.test") {
    return stanza_of(
        "<iq type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub'><subscription "
        "node='device_state' jid='" +
        std::string(jid) + "' subscription='" + std::string(state) + "'/></pubsub></iq>");
}

Element affiliations(std::string_view list) {
    return stanza_of(
        "<iq type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><affiliations>" +
        std::string(list) + "</affiliations></pubsub></iq>");
}

/// Only device_state, of us and one buddy.
Nodes::Settings only_asterisk() {
    Nodes::Settings settings = NodesWorld::usual();
    settings.own_node.clear();
    return settings;
}
Nodes::Settings only_own() {
    Nodes::Settings settings = NodesWorld::usual();
    settings.asterisk = false;
    return settings;
}

/// What was asked of one node.
Texts asked_of(NodesWorld& world, std::string_view node) {
    Texts texts;
    for (const std::string& kind : world.asked())
        if (kind.find(" " + std::string(node)) != kind.npos) texts.push_back(kind);
    return texts;
}

std::string text_of_last(const NodesWorld& world, std::string_view kind) {
    std::string text;
    for (const Element& request : world.sent)
        if (kind_of(request) == kind) text = wire::xml::to_text(request);
    return text;
}

// --- the service ---

TEST(Nodes, AskTheServiceBeforeAnythingElse) {
    NodesWorld world(NodesWorld::usual());
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::unasked);
    world.bind();
    EXPECT_THAT(texts_of(world.out.stanzas),
                ElementsAre("<iq to='pubsub.fa.test' type='get'><query "
                            "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
                            "<iq to='fa.test' type='get'><query xmlns='jabber:iq:version'/></iq>"));
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::asking);
    EXPECT_EQ(world.check("component").verdict, Verdict::unknown);
}

TEST(Nodes, AreNoneWithoutAService) {
    NodesWorld world({});
    world.bind();
    EXPECT_THAT(world.out.stanzas, IsEmpty());
    EXPECT_THAT(world.nodes.nodes(), IsEmpty());
    EXPECT_EQ(world.check("component").verdict, Verdict::fail);
}

TEST(Nodes, TryAServiceAgainThatIsNotThere) {
    NodesWorld world(only_asterisk());
    const std::string disco = "http://jabber.org/protocol/disco#info pubsub.fa.test";
    const Table without{{{disco, error("remote-server-not-found")}}};
    world.bind();
    world.run(without);
    EXPECT_THAT(world.events(), UnorderedElementsAre("failed device_state", "failed message_waiting"));
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::no_service);
    EXPECT_EQ(world.check("component").verdict, Verdict::fail);
    EXPECT_THAT(world.check("component").text, HasSubstr("remote-server-not-found"));
    EXPECT_EQ(world.nodes.next_deadline(), world.now + 1s);
    world.asked();
    world.pass(64s, without);
    EXPECT_EQ(std::ranges::count(world.asked(), disco), 6) << "after 1, 2, 4, 8, 16 and 32 s";
    EXPECT_THAT(world.events(), IsEmpty());
    EXPECT_EQ(world.news(NewsKind::trouble).size(), 2U);
    world.pass(60s, Table{});
    EXPECT_THAT(world.events(), UnorderedElementsAre("ready device_state", "ready message_waiting"));
}

TEST(Nodes, TakeNoServiceThatIsNone) {
    NodesWorld world(only_asterisk());
    world.bind();
    world.run(
        Table{{{"http://jabber.org/protocol/disco#info pubsub.fa.test",
                stanza_of("<iq type='result'><query xmlns='http://jabber.org/protocol/disco#info'><identity "
                          "category='server' type='im'/></query></iq>")}}});
    EXPECT_THAT(world.check("component").text, HasSubstr("no PubSub service"));
    EXPECT_EQ(world.nodes.standing("message_waiting"), Standing::no_service);
}

TEST(Nodes, TakeSilenceForNoService) {
    NodesWorld world(only_asterisk());
    const auto silent = [](const Element&) { return std::optional<Element>(); };
    world.bind();
    world.pass(21s, silent);
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::no_service);
    EXPECT_THAT(world.check("component").text, HasSubstr("does not answer"));
}

TEST(Nodes, AreDueWhileSomethingWaitsToBeTold) {
    NodesWorld world(only_asterisk());
    world.bind();
    Element answer = service_info();
    answer.set("id", std::string(world.out.stanzas.at(0).value_of("id"))).set("from", "pubsub.fa.test");
    world.out = {};
    world.requests.take(answer, world.now);
    EXPECT_EQ(world.nodes.next_deadline(), world.now);
    world.nodes.on_time(world.now, world.out);
    EXPECT_EQ(world.out.stanzas.size(), 2U);
    EXPECT_FALSE(world.nodes.next_deadline());
}

// --- making ---

TEST(Nodes, AreMadeByTheFormThatIsTaken) {
    NodesWorld world(only_asterisk());
    int refused = 0;
    std::set<std::string> made;
    const auto server = [&](const Element& request) -> std::optional<Element> {
        const std::string kind = kind_of(request);
        if (kind == "subscribe device_state" && !made.contains("device_state"))
            return error("item-not-found");
        if (kind == "create device_state")
            return error(++refused == 1 ? "bad-request" : "not-acceptable", "modify");
        if (kind == "create device_state plain") made.insert("device_state");
        return Table{}(request);
    };
    world.bind();
    world.run(server);
    EXPECT_THAT(asked_of(world, "device_state"),
                ElementsAre("subscribe device_state", "create device_state", "create device_state",
                            "create device_state plain", "configure device_state", "subscribe device_state",
                            "affiliations device_state"));
    EXPECT_TRUE(world.view("device_state").made_here);
    EXPECT_THAT(world.news(NewsKind::made), ElementsAre("device_state"));
    EXPECT_THAT(world.news(NewsKind::configured), ElementsAre("device_state"));
    EXPECT_EQ(world.check("items", "device_state").verdict, Verdict::pass);
    EXPECT_THAT(text_of_last(world, "affiliations device_state"),
                HasSubstr("<affiliation jid='server2@fa.test' affiliation='owner'/>"));
    EXPECT_THAT(text_of_last(world, "affiliations device_state"), Not(HasSubstr("server1@fa.test")));
}

TEST(Nodes, KeepTheServicesDefaultsWhereNothingElseIsTakenAndSayIt) {
    NodesWorld world(only_own());
    world.bind();
    world.run(Table{
        {{"create lamplight:1", error("bad-request")}, {"configure lamplight:1", error("bad-request")}}});
    EXPECT_THAT(asked_of(world, "lamplight:1"),
                ElementsAre("create lamplight:1", "create lamplight:1", "create lamplight:1 plain",
                            "configure lamplight:1", "configure lamplight:1", "affiliations lamplight:1"));
    EXPECT_EQ(world.nodes.standing("lamplight:1"), Standing::ready);
    EXPECT_EQ(world.check("items", "lamplight:1").verdict, Verdict::warn);
    EXPECT_THAT(world.news(NewsKind::trouble), ElementsAre(HasSubstr("not configured: bad-request")));
}

TEST(Nodes, AreSubscribedToWhenSomebodyMadeThemMeanwhile) {
    NodesWorld world(only_asterisk());
    int subscribes = 0;
    world.bind();
    world.run([&](const Element& request) -> std::optional<Element> {
        const std::string kind = kind_of(request);
        if (kind == "subscribe device_state" && ++subscribes == 1) return error("item-not-found");
        if (kind == "create device_state") return error("conflict");
        return Table{}(request);
    });
    EXPECT_THAT(asked_of(world, "device_state"),
                ElementsAre("subscribe device_state", "create device_state", "subscribe device_state",
                            "get configure device_state", "get affiliations device_state",
                            "affiliations device_state"));
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::ready);
    EXPECT_FALSE(world.view("device_state").made_here);
}

TEST(Nodes, DoNotTurnInACircleWhenAServiceContradictsItself) {
    NodesWorld world(only_asterisk());
    world.bind();
    world.run(Table{
        {{"subscribe device_state", error("item-not-found")}, {"create device_state", error("conflict")}}});
    EXPECT_THAT(asked_of(world, "device_state"),
                ElementsAre("subscribe device_state", "create device_state", "subscribe device_state"));
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::absent);
}

TEST(Nodes, OfOursThatAreThereAreOursOrSomebodyElses) {
    NodesWorld ours(only_own());
    ours.bind();
    ours.run(Table{{{"create lamplight:1", error("conflict")},
                    {"get configure lamplight:1", configuration("1", "open", "open")},
                    {"get affiliations lamplight:1", affiliations("<affiliation jid='server2@fa.test/x' "
                                                                  "affiliation='member'/>")}}});
    EXPECT_THAT(asked_of(ours, "lamplight:1"),
                ElementsAre("create lamplight:1", "get configure lamplight:1", "configure lamplight:1",
                            "get affiliations lamplight:1"));
    EXPECT_THAT(text_of_last(ours, "configure lamplight:1"),
                AllOf(HasSubstr("<value>whitelist</value>"), HasSubstr("<value>publishers</value>")));
    EXPECT_THAT(ours.events(), ElementsAre("ready lamplight:1"));
    NodesWorld theirs(only_own());
    theirs.bind();
    theirs.run(Table{{{"create lamplight:1", error("conflict")},
                      {"get configure lamplight:1", error("forbidden", "auth")}}});
    EXPECT_THAT(theirs.events(), ElementsAre("failed lamplight:1"));
    EXPECT_EQ(theirs.nodes.standing("lamplight:1"), Standing::forbidden);
    EXPECT_EQ(theirs.check("may publish", "lamplight:1").verdict, Verdict::fail);
}

// --- who is no buddy any more ---

Nodes::Settings without_buddies(Nodes::Settings settings) {
    settings.buddies.clear();
    return settings;
}

TEST(Nodes, OfOursAreHeardNoMoreByWhoIsNoBuddyAnyMore) {
    NodesWorld world(only_own());
    world.bind();
    world.run(Table{});
    world.asked();
    world.nodes.configure(without_buddies(only_own()), world.now, world.out);
    world.run(Table{});
    EXPECT_THAT(world.asked(), ElementsAre("subscriptions lamplight:1", "affiliations lamplight:1"));
    EXPECT_THAT(text_of_last(world, "subscriptions lamplight:1"),
                HasSubstr("<subscription jid='server2@fa.test' subscription='none'/>"));
    EXPECT_THAT(text_of_last(world, "affiliations lamplight:1"),
                HasSubstr("<affiliation jid='server2@fa.test' affiliation='none'/>"));
    EXPECT_THAT(world.news(NewsKind::revoked), ElementsAre("lamplight:1: server2@fa.test"));
    world.nodes.configure(without_buddies(only_own()), world.now, world.out);
    EXPECT_THAT(world.out.stanzas, IsEmpty()) << "once";
}

/// It may not have been told that its subscription is gone.
TEST(Nodes, OfOursAreSubscribedForABuddyThatIsBack) {
    for (const bool on_another_stream : {false, true}) {
        NodesWorld world(only_own());
        world.bind();
        world.run(Table{});
        world.nodes.configure(without_buddies(only_own()), world.now, world.out);
        world.run(Table{});
        if (on_another_stream) {
            world.nodes.stream_lost();
            world.bind();
            world.run(Table{});
        }
        world.asked();
        world.nodes.configure(only_own(), world.now, world.out);
        world.run(Table{});
        EXPECT_THAT(world.asked(), ElementsAre("affiliations lamplight:1", "subscriptions lamplight:1"));
        EXPECT_THAT(text_of_last(world, "affiliations lamplight:1"),
                    HasSubstr("<affiliation jid='server2@fa.test' affiliation='member'/>"));
        EXPECT_THAT(text_of_last(world, "subscriptions lamplight:1"),
                    HasSubstr("<subscription jid='server2@fa.test' subscription='subscribed'/>"));
        world.nodes.configure(only_own(), world.now, world.out);
        EXPECT_THAT(world.out.stanzas, IsEmpty());
    }
}

TEST(Nodes, OfOursThatAreThereAtAStartAreRevokedFromWhoIsNoBuddy) {
    Nodes::Settings settings = only_own();
    settings.domains = {"branch.test"};
    NodesWorld world(settings);
    world.bind();
    world.run(Table{{{"create lamplight:1", error("conflict")},
                     {"get affiliations lamplight:1",
                      affiliations("<affiliation jid='server1@fa.test' affiliation='owner'/><affiliation "
                                   "jid='server2@fa.test' affiliation='member'/><affiliation "
                                   "jid='old@fa.test' affiliation='member'/><affiliation jid='bad@fa.test' "
                                   "affiliation='outcast'/><affiliation jid='boss@fa.test' "
                                   "affiliation='owner'/><affiliation jid='any@branch.test' "
                                   "affiliation='member'/><affiliation jid='branch.test' "
                                   "affiliation='publisher'/>")}}});
    EXPECT_THAT(world.events(), ElementsAre("ready lamplight:1"));
    EXPECT_THAT(world.news(NewsKind::revoked), ElementsAre("lamplight:1: old@fa.test, branch.test"));
    EXPECT_THAT(world.news(NewsKind::stranger), ElementsAre("lamplight:1: boss@fa.test"));
    const std::string set = text_of_last(world, "affiliations lamplight:1");
    EXPECT_THAT(set, HasSubstr("<affiliation jid='old@fa.test' affiliation='none'/><affiliation "
                               "jid='branch.test' affiliation='none'/>"));
    for (const char* stays : {"server1@", "server2@", "bad@", "boss@", "any@"})
        EXPECT_THAT(set, Not(HasSubstr(stays)));
}

TEST(Nodes, OfOursAreRevokedFromManyInStanzasThatServersTake) {
    std::string list;
    for (int i = 0; i < 250; ++i)
        list += "<affiliation jid='old" + std::to_string(i) + "@fa.test' affiliation='member'/>";
    NodesWorld world(without_buddies(only_own()));
    world.bind();
    world.run(Table{
        {{"create lamplight:1", error("conflict")}, {"get affiliations lamplight:1", affiliations(list)}}});
    EXPECT_EQ(std::ranges::count(world.kinds, "affiliations lamplight:1"), 3);
    EXPECT_EQ(std::ranges::count(world.kinds, "subscriptions lamplight:1"), 3);
    EXPECT_THAT(world.news(NewsKind::revoked), Contains(HasSubstr("and 95 more")));
}

TEST(Nodes, OfOursThatCannotBeRevokedAreSaidAndUsedAllTheSame) {
    NodesWorld world(only_own());
    world.bind();
    world.run(Table{});
    world.events();
    world.nodes.configure(without_buddies(only_own()), world.now, world.out);
    world.run(Table{{{"affiliations lamplight:1", error("not-acceptable", "modify")}}});
    EXPECT_THAT(world.news(NewsKind::trouble),
                ElementsAre(HasSubstr("lamplight:1: who is no buddy any more still may hear it: ")));
    EXPECT_THAT(world.events(), IsEmpty());
    EXPECT_EQ(world.nodes.standing("lamplight:1"), Standing::ready);
}

TEST(Nodes, OfOursAreRevokedFromWhomAPatternAdmittedWhenItIsTakenOut) {
    Nodes::Settings settings = without_buddies(only_own());
    settings.domains = {"fa.test"};
    NodesWorld world(settings);
    world.bind();
    world.run(Table{});
    world.nodes.admit(*c2s::parse_jid("server3@fa.test"), world.now, world.out);
    world.run(Table{});
    world.nodes.configure(settings, world.now, world.out);
    EXPECT_THAT(world.news(NewsKind::revoked), IsEmpty());
    world.nodes.configure(without_buddies(only_own()), world.now, world.out);
    world.run(Table{});
    EXPECT_THAT(world.news(NewsKind::revoked), ElementsAre("lamplight:1: server3@fa.test"));
}

TEST(Nodes, OfOursAreRevokedWhenTheyAreReadyFromWhoWentBefore) {
    NodesWorld world(only_own());
    world.bind();
    const auto silent = [](const Element& request) -> std::optional<Element> {
        if (kind_of(request) == "affiliations lamplight:1") return std::nullopt;
        return Table{}(request);
    };
    world.run(silent);
    world.nodes.configure(without_buddies(only_own()), world.now, world.out);
    EXPECT_THAT(world.news(NewsKind::revoked), IsEmpty()) << "it is being granted";
    world.pass(Requests::usual_patience + 1s, Table{});
    EXPECT_THAT(world.news(NewsKind::revoked), ElementsAre("lamplight:1: server2@fa.test"));
}

/// They are others', too.
TEST(Nodes, OfAsterisksAreLeftToWhomTheyWereGivenAndThatIsSaid) {
    NodesWorld world(only_asterisk());
    world.bind();
    world.run(Table{});
    EXPECT_EQ(world.check("owners").text, "there is no such check");
    world.asked();
    world.nodes.configure(without_buddies(only_asterisk()), world.now, world.out);
    world.run(Table{});
    EXPECT_THAT(world.asked(), IsEmpty());
    EXPECT_THAT(world.news(NewsKind::stranger),
                UnorderedElementsAre("device_state: server2@fa.test", "message_waiting: server2@fa.test"));
    const Nodes::Check check = world.check("owners", "device_state");
    EXPECT_EQ(check.verdict, Verdict::warn);
    EXPECT_EQ(check.text, "device_state: server2@fa.test may use it and is no buddy here");
    EXPECT_THAT(check.advice,
                AllOf(HasSubstr("pubsub.fa.test"),
                      HasSubstr("<affiliations node='device_state'><affiliation jid='server2@fa.test' "
                                "affiliation='none'/>")));
    world.nodes.configure(only_asterisk(), world.now, world.out);
    EXPECT_EQ(world.check("owners").text, "there is no such check");
}

TEST(Nodes, OfAsterisksThatWereThereNameWhoIsNoBuddy) {
    NodesWorld world(only_asterisk());
    world.bind();
    world.run(Table{{{"get affiliations device_state",
                      affiliations("<affiliation jid='server2@fa.test' affiliation='owner'/><affiliation "
                                   "jid='server3@fa.test' affiliation='owner'/><affiliation "
                                   "jid='server4@fa.test' affiliation='publisher'/>")}}});
    EXPECT_THAT(world.news(NewsKind::stranger),
                ElementsAre("device_state: server3@fa.test, server4@fa.test"));
    EXPECT_EQ(world.check("owners").text,
              "device_state: server3@fa.test (and 1 more) may use it and is no buddy here");
    EXPECT_EQ(std::ranges::count(world.kinds, "affiliations device_state"), 0);
}

// --- nodes that are there ---

TEST(Nodes, ThatKeepItemsAreToldNotToAndKeepTheirAccess) {
    NodesWorld world(only_asterisk());
    world.bind();
    world.run(Table{{{"get configure device_state", configuration("true", "open", "open")}}});
    EXPECT_THAT(text_of_last(world, "configure device_state"),
                AllOf(HasSubstr("<field var='pubsub#persist_items'><value>0</value>"),
                      HasSubstr("<field var='pubsub#access_model'><value>open</value>"),
                      HasSubstr("<field var='pubsub#publish_model'><value>open</value>")));
    EXPECT_THAT(world.news(NewsKind::configured), ElementsAre("device_state"));
    EXPECT_EQ(world.check("items", "device_state").verdict, Verdict::pass);
}

TEST(Nodes, WhoseAccessWeCannotSayAreLeftAlone) {
    NodesWorld world(only_asterisk());
    world.bind();
    world.run(Table{{{"get configure device_state", configuration("1", "roster")}}});
    EXPECT_THAT(asked_of(world, "device_state"), Not(Contains("configure device_state")));
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::ready);
    EXPECT_EQ(world.check("items", "device_state").verdict, Verdict::warn);
}

TEST(Nodes, OfOthersAreUsedAndTheirItemsWarnedOf) {
    NodesWorld world(only_asterisk());
    world.bind();
    world.run(Table{{{"get configure device_state", error("forbidden", "auth")}}});
    EXPECT_THAT(asked_of(world, "device_state"),
                ElementsAre("subscribe device_state", "get configure device_state"));
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::ready);
    const Nodes::Check check = world.check("items", "device_state");
    EXPECT_EQ(check.verdict, Verdict::warn);
    EXPECT_THAT(check.advice, HasSubstr("persist_items = 0"));
}

TEST(Nodes, AreGrantedToBuddiesThatHaveNothingThere) {
    Nodes::Settings settings = only_asterisk();
    settings.buddies = {"server2@fa.test", "Server3@fa.test", "server4@fa.test", "server1@fa.test"};
    NodesWorld world(settings);
    world.bind();
    world.run(Table{
        {{"get affiliations device_state",
          affiliations("<affiliation jid='server1@fa.test' affiliation='owner'/><affiliation "
                       "jid='server2@fa.test' affiliation='outcast'/><affiliation jid='server3@fa.test' "
                       "affiliation='none'/>")}}});
    const std::string set = text_of_last(world, "affiliations device_state");
    EXPECT_THAT(set, AllOf(HasSubstr("server3@fa.test"), HasSubstr("server4@fa.test"),
                           Not(HasSubstr("server2@fa.test")), Not(HasSubstr("server1@fa.test"))));
}

TEST(Nodes, AreGrantedToWhoIsAdmittedLaterAndOnce) {
    NodesWorld world(NodesWorld::usual());
    world.bind();
    world.run(Table{});
    world.asked();
    for (const char* jid : {"server3@fa.test/x", "server3@fa.test", "server1@fa.test", "server2@fa.test"})
        world.nodes.admit(*c2s::parse_jid(jid), world.now, world.out);
    world.run(Table{});
    EXPECT_THAT(world.asked(),
                UnorderedElementsAre("affiliations device_state", "affiliations message_waiting",
                                     "affiliations lamplight:1"));
    EXPECT_THAT(text_of_last(world, "affiliations lamplight:1"),
                HasSubstr("<affiliation jid='server3@fa.test' affiliation='member'/>"));
    EXPECT_THAT(text_of_last(world, "affiliations device_state"),
                HasSubstr("<affiliation jid='server3@fa.test' affiliation='owner'/>"));
}

TEST(Nodes, ThatRefuseAGrantAreUsedAndSaySo) {
    NodesWorld world(only_own());
    world.bind();
    world.run(Table{{{"affiliations lamplight:1", error("not-acceptable", "modify")}}});
    EXPECT_THAT(world.events(), ElementsAre("ready lamplight:1"));
    EXPECT_THAT(world.news(NewsKind::trouble), ElementsAre(HasSubstr("buddies not granted: not-acceptable")));
}

// --- subscriptions ---

TEST(Nodes, TakeAnyFormOfOurJidInTheAnswer) {
    for (const char* jid : {"server1@fa.test", "server1@fa.test/astvoip1", "Server1@FA.test", ""}) {
        NodesWorld world(only_asterisk());
        world.bind();
        world.run(Table{{{"subscribe device_state", subscription("subscribed", jid)}}});
        EXPECT_TRUE(world.view("device_state").subscribed) << jid;
    }
    NodesWorld world(only_asterisk());
    world.bind();
    world.run(Table{{{"subscribe device_state", subscription("subscribed", "mallory@fa.test")}}});
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::forbidden);
}

TEST(Nodes, WaitForAnOwnerWhoHasToApprove) {
    NodesWorld world(only_asterisk());
    world.bind();
    world.run(Table{{{"subscribe device_state", subscription("pending")}}});
    EXPECT_THAT(world.events(), Contains("failed device_state"));
    EXPECT_THAT(world.view("device_state").trouble, HasSubstr("an owner of it has to approve"));
    wire::pubsub::Event event;
    event.kind = wire::pubsub::Event::Kind::subscription;
    event.from = "pubsub.fa.test";
    event.node = "device_state";
    event.subscription = "subscribed";
    world.nodes.heard(event, world.now, world.out);
    world.run(Table{});
    EXPECT_EQ(world.events(), Texts{"ready device_state"});
    event.subscription = "none";
    world.nodes.heard(event, world.now, world.out);
    EXPECT_EQ(world.events(), Texts{"lost device_state"});
    world.pass(3s, Table{});
    EXPECT_EQ(world.events(), Texts{"ready device_state"});
}

TEST(Nodes, SayWhatElseASubscriptionIs) {
    NodesWorld world(only_asterisk());
    world.bind();
    world.run(Table{{{"subscribe device_state", subscription("unconfigured")},
                     {"subscribe message_waiting", error("not-allowed", "cancel", closed)}}});
    EXPECT_EQ(world.view("device_state").trouble, "subscription: unconfigured");
    EXPECT_EQ(world.view("message_waiting").trouble, "not-allowed (cancel), closed-node");
    EXPECT_EQ(world.nodes.standing("message_waiting"), Standing::forbidden);
    EXPECT_THAT(world.check("may publish", "message_waiting").advice, HasSubstr("buddy = server1@fa.test"));
}

// --- what happens to them ---

TEST(Nodes, AreTriedAgainWithGrowingPausesAndTroubleIsSaidOnce) {
    NodesWorld world(only_own());
    const Table denied{{{"create lamplight:1", error("forbidden", "auth")}}};
    world.bind();
    world.run(denied);
    world.asked();
    world.pass(63s + 181s, denied);
    EXPECT_EQ(asked_of(world, "lamplight:1").size(), 6U + 3U);
    EXPECT_THAT(world.events(), ElementsAre("failed lamplight:1"));
    EXPECT_EQ(world.news(NewsKind::trouble).size(), 1U);
    world.pass(61s, Table{});
    EXPECT_THAT(world.events(), ElementsAre("ready lamplight:1"));
}

TEST(Nodes, ThatAreDeletedAreMadeAgainButNotWithoutEnd) {
    NodesWorld world(only_own());
    world.bind();
    world.run(Table{});
    world.events();
    world.asked();
    world.now += Nodes::patience;
    world.deleted("lamplight:1");
    EXPECT_EQ(world.nodes.standing("lamplight:1"), Standing::asking);
    world.run(Table{});
    EXPECT_THAT(world.events(), ElementsAre("lost lamplight:1", "ready lamplight:1"));
    world.asked();
    world.now += 1s;
    world.deleted("lamplight:1");
    EXPECT_EQ(world.nodes.standing("lamplight:1"), Standing::gone);
    world.pass(Nodes::patience - 1s, Table{});
    EXPECT_THAT(world.asked(), IsEmpty());
    world.pass(1s, Table{});
    EXPECT_THAT(world.events(), ElementsAre("lost lamplight:1", "ready lamplight:1"));
    EXPECT_EQ(world.news(NewsKind::trouble).size(), 1U);
}

TEST(Nodes, ThatVanishWithoutAWordAreMadeAgain) {
    NodesWorld world(only_own());
    world.bind();
    world.run(Table{});
    world.events();
    world.asked();
    world.pass(Nodes::patience - 1s, Table{});
    EXPECT_THAT(world.asked(), IsEmpty());
    world.pass(2s, Table{{{"get configure lamplight:1", error("item-not-found")}}});
    EXPECT_THAT(world.asked(),
                ElementsAre("get configure lamplight:1", "create lamplight:1", "affiliations lamplight:1"));
    EXPECT_THAT(world.events(), ElementsAre("lost lamplight:1", "ready lamplight:1"));
}

TEST(Nodes, ThatAreThereAreLookedAtAndLeftAlone) {
    NodesWorld world(NodesWorld::usual());
    world.bind();
    world.run(Table{});
    world.events();
    world.asked();
    world.pass(4 * Nodes::patience + 1s, Table{});
    const Texts asked = world.asked();
    EXPECT_EQ(asked.size(), 3U * 4U) << testing::PrintToString(asked);
    EXPECT_THAT(asked, testing::Each(testing::StartsWith("get configure ")));
    EXPECT_THAT(world.events(), IsEmpty());
}

TEST(Nodes, OfOthersAreNotLookedAt) {
    NodesWorld world(only_asterisk());
    world.bind();
    const Table foreign{{{"get configure device_state", error("forbidden", "auth")},
                         {"get configure message_waiting", error("forbidden", "auth")}}};
    world.run(foreign);
    world.nodes.follow("pubsub.fa.test", "lamplight:2", world.now, world.out);
    world.run(foreign);
    world.asked();
    world.pass(3 * Nodes::patience, foreign);
    EXPECT_THAT(world.asked(), IsEmpty());
}

TEST(Nodes, ThatTheServiceMadeOfAPublishAreConfiguredAgain) {
    NodesWorld world(only_own());
    world.bind();
    world.run(Table{});
    world.events();
    world.asked();
    world.pass(Nodes::patience + 1s, Table{{{"get configure lamplight:1", configuration("1", "open")},
                                            {"create lamplight:1", error("conflict")}}});
    EXPECT_THAT(world.asked(), ElementsAre("get configure lamplight:1", "create lamplight:1",
                                           "get configure lamplight:1", "configure lamplight:1",
                                           "get affiliations lamplight:1", "affiliations lamplight:1"));
    EXPECT_THAT(world.events(), ElementsAre("lost lamplight:1", "ready lamplight:1"));
    EXPECT_THAT(world.news(NewsKind::trouble),
                ElementsAre("lamplight:1: it is another one now, and is configured again"));
}

TEST(Nodes, WhoseRightsTheServiceKeepsAsTheyAreAreNotMadeWithoutEnd) {
    NodesWorld world(only_own());
    const Table stubborn{{{"get configure lamplight:1", configuration("0", "open")},
                          {"create lamplight:1", error("conflict")}}};
    world.bind();
    world.run(stubborn);
    EXPECT_THAT(world.events(), ElementsAre("ready lamplight:1"));
    world.pass(10 * Nodes::patience, stubborn);
    EXPECT_THAT(world.events(), IsEmpty());
}

TEST(Nodes, AreLookedAtWhenSomebodyHasADoubt) {
    NodesWorld world(only_own());
    world.bind();
    world.run(Table{});
    world.now += Nodes::patience;
    world.asked();
    world.nodes.look_again("lamplight:1", world.now, world.out);
    world.nodes.look_again("unheard-of", world.now, world.out);
    world.run(Table{{{"get configure lamplight:1", error("item-not-found")}}});
    EXPECT_THAT(world.asked(),
                ElementsAre("get configure lamplight:1", "create lamplight:1", "affiliations lamplight:1"));
}

TEST(Nodes, AreMadeByTheSameFormAfterAnErrorThatPasses) {
    NodesWorld world(only_own());
    world.bind();
    int creates = 0;
    world.run([&](const Element& request) -> std::optional<Element> {
        if (kind_of(request) == "create lamplight:1" && ++creates == 1)
            return error("internal-server-error", "wait");
        return Table{}(request);
    });
    EXPECT_EQ(creates, 2);
    EXPECT_THAT(text_of_last(world, "create lamplight:1"), HasSubstr("pubsub#notify_delete"));
    EXPECT_THAT(world.events(), ElementsAre("ready lamplight:1"));
}

TEST(Nodes, AreMadeByAnotherFormWhenTheErrorDoesNotPass) {
    NodesWorld world(only_own());
    world.bind();
    int creates = 0;
    world.run([&](const Element& request) -> std::optional<Element> {
        if (kind_of(request) == "create lamplight:1" && ++creates <= 2)
            return error("internal-server-error", "wait");
        return Table{}(request);
    });
    EXPECT_EQ(creates, 3);
    EXPECT_THAT(text_of_last(world, "create lamplight:1"), Not(HasSubstr("pubsub#notify_delete")));
    EXPECT_THAT(world.events(), ElementsAre("ready lamplight:1"));
}

TEST(Nodes, ThatABuddyIsAboutToGrantAreNoTroubleYet) {
    NodesWorld world(only_asterisk());
    const Table closed_one{{{"subscribe device_state", error("not-allowed", "cancel", closed)}}};
    world.bind();
    world.run(closed_one);
    EXPECT_THAT(world.news(NewsKind::trouble), IsEmpty());
    EXPECT_EQ(world.view("device_state").trouble, "not-allowed (cancel), closed-node");
    world.pass(2s, closed_one);
    ASSERT_EQ(world.news(NewsKind::trouble).size(), 1U);
    EXPECT_THAT(world.news(NewsKind::trouble)[0], testing::StartsWith("device_state: not-allowed"));
}

TEST(Nodes, AreDeletedByTheirServiceOnly) {
    NodesWorld world(only_own());
    world.bind();
    world.run(Table{});
    for (const char* from : {"pubsub.evil.test", "server2@fa.test", "", "pubsub.fa.test/x"})
        world.deleted("lamplight:1", from);
    world.deleted("unheard-of");
    EXPECT_EQ(world.nodes.standing("lamplight:1"), Standing::ready);
    world.deleted("lamplight:1", "PubSub.FA.test");
    EXPECT_NE(world.nodes.standing("lamplight:1"), Standing::ready);
}

TEST(Nodes, ThatAreGoneWhenSomethingIsPublishedAreMadeAgain) {
    NodesWorld world(only_asterisk());
    world.bind();
    world.run(Table{});
    world.events();
    world.asked();
    world.nodes.publish_refused("device_state", error("item-not-found"), world.now, world.out);
    int subscribes = 0;
    world.run([&](const Element& request) -> std::optional<Element> {
        if (kind_of(request) == "subscribe device_state" && ++subscribes == 1) return error("item-not-found");
        return Table{}(request);
    });
    EXPECT_THAT(asked_of(world, "device_state"), Contains("create device_state"));
    EXPECT_THAT(world.events(), ElementsAre("lost device_state", "ready device_state"));
}

TEST(Nodes, ThatRefuseAPublishAreLookedAtOnce) {
    NodesWorld world(only_asterisk());
    world.bind();
    world.run(Table{});
    world.events();
    world.asked();
    for (int i = 0; i < 50; ++i)
        world.nodes.publish_refused("device_state", error("forbidden", "auth"), world.now, world.out);
    world.run(Table{{{"get configure device_state", error("forbidden", "auth")}}});
    EXPECT_THAT(asked_of(world, "device_state"), ElementsAre("get configure device_state"));
    EXPECT_THAT(world.events(), ElementsAre("lost device_state"));
    EXPECT_EQ(world.view("device_state").trouble, "forbidden (auth)");
    world.nodes.publish_refused("device_state", error("forbidden", "auth"), world.now, world.out);
    world.nodes.publish_refused("unheard-of", error("forbidden", "auth"), world.now, world.out);
    EXPECT_THAT(world.out.stanzas, IsEmpty());
}

TEST(Nodes, StayReadyWhenPublishOptionsAreNotMet) {
    NodesWorld world(only_asterisk());
    world.bind();
    world.run(Table{});
    world.events();
    world.nodes.publish_refused("device_state", error("conflict"), world.now, world.out);
    EXPECT_THAT(world.events(), ElementsAre("ready device_state"));
    EXPECT_THAT(world.out.stanzas, IsEmpty());
}

TEST(Nodes, WaitForAServiceThatIsDown) {
    NodesWorld world(only_asterisk());
    world.bind();
    world.run(Table{});
    world.events();
    world.nodes.publish_refused("device_state", error("service-unavailable"), world.now, world.out);
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::no_service);
    EXPECT_THAT(world.events(), ElementsAre("lost device_state"));
    world.pass(2s, Table{});
    EXPECT_THAT(world.events(), ElementsAre("ready device_state"));
}

TEST(Nodes, BeginAnewWithEachStream) {
    NodesWorld world(NodesWorld::usual());
    world.bind();
    Stanzas old = world.out.stanzas;
    world.out = {};
    world.requests.stream_lost(world.now);
    world.nodes.stream_lost();
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::unasked);
    EXPECT_FALSE(world.nodes.next_deadline());
    world.nodes.on_time(world.now + 1h, world.out);
    world.deleted("device_state");
    world.nodes.publish_refused("device_state", error("forbidden"), world.now, world.out);
    EXPECT_THAT(world.out.stanzas, IsEmpty());
    EXPECT_THAT(world.out.events, IsEmpty());
    world.bind();
    world.run(Table{});
    EXPECT_EQ(world.events().size(), 3U);
}

// --- other Lamplights' ---

TEST(Nodes, OfOtherLamplightsAreSubscribedToAndNothingElse) {
    NodesWorld world(only_own());
    world.bind();
    world.nodes.follow("pubsub.other.test", "lamplight:2", world.now, world.out);
    world.nodes.follow("PubSub.other.test", "lamplight:2", world.now, world.out);
    world.run(Table{});
    EXPECT_THAT(asked_of(world, "lamplight:2"), ElementsAre("subscribe lamplight:2"));
    EXPECT_EQ(world.view("lamplight:2").role, Role::other);
    EXPECT_THAT(world.events(), Contains("ready lamplight:2"));
    world.nodes.unfollow("pubsub.other.test", "lamplight:2", world.now, world.out);
    world.nodes.unfollow("pubsub.other.test", "lamplight:2", world.now, world.out);
    world.nodes.unfollow("pubsub.fa.test", "lamplight:1", world.now, world.out);
    world.run(Table{});
    EXPECT_THAT(world.asked(), ElementsAre("unsubscribe lamplight:2"));
    EXPECT_EQ(world.nodes.standing("lamplight:2"), Standing::unasked);
    EXPECT_EQ(world.nodes.standing("lamplight:1"), Standing::ready);
}

TEST(Nodes, OfOtherLamplightsAreTriedUntilTheyLetUsIn) {
    NodesWorld world(only_own());
    const Table shut{{{"subscribe lamplight:2", error("not-allowed", "cancel", closed)}}};
    world.bind();
    world.run(Table{});
    world.events();
    world.nodes.follow("pubsub.fa.test", "lamplight:2", world.now, world.out);
    world.run(shut);
    EXPECT_THAT(world.events(), ElementsAre("failed lamplight:2"));
    world.pass(5s, shut);
    EXPECT_THAT(world.events(), IsEmpty());
    world.pass(5s, Table{});
    EXPECT_THAT(world.events(), ElementsAre("ready lamplight:2"));
    world.deleted("lamplight:2");
    EXPECT_THAT(world.events(), ElementsAre("lost lamplight:2"));
    EXPECT_THAT(asked_of(world, "create"), IsEmpty());
}

TEST(Nodes, OfOtherLamplightsAreBounded) {
    NodesWorld world({});
    world.bind();
    for (std::size_t i = 0; i < Nodes::most_followed; ++i)
        world.nodes.follow("pubsub.fa.test", "lamplight:" + std::to_string(i), world.now, world.out);
    EXPECT_EQ(world.out.stanzas.size(), Nodes::most_followed);
    world.nodes.follow("pubsub.fa.test", "one-more", world.now, world.out);
    EXPECT_THAT(world.events(), ElementsAre("failed one-more"));
    EXPECT_EQ(world.out.stanzas.size(), Nodes::most_followed);
}

// --- collections ---

Nodes::Settings in_collections() {
    Nodes::Settings settings = only_asterisk();
    settings.collection = true;
    return settings;
}

TEST(NodesInCollections, AreTwoCollectionsSubscribedToInDepth) {
    NodesWorld world(in_collections());
    int subscribes = 0;
    world.bind();
    world.run([&](const Element& request) -> std::optional<Element> {
        if (kind_of(request) == "subscribe device_state" && ++subscribes == 1) return error("item-not-found");
        return Table{}(request);
    });
    EXPECT_THAT(text_of_last(world, "create device_state"),
                HasSubstr("<field var='pubsub#node_type'><value>collection</value>"));
    EXPECT_THAT(text_of_last(world, "subscribe device_state"),
                HasSubstr("<field var='pubsub#subscription_depth'><value>all</value>"));
    EXPECT_THAT(world.events(), UnorderedElementsAre("ready device_state", "ready message_waiting"));
    EXPECT_EQ(world.check("items", "device_state").verdict, Verdict::pass);
}

TEST(NodesInCollections, AreSubscribedToWithoutOptionsThatAreRefused) {
    NodesWorld world(in_collections());
    int subscribes = 0;
    world.bind();
    world.run([&](const Element& request) -> std::optional<Element> {
        if (kind_of(request) == "subscribe device_state" && ++subscribes == 1)
            return error("bad-request", "modify");
        return Table{}(request);
    });
    EXPECT_THAT(text_of_last(world, "subscribe device_state"), Not(HasSubstr("subscribe_options")));
    EXPECT_EQ(world.nodes.standing("device_state"), Standing::ready);
}

TEST(NodesInCollections, HaveALeafForEachDeviceThatIsWanted) {
    NodesWorld world(in_collections());
    world.bind();
    world.run(Table{});
    world.events();
    world.asked();
    world.nodes.want_leaf("Custom:a", "device_state", world.now, world.out);
    world.nodes.want_leaf("Custom:a", "device_state", world.now, world.out);
    world.run(Table{});
    EXPECT_THAT(world.asked(), ElementsAre("create Custom:a", "affiliations Custom:a"));
    EXPECT_THAT(text_of_last(world, "create Custom:a"),
                AllOf(HasSubstr("<field var='pubsub#node_type'><value>leaf</value>"),
                      HasSubstr("<field var='pubsub#collection'><value>device_state</value>")));
    EXPECT_THAT(world.events(), ElementsAre("ready Custom:a"));
    world.nodes.want_leaf("Custom:a", "device_state", world.now, world.out);
    EXPECT_THAT(world.events(), ElementsAre("ready Custom:a"));
    EXPECT_THAT(world.out.stanzas, IsEmpty());
}

TEST(NodesInCollections, HaveTheLeafOfAMailboxInAnotherOneAlsoWhenItIsMadeAgain) {
    NodesWorld world(in_collections());
    world.bind();
    world.run(Table{});
    const auto in_message_waiting =
        HasSubstr("<field var='pubsub#collection'><value>message_waiting</value>");
    world.nodes.want_leaf("1000@default", "message_waiting", world.now, world.out);
    world.run(Table{});
    EXPECT_THAT(text_of_last(world, "create 1000@default"), in_message_waiting);
    world.now += Nodes::patience;
    world.asked();
    world.nodes.publish_refused("1000@default", error("item-not-found"), world.now, world.out);
    world.run(Table{});
    EXPECT_THAT(text_of_last(world, "create 1000@default"), in_message_waiting);
}

TEST(NodesInCollections, MakeAFewLeavesAtOnceAndAllInTheEnd) {
    NodesWorld world(in_collections());
    world.bind();
    world.run(Table{});
    world.events();
    for (int i = 0; i < 100; ++i)
        world.nodes.want_leaf("Custom:" + std::to_string(i), "device_state", world.now, world.out);
    EXPECT_EQ(world.out.stanzas.size(), Nodes::leaves_at_once);
    world.run([](const Element& request) -> std::optional<Element> {
        const std::string kind = kind_of(request);
        if (kind == "create Custom:7") return error("forbidden", "auth");
        if (kind == "create Custom:8") return error("conflict");
        return Table{}(request);
    });
    const Texts events = world.events();
    EXPECT_EQ(events.size(), 100U);
    EXPECT_THAT(events, Contains("failed Custom:7"));
    EXPECT_THAT(events, Contains("ready Custom:8"));
    world.nodes.want_leaf("Custom:7", "device_state", world.now, world.out);
    world.run(Table{});
    EXPECT_THAT(world.events(), ElementsAre("ready Custom:7"));
}

TEST(NodesInCollections, MakeALeafAgainThatWasDeleted) {
    NodesWorld world(in_collections());
    world.bind();
    world.run(Table{});
    world.nodes.want_leaf("Custom:a", "device_state", world.now, world.out);
    world.run(Table{});
    world.events();
    world.now += Nodes::patience;
    world.nodes.publish_refused("Custom:a", error("item-not-found"), world.now, world.out);
    world.run(Table{});
    EXPECT_THAT(world.events(), ElementsAre("lost Custom:a", "ready Custom:a"));
}

TEST(NodesInCollections, AreTheOnlyOnesWithLeaves) {
    NodesWorld world(only_asterisk());
    world.bind();
    world.run(Table{});
    world.events();
    world.nodes.want_leaf("Custom:a", "device_state", world.now, world.out);
    EXPECT_THAT(world.events(), ElementsAre("failed Custom:a"));
}

// --- settings, server, checks ---

TEST(Nodes, FollowTheSettings) {
    NodesWorld world(NodesWorld::usual());
    world.bind();
    world.run(Table{});
    world.events();
    world.asked();
    Nodes::Settings settings = NodesWorld::usual();
    settings.buddies.push_back("server3@fa.test");
    world.nodes.configure(settings, world.now, world.out);
    world.run(Table{});
    EXPECT_EQ(world.asked().size(), 3U) << "three nodes are granted to one more";
    settings.own_node = "lamplight:2";
    world.nodes.configure(settings, world.now, world.out);
    world.run(Table{});
    EXPECT_THAT(world.events(), ElementsAre("ready lamplight:2"));
    EXPECT_EQ(world.nodes.standing("lamplight:1"), Standing::unasked);
    settings.service = "pubsub.other.test";
    world.nodes.configure(settings, world.now, world.out);
    world.run(Table{});
    EXPECT_EQ(world.events().size(), 3U);
    settings.service.clear();
    world.nodes.configure(settings, world.now, world.out);
    EXPECT_THAT(world.nodes.nodes(), IsEmpty());
}

TEST(Nodes, KnowTheServerByItsVersion) {
    const auto software = [](std::string_view name, std::string_view version) {
        NodesWorld world(only_own());
        world.bind();
        world.run(Table{
            {{"jabber:iq:version fa.test",
              stanza_of("<iq type='result'><query xmlns='jabber:iq:version'><name>" + std::string(name) +
                        "</name><version>" + std::string(version) + "</version></query></iq>")}}});
        return std::pair{world.nodes.software(), world.nodes.software_text()};
    };
    EXPECT_EQ(software("Openfire", "4.8.0").first, Nodes::Software::openfire);
    EXPECT_EQ(software("Tigase", "8.1.2-b10857/xyz").second, "Tigase 8.1.2-b10857");
    EXPECT_EQ(software("Something", "").second, "Something");
    EXPECT_EQ(software("Something", "1").first, Nodes::Software::other);
    EXPECT_EQ(software(std::string(1'000, 'a'), "1").second.size(), 66U);
    EXPECT_EQ(software("Pro&#10;sody", "1").second, "Prosody 1");
}

TEST(Nodes, LearnFromEventsWhetherPublishersAreNamed) {
    NodesWorld world(only_own());
    world.bind();
    world.run(Table{});
    EXPECT_EQ(world.check("publishers").verdict, Verdict::unknown);
    wire::pubsub::Event event;
    event.kind = wire::pubsub::Event::Kind::items;
    event.from = "pubsub.fa.test";
    event.node = "lamplight:1";
    event.items.push_back({"votes", "", {}});
    world.nodes.heard(event, world.now, world.out);
    EXPECT_EQ(world.check("publishers").verdict, Verdict::warn);
    event.items[0].publisher = "server2@fa.test/x";
    world.nodes.heard(event, world.now, world.out);
    EXPECT_EQ(world.check("publishers").verdict, Verdict::pass);
}

}  // namespace
}  // namespace lamplight::bus::xmpp
