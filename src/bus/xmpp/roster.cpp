// Who is a buddy, and what the server's roster says of it
#include "bus/xmpp/roster.hpp"

#include "wire/pubsub/names.hpp"
#include "wire/pubsub/request.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lamplight::bus::xmpp {

namespace ns = wire::pubsub::ns;
using wire::xml::Element;

namespace {

constexpr std::size_t most_said = 256;
constexpr std::string_view pattern = "*@";
constexpr std::string_view goodbye_to =
    "GoodBye. Your status is no longer needed by Asterisk the Open Source PBX so I am no longer subscribing "
    "to "
    "your presence.\n";
constexpr std::string_view goodbye_from =
    "GoodBye.  You are no longer in the Asterisk config file so I am removing your access to my presence.\n";

Element roster_iq(std::string_view type) {
    Element iq("iq", std::string(ns::client));
    iq.set("type", std::string(type)).add("query", std::string(ns::roster));
    return iq;
}

Element farewell(std::string_view type, const std::string& to, std::string_view text) {
    Element presence("presence", std::string(ns::client));
    presence.set("type", std::string(type)).set("to", to).add("status").add_text(text);
    return presence;
}

Element absence_to(const c2s::Jid& jid) {
    Element presence("presence", std::string(ns::client));
    presence.set("type", "unavailable").set("to", c2s::to_string(jid));
    return presence;
}

std::string subscription_of(const Element& item) {
    const std::string_view said = item.value_of("subscription");
    return std::string(said == "to" || said == "from" || said == "both" ? said : "none");
}

template <typename T>
void move_to_end(std::vector<T>& from, std::vector<T>& to) {
    std::ranges::move(from, std::back_inserter(to));
    from.clear();
}

}  // namespace

Roster::Roster(Settings settings, Requests& requests) : requests_(requests) {
    read_settings(std::move(settings), pending_);
}

void Roster::settle(Output& out) {
    move_to_end(pending_.stanzas, out.stanzas);
    move_to_end(pending_.events, out.events);
    move_to_end(pending_.news, out.news);
    out.complete = out.complete || std::exchange(pending_.complete, false);
}

void Roster::say(News::Kind kind, const std::string& jid, std::string text, Output& out) {
    const std::string key = std::to_string(static_cast<int>(kind)) + jid;
    if (said_.size() >= most_said && kind != News::Kind::too_many) return;
    if (!said_.insert(key).second) return;
    out.news.push_back({kind, jid, std::move(text)});
}

// --- who is a buddy ---

void Roster::read_settings(Settings settings, Output& out) {
    settings_ = std::move(settings);
    domains_.clear();
    ties_.clear();
    for (auto& [jid, buddy] : buddies_) {
        buddy.configured.clear();
        buddy.eid.reset();
    }
    for (const Configured& configured : settings_.buddies)
        add_configured(configured, out);
}

void Roster::add_configured(const Configured& configured, Output& out) {
    if (configured.jid.starts_with(pattern)) {
        if (const auto domain = c2s::parse_jid(configured.jid.substr(pattern.size())))
            domains_.insert(domain->domain);
        return;
    }
    const auto jid = c2s::parse_jid(configured.jid);
    Buddy* const buddy = jid ? add(jid->bare(), out) : nullptr;
    if (!buddy) return;
    buddy->configured.push_back(configured.jid);
    if (!configured.eid) return;
    ties_.push_back({*jid, *configured.eid});
    if (!buddy->eid) buddy->eid = configured.eid;
}

Buddy* Roster::add(const c2s::Jid& bare, Output& out) {
    const auto found = buddies_.find(bare);
    if (found != buddies_.end()) return &found->second;
    if (buddies_.size() >= most_buddies) {
        say(News::Kind::too_many, {}, "more than " + std::to_string(most_buddies) + " buddies", out);
        return nullptr;
    }
    Buddy& buddy = buddies_[bare];
    buddy.jid = bare;
    buddy.subscription = "none";
    return &buddy;
}

