#pragma once

#include "bus/xmpp/lamplights.hpp"
#include "wire/pubsub/event.hpp"
#include "wire/pubsub/names.hpp"
#include "wire/pubsub/request.hpp"
#include "wire/vote/decode.hpp"
#include "wire/xml/write.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Lamplights with engines, joined by XMPP servers of the test's own: presence, IQs and a PubSub service that
/// can lose, delay, cut, refuse, restart and forget.
namespace lamplight::bus::xmpp::test {

using state::DeviceState;
using wire::xml::Element;
using namespace std::chrono_literals;
namespace ns = wire::pubsub::ns;

inline state::Eid eid(std::uint8_t number) {
    return {{0x02, 0, 0, 0, 0, number}};
}
inline ClientId client(int number) {
    return ClientId{static_cast<std::uint8_t>(number)};
}

/// What a shell and the rest of a daemon do around Lamplights.
struct Machine {
    Machine(std::uint8_t number_, std::uint64_t incarnation = 0, const std::string& life = "a")
        : number(number_),
          process(std::string(15, static_cast<char>('0' + number_)) + life),
          self{eid(number_),
               "pbx" + std::to_string(number_),
               incarnation == 0 ? number_ * 10u : incarnation,
               {}},
          lamplights(engine, mwi, {.software = "lamplight test", .process = process}) {
        node = engine.add_own_node(self, {}, out.sync.changes);
        lamplights.set_own_nodes({{self}});
        publish();
    }

    /// Until nothing more comes of it; answers and follows are the world's.
    void publish() {
        while (!out.sync.changes.empty() || !out.sync.raises.empty()) {
            const state::Changes changes = std::exchange(out.sync.changes, {});
            lamplights.on_changes(changes);
            mwi.follow(changes.nodes, mwi_changes);
            for (const auto& raise : std::exchange(out.sync.raises, {})) {
                engine.raise_incarnation(*engine.find_node(raise.eid), raise.seen, out.sync.changes);
                lamplights.set_own_nodes({{self}});
            }
        }
        for (const state::MwiInput& input : std::exchange(out.sync.mwi, {}))
            mwi.apply(input, late, mwi_changes);
        for (const auto& item : std::exchange(out.news, {}))
            news.push_back(item);
        for (const auto& item : std::exchange(out.sync.news, {}))
            talk.push_back(item);
    }
    void set(const std::string& device, DeviceState state, state::Time now) {
        const auto id = engine.intern_device(device, out.sync.changes);
        engine.set_own(node, *id, state, state::Cachable::yes, state::Cause::console, now, out.sync.changes);
        publish();
    }
    void withdraw(const std::string& device, state::Time now) {
        engine.withdraw_own(node, *engine.find_device(device), state::Cause::console, now, out.sync.changes);
        publish();
    }
    void count(const std::string& mailbox, std::uint32_t messages) {
        const state::MwiVote vote{{mailbox, "default"},
                                  node,
                                  {messages, 0},
                                  state::VoteKind::state,
                                  {engine.node(node).incarnation, ++mwi_sequence}};
        mwi.apply(vote, late, mwi_changes);
        const state::MwiOwnChange change{node, vote.mailbox};
        lamplights.on_mwi_changes({&change, 1});
    }
    std::optional<std::uint32_t> messages(const std::string& mailbox) const {
        const auto counts = mwi.aggregate({mailbox, "default"});
        return counts ? std::optional(counts->new_messages) : std::nullopt;
    }
    DeviceState aggregate(const std::string& device) const {
        const auto id = engine.find_device(device);
        return id ? engine.aggregate(*id) : DeviceState::unknown;
    }
    std::optional<state::VoteView> vote(const std::string& device, const Machine& of) const {
        const auto id = engine.find_device(device);
        const auto whose = engine.find_node(of.self.eid);
        return id && whose ? engine.vote(*id, *whose) : std::nullopt;
    }
    bool agrees_with(const Machine& owner) const {
        const auto id = engine.find_node(owner.self.eid);
        return id && engine.digest(*id) == owner.engine.digest(owner.node);
    }
    /// Nothing of the other waits to be confirmed.
    bool holds_fresh(const Machine& owner) const {
        bool fresh = true;
        engine.for_each_device([&](state::DeviceId device) {
            const auto view = engine.vote(device, *engine.find_node(owner.self.eid));
            fresh = fresh && (!view || view->withdrawn || (!view->stale && view->counts));
        });
        return fresh;
    }
    std::size_t heard(Lamplights::News::Kind kind) const {
        return static_cast<std::size_t>(
            std::count_if(news.begin(), news.end(), [&](const auto& item) { return item.kind == kind; }));
    }
    const sync::Counters& counters() const { return lamplights.exchange().counters(); }
    const Lamplights::PeerView* peer(const Machine& other) {
        views = lamplights.peers();
        for (const auto& view : views)
            if (view.process == other.process) return &view;
        return nullptr;
    }

