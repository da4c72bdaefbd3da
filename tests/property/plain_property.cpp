// A Lamplight among Asterisks that drop what they have of a node whenever any member leaves it, over a ring
// that loses messages: when it is quiet, every Asterisk there believes what we and the others vote.
#include "../unit/bus/plain/world.hpp"

#include <rapidcheck/gtest.h>

#include <deque>
#include <list>

namespace lamplight::bus::plain::test {
namespace {

struct Asterisk {
    Member member;
    std::optional<Eid> eid;  ///< of a process that never says anything: none
    bool reachable = true;
    std::map<std::string, DeviceState> own_votes;
    std::map<std::pair<Eid, std::string>, DeviceState> cache;
    std::map<std::uint32_t, Eid> nodes;

    /// Answers whether it did not know the node.
    bool hears(const event::Event& said) {
        if (const auto* vote = std::get_if<event::DeviceStateChange>(&said))
            cache[{vote->eid, std::string(vote->device)}] = vote->state;
        if (const auto* discovery = std::get_if<event::ClusterDiscovery>(&said))
            return nodes.try_emplace(discovery->node_id, discovery->eid).second;
        return false;
    }
    void sees_leave(std::uint32_t node_id) {
        const auto found = nodes.find(node_id);
        if (found == nodes.end()) return;
        std::erase_if(cache, [&](const auto& entry) { return entry.first.first == found->second; });
        nodes.erase(found);
    }
};

class Ring {
public:
    explicit Ring(const Settings& settings) : daemon(settings) { daemon.set("Custom:0", DeviceState::busy); }

    static std::string device(unsigned number) { return "Custom:" + std::to_string(number % 5); }
    static DeviceState state(unsigned number) { return static_cast<DeviceState>(number % 9); }

    void act(unsigned what, unsigned which, unsigned value) {
        switch (what % 12) {
            case 0:
                return daemon.set(device(which), state(value));
            case 1:
                if (daemon.engine.find_device(device(which))) daemon.withdraw(device(which));
                return;
            case 2:
            case 3:
                return take();
            case 4:
            case 5:
                return deliver();
            case 6:
                return lose();
            case 7:
                return find(place(which)) == nullptr ? join(which) : leave(which);
            case 8:
                return split_or_heal(which);
            case 9:
                if (Asterisk* asterisk = find(place(which))) vote(*asterisk, device(value), state(value / 5));
                return;
            case 10:
                return pass(std::chrono::milliseconds(value % 40));
            case 11:
                return join(which);
        }
    }

    void quiet() {
        for (int round = 0; round < 50; ++round) {
            pass(10ms);
            do {
                take();
                deliver();
            } while (daemon.exchange.wants_to_send() || !under_way.empty());
        }
    }

    void check() const {
        for (const Asterisk& listener : asterisks) {
            if (!listener.reachable) continue;
            for (unsigned i = 0; i < 5; ++i) {
                check_own(listener, device(i));
                for (const Asterisk& other : asterisks)
                    if (other.eid && other.reachable && other.member != listener.member)
                        check_other(listener, other, device(i));
            }
        }
    }

private:
    struct Place {
        std::uint32_t node_id;
        std::optional<Eid> eid;
    };
    /// Two Asterisks alone on their nodes, one with a silent neighbour, and a process on our own node.
    static Place place(unsigned which) {
        switch (which % 5) {
            case 0:
                return {2, eid(2)};
            case 1:
                return {3, eid(3)};
            case 2:
                return {3, std::nullopt};
            case 3:
                return {1, std::nullopt};
            default:
                return {4, eid(4)};
        }
    }
    Asterisk* find(const Place& place) {
        for (Asterisk& asterisk : asterisks)
            if (asterisk.member.node_id == place.node_id && asterisk.eid == place.eid) return &asterisk;
        return nullptr;
    }

    // --- the ring ---

    void everybody_hears(const Asterisk* sender, const event::Event& said) {
        std::vector<Asterisk*> newcomers;
        for (Asterisk& asterisk : asterisks)
            if (asterisk.reachable && &asterisk != sender && asterisk.hears(said) && asterisk.eid)
                newcomers.push_back(&asterisk);
        if (sender != nullptr) daemon.hears(sender->member, said);
        for (Asterisk* asterisk : newcomers)
            announce(*asterisk);
    }
    void announce(Asterisk& asterisk) {
        everybody_hears(&asterisk,
                        event::ClusterDiscovery{asterisk.member.node_id, "10.0.0.9", *asterisk.eid});
    }
    void dump(Asterisk& asterisk) {
        for (const auto& [device, state] : asterisk.own_votes)
            everybody_hears(&asterisk,
                            event::DeviceStateChange{device, state, state::Cachable::yes, *asterisk.eid});
    }
    void vote(Asterisk& asterisk, const std::string& device, DeviceState state) {
        if (!asterisk.eid) return;
        asterisk.own_votes[device] = state;
        if (asterisk.reachable)
            everybody_hears(&asterisk,
                            event::DeviceStateChange{device, state, state::Cachable::yes, *asterisk.eid});
    }
    void dump_all() {
        for (Asterisk& asterisk : asterisks)
            if (asterisk.reachable) dump(asterisk);
    }

