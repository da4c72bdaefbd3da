#include "wire/pubsub/request.hpp"

#include "samples.hpp"
#include "wire/pubsub/payload.hpp"
#include "wire/xml/write.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::wire::pubsub {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr state::Eid eid{{0x02, 0, 0, 0x78, 0, 0x01}};
constexpr std::string_view service = "pubsub.fa.test";

StateItem state_item(std::string device, state::DeviceState state,
                     state::Cachable cachable = state::Cachable::yes) {
    return {std::move(device), eid, state, cachable};
}

void expect_asterisks(const xml::Element& ours, const std::string& file) {
    EXPECT_EQ(xml::to_text(ours), xml::to_text(samples::bare(samples::file(file)))) << file;
    EXPECT_EQ(ours, samples::bare(samples::file(file))) << file;
}

TEST(Request, SubscribesAsAsteriskDoes) {
    expect_asterisks(subscribe(service, "device_state", "server1@fa.test"), "22-04-subscribe.xml");
    expect_asterisks(subscribe(service, "device_state", "server1@fa.test", SubscribeOptions::collection),
                     "22-04-subscribe-collection_nodes.xml");
    expect_asterisks(unsubscribe(service, "device_state", "server1@fa.test"), "22-03-unsubscribe.xml");
}

TEST(Request, PublishesStatesAsAsteriskDoes) {
    expect_asterisks(
        publish(service, "device_state", make_item(state_item("Custom:abc", state::DeviceState::busy))),
        "22-07-publish-cachable.xml");
    expect_asterisks(
        publish(service, "device_state",
                make_item(state_item("Local/s@lc", state::DeviceState::inuse, state::Cachable::no)),
                PublishOptions::not_persistent),
        "22-07-publish-not-cachable.xml");
    expect_asterisks(
        publish(service, "Custom:abc", make_item(state_item("Custom:abc", state::DeviceState::busy))),
        "22-07-publish-collection_nodes.xml");
}

TEST(Request, PublishesMessageCountsAsAsteriskDoes) {
    const auto asterisks = samples::read(
        "<iq to='pubsub.fa.test' from='server1@fa.test/astvoip1' type='set' id='aaaak'>"
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='message_waiting'>"
        "<item id='1000@default'><mailbox xmlns='http://asterisk.org' eid='02:00:00:78:00:01'>"
        "<NEWMSGS>2</NEWMSGS><OLDMSGS>5</OLDMSGS></mailbox></item></publish></pubsub></iq>");
    const MailboxItem item{{"1000", "default"}, eid, 2, 5};
    EXPECT_EQ(publish(service, "message_waiting", make_item(item)), samples::bare(asterisks));
}

TEST(Request, GrantsDeletesAndListsAsAsteriskDoes) {
    const std::vector<Affiliation> owners{{"server2@fa.test", "owner"}, {"server9@fa.test", "owner"}};
    expect_asterisks(set_affiliations(service, "Custom:abc", owners), "22-09-affiliations.xml");
    expect_asterisks(delete_node(service, "leaf1"), "22-10-delete-node.xml");
    expect_asterisks(disco_items(service), "22-11-list-nodes.xml");
}

