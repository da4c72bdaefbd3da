// A service that answers anything, a line an answer or event: its first byte says to what. Whatever it says,
// an Asterisk's node is never unsubscribed, purged or deleted, what is asked has an end, and every event is a
// step.
#include "bus/xmpp/nodes.hpp"
#include "scripted_server.hpp"
#include "wire/pubsub/event.hpp"

#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

using namespace lamplight;
using namespace lamplight::bus::xmpp;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

struct Client {
    explicit Client(bool collection) : nodes(settings(collection), requests) { bind(); }
    static Nodes::Settings settings(bool collection) {
        Nodes::Settings settings;
        settings.service = "pubsub.fa.test";
        settings.own_node = "lamplight:1";
        settings.buddies = {"a@fa.test"};
        settings.collection = collection;
        return settings;
    }
    void bind() {
        requests.bound("self@fa.test/r");
        nodes.bound(*c2s::parse_jid("self@fa.test/r"), now, out);
        settle();
    }
    void lose() {
        requests.stream_lost(now);
        nodes.stream_lost();
        waiting.clear();
        ready.clear();
        out = {};
        bind();
    }
    void settle() {
        nodes.settle(out);
        for (wire::xml::Element& request : out.stanzas) {
            const auto& pubsub = request.children.at(0);
            if (pubsub.name == "pubsub") check(pubsub.children.at(0));
            waiting.push_back(std::move(request));
        }
        for (const Nodes::Event& event : out.events)
            require(event.kind != Nodes::Event::Kind::lost || ready[event.node]),
                ready[event.node] = event.kind == Nodes::Event::Kind::ready;
        out = {};
        require(requests.under_way() < 256);
        static_cast<void>(nodes.checks());
    }
    static void check(const wire::xml::Element& action) {
        const std::string_view node = action.value_of("node");
        require(action.name != "purge" && action.name != "delete");
        require(action.name != "unsubscribe" || node == "lamplight:2");
    }
    void answer(std::size_t which, wire::xml::Element answer) {
        if (waiting.empty()) return;
        const auto request = waiting.begin() + static_cast<std::ptrdiff_t>(which % waiting.size());
        answer.name = "iq";
        answer.set("id", std::string(request->value_of("id")))
            .set("from", std::string(request->value_of("to")));
        waiting.erase(request);
        requests.take(answer, now);
        settle();
    }
    void pass(std::size_t seconds) {
        now += std::chrono::seconds(seconds);
        requests.on_time(now);
        nodes.on_time(now, out);
        settle();
        require(!nodes.next_deadline() || *nodes.next_deadline() > now);
    }
    void hear(char what, const wire::xml::Element& stanza) {
        if (what >= '0' && what <= '9') return answer(static_cast<std::size_t>(what - '0'), stanza);
        if (what == 'p') nodes.publish_refused("device_state", stanza, now, out);
        if (what == 'o') nodes.publish_refused("lamplight:1", stanza, now, out);
        if (what == 'm')
            if (const auto event = wire::pubsub::parse_event(stanza)) nodes.heard(*event, now, out);
        settle();
    }
    void happens(char what) {
        if (what == '!') return lose();
        if (what == '+') return pass(21);
        if (what == '*') return pass(70);
        if (what == 'f') nodes.follow("pubsub.fa.test", "lamplight:2", now, out);
        if (what == 'u') nodes.unfollow("pubsub.fa.test", "lamplight:2", now, out);
        if (what == 'l') nodes.want_leaf("Custom:a", "device_state", now, out);
        if (what == 'a') nodes.admit(*c2s::parse_jid("b@fa.test"), now, out);
        settle();
    }

    state::Time now{std::chrono::hours(1)};
    Requests requests;
    Nodes nodes;
    Nodes::Output out;
    Stanzas waiting;
    std::map<std::string, bool> ready;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    Client client(text.starts_with("c\n"));
    fuzz::for_each_line(text, [&](std::string_view line) {
        if (line.empty()) return;
        const std::vector<wire::xml::Element> stanzas = fuzz::stanzas_of(line.substr(1));
        for (const wire::xml::Element& stanza : stanzas)
            client.hear(line[0], stanza);
        if (stanzas.empty()) client.happens(line[0]);
    });
    client.pass(600);
    return 0;
}
