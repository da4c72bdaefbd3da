// Two XMPP services, and whoever publishes there, do and say anything: a byte for the mode, then one for what
// happens, one for whom, and for a stanza two of its length. Whatever comes, our own votes stay, nothing is
// said that Asterisk dies of, and it ends.
#include "bus/xmpp/asterisk_votes.hpp"
#include "wire/bytes.hpp"
#include "wire/pubsub/event.hpp"
#include "wire/xml/stream_parser.hpp"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <string>
#include <vector>

using namespace lamplight;
using bus::xmpp::Answer;
using bus::xmpp::AsteriskVotes;
using bus::xmpp::ClientId;
using wire::xml::Element;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

const std::string service = "pubsub.fa.test";

/// What the stream would hand on.
std::vector<Element> stanzas(wire::Bytes bytes) {
    std::string text =
        "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'>";
    text.append(bytes.begin(), bytes.end());
    std::vector<wire::xml::Item> items;
    wire::xml::StreamParser parser;
    (void)parser.feed(text, items);
    std::vector<Element> found;
    for (const wire::xml::Item& item : items)
        if (const auto* stanza = std::get_if<Element>(&item)) found.push_back(*stanza);
    return found;
}

/// asterisk-facts 5.3, 5.4: one publish of one item, with an EID and something in it.
void require_harmless(const Element& iq) {
    const Element* const pubsub = iq.child("pubsub");
    require(pubsub != nullptr && !pubsub->children.empty() && pubsub->children.front().name == "publish");
    require(pubsub->children.size() == 1 || pubsub->children.back().name == "publish-options");
    require(pubsub->children.front().children.size() == 1);
    const Element& item = pubsub->children.front().children.front();
    require(item.name == "item" && !item.value_of("id").empty() && item.children.size() == 1);
    const Element& content = item.children.front();
    require(content.value_of("eid") == "02:00:00:00:00:09");
    const bool state = content.name == "state" && !content.text.empty();
    require(state || (!content.text_of("NEWMSGS", content.ns).empty() &&
                      !content.text_of("OLDMSGS", content.ns).empty()));
}

class World {
public:
    explicit World(std::uint8_t mode)
        : settings_{service, mode % 3 != 0, mode % 3 == 2},
          engine_({}, small()),
          mwi_({.mailboxes = 64, .nodes = 16}),
          votes_(engine_, mwi_, [this](const state::Eid& eid) { return eid.bytes[5] == lamplight_; }) {
        node_ = engine_.add_own_node(self_, now_, out_.changes);
        votes_.set_own_nodes({{self_}});
        for (const char* name : {"Custom:a", "Custom:b", "Custom:own"})
            vote(*engine_.intern_device(name, out_.changes), state::DeviceState::busy);
        count(1);
        publish();
    }