TEST(Request, LeavesOutTheServiceWhereThereIsNone) {
    EXPECT_EQ(delete_node("", "n").attribute("to"), nullptr);
    EXPECT_EQ(xml::to_text(disco_info("")),
              "<iq type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
}

std::vector<std::pair<std::string, std::string>> form_of(const xml::Element& iq) {
    const xml::Element& pubsub = iq.children.front();
    const xml::Element& x = pubsub.child("configure")->children.front();
    EXPECT_EQ(x.value_of("type"), "submit");
    EXPECT_TRUE(x.is("x", "jabber:x:data"));
    return form_values(x);
}

TEST(Request, CreatesANodeByAFormOfOneType) {
    const auto iq = create(service, "n", NodeForm{});
    EXPECT_TRUE(iq.children.front().is("pubsub", "http://jabber.org/protocol/pubsub"));
    EXPECT_EQ(iq.children.front().child("create")->value_of("node"), "n");
    EXPECT_THAT(
        form_of(iq),
        ElementsAre(Pair("FORM_TYPE", "http://jabber.org/protocol/pubsub#node_config"),
                    Pair("pubsub#deliver_payloads", "1"), Pair("pubsub#persist_items", "0"),
                    Pair("pubsub#access_model", "whitelist"), Pair("pubsub#publish_model", "publishers"),
                    Pair("pubsub#max_items", "1"), Pair("pubsub#notify_delete", "1"),
                    Pair("pubsub#send_last_published_item", "never"), Pair("pubsub#itemreply", "publisher")));
}

TEST(Request, CreatesCollectionsAndTheirLeaves) {
    const NodeForm leaf{.access = NodeForm::Access::open,
                        .publish = NodeForm::Publish::open,
                        .persist = NodeForm::Persist::yes,
                        .type = NodeForm::Type::leaf,
                        .collection = "device_state",
                        .fields = NodeForm::Fields::few};
    EXPECT_THAT(form_of(create(service, "n", leaf)),
                ElementsAre(Pair("FORM_TYPE", "http://jabber.org/protocol/pubsub#node_config"),
                            Pair("pubsub#node_type", "leaf"), Pair("pubsub#deliver_payloads", "1"),
                            Pair("pubsub#persist_items", "1"), Pair("pubsub#access_model", "open"),
                            Pair("pubsub#publish_model", "open"), Pair("pubsub#collection", "device_state")));
    const NodeForm collection{.type = NodeForm::Type::collection};
    EXPECT_THAT(form_of(create(service, "n", collection)),
                testing::Contains(Pair("pubsub#node_type", "collection")));
}

TEST(Request, LimitsNoNodeThatKeepsItems) {
    const NodeForm kept{.persist = NodeForm::Persist::yes};
    EXPECT_THAT(form_of(create(service, "n", kept)),
                testing::Not(testing::Contains(Pair("pubsub#max_items", "1"))));
}

TEST(Request, ConfiguresByTheSameForm) {
    const NodeForm form{.publish = NodeForm::Publish::open};
    const auto iq = configure(service, "n", form);
    EXPECT_TRUE(iq.children.front().is("pubsub", "http://jabber.org/protocol/pubsub#owner"));
    EXPECT_EQ(iq.children.front().child("configure")->value_of("node"), "n");
    EXPECT_EQ(form_of(iq), form_of(create(service, "n", form)));
}

TEST(Request, WritesTheOthersAsTheirStandardsDo) {
    const std::string to = "<iq to='pubsub.fa.test' type=";
    const std::string owner = "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>";
    const std::string pubsub = "<pubsub xmlns='http://jabber.org/protocol/pubsub'>";
    EXPECT_EQ(xml::to_text(create_plain(service, "n")),
              to + "'set'>" + pubsub + "<create node='n'/></pubsub></iq>");
    EXPECT_EQ(xml::to_text(get_configuration(service, "n")),
              to + "'get'>" + owner + "<configure node='n'/></pubsub></iq>");
    EXPECT_EQ(xml::to_text(get_affiliations(service, "n")),
              to + "'get'>" + owner + "<affiliations node='n'/></pubsub></iq>");
    EXPECT_EQ(xml::to_text(purge_node(service, "n")),
              to + "'set'>" + owner + "<purge node='n'/></pubsub></iq>");
    EXPECT_EQ(xml::to_text(get_subscriptions(service, "")),
              to + "'get'>" + pubsub + "<subscriptions/></pubsub></iq>");
    EXPECT_EQ(xml::to_text(get_subscriptions(service, "n")),
              to + "'get'>" + pubsub + "<subscriptions node='n'/></pubsub></iq>");
    EXPECT_EQ(xml::to_text(disco_info(service, "n")),
              to + "'get'><query xmlns='http://jabber.org/protocol/disco#info' node='n'/></iq>");
    EXPECT_EQ(xml::to_text(disco_items(service, "c")),
              to + "'get'><query xmlns='http://jabber.org/protocol/disco#items' node='c'/></iq>");
    EXPECT_EQ(xml::to_text(get_version(service)), to + "'get'><query xmlns='jabber:iq:version'/></iq>");
    EXPECT_EQ(xml::to_text(ping(service)), to + "'get'><ping xmlns='urn:xmpp:ping'/></iq>");
}

TEST(Answer, NamesTheValuesOfAForm) {
    const auto x = samples::read(
        "<x xmlns='jabber:x:data'><title>t</title><field var='a'><value>1</value>"
        "<option><value>2</value></option></field><field var='b'><value>x</value>"
        "<value>y</value></field><field var='c'/><field><value>z</value></field>"
        "<field var='d'><value/></field><field xmlns='y' var='e'><value>1</value></field></x>");
    EXPECT_THAT(form_values(x), ElementsAre(Pair("a", "1"), Pair("b", "x"), Pair("b", "y"), Pair("d", "")));
}

TEST(Answer, SaysWhatAServiceIs) {
    const auto disco = parse_disco_info(
        samples::read("<iq type='result'><query xmlns='http://jabber.org/protocol/disco#info'>"
                      "<identity category='pubsub' type='service'/><feature var='a'/></query></iq>"));
    ASSERT_TRUE(disco);
    EXPECT_TRUE(disco->is_pubsub());
    EXPECT_TRUE(disco->has("a"));
    EXPECT_FALSE(disco->has("b"));
    const auto pep = parse_disco_info(samples::read(
        "<iq type='result'><query xmlns='http://jabber.org/protocol/disco#info'>"
        "<identity category='pubsub' type='pep'/><identity category='x' type='service'/></query></iq>"));
    EXPECT_FALSE(pep->is_pubsub());
}

TEST(Answer, IsNotWhatAnErrorEchoes) {
    const std::string info = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    const std::string items = "<query xmlns='http://jabber.org/protocol/disco#items'/>";
    const std::string owner = "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>";
    const std::string configuration =
        owner + "<configure node='n'><x xmlns='jabber:x:data'/></configure></pubsub>";
    const std::string affiliations = owner + "<affiliations node='n'/></pubsub>";
    for (const bool result : {true, false}) {
        const auto read = [&](const std::string& content) {
            return samples::read((result ? "<iq type='result'>" : "<iq type='error'>") + content + "</iq>");
        };
        EXPECT_EQ(parse_disco_info(read(info)).has_value(), result);
        EXPECT_EQ(parse_disco_items(read(items)).has_value(), result);
        EXPECT_EQ(parse_configuration(read(configuration)).has_value(), result);
        EXPECT_EQ(parse_affiliations(read(affiliations)).has_value(), result);
        EXPECT_FALSE(parse_configuration(read(affiliations)));
        EXPECT_FALSE(parse_affiliations(read(configuration)));
        EXPECT_FALSE(parse_disco_info(read(items)));
    }
}

}  // namespace
}  // namespace lamplight::wire::pubsub
