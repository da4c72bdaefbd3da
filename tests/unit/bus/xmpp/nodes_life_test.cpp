// What happens to nodes while they are used: deleted, replaced, refused, tried again.
#include "nodes_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::bus::xmpp {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Texts = std::vector<std::string>;
using Standing = Nodes::Standing;
using NewsKind = Nodes::News::Kind;

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

}  // namespace
}  // namespace lamplight::bus::xmpp
