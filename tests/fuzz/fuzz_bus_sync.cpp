// A peer that says anything: frames with a length of two bytes before each, until the input ends. Whatever
// comes, our own votes stay, and what the lane says in answer is well formed.
#include "bus/sync/exchange.hpp"
#include "wire/vote/decode.hpp"

#include <cstdlib>
#include <vector>

using namespace lamplight;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void publish(bus::sync::Exchange& exchange, state::Engine& engine, const state::Announcement& self,
             bus::sync::Output& out) {
    while (!out.changes.empty() || !out.raises.empty()) {
        state::Changes changes;
        std::swap(changes, out.changes);
        exchange.on_changes(changes);
        for (const auto& raise : std::exchange(out.raises, {})) {
            engine.raise_incarnation(*engine.find_node(raise.eid), raise.seen, out.changes);
            exchange.set_own_nodes({{self}});
        }
    }
    out.clear();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    state::Limits limits;
    limits.devices = 64;
    limits.nodes = 16;
    limits.journal_entries = 64;
    state::Engine engine({}, limits);
    state::MwiTable mwi({.mailboxes = 64, .nodes = 16});
    bus::sync::Exchange exchange(engine, mwi, {state::Bus::local, bus::sync::Settings::Reach::one_peer});
    bus::sync::Output out;
    state::Time now{std::chrono::seconds(1000)};
    const state::Announcement self{{{0x02, 0, 0, 0, 0, 0x09}}, "self", 7, {}};
    const state::NodeId node = engine.add_own_node(self, now, out.changes);
    exchange.set_own_nodes({{self}});
    const state::DeviceId device = *engine.intern_device("Custom:own", out.changes);
    engine.set_own(node, device, state::DeviceState::busy, state::Cachable::yes, state::Cause::console, now,
                   out.changes);
    const bus::sync::PeerId peer = *exchange.peer_joined("peer", now, out);
    publish(exchange, engine, self, out);

    wire::Reader in({data, size});
    std::vector<std::uint8_t> answer(wire::vote::max_frame_bytes);
    while (in.left() > 2) {
        const std::size_t length = in.u16();
        exchange.receive(peer, in.take(std::min(length, in.left())), now, out);
        publish(exchange, engine, self, out);
        now += std::chrono::seconds(10);
        exchange.on_time(now, out);
        for (int frames = 0; frames < 16 && exchange.wants_to_send(exchange.lane_of(peer)); ++frames) {
            const bus::sync::Taken taken = exchange.take_frame(exchange.lane_of(peer), answer);
            if (taken.bytes == 0) continue;
            require(wire::vote::decode(wire::Bytes(answer).first(taken.bytes)).has_value());
            exchange.frame_delivered(exchange.lane_of(peer), taken.id);
        }
        require(engine.vote(device, node)->state == state::DeviceState::busy);
    }
    return 0;
}
