#include "wire/pubsub/event.hpp"

#include "samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::wire::pubsub {
namespace {

std::optional<Event> parse(const std::string& content, const std::string& attributes = "from='p.test'") {
    return parse_event(samples::read("<message " + attributes +
                                     "><event xmlns='http://jabber.org/protocol/pubsub#event'>" + content +
                                     "</event></message>"));
}

TEST(Event, ReadsEveryItemWithItsPublisher) {
    const auto event = parse(
        "<items node='device_state'>"
        "<item id='A' publisher='s1@a.test/x'><state eid='02:00:00:78:00:01'>BUSY</state></item>"
        "<item id='B'><state eid='02:00:00:78:00:01'/></item>"
        "<retract id='C'/><item id='D'/></items>");
    ASSERT_TRUE(event);
    EXPECT_EQ(event->kind, Event::Kind::items);
    EXPECT_EQ(event->from, "p.test");
    EXPECT_EQ(event->node, "device_state");
    ASSERT_EQ(event->items.size(), 3u);
    EXPECT_EQ(event->items[0].publisher, "s1@a.test/x");
    EXPECT_EQ(std::get<StateItem>(event->items[0].payload.value()).device, "A");
    EXPECT_EQ(event->items[1].publisher, "");
    EXPECT_EQ(event->items[1].payload.error(), Refusal::no_state);
    EXPECT_EQ(event->items[2].payload.error(), Refusal::no_payload);
    EXPECT_THAT(event->retracted, testing::ElementsAre("C"));
}

TEST(Event, KnowsWhatBecameOfANode) {
    EXPECT_EQ(parse("<purge node='n'/>")->kind, Event::Kind::purged);
    EXPECT_EQ(parse("<delete node='n'><redirect uri='x'/></delete>")->kind, Event::Kind::deleted);
    EXPECT_EQ(parse("<configuration node='n'/>")->kind, Event::Kind::configured);
    EXPECT_EQ(parse("<delete node='n'/>")->node, "n");
    EXPECT_EQ(parse("<delete/>")->node, "");
}

TEST(Event, ReadsWhatBecameOfASubscription) {
    const auto event = parse("<subscription node='n' jid='a@b' subscription='none'/>");
    ASSERT_TRUE(event);
    EXPECT_EQ(event->kind, Event::Kind::subscription);
    EXPECT_EQ(event->subscription, "none");
}

TEST(Event, FindsTheEventAmongOtherThings) {
    EXPECT_TRUE(
        parse_event(samples::read("<message from='p'><body>x</body><event "
                                  "xmlns='http://jabber.org/protocol/pubsub#event'><x xmlns='y'/>"
                                  "<purge node='n'/></event><headers xmlns='h'/></message>")));
}

TEST(Event, TakesNothingElseForAnEvent) {
    EXPECT_FALSE(parse_event(samples::read("<message><body>x</body></message>")));
    EXPECT_FALSE(parse_event(samples::read("<message><event><purge node='n'/></event></message>")));
    EXPECT_FALSE(
        parse_event(samples::read("<iq><event xmlns='http://jabber.org/protocol/pubsub#event'><purge/>"
                                  "</event></iq>")));
    EXPECT_FALSE(parse(""));
    EXPECT_FALSE(parse("<collection node='c'><associate node='n'/></collection>"));
    EXPECT_FALSE(parse("<purge xmlns='other' node='n'/>"));
    EXPECT_TRUE(parse("<items node='n'><item xmlns='other' id='A'/></items>")->items.empty());
}

TEST(Event, PassesOverWhatComesBackAsAnError) {
    EXPECT_FALSE(parse("<purge node='n'/>", "type='error' from='p'"));
}

}  // namespace
}  // namespace lamplight::wire::pubsub
