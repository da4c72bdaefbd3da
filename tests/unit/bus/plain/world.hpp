#pragma once

#include "bus/plain/exchange.hpp"
#include "wire/event/event.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// A daemon with an engine and a plain::Exchange in a group without Corosync.
namespace lamplight::bus::plain::test {

using namespace std::chrono_literals;
using ring::Member;
using state::Departure;
using state::DeviceState;
using state::Eid;
namespace event = wire::event;
using Message = std::vector<std::uint8_t>;

inline Eid eid(std::uint8_t number) {
    return {{0x02, 0, 0, 0, 0, number}};
}

constexpr Member self{1, 100};
constexpr Member asterisk{2, 200};
constexpr Member second_asterisk{3, 300};
constexpr Member lamplight{4, 400};
constexpr Member beside_us{1, 101};
const Eid own = eid(1);
const Eid pbx2 = eid(2);
const Eid pbx3 = eid(3);

inline Settings everything() {
    Settings settings;
    settings.publish = {true, true, true, true};
    settings.subscribe = {true, true, true, true};
    return settings;
}

inline Message message(const event::Event& event) {
    Message bytes(event::max_event_bytes);
    bytes.resize(event::encode(event, {}, bytes));
    return bytes;
}

/// What we said, in short: `vote Custom:a BUSY`, `mwi 100@default 2/5`, `discovery 1`, `ping`.
inline std::string text(const event::Event& said) {
    struct Text {
        std::string operator()(const event::DeviceStateChange& vote) const {
            return "vote " + std::string(vote.device) + " " + std::string(state::config_text(vote.state)) +
                   by(vote.eid);
        }
        std::string operator()(const event::DeviceStateAggregate&) const { return "aggregate"; }
        std::string operator()(const event::Mwi& mwi) const {
            return "mwi " + std::string(mwi.mailbox) + "@" + std::string(mwi.context) + " " +
                   std::to_string(mwi.counts.new_messages) + "/" + std::to_string(mwi.counts.old_messages) +
                   by(mwi.eid);
        }
        std::string operator()(const event::Ping& ping) const { return "ping" + by(ping.eid); }
        std::string operator()(const event::ClusterDiscovery& discovery) const {
            return "discovery " + std::to_string(discovery.node_id) + " " + std::string(discovery.address) +
                   by(discovery.eid);
        }
        static std::string by(const Eid& eid) {
            return eid == own ? "" : " of " + std::to_string(eid.bytes[5]);
        }
    };
    return std::visit(Text{}, said);
}

using Said = std::vector<std::string>;

struct Daemon {
    explicit Daemon(const Settings& settings = everything(), const state::Limits& limits = {})
        : engine({}, limits), exchange(engine, mwi, settings) {
        node = engine.add_own_node({own, "pbx1", 7, {}}, now, out.changes);
        exchange.set_own_nodes({{state::Announcement{own, "pbx1", 7, {}}}});
        exchange.set_self(self, "10.0.0.1");
        publish();
    }

    void publish() {
        while (!out.changes.empty()) {
            state::Changes changes;
            std::swap(changes, out.changes);
            exchange.on_changes(changes);
            std::vector<state::MwiChange> followed;
            mwi.follow(changes.nodes, followed);
            notices.insert(notices.end(), changes.notices.begin(), changes.notices.end());
        }
        std::vector<state::MwiChange> changed;
        for (const state::MwiInput& input : out.mwi)
            mwi.apply(input, now, changed);
        news.insert(news.end(), out.news.begin(), out.news.end());
        out.clear();
    }

