// Whatever a server says of buddies, ourselves and strangers, a line a stanza: a byte before it says what
// else happens. Nobody but a buddy is announced, limits hold, and nothing that was said is echoed.
#include "bus/xmpp/roster.hpp"
#include "scripted_server.hpp"
#include "wire/pubsub/names.hpp"

#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

using namespace lamplight;
using namespace lamplight::bus::xmpp;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

struct Client {
    Client() : roster(settings(), requests) { bind(); }
    static Roster::Settings settings() {
        Roster::Settings settings;
        settings.buddies = {{"a@fa.test", state::Eid{{2, 0, 0, 0, 0, 1}}, ""},
                            {"b@fa.test/r", {}, ""},
                            {"*@any.test", {}, ""}};
        settings.autoprune = true;
        return settings;
    }
    void bind() {
        requests.bound("self@fa.test/r");
        roster.bound(*c2s::parse_jid("self@fa.test/r"), now, out);
        check();
    }
    void lose() {
        requests.stream_lost(now);
        roster.stream_lost();
        present.clear();
        out = {};
        bind();
    }
    void hear(const wire::xml::Element& stanza) {
        if (!requests.take(stanza, now)) roster.receive(stanza, now, out);
        roster.settle(out);
        check();
    }
    void check() {
        for (const Roster::Event& event : out.events) {
            const bool there = present.contains(event.jid);
            require(there == (event.kind != Roster::Event::Kind::came));
            if (event.kind == Roster::Event::Kind::gone)
                present.erase(event.jid);
            else
                present.insert(event.jid);
            require(roster.is_buddy(event.jid) && !event.jid.is_bare());
            require(event.jid.bare() != *c2s::parse_jid("self@fa.test"));
        }
        for (const wire::xml::Element& stanza : out.stanzas)
            require(!stanza.child("pubsub"));
        std::size_t resources = 0;
        for (const Buddy* buddy : roster.buddies()) {
            require(buddy->resources.size() <= Roster::most_resources);
            resources += buddy->resources.size();
        }
        require(resources == present.size() && roster.buddies().size() <= Roster::most_buddies);
        out = {};
    }

    state::Time now{std::chrono::hours(1)};
    Requests requests;
    Roster roster;
    Roster::Output out;
    std::set<c2s::Jid> present;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Client client;
    fuzz::for_each_line({reinterpret_cast<const char*>(data), size}, [&](std::string_view line) {
        if (line.starts_with('!')) client.lose();
        if (line.starts_with('+')) {
            client.now += std::chrono::seconds(30);
            client.requests.on_time(client.now);
            client.roster.settle(client.out);
            client.check();
        }
        const std::size_t begin = std::min(line.find('<'), line.size());
        for (const wire::xml::Element& stanza : fuzz::stanzas_of(line.substr(begin)))
            client.hear(stanza);
    });
    return 0;
}
