#pragma once

#include "bus/sync/exchange.hpp"
#include "wire/vote/decode.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

/// Daemons with an engine and an Exchange each, wired back to back without sockets.
namespace lamplight::bus::sync::test {

using state::DeviceState;
using Frame = std::vector<std::uint8_t>;

inline state::Eid eid(std::uint8_t number) {
    return {{0x02, 0, 0, 0, 0, number}};
}

/// What a shell and the rest of a daemon do around an Exchange.
struct Daemon {
    Daemon(std::uint8_t number, std::uint64_t incarnation, Settings settings,
           const state::Limits& limits = {}, const state::Policy& policy = {})
        : self{eid(number), "pbx" + std::to_string(number), incarnation, {}},
          engine(policy, limits),
          exchange(engine, mwi, std::move(settings)) {
        node = engine.add_own_node(self, {}, out.changes);
        exchange.set_own_nodes({{self}});
        publish();
    }

    void publish() {
        while (!out.changes.empty() || !out.raises.empty()) {
            state::Changes changes;
            std::swap(changes, out.changes);
            exchange.on_changes(changes);
            mwi.follow(changes.nodes, mwi_changes);
            all_notices.insert(all_notices.end(), changes.notices.begin(), changes.notices.end());
            const auto raises = std::exchange(out.raises, {});
            for (const Output::Raise& raise : raises) {
                engine.raise_incarnation(*engine.find_node(raise.eid), raise.seen, out.changes);
                exchange.set_own_nodes({{self}});
                renew_counts();
            }
        }
        for (const state::MwiInput& input : out.mwi)
            mwi.apply(input, late, mwi_changes);
        out.mwi.clear();
        news.insert(news.end(), out.news.begin(), out.news.end());
        out.news.clear();
    }
    void set(const std::string& device, DeviceState state, state::Time now = {}) {
        const auto id = engine.intern_device(device, out.changes);
        engine.set_own(node, *id, state, state::Cachable::yes, state::Cause::console, now, out.changes);
        publish();
    }
    void withdraw(const std::string& device, state::Time now = {}) {
        engine.withdraw_own(node, *engine.find_device(device), state::Cause::console, now, out.changes);
        publish();
    }
    /// Our message counts of a mailbox.
    void count(const std::string& mailbox, std::uint32_t new_messages,
               state::VoteKind kind = state::VoteKind::state) {
        say({{mailbox, "default"},
             node,
             {new_messages, 0},
             kind,
             {engine.node(node).incarnation, ++mwi_sequence}});
    }
    void uncount(const std::string& mailbox) { count(mailbox, 0, state::VoteKind::withdrawal); }
    /// All of them again under the present incarnation.
    void renew_counts() {
        std::vector<state::MwiVote> own;
        mwi.for_each([&](const state::Mailbox& mailbox) {
            const auto held = mwi.vote(mailbox, node);
            if (!held) return;
            own.push_back({mailbox,
                           node,
                           held->counts,
                           held->withdrawn ? state::VoteKind::withdrawal : state::VoteKind::state,
                           {engine.node(node).incarnation, held->version.sequence}});
        });
        for (const state::MwiVote& vote : own)
            say(vote);
    }
    /// The new messages of a mailbox; empty when nobody's counts count.
    std::optional<std::uint32_t> messages(const std::string& mailbox) const {
        const auto counts = mwi.aggregate({mailbox, "default"});
        return counts ? std::optional(counts->new_messages) : std::nullopt;
    }
    std::optional<state::MwiVoteView> counts_of(const std::string& mailbox, std::uint8_t of) const {
        const auto whose = engine.find_node(eid(of));
        return whose ? mwi.vote({mailbox, "default"}, *whose) : std::nullopt;
    }
    /// The aggregate by name, UNKNOWN when never heard of.
    DeviceState aggregate(const std::string& device) const {
        const auto id = engine.find_device(device);
        return id ? engine.aggregate(*id) : DeviceState::unknown;
    }
    std::optional<state::VoteView> vote(const std::string& device, std::uint8_t of) const {
        const auto id = engine.find_device(device);
        const auto whose = engine.find_node(eid(of));
        return id && whose ? engine.vote(*id, *whose) : std::nullopt;
    }
    state::NodeView view(std::uint8_t of) const { return engine.node(*engine.find_node(eid(of))); }
    /// Whether both know the same of this daemon.
    bool agrees_with(const Daemon& owner) const {
        const auto id = engine.find_node(owner.self.eid);
        return id && engine.digest(*id) == owner.engine.digest(owner.node);
    }
    std::size_t count(News::Kind kind) const {
        std::size_t count = 0;
        for (const News& item : news)
            count += item.kind == kind;
        return count;
    }

    state::Announcement self;
    state::Engine engine;
    state::MwiTable mwi;
    Exchange exchange;
    state::NodeId node{};
    Output out;
    std::vector<News> news;
    std::vector<state::Notice> all_notices;
    std::vector<state::MwiChange> mwi_changes;
    std::uint64_t mwi_sequence = 0;

private:
    /// After every sequence number, so that the highest is the newest.
    static constexpr state::Time late{std::chrono::hours(1)};

