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
