// Everything that can come from XMPP servers and from who is seen there, in any order: marks, frames,
// followings, items, answers, losses. Each step is a byte for what, a byte for whom, and what the step needs.
// Whatever comes, our own votes stay, every IQ of ours is answered once, and what we say is well formed.
#include "bus/xmpp/lamplights.hpp"
#include "wire/pubsub/names.hpp"
#include "wire/pubsub/request.hpp"
#include "wire/vote/decode.hpp"

#include <cstdlib>
#include <utility>
#include <vector>

using namespace lamplight;
using namespace lamplight::bus::xmpp;
using wire::xml::Element;
namespace ns = wire::pubsub::ns;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

class Machine {
public:
    Machine() : lamplights_(engine_, mwi_, {.software = "lamplight", .process = "ours"}) {
        node_ = engine_.add_own_node(self_, now_, out_.sync.changes);
        device_ = *engine_.intern_device("Custom:own", out_.sync.changes);
        lamplights_.set_own_nodes({{self_}});
        engine_.set_own(node_, device_, state::DeviceState::busy, state::Cachable::yes, state::Cause::console,
                        now_, out_.sync.changes);
        publish();
    }

    void step(wire::Reader& in) {
        const std::uint8_t what = in.u8();
        const std::uint8_t whom = in.u8();
        const Road road{client(whom), {"a", "b", std::string(1, static_cast<char>('0' + whom / 4 % 8))}};
        switch (what % 16) {
            case 0:
            case 1:
                lamplights_.road_up(road, mark(in.u8()), now_, out_);
                break;
            case 2:
                lamplights_.road_down(road, static_cast<Lamplights::Why>(whom % 3), now_, out_);
                break;
            case 3:
                lamplights_.client_lost(road.client, now_, out_);
                break;
            case 4:
                lamplights_.own_node_ready(road.client, "s", "own", now_);
                break;
            case 5:
                lamplights_.own_node_lost(road.client, now_);
                break;
            case 6:
                lamplights_.following(road.client, "s", "n" + std::to_string(in.u8() % 3), now_);
                break;
            case 7:
                lamplights_.not_following(road.client, "s", "n" + std::to_string(in.u8() % 3), now_);
                break;
            case 8:
            case 9:
                ask(road, wire::pubsub::make_frame(in.take(std::min<std::size_t>(in.u16(), in.left()))));
                break;
            case 10:
                ask(road, following(in.u8()));
                break;
            case 11:
                item(road, in);
                break;
            case 12:
            case 13:
                answer(in.u8());
                break;
            case 14:
                now_ += std::chrono::seconds(in.u8() % 32);
                engine_.on_time(now_, out_.sync.changes);
                lamplights_.on_time(now_, out_);
                break;
            default:
                lamplights_.heard_from(road, now_);
                break;
        }
        publish();
        say();
        require(engine_.vote(device_, node_)->state == state::DeviceState::busy);
        (void)lamplights_.peers();
        (void)lamplights_.next_deadline();
    }

private:
    static ClientId client(std::uint8_t whom) { return ClientId{static_cast<std::uint8_t>(1 + whom % 2)}; }
    static Mark mark(std::uint8_t value) {
        const std::string process =
            value % 8 == 7 ? "ours" : std::string(1, static_cast<char>('a' + value % 4));
        if (value & 0x80) return {process, {}, {}};
        return {process, "n" + std::to_string(value / 8 % 3), "s"};
    }
    static Element following(std::uint8_t value) {
        Element word("following", std::string(ns::frame));
        word.set("node", value & 1 ? "own" : "other").set("service", "s");
        if (value & 2) word.set("subscription", "none");
        return word;
    }
    void ask(const Road& road, Element content) {
        Element iq("iq", std::string(ns::client));
        iq.set("type", "set").set("id", "1").set("from", c2s::to_string(road.jid)).add(std::move(content));
        const std::size_t before = out_.stanzas[road.client].size();
        require(lamplights_.receive(road, iq, now_, out_));
        require(out_.stanzas[road.client].size() == before + 1);
    }
    void item(const Road& road, wire::Reader& in) {
        wire::pubsub::Event event;
        event.from = "s";
        event.node = "n" + std::to_string(in.u8() % 3);
        wire::pubsub::EventItem item;
        item.publisher = in.u8() % 4 == 0 ? "eve@b" : "a@b";
        const wire::Bytes frame = in.take(std::min<std::size_t>(in.u16(), in.left()));
        item.payload = wire::pubsub::FrameItem{{frame.begin(), frame.end()}};
        event.items.push_back(std::move(item));
        lamplights_.receive_event(road.client, event, now_, out_);
    }
    void answer(std::uint8_t how) {
        if (taken_.empty()) return;
        const auto at = taken_.begin() + how / 3 % static_cast<int>(taken_.size());
        const auto [id, tag] = *at;
        taken_.erase(at);
        const Element error("iq", std::string(ns::client));
        const auto became = static_cast<Answer>(how % 3);
        lamplights_.answered(id, tag, became, became == Answer::lost ? nullptr : &error, now_, out_);
    }
    void say() {
        for (const std::uint8_t number : {1, 2})
            for (int i = 0; i < 8; ++i) {
                const ClientId id{number};
                const auto wants = lamplights_.wants_to_send(id);
                const auto taken = lamplights_.take(id, 2048, now_);
                if (!taken) {
                    require(lamplights_.wants_to_send(id) == Lamplights::Wants::nothing);
                    break;
                }
                require(wants != Lamplights::Wants::nothing);
                if (const Element* frame = taken->iq.child("frame", ns::frame))
                    require(wire::vote::decode(wire::pubsub::parse_frame(*frame)->frame).has_value());
                if (taken_.size() < 64) taken_.emplace_back(id, taken->tag);
            }
    }
    void publish() {
        while (!out_.sync.changes.empty() || !out_.sync.raises.empty()) {
            const state::Changes changes = std::exchange(out_.sync.changes, {});
            lamplights_.on_changes(changes);
            for (const auto& raise : std::exchange(out_.sync.raises, {})) {
                engine_.raise_incarnation(*engine_.find_node(raise.eid), raise.seen, out_.sync.changes);
                lamplights_.set_own_nodes({{self_}});
            }
        }
        out_.clear();
    }
    static state::Limits limits() {
        state::Limits limits;
        limits.devices = 64;
        limits.nodes = 16;
        limits.journal_entries = 64;
        return limits;
    }

    state::Time now_{std::chrono::seconds(1000)};
    state::Announcement self_{{{0x02, 0, 0, 0, 0, 0x09}}, "self", 7, {}};
    state::Engine engine_{{}, limits()};
    state::MwiTable mwi_{{.mailboxes = 64, .nodes = 16}};
    Lamplights lamplights_;
    Lamplights::Output out_;
    state::NodeId node_{};
    state::DeviceId device_{};
    std::vector<std::pair<ClientId, std::uint64_t>> taken_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Machine machine;
    wire::Reader in({data, size});
    while (in.left() > 2 && in.ok())
        machine.step(in);
    return 0;
}