    void happens(std::uint8_t what, std::uint8_t whose, wire::Reader& in) {
        const ClientId client{static_cast<std::uint8_t>(whose % 2)};
        const c2s::Jid jid{"server" + std::to_string(whose / 2 % 4), "fa.test", "r"};
        switch (what % 14) {
            case 0:
                return votes_.client_ready(client, settings_, now_, out_);
            case 1:
                lose(client);
                if (whose / 2 % 2 == 1) votes_.client_retired(client, now_, out_);
                return;
            case 2:
                return votes_.came(client, jid, tied(whose), now_, out_);
            case 3:
                return votes_.gone(client, jid, now_, out_);
            case 4:
                return votes_.node_ready(client, node(whose), now_, out_);
            case 5:
                return votes_.node_failed(client, node(whose));
            case 6:
                now_ += std::chrono::milliseconds(100 * whose);
                return votes_.on_time(now_, out_);
            case 7:
                return vote(*engine_.find_device(whose % 2 == 0 ? "Custom:a" : "Custom:b"),
                            static_cast<state::DeviceState>(whose / 2 % 9));
            case 8:
                return count(whose);
            case 9:
                lamplight_ = whose;
                return;
            case 10:
                return tie(whose, jid);
            case 11:
                return refuse(client, in.take(std::min<std::size_t>(in.u16(), in.left())));
            default:
                return hear(client, in.take(std::min<std::size_t>(in.u16(), in.left())));
        }
    }
    void talk(unsigned most, unsigned keeps) {
        for (const ClientId client : {ClientId{0}, ClientId{1}}) {
            for (unsigned i = 0; i < most && votes_.wants_to_send(client) != AsteriskVotes::Wants::nothing;
                 ++i)
                if (const auto taken = votes_.take(client, now_)) {
                    require_harmless(taken->iq);
                    under_way_[client].push_back(taken->tag);
                }
            for (; under_way_[client].size() > keeps; under_way_[client].pop_front())
                votes_.answered(client, under_way_[client].front(), Answer::accepted, nullptr, now_, out_);
        }
    }
    void publish() {
        while (!out_.changes.empty()) {
            state::Changes changes;
            std::swap(changes, out_.changes);
            votes_.on_changes(changes);
        }
        std::vector<state::MwiChange> changes;
        for (const state::MwiInput& input : out_.mwi)
            mwi_.apply(input, now_, changes);
        out_.clear();
        require(engine_.vote(*engine_.find_device("Custom:own"), node_)->state == state::DeviceState::busy);
    }
    void end() {
        votes_.say_goodbye();
        for (int i = 0; i < 1000 && !votes_.said_goodbye(); ++i)
            talk(32, 0);
        require(votes_.said_goodbye());
    }

private:
    static state::Limits small() {
        state::Limits limits;
        limits.devices = 64;
        limits.nodes = 16;
        limits.senders = 16;
        limits.journal_entries = 64;
        return limits;
    }
    static std::optional<state::Eid> tied(std::uint8_t whose) {
        if (whose < 128) return std::nullopt;
        return state::Eid{{0x02, 0, 0, 0, 0, static_cast<std::uint8_t>(whose / 2 % 4)}};
    }
    static std::string_view node(std::uint8_t whose) {
        static constexpr std::string_view names[] = {"device_state", "message_waiting", "Custom:a",
                                                     "Custom:b", "100@default"};
        return names[whose / 2 % 5];
    }
    void vote(state::DeviceId device, state::DeviceState state) {
        engine_.set_own(node_, device, state,
                        state == state::DeviceState::inuse ? state::Cachable::no : state::Cachable::yes,
                        state::Cause::console, now_, out_.changes);
    }
    void count(std::uint8_t number) {
        std::vector<state::MwiChange> changes;
        mwi_.apply({{"100", "default"}, node_, {number, number}, {}, {7, ++mwi_sequence_}}, now_, changes);
        const state::MwiOwnChange change{node_, {"100", "default"}};
        votes_.on_mwi_changes({&change, 1});
    }
    void tie(std::uint8_t whose, const c2s::Jid& jid) {
        const bus::xmpp::Tie tie{{{0x02, 0, 0, 0, 0, static_cast<std::uint8_t>(whose / 8 % 4)}}, jid.bare()};
        votes_.set_ties({&tie, 1}, now_, out_);
    }
    void lose(ClientId client) {
        votes_.client_lost(client, now_, out_);
        for (const std::uint64_t tag : std::exchange(under_way_[client], {}))
            votes_.answered(client, tag, Answer::lost, nullptr, now_, out_);
    }
    void refuse(ClientId client, wire::Bytes bytes) {
        const std::vector<Element> answers = stanzas(bytes);
        if (under_way_[client].empty() || answers.empty()) return;
        votes_.answered(client, under_way_[client].front(), Answer::refused, &answers.front(), now_, out_);
        under_way_[client].pop_front();
    }
    void hear(ClientId client, wire::Bytes bytes) {
        for (const Element& stanza : stanzas(bytes))
            if (const auto event = wire::pubsub::parse_event(stanza))
                votes_.receive(
                    client, *event, [](const c2s::Jid& who) { return who.domain == "fa.test"; }, now_, out_);
    }

    const state::Announcement self_{{{0x02, 0, 0, 0, 0, 0x09}}, "self", 7, {}};
    const AsteriskVotes::ClientSettings settings_;
    state::Time now_{std::chrono::seconds(1000)};
    std::uint8_t lamplight_ = 255;
    state::Engine engine_;
    state::MwiTable mwi_;
    AsteriskVotes::Output out_;
    AsteriskVotes votes_;
    state::NodeId node_{};
    std::uint64_t mwi_sequence_ = 0;
    std::map<ClientId, std::deque<std::uint64_t>> under_way_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    wire::Reader in({data, size});
    World world(in.left() > 0 ? in.u8() : 0);
    while (in.left() > 2) {
        const std::uint8_t what = in.u8();
        const std::uint8_t whose = in.u8();
        world.happens(what, whose, in);
        world.publish();
        world.talk(8, whose % 4);
    }
    world.end();
    return 0;
}