    void join(unsigned which) {
        if (find(place(which)) != nullptr) return;
        tell_gone();  // a process that joins ends doubts
        Asterisk& fresh = asterisks.emplace_back();
        fresh.member = {place(which).node_id, ++last_pid};
        fresh.eid = place(which).eid;
        if (fresh.eid) fresh.own_votes = votes_kept[*fresh.eid];
        daemon.came(fresh.member);
        if (fresh.eid) announce(fresh);
        dump_all();
    }
    /// Its process ends: the others see it at once, the daemon's shell waits for the ring's word.
    void leave(unsigned which) {
        Asterisk* leaver = find(place(which));
        if (leaver == nullptr || !leaver->reachable) return;
        const Member member = leaver->member;
        if (leaver->eid) votes_kept[*leaver->eid] = leaver->own_votes;
        asterisks.remove_if([&](const Asterisk& one) { return one.member == member; });
        for (Asterisk& asterisk : asterisks)
            if (asterisk.reachable) asterisk.sees_leave(member.node_id);
        gone.push_back(member);
    }
    void tell_gone() {
        for (const Member member : gone)
            daemon.gone(member, Departure::failed);
        gone.clear();
    }
    /// A whole node, alone on its side.
    void split_or_heal(unsigned which) {
        const std::uint32_t node_id = place(which).node_id;
        if (node_id == self.node_id) return;
        tell_gone();
        bool healed = false;
        for (Asterisk& asterisk : asterisks) {
            if (asterisk.member.node_id != node_id) continue;
            asterisk.reachable = !asterisk.reachable;
            if (asterisk.reachable) {
                healed = true;
                daemon.returned(asterisk.member);
                continue;
            }
            asterisk.nodes.clear();
            asterisk.cache.clear();
            for (Asterisk& other : asterisks)
                if (other.reachable) other.sees_leave(node_id);
            daemon.gone(asterisk.member, Departure::silent);
        }
        if (healed) dump_all();
    }
    void pass(state::Duration time) {
        tell_gone();
        daemon.pass(time);
    }

    // --- our messages ---

    void take() {
        if (under_way.size() >= 6) return;
        auto taken = daemon.take();
        if (!taken.bytes.empty()) under_way.push_back(std::move(taken));
    }
    void deliver() {
        if (under_way.empty()) return;
        const auto message = std::move(under_way.front());
        under_way.pop_front();
        const auto said = event::decode(message.bytes);
        RC_ASSERT(said.has_value());
        daemon.exchange.delivered(message.id);
        everybody_hears(nullptr, *said);
    }
    void lose() {
        if (under_way.empty()) return;
        daemon.exchange.lost(under_way.front().id);
        under_way.pop_front();
    }

    // --- what must hold ---

    void check_own(const Asterisk& listener, const std::string& device) const {
        const auto vote = daemon.vote(device, own);
        const auto held = listener.cache.find({own, device});
        const bool holds = held != listener.cache.end();
        // RC_ASSERT looks at all that stands in it.
        if (!vote || vote->withdrawn) {
            const bool is_taken_back = !holds || held->second == DeviceState::unavailable;
            RC_ASSERT(is_taken_back);
            return;
        }
        const bool is_believed = holds && held->second == vote->state;
        RC_ASSERT(is_believed);
    }
    static void check_other(const Asterisk& listener, const Asterisk& other, const std::string& device) {
        const auto voted = other.own_votes.find(device);
        if (voted == other.own_votes.end()) return;
        const auto held = listener.cache.find({*other.eid, device});
        const bool is_believed = held != listener.cache.end() && held->second == voted->second;
        RC_ASSERT(is_believed);
    }

    Daemon daemon;
    std::list<Asterisk> asterisks;
    std::map<Eid, std::map<std::string, DeviceState>> votes_kept;  ///< over a restart
    std::deque<Daemon::Out> under_way;
    std::vector<Member> gone;
    std::uint32_t last_pid = 1000;
};

RC_GTEST_PROP(Plain, WhenItIsQuietEveryAsteriskBelievesWhatEverybodyVotes, ()) {
    Settings settings = everything();
    settings.dump_pause = *rc::gen::element(state::Duration(0), state::Duration(20));
    settings.longest_dump_pause = 200ms;
    const auto acts = *rc::gen::scale(
        4.0, rc::gen::container<std::vector<std::tuple<std::uint8_t, std::uint8_t, std::uint8_t>>>(
                 rc::gen::tuple(rc::gen::inRange<std::uint8_t>(0, 12), rc::gen::inRange<std::uint8_t>(0, 5),
                                rc::gen::inRange<std::uint8_t>(0, 250))));
    Ring ring(settings);
    for (const auto& [what, which, value] : acts)
        ring.act(what, which, value);
    ring.quiet();
    ring.check();
}

}  // namespace
}  // namespace lamplight::bus::plain::test
