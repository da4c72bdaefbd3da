#pragma once

#include "bus/xmpp/asterisk_votes.hpp"
#include "wire/pubsub/event.hpp"
#include "wire/pubsub/names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// A daemon with an engine and AsteriskVotes on services that are played by the test.
namespace lamplight::bus::xmpp::test {

using namespace std::chrono_literals;
using c2s::Jid;
using state::Bus;
using state::DeviceState;
using state::Eid;
using wire::xml::Element;
namespace pubsub = wire::pubsub;
using Counters = AsteriskVotes::Counters;
using News = AsteriskVotes::News;
using Wants = AsteriskVotes::Wants;
using Said = std::vector<std::string>;

inline Eid eid(std::uint8_t number) {
    return {{0x02, 0, 0, 0, 0, number}};
}
inline Jid jid(const std::string& text) {
    return *c2s::parse_jid(text);
}

constexpr ClientId first{1};
constexpr ClientId second{2};
const Eid own = eid(1);
const Eid pbx2 = eid(2);
const Eid pbx3 = eid(3);
const std::string service = "pubsub.fa.test";
const std::string asterisk = "server2@fa.test/astvoip2";
const std::string second_asterisk = "server3@fa.test/astvoip3";

inline pubsub::StateItem state_item(const Eid& of, const std::string& device, DeviceState state) {
    return {device, of, state, state::Cachable::yes};
}
inline pubsub::MailboxItem mailbox_item(const Eid& of, const std::string& mailbox, std::uint32_t fresh,
                                        std::uint32_t old) {
    return {{mailbox, "default"}, of, fresh, old};
}
inline pubsub::EventItem event_item(pubsub::Payload payload, const std::string& publisher = {}) {
    return {"id", publisher, std::move(payload)};
}
inline pubsub::EventItem refused_item(pubsub::Refusal refusal) {
    return {"id", {}, tl::unexpected(refusal)};
}

inline pubsub::Event event(std::vector<pubsub::EventItem> items, const std::string& from = service) {
    pubsub::Event event;
    event.from = from;
    event.node = "device_state";
    event.items = std::move(items);
    return event;
}
inline pubsub::Event event_of(pubsub::Event::Kind kind) {
    pubsub::Event of = event({});
    of.kind = kind;
    return of;
}

/// What we said, in short: `Custom:a BUSY`, `100@default 2/5`, of others ` of 9`, with publish-options `
/// +options`, in other nodes than Asterisk's two ` in NODE`.
inline std::string text(const Element& iq) {
    const Element& pubsub = iq.children.at(0);
    const Element& publish = pubsub.children.at(0);
    const Element& item = publish.children.at(0);
    const Element& content = item.children.at(0);
    std::string said(item.value_of("id"));
    const bool state = content.name == "state";
    said += ' ';
    said += state ? content.text : content.child("NEWMSGS")->text + "/" + content.child("OLDMSGS")->text;
    if (content.value_of("eid") != state::to_string(own))
        said += " of " + std::string(content.value_of("eid").substr(15));
    if (pubsub.children.size() > 1) said += " +options";
    const std::string node(publish.value_of("node"));
    if (node != (state ? "device_state" : "message_waiting")) said += " in " + node;
    return said;
}

/// As ejabberd and Tigase answer: with the request's condition alone.
inline Element error(const std::string& condition, const std::string& pubsub_condition = {}) {
    Element iq("iq", "jabber:client");
    iq.set("type", "error");
    Element& error = iq.add("error", "jabber:client");
    error.add(condition, std::string(pubsub::ns::stanzas));
    if (!pubsub_condition.empty()) error.add(pubsub_condition, std::string(pubsub::ns::errors));
    return iq;
}

inline AsteriskVotes::ClientSettings flat() {
    return {.service = service};
}
inline AsteriskVotes::ClientSettings collection() {
    return {.service = service, .collection = true};
}
inline AsteriskVotes::ClientSettings leaves_first() {
    return {.service = service, .collection = true, .autocreate = true};
}

struct Daemon {
    explicit Daemon(const state::Limits& limits = {})
        : engine({}, limits),
          votes(engine, mwi, [this](const Eid& who) { return lamplights.contains(who); }) {
        node = add_own(own);
        publish();
    }
    state::NodeId add_own(const Eid& who) {
        announcements.push_back({who, "pbx1", 7, {}});
        const state::NodeId id = engine.add_own_node(announcements.back(), now, out.changes);
        votes.set_own_nodes(announcements);
        return id;
    }

    void publish() {
        while (!out.changes.empty()) {
            state::Changes changes;
            std::swap(changes, out.changes);
            votes.on_changes(changes);
            std::vector<state::MwiChange> followed;
            mwi.follow(changes.nodes, followed);
        }
        std::vector<state::MwiChange> changed;
        for (const state::MwiInput& input : out.mwi)
            mwi.apply(input, now, changed);
        news.insert(news.end(), out.news.begin(), out.news.end());
        refused.insert(refused.end(), out.refused.begin(), out.refused.end());
        leaves.insert(leaves.end(), out.leaves.begin(), out.leaves.end());
        out.clear();
    }

    // Ourselves.
    void set(const std::string& device, DeviceState state, state::Cachable cachable = state::Cachable::yes) {
        set_of(node, device, state, cachable);
    }
    void set_of(state::NodeId of, const std::string& device, DeviceState state,
                state::Cachable cachable = state::Cachable::yes) {
        const auto id = engine.intern_device(device, out.changes);
        engine.set_own(of, *id, state, cachable, state::Cause::console, now, out.changes);
        publish();
    }
    void withdraw(const std::string& device) {
        engine.withdraw_own(node, *engine.find_device(device), state::Cause::console, now, out.changes);
        publish();
    }
    void set_mwi(const std::string& mailbox, state::MessageCounts counts,
                 state::VoteKind kind = state::VoteKind::state, const std::string& context = "default") {
        std::vector<state::MwiChange> changed;
        mwi.apply({{mailbox, context}, node, counts, kind, {7, ++mwi_sequence}}, now, changed);
        const state::MwiOwnChange change{node, {mailbox, context}};
        votes.on_mwi_changes({&change, 1});
    }