    std::uint8_t number;
    std::string process;
    state::Announcement self;
    state::Engine engine;
    state::MwiTable mwi;
    Lamplights lamplights;
    state::NodeId node{};
    Lamplights::Output out;
    std::vector<Lamplights::News> news;
    std::vector<sync::News> talk;
    std::vector<state::MwiChange> mwi_changes;
    std::uint64_t mwi_sequence = 0;
    std::vector<Lamplights::PeerView> views;

private:
    static constexpr state::Time late{std::chrono::hours(1000)};
};

class World {
public:
    struct Stream {
        Machine* machine = nullptr;
        ClientId id{};
        c2s::Jid jid;
        std::string domain;
        bool bound = false;
        bool cut = false;      ///< nothing passes, and nobody is told
        std::string own_node;  ///< empty: none
    };
    struct Node {
        Stream* owner = nullptr;
        std::set<std::string> subscribers;  ///< bare
        bool refuses = false;
        bool names_publisher = true;
    };
    struct Stanza {
        Element element;
        Stream* from = nullptr;
        std::uint64_t tag = 0;  ///< of a request
    };

    state::Time now{1000s};
    state::Duration delay{};
    std::size_t budget = 64 * 1024;
    std::function<bool(const Element&)> loses = [](const Element&) { return false; };
    /// IQs to whom are answered with an error instead of delivered.
    std::function<bool(const Element&)> refuses = [](const Element&) { return false; };
    bool subscriptions_allowed = true;
    std::map<std::pair<std::string, std::string>, Node> nodes;  ///< by service and node
    std::vector<Element> sent;                                  ///< requests, in the order they were taken
    std::vector<Element> items;

