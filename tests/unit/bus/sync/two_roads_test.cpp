#include "world.hpp"

namespace lamplight::bus::sync {
namespace {

using namespace test;

/// Two daemons that have each other on two buses.
struct TwoRoads : testing::Test {
    struct Side {
        explicit Side(std::uint8_t number) : self{eid(number), "pbx" + std::to_string(number), 10, {}} {
            node = engine.add_own_node(self, {}, out.changes);
            for (Exchange* road : {&near, &far})
                road->set_own_nodes({{self}});
            publish();
        }
        void publish() {
            while (!out.changes.empty()) {
                state::Changes changes;
                std::swap(changes, out.changes);
                near.on_changes(changes);
                far.on_changes(changes);
                for (const state::NodeChange& change : changes.nodes)
                    moves += change.cause == state::Cause::owner_bus_moved;
            }
        }

        state::Announcement self;
        state::Engine engine;
        state::MwiTable mwi;
        state::NodeId node{};
        Exchange near{engine, mwi, {state::Bus::corosync, Settings::Reach::one_peer}};
        Exchange far{engine, mwi, {state::Bus::xmpp, Settings::Reach::one_peer}};
        Output out;
        std::size_t moves = 0;
        PeerId near_peer{};
        PeerId far_peer{};
    };

    TwoRoads() {
        for (auto [at, other] : {std::pair(&one, &two), std::pair(&two, &one)}) {
            at->near_peer = *at->near.peer_joined(other->self.name, now, at->out);
            at->far_peer = *at->far.peer_joined(other->self.name, now, at->out);
            at->publish();
        }
    }
    bool carry(Side& from, Exchange& road, PeerId to, Side& at, Exchange& road_there, PeerId from_there) {
        const LaneId lane = road.lane_of(to);
        if (!road.wants_to_send(lane)) return false;
        Frame frame(wire::vote::max_frame_bytes);
        const Taken taken = road.take_frame(lane, frame);
        road.frame_delivered(lane, taken.id);
        road_there.receive(from_there, wire::Bytes(frame).first(taken.bytes), now, at.out);
        at.publish();
        from.publish();
        return true;
    }
    void settle() {
        for (bool talked = true; talked;) {
            talked = false;
            for (auto [from, to] : {std::pair(&one, &two), std::pair(&two, &one)}) {
                if (near_up)
                    talked |= carry(*from, from->near, from->near_peer, *to, to->near, to->near_peer);
                talked |= carry(*from, from->far, from->far_peer, *to, to->far, to->far_peer);
            }
        }
    }
    void set(DeviceState state) {
        const auto device = *one.engine.intern_device("Custom:abc", one.out.changes);
        one.engine.set_own(one.node, device, state, state::Cachable::yes, state::Cause::console, now,
                           one.out.changes);
        one.publish();
        settle();
    }
    state::VoteView vote_at_two() {
        return *two.engine.vote(*two.engine.find_device("Custom:abc"), *two.engine.find_node(eid(1)));
    }

    state::Time now{std::chrono::seconds(1000)};
    bool near_up = true;
    Side one{1};
    Side two{2};
};

TEST_F(TwoRoads, TheNearerBusIsHeardAndTheOtherAddsNothing) {
    set(DeviceState::busy);
    EXPECT_EQ(vote_at_two().bus, state::Bus::corosync);
    const auto far = two.far.counters().votes_by_outcome;
    EXPECT_GT(far[static_cast<std::size_t>(state::VoteOutcome::refused_far)], 0u);
    EXPECT_EQ(far[static_cast<std::size_t>(state::VoteOutcome::applied)], 0u);
}

TEST_F(TwoRoads, WhenTheNearerFallsSilentTheOtherAsksForASnapshotAtOnce) {
    set(DeviceState::busy);
    near_up = false;
    two.near.peer_gone(two.near_peer, state::Departure::silent, now, two.out);
    two.publish();
    EXPECT_EQ(two.engine.aggregate(*two.engine.find_device("Custom:abc")), DeviceState::busy);
    settle();
    EXPECT_EQ(two.far.counters().snapshots_requested, 1u);
    EXPECT_EQ(two.moves, 1u) << "said once";
    EXPECT_FALSE(vote_at_two().stale) << "confirmed on the road that is left";
    set(DeviceState::ringing);
    EXPECT_EQ(vote_at_two().state, DeviceState::ringing);
    EXPECT_EQ(vote_at_two().bus, state::Bus::xmpp);
}

}  // namespace
}  // namespace lamplight::bus::sync