    void say(const state::MwiVote& vote) {
        mwi.apply(vote, late, mwi_changes);
        const state::MwiOwnChange change{vote.node, vote.mailbox};
        exchange.on_mwi_changes({&change, 1});
    }
};

inline Settings one_peer() {
    return {state::Bus::local, Settings::Reach::one_peer};
}
inline Settings everybody() {
    return {state::Bus::corosync, Settings::Reach::everybody};
}

/// A connection between two daemons.
struct Link {
    Daemon* a = nullptr;
    Daemon* b = nullptr;
    PeerId b_at_a{};
    PeerId a_at_b{};
    bool up = true;
};

inline wire::vote::Type type_of(const Frame& frame) {
    return static_cast<wire::vote::Type>(frame.at(3));
}

class World {
public:
    state::Time now{std::chrono::seconds(1000)};
    /// Asked for every frame; true: it is lost without a word.
    std::function<bool(const Frame&)> loses = [](const Frame&) { return false; };
    std::size_t budget = wire::vote::max_frame_bytes;
    std::vector<Frame> sent;

    Link& connect(Daemon& a, Daemon& b) {
        links.push_back({&a, &b, {}, {}, true});
        Link& link = links.back();
        link.b_at_a = *a.exchange.peer_joined(b.self.name, now, a.out);
        link.a_at_b = *b.exchange.peer_joined(a.self.name, now, b.out);
        a.publish();
        b.publish();
        return link;
    }
    /// End of file on both sides.
    void cut(Link& link, state::Departure departure = state::Departure::failed) {
        link.up = false;
        link.a->exchange.peer_gone(link.b_at_a, departure, now, link.a->out);
        link.b->exchange.peer_gone(link.a_at_b, departure, now, link.b->out);
        link.a->publish();
        link.b->publish();
    }
    /// Until nobody wants to say anything. Bounded: talk that never ends is a bug.
    void settle() {
        for (int round = 0; round < 10'000; ++round) {
            bool talked = false;
            for (Link& link : links) {
                if (!link.up) continue;
                talked = step(*link.a, link.b_at_a, *link.b, link.a_at_b) || talked;
                talked = step(*link.b, link.a_at_b, *link.a, link.b_at_a) || talked;
            }
            if (!talked) return;
        }
        FAIL() << "the talk does not end";
    }
    /// One frame from one to the other.
    bool step(Daemon& from, PeerId to, Daemon& at, PeerId from_there) {
        const LaneId lane = from.exchange.lane_of(to);
        if (!from.exchange.wants_to_send(lane)) return false;
        Frame frame(budget);
        const Taken taken = from.exchange.take_frame(lane, frame);
        frame.resize(taken.bytes);
        if (taken.bytes == 0) return true;
        sent.push_back(frame);
        from.exchange.frame_delivered(lane, taken.id);
        if (loses(frame)) return true;
        at.exchange.receive(from_there, frame, now, at.out);
        at.publish();
        return true;
    }
    void pass(state::Duration time) {
        now += time;
        for (Link& link : links)
            for (Daemon* daemon : {link.a, link.b}) {
                daemon->exchange.on_time(now, daemon->out);
                daemon->engine.on_time(now, daemon->out.changes);
                daemon->publish();
            }
        settle();
    }
    std::size_t count(wire::vote::Type type) const {
        std::size_t count = 0;
        for (const Frame& frame : sent)
            count += type_of(frame) == type;
        return count;
    }

    std::list<Link> links;
};

/// A CPG group: every frame reaches all members in one order, its sender included.
class Group {
public:
    state::Time now{std::chrono::seconds(1000)};

    void join(Daemon& joiner) {
        for (Daemon* member : members_) {
            peers_[{member, &joiner}] = *member->exchange.peer_joined(joiner.self.name, now, member->out);
            peers_[{&joiner, member}] = *joiner.exchange.peer_joined(member->self.name, now, joiner.out);
            member->publish();
        }
        members_.push_back(&joiner);
        joiner.publish();
    }
    void gone(Daemon& leaver, state::Departure departure) {
        std::erase(members_, &leaver);
        for (Daemon* member : members_) {
            member->exchange.peer_gone(peers_.at({member, &leaver}), departure, now, member->out);
            member->publish();
        }
    }
    void settle() {
        for (int round = 0; round < 10'000; ++round) {
            bool talked = false;
            for (Daemon* member : members_)
                talked = send_one(*member) || talked;
            if (!talked) return;
        }
        FAIL() << "the talk does not end";
    }
    bool send_one(Daemon& from) {
        if (!from.exchange.wants_to_send(Exchange::everybody)) return false;
        Frame frame(wire::vote::max_frame_bytes);
        const Taken taken = from.exchange.take_frame(Exchange::everybody, frame);
        frame.resize(taken.bytes);
        if (taken.bytes == 0) return true;
        deliver(from, frame);
        from.exchange.frame_delivered(Exchange::everybody, taken.id);
        return true;
    }
    void deliver(Daemon& from, const Frame& frame) {
        ++frames;
        for (Daemon* member : members_) {
            if (member == &from) continue;
            member->exchange.receive(peers_.at({member, &from}), frame, now, member->out);
            member->publish();
        }
    }
    PeerId peer(Daemon& at, Daemon& of) const { return peers_.at({&at, &of}); }

    std::size_t frames = 0;

private:
    std::vector<Daemon*> members_;
    std::map<std::pair<Daemon*, Daemon*>, PeerId> peers_;
};

}  // namespace lamplight::bus::sync::test
