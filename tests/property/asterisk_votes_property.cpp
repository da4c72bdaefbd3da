// A Lamplight on two XMPP servers with Asterisks that come, go and start anew, and services that refuse,
// lose, and take what they seem to have lost: when it is quiet, every Asterisk that is there believes what we
// vote.
#include "../unit/bus/xmpp/asterisk_model.hpp"
#include "../unit/bus/xmpp/asterisk_votes_world.hpp"

#include <rapidcheck/gtest.h>

#include <deque>
#include <map>

namespace lamplight::bus::xmpp::test {
namespace {

struct Listener {
    std::string name;
    ClientId server{};
    std::optional<Eid> tied;
    AsteriskModel model;
    bool there = false;
};

struct Act {
    std::uint8_t what, which, value;
};

class World {
public:
    explicit World(const AsteriskVotes::ClientSettings& settings) : settings_(settings) {
        nodes_ = {daemon_.node, daemon_.add_own(eid(9))};
        listeners_.push_back({"a@fa.test/1", first, pbx2, AsteriskModel(pbx2), false});
        listeners_.push_back({"b@fa.test/1", first, {}, AsteriskModel(pbx3), false});
        listeners_.push_back({"a@fb.test/1", second, pbx2, AsteriskModel(pbx2), false});
        for (const ClientId client : {first, second}) {
            daemon_.ready(client, settings_);
            there_[client] = true;
        }
        come_or_go(listeners_.front());
        come_or_go(listeners_.back());
    }

    void act(const Act& act) {
        const ClientId client = act.which % 2 == 0 ? first : second;
        switch (act.what) {
            case 0:
            case 1:
                return vote(act);
            case 2:
                return withdraw(act);
            case 3:
                return daemon_.set_mwi(mailbox(act.which), {act.value, act.which});
            case 4:
                return daemon_.set_mwi(mailbox(act.which), {}, state::VoteKind::withdrawal);
            case 5:
            case 6:
                return take(client);
            case 7:
                return accept(client);
            case 8:
                return refuse(client, act.value);
            case 9:
                return lose(client, act.value % 2 == 0);
            case 10:
                return come_or_go(listeners_[act.which % listeners_.size()]);
            case 11:
                return lose_or_find(client);
            case 12:
                return daemon_.pass(std::chrono::milliseconds(act.value * 8));
            case 13:
                return nodes_answer(act.value % 4 == 0 ? Nodes::fail : Nodes::mend);
        }
    }

    /// Everything is mended, and nothing is refused or lost any more.
    void quiet() {
        for (const ClientId client : {first, second})
            for (const char* node : {"device_state", "message_waiting"})
                daemon_.node_ready(node, client);
        for (int round = 0; round < 200; ++round) {
            daemon_.pass(1s);
            nodes_answer(Nodes::mend);
            for (const ClientId client : {first, second})
                finish(client);
        }
        for (const auto& [client, names] : failed_)
            for (const std::string& name : names)
                daemon_.node_ready(name, client);
        for (const ClientId client : {first, second})
            finish(client);
    }

    void check() const {
        for (const Listener& listener : listeners_) {
            if (!listener.there || !there_.at(listener.server)) continue;
            for (const state::NodeId node : nodes_)
                for (unsigned i = 0; i < devices; ++i)
                    check(listener, node, device(i));
            for (unsigned i = 0; i < mailboxes; ++i)
                check(listener, mailbox(i));
        }
        for (const ClientId client : {first, second})
            RC_ASSERT(daemon_.votes.waiting(client) == 0u);
    }

    void say_goodbye() {
        daemon_.votes.say_goodbye();
        for (const ClientId client : {first, second})
            finish(client);
        RC_ASSERT(daemon_.votes.said_goodbye());
    }
    void check_gone() const {
        for (const Listener& listener : listeners_) {
            if (!listener.there || !there_.at(listener.server)) continue;
            for (const auto& [key, state] : listener.model.states)
                RC_ASSERT(state == "UNAVAILABLE");
            for (const auto& [key, counts] : listener.model.counts)
                RC_ASSERT(counts == std::pair(std::string("0"), std::string("0")));
        }
    }

private:
    static constexpr unsigned devices = 5;
    static constexpr unsigned mailboxes = 2;
    static std::string device(unsigned i) { return "Custom:" + std::to_string(i % devices); }
    static std::string mailbox(unsigned i) { return std::to_string(100 + i % mailboxes); }

    // --- ourselves ---

    void vote(const Act& act) {
        daemon_.set_of(nodes_[act.which % 2], device(act.which / 2), static_cast<DeviceState>(act.value % 9),
                       act.value % 5 == 0 ? state::Cachable::no : state::Cachable::yes);
    }
    void withdraw(const Act& act) {
        const auto id = daemon_.engine.find_device(device(act.which / 2));
        if (!id) return;
        daemon_.engine.withdraw_own(nodes_[act.which % 2], *id, state::Cause::console, daemon_.now,
                                    daemon_.out.changes);
        daemon_.publish();
    }

    // --- the services ---