    // Clients.
    void ready(ClientId client = first, const AsteriskVotes::ClientSettings& settings = flat()) {
        bound(client, settings);
        node_ready("device_state", client);
        node_ready("message_waiting", client);
    }
    void bound(ClientId client = first, const AsteriskVotes::ClientSettings& settings = flat()) {
        votes.client_ready(client, settings, now, out);
        publish();
    }
    void lost(ClientId client = first) {
        votes.client_lost(client, now, out);
        publish();
    }
    void node_ready(const std::string& name, ClientId client = first) {
        votes.node_ready(client, name, now, out);
        publish();
    }

    // Who is there.
    void came(const std::string& who, std::optional<Eid> tied = {}, ClientId client = first) {
        votes.came(client, jid(who), tied, now, out);
        publish();
    }
    void gone(const std::string& who, ClientId client = first) {
        votes.gone(client, jid(who), now, out);
        publish();
    }
    void tie(const Eid& who, const std::string& to) {
        const Tie tie{who, jid(to)};
        votes.set_ties({&tie, 1}, now, out);
        publish();
    }
    void become_lamplight(const Eid& who) { lamplights.insert(who); }

    // What is heard.
    void hears(const pubsub::Event& event, ClientId client = first) {
        votes.receive(client, event, [&](const Jid& who) { return buddies.contains(who.bare()); }, now, out);
        publish();
    }
    void hears(std::vector<pubsub::EventItem> items, ClientId client = first) {
        hears(event(std::move(items)), client);
    }
    void hears_vote(const Eid& of, const std::string& device, DeviceState state,
                    const std::string& publisher = {}, ClientId client = first) {
        hears({event_item(state_item(of, device, state), publisher)}, client);
    }

    void pass(state::Duration time) {
        now += time;
        votes.on_time(now, out);
        engine.on_time(now, out.changes);
        publish();
    }
    /// Time passes until the dump for who just came is due.
    void greet() { pass(AsteriskVotes::dump_delay); }

    // What is said.
    std::optional<AsteriskVotes::Taken> take(ClientId client = first) {
        std::optional<AsteriskVotes::Taken> taken;
        for (int i = 0; i < 1000 && !taken && votes.wants_to_send(client) != Wants::nothing; ++i)
            taken = votes.take(client, now);
        return taken;
    }
    void accept(std::uint64_t tag, ClientId client = first) {
        votes.answered(client, tag, Answer::accepted, nullptr, now, out);
        publish();
    }
    void refuse(std::uint64_t tag, const Element& why, ClientId client = first) {
        votes.answered(client, tag, Answer::refused, &why, now, out);
        publish();
    }
    void lose(std::uint64_t tag, ClientId client = first) {
        votes.answered(client, tag, Answer::lost, nullptr, now, out);
        publish();
    }
    /// Takes one, which is refused: what it was.
    std::string refuse_next(const std::string& condition, const std::string& pubsub_condition = {}) {
        const auto taken = take();
        if (!taken) return "";
        refuse(taken->tag, error(condition, pubsub_condition));
        return text(taken->iq);
    }
    std::string say_next(ClientId client = first) {
        const auto taken = take(client);
        if (!taken) return "";
        accept(taken->tag, client);
        return text(taken->iq);
    }
    /// Everything it wants to say, accepted.
    Said says(ClientId client = first) {
        Said said;
        for (std::string one = say_next(client); !one.empty(); one = say_next(client)) {
            said.push_back(one);
            if (said.size() > 100'000) {
                ADD_FAILURE() << "the talk does not end";
                break;
            }
        }
        return said;
    }

    // What it knows.
    std::optional<state::VoteView> vote(const std::string& device, const Eid& of) const {
        const auto id = engine.find_device(device);
        const auto whose = engine.find_node(of);
        return id && whose ? engine.vote(*id, *whose) : std::nullopt;
    }
    DeviceState aggregate(const std::string& device) const {
        const auto id = engine.find_device(device);
        return id ? engine.aggregate(*id) : DeviceState::unknown;
    }
    state::Standing standing(const Eid& of) const { return engine.node(*engine.find_node(of)).standing; }
    std::optional<state::MessageCounts> counts(const std::string& mailbox) const {
        return mwi.aggregate({mailbox, "default"});
    }
    std::size_t count(News::Kind kind) const {
        return static_cast<std::size_t>(
            std::count_if(news.begin(), news.end(), [&](const News& one) { return one.kind == kind; }));
    }
    std::string told(News::Kind kind) const {
        const auto found =
            std::find_if(news.rbegin(), news.rend(), [&](const News& one) { return one.kind == kind; });
        return found == news.rend() ? "" : found->text;
    }
    const Counters& counters() const { return votes.counters(); }

    state::Time now{1000s};
    std::set<Eid> lamplights;
    std::set<Jid> buddies{jid(asterisk).bare(), jid(second_asterisk).bare()};
    std::vector<state::Announcement> announcements;
    state::Engine engine;
    state::MwiTable mwi;
    AsteriskVotes::Output out;
    AsteriskVotes votes;
    state::NodeId node{};
    std::vector<News> news;
    std::vector<AsteriskVotes::Output::Refused> refused;
    std::vector<AsteriskVotes::Output::Leaf> leaves;
    std::uint64_t mwi_sequence = 0;
};

}  // namespace lamplight::bus::xmpp::test
