// Collection mode: a leaf for each device and mailbox.
#include "nodes_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace lamplight::bus::xmpp