    void take(ClientId client) {
        if (under_way_[client].size() >= 6) return;
        auto taken = daemon_.votes.take(client, daemon_.now);
        if (!taken) return;
        RC_ASSERT(daemon_.votes.has_audience(client));
        under_way_[client].push_back(std::move(*taken));
    }
    std::optional<AsteriskVotes::Taken> answer(ClientId client) {
        std::deque<AsteriskVotes::Taken>& queue = under_way_[client];
        if (queue.empty()) return std::nullopt;
        auto taken = std::move(queue.front());
        queue.pop_front();
        return taken;
    }
    void accept(ClientId client) {
        const auto taken = answer(client);
        if (!taken) return;
        deliver(client, taken->iq);
        daemon_.accept(taken->tag, client);
    }
    /// Everything it wants to say there is taken.
    void finish(ClientId client) {
        while (daemon_.votes.wants_to_send(client) != Wants::nothing || !under_way_[client].empty()) {
            take(client);
            accept(client);
        }
    }
    void refuse(ClientId client, unsigned why) {
        static const char* const conditions[] = {"item-not-found", "forbidden", "conflict",
                                                 "service-unavailable", "not-acceptable"};
        if (const auto taken = answer(client)) daemon_.refuse(taken->tag, error(conditions[why % 5]), client);
    }
    void lose(ClientId client, bool delivered) {
        const auto taken = answer(client);
        if (!taken) return;
        if (delivered) deliver(client, taken->iq);
        daemon_.lose(taken->tag, client);
    }
    void deliver(ClientId client, const Element& iq) {
        for (Listener& listener : listeners_)
            if (listener.there && listener.server == client) listener.model.hears(iq);
    }
    void lose_or_find(ClientId client) {
        if (there_[client] = !there_[client]; there_[client]) {
            daemon_.ready(client, settings_);
            for (const Listener& listener : listeners_)
                if (listener.there && listener.server == client)
                    daemon_.came(listener.name, listener.tied, client);
            return;
        }
        daemon_.lost(client);
        under_way_[client].clear();
        failed_[client].clear();
    }
    enum class Nodes : std::uint8_t { mend, fail };
    void nodes_answer(Nodes how) {
        std::vector<std::pair<ClientId, std::string>> asked;
        for (const auto& refused : daemon_.refused)
            asked.emplace_back(refused.client, refused.node);
        for (const auto& leaf : daemon_.leaves)
            asked.emplace_back(leaf.client, leaf.device);
        daemon_.refused.clear();
        daemon_.leaves.clear();
        for (const auto& [client, node] : asked) {
            if (how == Nodes::mend) {
                daemon_.node_ready(node, client);
            } else {
                daemon_.votes.node_failed(client, node);
                failed_[client].insert(node);
            }
        }
    }
    /// One that comes has started anew.
    void come_or_go(Listener& listener) {
        listener.there = !listener.there;
        if (listener.there) listener.model.restart();
        if (!there_[listener.server]) return;
        if (listener.there)
            daemon_.came(listener.name, listener.tied, listener.server);
        else
            daemon_.gone(listener.name, listener.server);
    }

    // --- what must hold ---

    void check(const Listener& listener, state::NodeId node, const std::string& device) const {
        const Eid of = daemon_.engine.node(node).eid;
        const auto vote = daemon_.vote(device, of);
        const auto held = listener.model.states.find({state::to_string(of), device});
        const bool holds = held != listener.model.states.end();
        // RC_ASSERT looks at all that stands in it.
        if (!vote || vote->withdrawn) {
            const bool is_taken_back = !holds || held->second == "UNAVAILABLE";
            RC_ASSERT(is_taken_back);
            return;
        }
        const bool is_believed = holds && held->second == state::config_text(vote->state);
        RC_ASSERT(is_believed);
    }
    void check(const Listener& listener, const std::string& mailbox) const {
        const auto vote = daemon_.mwi.vote({mailbox, "default"}, daemon_.node);
        const auto held = listener.model.counts.find({state::to_string(own), mailbox + "@default"});
        const bool holds = held != listener.model.counts.end();
        const std::pair<std::string, std::string> none{"0", "0"};
        if (!vote || vote->withdrawn) {
            const bool is_taken_back = !holds || held->second == none;
            RC_ASSERT(is_taken_back);
            return;
        }
        const bool is_believed =
            holds && held->second == std::pair(std::to_string(vote->counts.new_messages),
                                               std::to_string(vote->counts.old_messages));
        RC_ASSERT(is_believed);
    }

    Daemon daemon_;
    AsteriskVotes::ClientSettings settings_;
    std::vector<state::NodeId> nodes_;
    std::vector<Listener> listeners_;
    std::map<ClientId, bool> there_;
    std::map<ClientId, std::deque<AsteriskVotes::Taken>> under_way_;
    std::map<ClientId, std::set<std::string>> failed_;
};

std::vector<Act> acts() {
    return *rc::gen::scale(6.0, rc::gen::container<std::vector<Act>>(rc::gen::build<Act>(
                                    rc::gen::set(&Act::what, rc::gen::inRange<std::uint8_t>(0, 14)),
                                    rc::gen::set(&Act::which, rc::gen::inRange<std::uint8_t>(0, 10)),
                                    rc::gen::set(&Act::value, rc::gen::inRange<std::uint8_t>(0, 250)))));
}

RC_GTEST_PROP(AsteriskVotes, WhenItIsQuietEveryAsteriskBelievesWhatWeVoteAndAfterGoodbyeNothingOfIt, ()) {
    World world(*rc::gen::element(flat(), collection(), leaves_first()));
    for (const Act& act : acts())
        world.act(act);
    world.quiet();
    world.check();
    world.say_goodbye();
    world.check_gone();
}

}  // namespace
}  // namespace lamplight::bus::xmpp::test
