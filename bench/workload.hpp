#pragma once

#include "state/engine.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

namespace lamplight::bench {

/// splitmix64: the same numbers on every host.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>((next() >> 32) * bound >> 32);
    }

private:
    std::uint64_t state_;
};

/// An engine in which every node has voted for every device.
struct World {
    World(std::uint32_t devices, std::uint16_t nodes);

    /// A random vote with the next version of its node.
    state::Vote random_vote(Random& random);

    state::Engine engine;
    std::vector<std::string> names;
    std::vector<state::DeviceId> devices;
    std::vector<state::NodeId> nodes;
    std::vector<state::SenderId> senders;
    std::vector<std::uint64_t> sequences;
    state::Changes changes;
    state::Time now{};
};

inline World::World(std::uint32_t device_count, std::uint16_t node_count)
    : engine({}, {.devices = device_count, .nodes = node_count}) {
    for (std::uint16_t n = 0; n < node_count; ++n) {
        const state::Eid eid{{2, 0, 0, 0, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)}};
        senders.push_back(*engine.open_sender(state::Bus::corosync, fmt::format("node{}", n), changes));
        engine.announce(senders.back(), {eid, fmt::format("node{}", n), 1}, now, changes);
        nodes.push_back(*engine.find_node(eid));
        sequences.push_back(0);
    }
    for (std::uint32_t d = 0; d < device_count; ++d) {
        names.push_back(fmt::format("PJSIP/{:07}", d));
        devices.push_back(*engine.intern_device(names.back(), changes));
    }
    std::vector<state::Vote> batch;
    Random random(1);
    for (std::uint32_t d = 0; d < device_count; ++d) {
        batch.clear();
        for (std::uint16_t n = 0; n < node_count; ++n)
            batch.push_back({devices[d],
                             nodes[n],
                             static_cast<state::DeviceState>(random.below(9)),
                             state::VoteKind::state,
                             state::Cachable::yes,
                             senders[n],
                             {1, ++sequences[n]}});
        engine.apply(batch, now, changes);
        changes.clear();
    }
}

inline state::Vote World::random_vote(Random& random) {
    const std::uint64_t bits = random.next();
    const auto device = static_cast<std::size_t>((bits >> 32) * devices.size() >> 32);
    const std::size_t node = (bits & 0xffff) * nodes.size() >> 16;
    const auto state = static_cast<state::DeviceState>((bits >> 16 & 0xff) * 9 >> 8);
    return {devices[device], nodes[node],           state, state::VoteKind::state, state::Cachable::yes,
            senders[node],   {1, ++sequences[node]}};
}

}  // namespace lamplight::bench
