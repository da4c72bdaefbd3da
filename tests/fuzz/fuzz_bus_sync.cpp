// A peer that says anything: frames with a length of two bytes before each, until the input ends; with the
// highest bit of the length it came by the broadcast, or the peer falls silent and returns before it.
// Whatever comes, our own votes stay, and what the lanes say in answer is well formed. Each input twice: to a
// bus with a lane for each, and to one with a broadcast where bytes are dear.
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

void say_all(bus::sync::Exchange& exchange, bus::sync::LaneId lane) {
    static std::vector<std::uint8_t> answer(wire::vote::max_frame_bytes);
    for (int frames = 0; frames < 16 && exchange.wants_to_send(lane); ++frames) {
        const bus::sync::Taken taken = exchange.take_frame(lane, answer);
        if (taken.bytes == 0) continue;
        require(wire::vote::decode(wire::Bytes(answer).first(taken.bytes)).has_value());
        if (frames % 5 == 4)
            exchange.frame_lost(lane, taken.id);
        else
            exchange.frame_delivered(lane, taken.id);
    }
}

void listen(wire::Bytes input, const bus::sync::Settings& settings) {
    state::Limits limits;
    limits.devices = 64;
    limits.nodes = 16;
    limits.journal_entries = 64;
    state::Engine engine({}, limits);
    state::MwiTable mwi({.mailboxes = 64, .nodes = 16});
    bus::sync::Exchange exchange(engine, mwi, settings);
    bus::sync::Output out;
    state::Time now{std::chrono::seconds(1000)};
    const state::Announcement self{{{0x02, 0, 0, 0, 0, 0x09}}, "self", 7, {}};
    const state::NodeId node = engine.add_own_node(self, now, out.changes);
    exchange.set_own_nodes({{self}});
    const state::DeviceId device = *engine.intern_device("Custom:own", out.changes);
    engine.set_own(node, device, state::DeviceState::busy, state::Cachable::yes, state::Cause::console, now,
                   out.changes);
    const bus::sync::PeerId peer = *exchange.peer_joined("peer", now, out);
    exchange.broadcast_ready();
    exchange.peer_hears_broadcast(peer);
    publish(exchange, engine, self, out);

    constexpr std::size_t other_way = 0x8000, silence = 0x4000;
    wire::Reader in(input);
    while (in.left() > 2) {
        const std::size_t head = in.u16();
        const bool broadcast = settings.reach == bus::sync::Settings::Reach::each_and_all && head & other_way;
        const std::size_t length = broadcast ? head % silence : head;
        if (broadcast && (head & silence) != 0) {
            exchange.peer_gone(peer, state::Departure::silent, now, out);
            now += std::chrono::seconds(20);
            engine.on_time(now, out.changes);
            exchange.peer_present(peer, now, out);
        }
        const wire::Bytes frame = in.take(std::min(length, in.left()));
        if (broadcast)
            exchange.receive_broadcast(peer, frame, now, out);
        else
            exchange.receive(peer, frame, now, out);
        publish(exchange, engine, self, out);
        now += std::chrono::seconds(10);
        exchange.on_time(now, out);
        say_all(exchange, exchange.lane_of(peer));
        say_all(exchange, bus::sync::Exchange::everybody);
        require(engine.vote(device, node)->state == state::DeviceState::busy);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using bus::sync::Settings;
    Settings far{state::Bus::xmpp, Settings::Reach::each_and_all};
    far.catch_up = Settings::CatchUp::difference;
    listen({data, size}, {state::Bus::local, Settings::Reach::one_peer});
    listen({data, size}, far);
    return 0;
}
