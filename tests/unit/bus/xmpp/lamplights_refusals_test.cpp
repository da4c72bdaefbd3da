// What goes no further: counted by its reason, and said with the name of who it came from.
#include "lamplights_world.hpp"

#include <set>

namespace lamplight::bus::xmpp::test {
namespace {

using Refusal = Lamplights::Refusal;
using wire::pubsub::Event;
using wire::pubsub::EventItem;

struct Refusals : testing::Test {
    World world;
    Machine one{1};
    World::Stream& at_one = world.stream(one, 1);
    const c2s::Jid liar{"liar", "a.example", "r"};
    const std::string its_node = "lamplight:liar";
    const std::string service = "pubsub.a.example";

    Refusals() {
        world.login(at_one);
        world.make_node(at_one);
        world.settle();
    }
    void show() {
        one.lamplights.road_up({at_one.id, liar}, {std::string(16, '9'), its_node, service}, world.now,
                               one.out);
        one.publish();
    }
    std::string ask(const Element& content, const std::string& type = "set") {
        Element iq("iq", std::string(ns::client));
        iq.set("type", type).add(content);
        const auto answers = world.ask(at_one, liar, iq);
        one.publish();
        return answers.empty() ? "" : std::string(answers[0].value_of("type"));
    }
    void hear(EventItem item) {
        Event event;
        event.from = service;
        event.node = its_node;
        event.items.push_back(std::move(item));
        one.lamplights.receive_event(at_one.id, event, world.now, one.out);
        one.publish();
    }
    static EventItem item(wire::pubsub::Refusal why) { return {"votes", {}, tl::unexpected(why)}; }
    static Element rubbish() {
        const std::vector<std::uint8_t> bytes(60, 'x');
        return wire::pubsub::make_frame(bytes);
    }
    std::uint64_t counted(Refusal reason) const {
        return one.lamplights.counters().refused.at(static_cast<std::size_t>(reason));
    }
    std::uint64_t counted() const {
        std::uint64_t all = 0;
        for (const std::uint64_t each : one.lamplights.counters().refused)
            all += each;
        return all;
    }
    void expect_only(Refusal reason, std::uint64_t times = 1) const {
        EXPECT_EQ(counted(reason), times);
        EXPECT_EQ(counted(), times);
    }
};

TEST_F(Refusals, OfAFrameFromWhoHasNoMark) {
    EXPECT_EQ(ask(rubbish()), "error");
    expect_only(Refusal::unmarked);
}

TEST_F(Refusals, OfWhatIsNoBase64) {
    show();
    Element frame("frame", std::string(ns::frame));
    frame.add_text("!!!");
    EXPECT_EQ(ask(frame), "error");
    expect_only(Refusal::bad_frame);
    hear(item(wire::pubsub::Refusal::bad_frame));
    EXPECT_EQ(counted(Refusal::bad_item), 1U);
}

TEST_F(Refusals, OfAnItemWithoutAFrame) {
    show();
    hear(item(wire::pubsub::Refusal::unknown_payload));
    hear({"votes", {}, wire::pubsub::StateItem{"Custom:a", eid(9), DeviceState::busy, state::Cachable::yes}});
    expect_only(Refusal::item_without_frame, 2);
}

TEST_F(Refusals, OfAnItemThatAnotherPublished) {
    show();
    hear({"votes", "somebody@a.example", wire::pubsub::FrameItem{{1, 2, 3}}});
    expect_only(Refusal::foreign_publisher);
}

TEST_F(Refusals, OfAnIqThatSetsNothing) {
    show();
    EXPECT_EQ(ask(rubbish(), "get"), "error");
    expect_only(Refusal::no_set);
}

TEST_F(Refusals, OfFollowingTheNodeOfAnother) {
    show();
    Element following("following", std::string(ns::frame));
    following.set("node", "lamplight:other").set("service", service);
    EXPECT_EQ(ask(following), "error");
    expect_only(Refusal::foreign_node);
}

TEST_F(Refusals, OfAQuestionAboutTheAccountOfAnother) {
    show();
    Element kin("kin", std::string(ns::frame));
    kin.set("jid", "other@a.example/r");
    EXPECT_EQ(ask(kin), "error");
    expect_only(Refusal::foreign_jid);
}

TEST_F(Refusals, OfAFrameAreCountedByTheTalkAndNameWhoseItWas) {
    show();
    ask(rubbish());
    EXPECT_EQ(counted(), 0U);
    EXPECT_EQ(one.counters().refused_frames(), 1U);
    ASSERT_FALSE(one.talk.empty());
    EXPECT_EQ(one.talk.back().kind, sync::News::Kind::malformed);
    EXPECT_TRUE(one.talk.back().text.ends_with(", from liar@a.example/r")) << one.talk.back().text;
}

TEST_F(Refusals, OfAnItemsFrameNameItsNode) {
    show();
    hear({"votes", {}, wire::pubsub::FrameItem{std::vector<std::uint8_t>(40, 'y')}});
    ASSERT_FALSE(one.talk.empty());
    EXPECT_TRUE(one.talk.back().text.ends_with(", from lamplight:liar at pubsub.a.example"))
        << one.talk.back().text;
}

TEST(RefusalNames, AreAllThereAndNoTwoAreOne) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < Lamplights::refusal_count; ++i)
        names.insert(to_string(static_cast<Refusal>(i)));
    for (std::size_t i = 0; i < wire::vote::refusal_count; ++i)
        names.insert(to_string(static_cast<wire::vote::Refusal>(i)));
    EXPECT_EQ(names.size(), Lamplights::refusal_count + wire::vote::refusal_count);
    EXPECT_FALSE(names.contains(""));
}

}  // namespace
}  // namespace lamplight::bus::xmpp::test