    Stream& stream(Machine& machine, int id, const std::string& domain = "a.example") {
        streams_.push_back(std::make_unique<Stream>());
        Stream& stream = *streams_.back();
        stream.machine = &machine;
        stream.id = client(id);
        stream.domain = domain;
        stream.jid = {"pbx" + std::to_string(machine.number), domain,
                      "r" + std::to_string(id) + machine.process};
        return stream;
    }
    /// Logs in: everybody on the server sees it, and it sees them.
    void login(Stream& who) {
        who.bound = true;
        who.cut = false;
        who.machine->lamplights.own_jid(who.id, who.jid);
        for (const auto& other : streams_) {
            if (!sees(who, *other)) continue;
            show(*other, who);
            show(who, *other);
        }
    }
    void logout(Stream& who) {
        if (!std::exchange(who.bound, false)) return;
        lose_answers(who);
        for (const auto& other : streams_)
            if (other->bound && other->domain == who.domain && other->machine != who.machine) {
                other->machine->lamplights.road_down({other->id, who.jid}, Lamplights::Why::unavailable, now,
                                                     other->machine->out);
                obey(*other->machine);
            }
        who.machine->lamplights.client_lost(who.id, now, who.machine->out);
        who.machine->lamplights.own_node_lost(who.id, now);
        who.own_node.clear();
        obey(*who.machine);
    }
    /// Ends the process without a word to anybody but its servers.
    void kill(Machine& machine) {
        for (const auto& stream : streams_)
            if (stream->machine == &machine) logout(*stream);
    }
    void make_node(Stream& who) {
        who.own_node = "lamplight:" + std::to_string(who.machine->number);
        nodes[{service(who), who.own_node}].owner = &who;
        who.machine->lamplights.own_node_ready(who.id, service(who), who.own_node, now);
        for (const auto& other : streams_)
            if (sees(who, *other)) show(*other, who);
    }
    /// It cannot be published to; as the bus does it, the mark says so.
    void lose_node(Stream& who) {
        who.own_node.clear();
        who.machine->lamplights.own_node_lost(who.id, now);
        for (const auto& other : streams_)
            if (sees(who, *other)) show(*other, who);
    }
    static std::string service(const Stream& stream) { return "pubsub." + stream.domain; }
    Node& node_of(const Stream& stream) { return nodes.at({service(stream), stream.own_node}); }
    static Mark mark_of(const Stream& stream) {
        if (stream.own_node.empty()) return {stream.machine->process, {}, {}};
        return {stream.machine->process, stream.own_node, service(stream)};
    }
    Road road(const Stream& at, const Stream& to) const { return {at.id, to.jid}; }

    /// Until nobody wants to say anything and nothing is under way. Bounded: talk that never ends is a bug.
    void settle() {
        for (int round = 0; round < 20'000; ++round) {
            if (!step()) return;
        }
        FAIL() << "the talk does not end";
    }
    bool step() {
        bool any = false;
        for (std::size_t i = 0; i < streams_.size(); ++i)
            any = send_one(*streams_[i]) || any;
        while (!due_.empty() && due_.begin()->first <= now) {
            const auto first = due_.begin();
            const auto deliver = std::move(first->second);
            due_.erase(first);
            deliver();
            any = true;
        }
        return any;
    }
    void pass(state::Duration time, state::Duration slice = 500ms) {
        for (const state::Time end = now + time; now < end;) {
            now = std::min(end, now + slice);
            for (Machine* machine : machines()) {
                const auto due = machine->lamplights.next_deadline();
                if (due && *due <= now) machine->lamplights.on_time(now, machine->out);
                machine->engine.on_time(now, machine->out.sync.changes);
                obey(*machine);
            }
            time_out();
            settle();
        }
    }
    std::vector<Machine*> machines() const {
        std::vector<Machine*> all;
        for (const auto& stream : streams_)
            if (std::find(all.begin(), all.end(), stream->machine) == all.end())
                all.push_back(stream->machine);
        return all;
    }
    std::size_t bytes() const {
        std::size_t bytes = 0;
        for (const Element& element : sent)
            bytes += wire::xml::to_text(element).size();
        return bytes;
    }
    /// Frames of this type that were sent by IQ.
    std::size_t frames(wire::vote::Type type) const {
        std::size_t count = 0;
        for (const Element& element : sent)
            if (const Element* content = element.child("frame", ns::frame))
                count += wire::pubsub::parse_frame(*content)->frame.at(3) == static_cast<std::uint8_t>(type);
        return count;
    }
    void forget_sent() {
        sent.clear();
        items.clear();
    }

    /// An IQ that nobody of ours made.
    std::vector<Element> ask(Stream& at, const c2s::Jid& from, Element iq) {
        iq.set("from", c2s::to_string(from)).set("to", c2s::to_string(at.jid)).set("id", "x1");
        Machine& machine = *at.machine;
        if (!machine.lamplights.receive({at.id, from}, iq, now, machine.out)) return {};
        auto answers = std::move(machine.out.stanzas[at.id]);
        machine.out.stanzas.clear();
        obey(machine);
        return answers;
    }

private:
    struct Waiting {
        Stream* stream = nullptr;
        state::Time until{};
    };

