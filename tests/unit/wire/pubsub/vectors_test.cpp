// What real servers and real Asterisks sent is understood, all of it.
#include "samples.hpp"
#include "wire/pubsub/event.hpp"
#include "wire/pubsub/names.hpp"
#include "wire/pubsub/request.hpp"
#include "wire/xml/write.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace lamplight::wire::pubsub {
namespace {

using Seen = std::map<std::string, int>;

void read_event(const xml::Element& message, Seen& seen) {
    const auto event = parse_event(message);
    if (!event) {
        const bool collection = message.children.front().child("collection", ns::event);
        ++seen[collection ? "collection" : "other message"];
        return;
    }
    EXPECT_FALSE(event->node.empty());
    EXPECT_THAT(event->from, testing::StartsWith("pubsub."));
    for (const EventItem& item : event->items) {
        ASSERT_TRUE(item.payload) << to_string(item.payload.error());
        ++seen["item"];
    }
    seen["retract"] += static_cast<int>(event->retracted.size());
    if (event->kind != Event::Kind::items) ++seen["node"];
}

void read_error(const xml::Element& iq, Seen& seen) {
    const Error error = parse_error(iq);
    EXPECT_NE(error.condition, "undefined-condition");
    EXPECT_FALSE(error.type.empty());
    EXPECT_EQ(error.code != 0, iq.child("error")->attribute("code") != nullptr);
    ++seen["error"];
    if (!error.pubsub_condition.empty()) ++seen["pubsub condition"];
}

void read_result(const xml::Element& iq, Seen& seen) {
    if (const auto disco = parse_disco_info(iq)) {
        EXPECT_FALSE(disco->features.empty());
        ++seen["disco info"];
    } else if (parse_disco_items(iq)) {
        ++seen["disco items"];
    } else if (const auto values = parse_configuration(iq)) {
        EXPECT_THAT(*values, testing::Contains(testing::Pair(
                                 "FORM_TYPE", "http://jabber.org/protocol/pubsub#node_config")));
        EXPECT_THAT(*values, testing::Contains(testing::Pair("pubsub#access_model", testing::_)));
        ++seen["configuration"];
    } else if (const auto affiliations = parse_affiliations(iq)) {
        EXPECT_THAT(*affiliations, testing::Contains(testing::Field(&Affiliation::affiliation, "owner")));
        ++seen["affiliations"];
    }
}

Seen read_all(const std::string& name) {
    Seen seen;
    for (const xml::Element& stanza : samples::lines(name)) {
        SCOPED_TRACE(xml::to_text(stanza));
        EXPECT_TRUE(samples::read(xml::to_text(stanza)) == stanza);
        if (stanza.name == "message")
            read_event(stanza, seen);
        else if (stanza.name == "iq" && stanza.value_of("type") == "error")
            read_error(stanza, seen);
        else if (stanza.name == "iq" && stanza.value_of("type") == "result")
            read_result(stanza, seen);
    }
    std::erase_if(seen, [](const auto& each) { return each.second == 0; });
    return seen;
}

TEST(Vectors, OfProsodyAreUnderstood) {
    EXPECT_EQ(read_all("prosody.txt"),
              (Seen{{"disco info", 4}, {"error", 7}, {"item", 8}, {"pubsub condition", 2}}));
}

TEST(Vectors, OfEjabberdAreUnderstood) {
    EXPECT_EQ(read_all("ejabberd.txt"),
              (Seen{{"disco info", 1}, {"error", 9}, {"item", 5}, {"pubsub condition", 2}}));
}

TEST(Vectors, OfTigase5AreUnderstood) {
    EXPECT_EQ(read_all("tigase-5.1.5.txt"), (Seen{{"affiliations", 3},
                                                  {"collection", 1},
                                                  {"configuration", 3},
                                                  {"disco info", 2},
                                                  {"disco items", 5},
                                                  {"error", 31},
                                                  {"item", 8},
                                                  {"node", 3},
                                                  {"other message", 4},
                                                  {"pubsub condition", 5},
                                                  {"retract", 2}}));
}

TEST(Vectors, OfTigase8AreUnderstood) {
    EXPECT_EQ(read_all("tigase-8.1.2.txt"), (Seen{{"affiliations", 3},
                                                  {"configuration", 3},
                                                  {"disco info", 2},
                                                  {"disco items", 4},
                                                  {"error", 36},
                                                  {"item", 7},
                                                  {"node", 3},
                                                  {"other message", 4},
                                                  {"retract", 1}}));
}

TEST(Vectors, AnEventOfProsodyIsUnderstood) {
    const auto event = parse_event(samples::file("server-12-event-delivered-by-prosody.xml"));
    ASSERT_TRUE(event);
    ASSERT_EQ(event->items.size(), 1u);
    EXPECT_EQ(
        event->items[0].payload,
        Payload(StateItem{
            "Custom:abc", {{0x02, 0, 0, 0x78, 0, 0x02}}, state::DeviceState::inuse, state::Cachable::yes}));
}

/// What an Asterisk publishes is read, and written again as it was.
void check_publish(const xml::Element& iq) {
    const xml::Element* publish = iq.child("pubsub", ns::pubsub)->child("publish", ns::pubsub);
    ASSERT_TRUE(publish);
    const auto payload = parse_item(publish->children.front());
    ASSERT_TRUE(payload) << to_string(payload.error());
    EXPECT_EQ(make_item(std::get<StateItem>(*payload)), publish->children.front());
}

TEST(Vectors, OfAsterisksPublishesAreReadAndWrittenAgain) {
    for (const char* file : {"18-07-publish.xml", "22-07-publish-cachable.xml",
                             "22-07-publish-collection_nodes.xml", "22-07-publish-not-cachable.xml"})
        check_publish(samples::file(file));
    int publishes = 0;
    for (const xml::Element& stanza : samples::lines("asterisk.txt")) {
        EXPECT_TRUE(samples::read(xml::to_text(stanza)) == stanza);
        const xml::Element* pubsub = stanza.child("pubsub", ns::pubsub);
        if (!pubsub || !pubsub->child("publish", ns::pubsub)) continue;
        check_publish(stanza);
        ++publishes;
    }
    EXPECT_EQ(publishes, 6);
}

TEST(Vectors, OfAsteriskAreWrittenAsTheyCame) {
    for (const char* file :
         {"18-04-subscribe-collection-form.xml", "18-07-publish.xml", "22-01-bind.xml", "22-02-session.xml",
          "22-05-roster-get.xml", "22-07-publish-not-cachable.xml", "22-08-create-leaf.xml",
          "22-09-affiliations.xml", "22-14-digest-nonsasl-auth.xml"}) {
        std::ifstream in = samples::open(file);
        std::string text{std::istreambuf_iterator<char>(in), {}};
        text.erase(text.find_last_not_of('\n') + 1);
        EXPECT_EQ(xml::to_text(samples::read(text)), text) << file;
    }
}

TEST(Vectors, FormsOfAsteriskHaveTwoTypes) {
    const auto iq = samples::file("22-08-create-leaf.xml");
    const xml::Element* configure = iq.children.front().child("configure");
    ASSERT_TRUE(configure);
    const auto values = form_values(configure->children.front());
    EXPECT_EQ(std::ranges::count(values, "FORM_TYPE", &std::pair<std::string, std::string>::first), 2);
    EXPECT_THAT(values, testing::Contains(testing::Pair("pubsub#collection", "device_state")));
}

}  // namespace
}  // namespace lamplight::wire::pubsub