    // What happens to it.
    void set(const std::string& device, DeviceState state) {
        const auto id = engine.intern_device(device, out.changes);
        engine.set_own(node, *id, state, state::Cachable::yes, state::Cause::console, now, out.changes);
        publish();
    }
    void withdraw(const std::string& device) {
        engine.withdraw_own(node, *engine.find_device(device), state::Cause::console, now, out.changes);
        publish();
    }
    void set_mwi(const std::string& mailbox, state::MessageCounts counts,
                 state::VoteKind kind = state::VoteKind::state) {
        std::vector<state::MwiChange> changed;
        mwi.apply({{mailbox, "default"}, node, counts, kind, {7, ++mwi_sequence}}, now, changed);
        exchange.mwi_changed(node, {mailbox, "default"});
    }
    void lamplights(const std::vector<Member>& members) {
        exchange.set_lamplights(members, now, out);
        publish();
    }
    void came(Member member) {
        exchange.member_came(member, "node " + std::to_string(member.node_id), now, out);
        publish();
    }
    void returned(Member member) {
        exchange.member_returned(member, now, out);
        publish();
    }
    void gone(Member member, Departure departure) {
        exchange.member_gone(member, departure, now, out);
        publish();
    }
    void hears(Member from, const event::Event& event) { hears(from, message(event)); }
    void hears(Member from, const Message& bytes) {
        exchange.receive(from, bytes, now, out);
        publish();
    }
    void hears_vote(Member from, const Eid& of, const std::string& device, DeviceState state) {
        hears(from, event::DeviceStateChange{device, state, state::Cachable::yes, of});
    }
    void announces(Member from, const Eid& of) {
        hears(from, event::ClusterDiscovery{from.node_id, "10.0.0." + std::to_string(from.node_id), of});
    }
    void pass(state::Duration time) {
        now += time;
        exchange.on_time(now, out);
        engine.on_time(now, out.changes);
        publish();
    }
    /// Time passes until the dump of who just came is due.
    void greet() { pass(everything().dump_delay); }

    // What it says.
    struct Out {
        MessageId id{};
        Message bytes;
    };
    /// The next message, under way; no bytes: there is none.
    Out take() {
        Out taken;
        for (int i = 0; i < 1000 && exchange.wants_to_send() && taken.bytes.empty(); ++i) {
            taken.bytes.resize(event::max_event_bytes);
            const Taken one = exchange.take(taken.bytes);
            taken.bytes.resize(one.bytes);
            taken.id = one.id;
        }
        return taken;
    }
    std::string take_text() {
        const Out taken = take();
        if (taken.bytes.empty()) return "";
        exchange.delivered(taken.id);
        return text(*event::decode(taken.bytes));
    }
    /// Everything it wants to say, delivered.
    Said says() {
        Said said;
        for (std::string one = take_text(); !one.empty(); one = take_text()) {
            said.push_back(one);
            if (said.size() > 100'000) {
                ADD_FAILURE() << "the talk does not end";
                break;
            }
        }
        return said;
    }
    /// The same, in order of the alphabet.
    Said says_in_some_order() {
        Said said = says();
        std::sort(said.begin(), said.end());
        return said;
    }

    // What it knows.
    DeviceState aggregate(const std::string& device) const {
        const auto id = engine.find_device(device);
        return id ? engine.aggregate(*id) : DeviceState::unknown;
    }
    std::optional<state::VoteView> vote(const std::string& device, const Eid& of) const {
        const auto id = engine.find_device(device);
        const auto whose = engine.find_node(of);
        return id && whose ? engine.vote(*id, *whose) : std::nullopt;
    }
    std::optional<state::MessageCounts> counts(const std::string& mailbox) const {
        return mwi.aggregate({mailbox, "default"});
    }
    std::size_t count(News::Kind kind) const {
        return static_cast<std::size_t>(
            std::count_if(news.begin(), news.end(), [&](const News& one) { return one.kind == kind; }));
    }
    const Counters& counters() const { return exchange.counters(); }

    state::Time now{1000s};
    state::Engine engine;
    state::MwiTable mwi;
    Exchange exchange;
    state::NodeId node{};
    Output out;
    std::vector<News> news;
    std::vector<state::Notice> notices;
    std::uint64_t mwi_sequence = 0;
};

}  // namespace lamplight::bus::plain::test
