#include "bus/xmpp/session.hpp"

#include "wire/pubsub/names.hpp"
#include "wire/pubsub/request.hpp"

#include <algorithm>
#include <iterator>

namespace lamplight::bus::xmpp {

namespace ns = wire::pubsub::ns;
using wire::xml::Element;

namespace {

void move_to_end(Stanzas& from, Stanzas& to) {
    std::move(from.begin(), from.end(), std::back_inserter(to));
    from.clear();
}

bool is_request(const Element& iq) {
    const std::string_view type = iq.value_of("type");
    return type == "get" || type == "set";
}

/// Something two Lamplights say to each other.
bool is_for_lamplights(const Element& iq) {
    return std::ranges::any_of(iq.children, [](const Element& child) { return child.ns == ns::frame; });
}

}  // namespace

Session::Session(Settings settings, std::string domain)
    : settings_(std::move(settings)),
      domain_(std::move(domain)),
      roster_(settings_.roster, requests_),
      nodes_(settings_.nodes, requests_) {}

void Session::gather(Output& out) {
    move_to_end(out.roster.stanzas, out.stanzas);
    move_to_end(out.nodes.stanzas, out.stanzas);
}

void Session::configure(Settings settings, state::Time now, Output& out) {
    settings_ = std::move(settings);
    roster_.configure(settings_.roster, now, out.roster);
    nodes_.configure(settings_.nodes, now, out.nodes);
    gather(out);
}

void Session::bound(const c2s::Jid& self, state::Time now, Output& out) {
    self_ = self;
    complete_ = false;
    heard_ = now;
    ping_under_way_ = false;
    requests_.bound(c2s::to_string(self));
    pace_.stream_bound(now);
    nodes_.bound(self, now, out.nodes);
    roster_.bound(self, now, out.roster);
    gather(out);
}

void Session::stream_lost(state::Time now, Output& out) {
    self_.reset();
    complete_ = false;
    requests_.stream_lost(now);
    roster_.stream_lost();
    nodes_.stream_lost();
    pace_.stream_lost();
    gather(out);
    out.stanzas.clear();  // there is no stream for them
}

void Session::receive(const Element& stanza, state::Time now, Output& out) {
    ++counters_.stanzas_in;
    heard_ = now;
    const auto from = c2s::parse_jid(stanza.value_of("from"));
    // What bounces comes from a server.
    if (from && !from->is_bare() && stanza.value_of("type") != "error") out.heard.push_back(*from);
    if (stanza.is("iq", ns::client))
        receive_iq(stanza, from, now, out);
    else if (stanza.is("message", ns::client))
        receive_message(stanza, now, out);
    else if (!roster_.receive(stanza, now, out.roster))
        ++counters_.unhandled;
    note_roster(out);
    gather(out);
}

void Session::note_roster(Output& out) {
    if (std::exchange(out.roster.complete, false)) complete_ = out.complete = true;
}

void Session::receive_iq(const Element& iq, const std::optional<c2s::Jid>& from, state::Time now,
                         Output& out) {
    if (!is_request(iq)) {
        counters_.stray_answers += !requests_.take(iq, now);
        roster_.settle(out.roster);
        nodes_.settle(out.nodes);
        return;
    }
    if (from && is_for_lamplights(iq)) {
        out.iqs.emplace_back(*from, iq);
        return;
    }
    counters_.unhandled += !roster_.receive(iq, now, out.roster);
}

void Session::receive_message(const Element& message, state::Time now, Output& out) {
    auto event = wire::pubsub::parse_event(message);
    if (!event) {
        ++counters_.unhandled;
        return;
    }
    nodes_.heard(*event, now, out.nodes);
    out.events.push_back(std::move(*event));
}

// --- time ---

std::optional<state::Time> Session::next_deadline(state::Time now) const {
    if (!self_) return std::nullopt;
    std::optional<state::Time> next;
    const auto sooner = [&](std::optional<state::Time> time) {
        if (time && (!next || *time < *next)) next = time;
    };
    sooner(requests_.next_deadline());
    sooner(nodes_.next_deadline());
    sooner(pace_.next_deadline(now));
    if (settings_.keepalive == Settings::Keepalive::yes)
        sooner(heard_ + (ping_under_way_ ? silent_after : ping_every));
    return next;
}

void Session::on_time(state::Time now, Output& out) {
    if (!self_) return;
    requests_.on_time(now);
    roster_.settle(out.roster);
    note_roster(out);
    nodes_.on_time(now, out.nodes);
    if (settings_.keepalive == Settings::Keepalive::yes) ping(now, out);
    gather(out);
}

void Session::ping(state::Time now, Output& out) {
    if (now - heard_ >= silent_after && ping_under_way_) {
        out.silent = true;
        return;
    }
    if (now - heard_ < ping_every || ping_under_way_) return;
    ping_under_way_ = true;
    requests_.ask(
        wire::pubsub::ping(domain_), [this](const Requests::Reply&, state::Time) { ping_under_way_ = false; },
        now, out.stanzas, silent_after * 2);
}

}  // namespace lamplight::bus::xmpp