std::optional<state::Eid> Roster::eid_of(const c2s::Jid& jid) const {
    const Tie* of_account = nullptr;
    int ties = 0;
    for (const Tie& tie : ties_) {
        if (tie.jid == jid) return tie.eid;
        if (tie.jid.bare() != jid.bare()) continue;
        of_account = &tie;
        ++ties;
    }
    if (ties != 1) return std::nullopt;
    return of_account->eid;
}

bool Roster::is_buddy(const c2s::Jid& jid) const {
    if (!jid.local.empty() && domains_.contains(jid.domain)) return true;
    const Buddy* const buddy = find(jid);
    return buddy && !buddy->configured.empty();
}

const Buddy* Roster::find(const c2s::Jid& jid) const {
    const auto found = buddies_.find(jid.bare());
    return found == buddies_.end() ? nullptr : &found->second;
}

std::vector<const Buddy*> Roster::buddies() const {
    std::vector<const Buddy*> all;
    for (const auto& [jid, buddy] : buddies_)
        all.push_back(&buddy);
    return all;
}

void Roster::configure(Settings settings, state::Time now, Output& out) {
    settle(out);
    const auto shown = [](const Settings& s) { return std::tie(s.priority, s.status, s.status_message); };
    const bool other_presence = shown(settings) != shown(settings_);
    std::map<c2s::Jid, std::optional<state::Eid>> tied;
    for (const auto& [jid, buddy] : buddies_)
        for (const Resource& resource : buddy.resources)
            tied[resource.jid] = eid_of(resource.jid);
    read_settings(std::move(settings), out);
    for (auto at = buddies_.begin(); at != buddies_.end();) {
        Buddy& buddy = at->second;
        if (is_buddy(buddy.jid))
            reveal(buddy, now, out);
        else
            hide(buddy, out);
        for (const Resource& resource : buddy.resources)
            if (const auto was = tied.find(resource.jid);
                was != tied.end() && was->second != eid_of(resource.jid))
                out.events.push_back(
                    {Event::Kind::changed, resource.jid, resource.mark, eid_of(resource.jid)});
        at = is_buddy(buddy.jid) || buddy.in_roster ? std::next(at) : buddies_.erase(at);
    }
    if (!self_) return;
    if (other_presence) send_presence(out);
    if (complete_) after_roster(now, out);
}

// --- a stream ---

void Roster::bound(const c2s::Jid& self, state::Time now, Output& out) {
    pending_ = {};
    self_ = self;
    complete_ = false;
    asked_now_.clear();
    pruned_now_.clear();
    said_.clear();
    capable_.clear();
    for (auto& [jid, buddy] : buddies_) {
        buddy.resources.clear();
        buddy.in_roster = buddy.asked = false;
        buddy.subscription = "none";
    }
    std::erase_if(buddies_, [](const auto& each) { return each.second.configured.empty(); });
    requests_.ask(
        roster_iq("get"),
        [this](const Requests::Reply& reply, state::Time at) { take_roster(reply.iq, at, pending_); }, now,
        out.stanzas);
    send_presence(out);
}

void Roster::stream_lost() {
    self_.reset();
    complete_ = false;
    pending_ = {};
}

bool Roster::receive(const Element& stanza, state::Time now, Output& out) {
    settle(out);
    if (!self_ || stanza.ns != ns::client) return false;
    if (stanza.name == "presence") return take_presence(stanza, now, out);
    if (stanza.name == "iq") return take_request(stanza, now, out);
    return false;
}

// --- the roster ---

/// A server that has no roster, or none in time: what has to be asked is asked all the same.
void Roster::take_roster(const Element* iq, state::Time now, Output& out) {
    if (const Element* const query = iq ? iq->child("query", ns::roster) : nullptr)
        for (const Element& item : query->children)
            if (item.is("item", ns::roster)) take_item(item, out);
    complete_ = out.complete = true;
    after_roster(now, out);
}

