// Against what Asterisks and servers said (tests/data/xmpp/votes).
#include "asterisk_votes_world.hpp"
#include "wire/xml/stream_parser.hpp"
#include "wire/xml/write.hpp"

#include <fstream>
#include <iterator>

namespace lamplight::bus::xmpp::test {
namespace {

/// The stanzas of a file.
std::vector<Element> stanzas(const std::string& name) {
    std::ifstream file(std::string(LAMPLIGHT_TEST_DATA) + "/xmpp/votes/" + name);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::vector<wire::xml::Item> items;
    wire::xml::StreamParser parser;
    EXPECT_TRUE(parser.feed(
        "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'>", items));
    EXPECT_TRUE(parser.feed(text, items)) << name;
    std::vector<Element> found;
    for (const wire::xml::Item& item : items)
        if (const auto* stanza = std::get_if<Element>(&item)) found.push_back(*stanza);
    EXPECT_FALSE(found.empty()) << name;
    return found;
}

/// Everybody named there is a buddy: what the servers say is to be understood, not judged.
void hear(Daemon& daemon, const std::string& file) {
    for (const Element& message : stanzas(file)) {
        const auto event = pubsub::parse_event(message);
        if (!event) continue;
        daemon.bound(first, {.service = event->from});
        daemon.votes.receive(first, *event, [](const Jid&) { return true; }, daemon.now, daemon.out);
        daemon.publish();
    }
}

Eid of_file(std::uint8_t lab, std::uint8_t number) {
    return {{0x02, 0, 0, lab, 0, number}};
}

DeviceState state_of(const Daemon& daemon, const std::string& device, const Eid& of) {
    const auto held = daemon.vote(device, of);
    return held ? held->state : DeviceState::unknown;
}

TEST(AsteriskVectors, OfProsodyAreHeard) {
    Daemon daemon;
    hear(daemon, "events-prosody.xml");
    EXPECT_EQ(daemon.counters().items_in, daemon.counters().states_in);
    EXPECT_EQ(state_of(daemon, "Custom:h2", of_file(0x77, 2)), DeviceState::ringing);
    EXPECT_EQ(state_of(daemon, "XMPP/asterisk/server2@al.test", of_file(0x77, 1)), DeviceState::not_inuse);
    EXPECT_EQ(daemon.votes.eids().size(), 2u);
}

TEST(AsteriskVectors, OfEjabberdAreHeard) {
    Daemon daemon;
    hear(daemon, "events-ejabberd.xml");
    EXPECT_EQ(daemon.counters().items_in, daemon.counters().states_in);
    EXPECT_EQ(state_of(daemon, "Custom:h1", of_file(0x77, 1)), DeviceState::inuse);
}

TEST(AsteriskVectors, OfTigaseAreHeardRetractsPurgesAndStrangePayloadsAreHarmless) {
    for (const std::string version : {"5", "8"}) {
        Daemon daemon;
        hear(daemon, "events-tigase" + version + ".xml");
        EXPECT_GT(daemon.counters().states_in, 10u);
        EXPECT_EQ(daemon.counters().states_in + daemon.counters().refused_items(),
                  daemon.counters().items_in);
        EXPECT_GT(daemon.counters().retracts, 2u);
        EXPECT_GE(daemon.votes.eids().size(), 2u);
    }
}

/// What is inside the IQ, as text: the rest is the stream's.
std::string inside(const Element& iq) {
    return wire::xml::to_text(iq.children.at(0));
}

TEST(AsteriskVectors, OfPublishesAreWhatWeSayToTheByte) {
    struct Case {
        std::string file, device;
        Eid by;
        DeviceState state;
        state::Cachable cachable;
        bool collection;
    };
    const Case cases[] = {
        {"ast22-publish-cachable.xml", "Custom:abc", of_file(0x78, 1), DeviceState::busy,
         state::Cachable::yes, false},
        {"ast22-publish-collection.xml", "Custom:abc", of_file(0x78, 1), DeviceState::busy,
         state::Cachable::yes, true},
        {"ast22-publish-not-cachable.xml", "Local/s@lc", of_file(0x78, 1), DeviceState::inuse,
         state::Cachable::no, false},
        {"ast1.8-publish.xml", "Custom:abc", of_file(0x78, 2), DeviceState::inuse, state::Cachable::yes,
         false},
    };
    for (const Case& one : cases) {
        Daemon daemon;
        const auto pbx = daemon.add_own(one.by);
        daemon.ready(first, {.service = service, .collection = one.collection});
        daemon.came(asterisk);
        daemon.greet();
        daemon.set_of(pbx, one.device, one.state, one.cachable);
        const auto taken = daemon.take();
        ASSERT_TRUE(taken) << one.file;
        EXPECT_EQ(inside(taken->iq), inside(stanzas(one.file).at(0)));
        EXPECT_EQ(taken->iq.value_of("to"), service);
        EXPECT_EQ(taken->iq.value_of("type"), "set");
    }
}

TEST(AsteriskVectors, OfRefusalsLoseNoVote) {
    for (const Element& answer : stanzas("refused-publishes.xml")) {
        Daemon daemon;
        daemon.ready();
        daemon.came(asterisk);
        daemon.greet();
        daemon.says();
        const bool options = answer.child("pubsub")->children.size() > 1;
        daemon.set("Custom:abc", DeviceState::inuse, options ? state::Cachable::no : state::Cachable::yes);
        const auto taken = daemon.take();
        ASSERT_TRUE(taken);
        daemon.refuse(taken->tag, answer);
        EXPECT_EQ(daemon.refused.size(), options ? 0u : 1u);
        daemon.node_ready("device_state");
        EXPECT_EQ(daemon.says(), Said{"Custom:abc INUSE"});
    }
}

}  // namespace
}  // namespace lamplight::bus::xmpp::test