    static bool sees(const Stream& one, const Stream& two) {
        return two.bound && one.bound && one.domain == two.domain && one.machine != two.machine;
    }
    void show(Stream& at, Stream& who) {
        at.machine->lamplights.road_up({at.id, who.jid}, mark_of(who), now, at.machine->out);
        obey(*at.machine);
    }
    Stream* find(const std::string& jid) {
        for (const auto& stream : streams_)
            if (c2s::to_string(stream->jid) == jid) return stream.get();
        return nullptr;
    }
    Stream* find(Machine& machine, ClientId id) {
        for (const auto& stream : streams_)
            if (stream->machine == &machine && stream->id == id) return stream.get();
        return nullptr;
    }

    /// Does what comes out of a machine beside what it takes when asked.
    void obey(Machine& machine) {
        machine.publish();
        for (auto& [id, stanzas] : std::exchange(machine.out.stanzas, {})) {
            Stream* from = find(machine, id);
            for (Element& stanza : stanzas)
                if (from != nullptr) answer(*from, std::move(stanza));
        }
        for (const auto& follow : std::exchange(machine.out.follows, {})) {
            Stream* at = find(machine, follow.client);
            if (at != nullptr) subscribe(*at, follow);
        }
        machine.out.refused.clear();
        machine.publish();
    }
    void subscribe(Stream& at, const Lamplights::Output::Follow& follow) {
        const auto node = nodes.find({follow.service, follow.node});
        const std::string bare = c2s::to_string(at.jid.bare());
        if (node == nodes.end() || !subscriptions_allowed) return;
        if (follow.what == Lamplights::Output::Follow::What::unfollow) {
            node->second.subscribers.erase(bare);
            return;
        }
        node->second.subscribers.insert(bare);
        at.machine->lamplights.following(at.id, follow.service, follow.node, now);
    }

    bool send_one(Stream& from) {
        if (!from.bound) return false;
        const auto wants = from.machine->lamplights.wants_to_send(from.id);
        if (wants == Lamplights::Wants::nothing) return false;
        auto taken = from.machine->lamplights.take(from.id, budget, now);
        EXPECT_TRUE(taken.has_value()) << "it wanted to say something";
        if (!taken) return false;
        const std::string id = std::to_string(from.machine->number) + "-" + std::to_string(++last_id_);
        taken->iq.set("id", id).set("from", c2s::to_string(from.jid));
        sent.push_back(taken->iq);
        waiting_[id] = {&from, now + taken->patience.value_or(20s)};
        tags_[id] = taken->tag;
        if (!from.cut && !loses(taken->iq))
            later([this, stream = &from, iq = std::move(taken->iq)] { request(*stream, iq); });
        return true;
    }
    void later(std::function<void()> what) { due_.emplace(now + delay, std::move(what)); }