void Roster::take_item(const Element& item, Output& out) {
    const auto jid = c2s::parse_jid(item.value_of("jid"));
    if (!jid) return;
    if (item.value_of("subscription") == "remove") return remove_item(jid->bare(), out);
    Buddy* const buddy = add(jid->bare(), out);
    if (!buddy) return;
    buddy->in_roster = true;
    buddy->subscription = subscription_of(item);
    buddy->asked = item.value_of("ask") == "subscribe";
}

void Roster::remove_item(const c2s::Jid& bare, Output& out) {
    const auto found = buddies_.find(bare);
    if (found == buddies_.end()) return;
    Buddy& buddy = found->second;
    forget_resources(buddy, out);
    buddy.in_roster = buddy.asked = false;
    buddy.subscription = "none";
    if (buddy.configured.empty()) buddies_.erase(found);
}

void Roster::after_roster(state::Time now, Output& out) {
    std::vector<c2s::Jid> strangers;
    for (auto& [jid, buddy] : buddies_) {
        if (is_self(jid)) continue;
        if (is_buddy(jid))
            ask_for_presence(buddy, out);
        else
            strangers.push_back(jid);
    }
    std::erase_if(pruned_now_, [this](const c2s::Jid& jid) { return is_buddy(jid); });
    if (settings_.autoprune)
        for (const c2s::Jid& jid : strangers)
            prune(jid, now, out);
}

/// As Asterisk does, with its words.
void Roster::prune(const c2s::Jid& bare, state::Time now, Output& out) {
    if (!pruned_now_.insert(bare).second) return;
    const std::string to = c2s::to_string(bare);
    out.stanzas.push_back(farewell("unsubscribe", to, goodbye_to));
    out.stanzas.push_back(farewell("unsubscribed", to, goodbye_from));
    Element iq = roster_iq("set");
    iq.children.front().add("item").set("jid", to).set("subscription", "remove");
    requests_.ask(std::move(iq), [](const Requests::Reply&, state::Time) {}, now, out.stanzas);
    out.news.push_back({News::Kind::pruned, to, {}});
}

/// Only our server may change it, which says so by our bare JID or by nobody's (RFC 6121 section 2.1.6).
bool Roster::take_push(const Element& iq, const Element& query, state::Time now, Output& out) {
    if (const std::string* const said = iq.attribute("from")) {
        const auto from = c2s::parse_jid(*said);
        if (!from || *from != self_->bare()) return true;
    }
    out.stanzas.push_back(wire::pubsub::make_result(iq));
    for (const Element& item : query.children)
        if (item.is("item", ns::roster)) take_item(item, out);
    if (complete_) after_roster(now, out);
    return true;
}

void Roster::forget_resources(Buddy& buddy, Output& out) {
    for (const Resource& resource : buddy.resources)
        out.events.push_back({Event::Kind::gone, resource.jid, resource.mark, eid_of(resource.jid)});
    buddy.resources.clear();
    buddy.hidden.clear();
}

/// It is no buddy any more: asked again, should it become one. To a Lamplight we are not there now, whatever
/// the roster shows it, or it would wait for us and count what we said last.
void Roster::hide(Buddy& buddy, Output& out) {
    asked_now_.erase(buddy.jid);
    if (self_)
        for (const Resource& resource : buddy.resources)
            if (resource.mark) out.stanzas.push_back(absence_to(resource.jid));
    if (buddy.resources.empty()) return;
    std::vector<Resource> there = buddy.resources;
    forget_resources(buddy, out);
    buddy.hidden = std::move(there);
}

/// It is one now.
void Roster::reveal(Buddy& buddy, state::Time now, Output& out) {
    for (Resource& resource : std::exchange(buddy.hidden, {})) {
        buddy.resources.push_back(std::move(resource));
        came(buddy, buddy.resources.back(), now, out);
    }
}

}  // namespace lamplight::bus::xmpp
