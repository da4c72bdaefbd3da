// A group whose members do and say anything: a byte for what happens, one for whom, then for a message two of
// its length. Whatever comes, our own votes stay, what we say is well formed, and it ends.
#include "bus/plain/exchange.hpp"
#include "wire/event/event.hpp"

#include <cstdlib>
#include <vector>

using namespace lamplight;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

struct Daemon {
    Daemon() : engine({}, small()), mwi({.mailboxes = 64, .nodes = 16}), exchange(engine, mwi, settings()) {
        node = engine.add_own_node(self, now, out.changes);
        exchange.set_own_nodes({{self}});
        exchange.set_self({1, 100}, "10.0.0.1");
        device = *engine.intern_device("Custom:own", out.changes);
        engine.set_own(node, device, state::DeviceState::busy, state::Cachable::yes, state::Cause::console,
                       now, out.changes);
        publish();
    }
    static state::Limits small() {
        state::Limits limits;
        limits.devices = 64;
        limits.nodes = 16;
        limits.journal_entries = 64;
        return limits;
    }
    static bus::plain::Settings settings() {
        bus::plain::Settings settings;
        settings.publish = settings.subscribe = {true, true, true, true};
        return settings;
    }
    void publish() {
        while (!out.changes.empty()) {
            state::Changes changes;
            std::swap(changes, out.changes);
            exchange.on_changes(changes);
        }
        std::vector<state::MwiChange> changes;
        for (const state::MwiInput& input : out.mwi)
            mwi.apply(input, now, changes);
        out.clear();
    }
    void happens(std::uint8_t what, ring::Member member, wire::Reader& in) {
        const std::vector<ring::Member> one{member};
        switch (what % 10) {
            case 0:
                return exchange.member_came(member, "member", now, out);
            case 1:
                return exchange.member_returned(member, now, out);
            case 2:
                return exchange.member_gone(member, state::Departure::failed, now, out);
            case 3:
                return exchange.member_gone(member, state::Departure::silent, now, out);
            case 4:
                return exchange.set_lamplights(one, now, out);
            case 5:
                return exchange.set_lamplights({}, now, out);
            case 6:
                now += std::chrono::milliseconds(30);
                return exchange.on_time(now, out);
            case 7:
                return exchange.disconnected();
            default:
                const std::size_t length = in.u16();
                return exchange.receive(member, in.take(std::min(length, in.left())), now, out);
        }
    }
    void talks(std::uint8_t loses) {
        std::vector<std::uint8_t> said(wire::event::max_event_bytes);
        for (int messages = 0; messages < 32 && exchange.wants_to_send(); ++messages) {
            const bus::plain::Taken taken = exchange.take(said);
            if (taken.bytes == 0) continue;
            require(wire::event::decode(wire::Bytes(said).first(taken.bytes)).has_value());
            if (messages % 8 == loses)
                exchange.lost(taken.id);
            else
                exchange.delivered(taken.id);
        }
    }

    const state::Announcement self{{{0x02, 0, 0, 0, 0, 0x09}}, "self", 7, {}};
    state::Time now{std::chrono::seconds(1000)};
    state::Engine engine;
    state::MwiTable mwi;
    bus::plain::Exchange exchange;
    bus::plain::Output out;
    state::NodeId node{};
    state::DeviceId device{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Daemon daemon;
    wire::Reader in({data, size});
    while (in.left() > 2) {
        const std::uint8_t what = in.u8();
        const std::uint8_t whose = in.u8();
        daemon.happens(what, {1u + whose % 3, 100u + whose / 3 % 3}, in);
        daemon.publish();
        daemon.talks(whose / 9);
        require(daemon.engine.vote(daemon.device, daemon.node)->state == state::DeviceState::busy);
    }
    daemon.exchange.say_goodbye();
    for (int i = 0; i < 1000 && !daemon.exchange.said_goodbye(); ++i)
        daemon.talks(9);
    require(daemon.exchange.said_goodbye());
    return 0;
}