    /// A request at the server.
    void request(Stream& from, const Element& iq) {
        const std::string to(iq.value_of("to"));
        if (const Element* pubsub = iq.child("pubsub", ns::pubsub)) return publish(from, iq, *pubsub);
        Stream* at = find(to);
        if (refuses(iq)) return reply(iq, wire::pubsub::make_error(iq, "service-unavailable", "cancel", 503));
        if (at == nullptr || !at->bound)
            return reply(iq, wire::pubsub::make_error(iq, "service-unavailable", "cancel", 503));
        if (at->cut) return;
        Machine& machine = *at->machine;
        const Road road{at->id, from.jid};
        machine.lamplights.heard_from(road, now);
        if (!machine.lamplights.receive(road, iq, now, machine.out))
            machine.out.stanzas[at->id].push_back(wire::pubsub::make_result(iq));
        obey(machine);
    }
    /// An answer that a machine gave.
    void answer(Stream& from, Element stanza) {
        if (from.cut || !from.bound || loses(stanza)) return;
        stanza.set("from", c2s::to_string(from.jid));
        later([this, stanza = std::move(stanza)] { deliver(stanza); });
    }
    void reply(const Element&, Element answer) {
        later([this, answer = std::move(answer)] { deliver(answer); });
    }
    void deliver(const Element& answer) {
        const auto found = waiting_.find(std::string(answer.value_of("id")));
        if (found == waiting_.end() || found->second.stream == nullptr) return;
        Stream& at = *found->second.stream;
        if (at.cut || !at.bound) return;
        const bool error = answer.value_of("type") == "error";
        end_request(found->first, error ? Answer::refused : Answer::accepted, &answer);
        const auto from = c2s::parse_jid(answer.value_of("from"));
        if (from && !from->is_bare() && !error) at.machine->lamplights.heard_from({at.id, *from}, now);
        obey(*at.machine);
    }
    void end_request(const std::string& id_, Answer answer, const Element* iq) {
        const std::string id = id_;
        Stream& at = *waiting_.at(id).stream;
        const std::uint64_t tag = tags_.at(id);
        waiting_.erase(id);
        tags_.erase(id);
        at.machine->lamplights.answered(at.id, tag, answer, iq, now, at.machine->out);
        obey(*at.machine);
    }
    void time_out() {
        std::vector<std::string> old;
        for (const auto& [id, waiting] : waiting_)
            if (waiting.until <= now) old.push_back(id);
        for (const std::string& id : old)
            end_request(id, Answer::lost, nullptr);
    }
    void lose_answers(Stream& who) {
        std::vector<std::string> lost;
        for (const auto& [id, waiting] : waiting_)
            if (waiting.stream == &who) lost.push_back(id);
        for (const std::string& id : lost)
            end_request(id, Answer::lost, nullptr);
    }

    void publish(Stream& from, const Element& iq, const Element& pubsub) {
        const Element& publish = *pubsub.child("publish", ns::pubsub);
        const std::string name(publish.value_of("node"));
        const auto node = nodes.find({std::string(iq.value_of("to")), name});
        if (node == nodes.end() || node->second.refuses || node->second.owner != &from)
            return reply(iq, wire::pubsub::make_error(iq, "forbidden", "auth", 403));
        Element result = wire::pubsub::make_result(iq);
        result.set("from", std::string(iq.value_of("to")));
        reply(iq, std::move(result));
        const Element& item = *publish.child("item");
        items.push_back(item);
        Element message("message", std::string(ns::client));
        message.set("from", std::string(iq.value_of("to")));
        Element& in_event = message.add("event", std::string(ns::event)).add("items");
        in_event.set("node", name);
        Element& copy = in_event.add("item");
        copy.set("id", std::string(item.value_of("id")));
        if (node->second.names_publisher) copy.set("publisher", c2s::to_string(from.jid.bare()));
        copy.add(item.children.front());
        for (const auto& stream : streams_)
            if (node->second.subscribers.contains(c2s::to_string(stream->jid.bare())))
                later([this, at = c2s::to_string(stream->jid), message] { event(at, message); });
    }
    void event(const std::string& at, const Element& message) {
        Stream* stream = find(at);
        if (stream == nullptr || !stream->bound || stream->cut || loses(message)) return;
        Machine& machine = *stream->machine;
        machine.lamplights.receive_event(stream->id, *wire::pubsub::parse_event(message), now, machine.out);
        obey(machine);
    }

    std::vector<std::unique_ptr<Stream>> streams_;
    std::multimap<state::Time, std::function<void()>> due_;
    std::map<std::string, Waiting> waiting_;
    std::map<std::string, std::uint64_t> tags_;
    std::uint64_t last_id_ = 0;
};

/// Two on one server, not logged in yet.
struct TwoMachines : testing::Test {
    World world;
    Machine one{1};
    Machine two{2};
    World::Stream& at_one = world.stream(one, 1);
    World::Stream& at_two = world.stream(two, 1);

    void log_both_in() {
        world.login(at_one);
        world.login(at_two);
    }
};

}  // namespace lamplight::bus::xmpp::test
