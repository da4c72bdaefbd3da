// Presence both ways, and who may see whose
#include "bus/xmpp/roster.hpp"
#include "wire/pubsub/names.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace lamplight::bus::xmpp {

namespace ns = wire::pubsub::ns;
using wire::xml::Element;

namespace {

constexpr std::size_t longest_text = 255;
constexpr std::string_view greetings =
    "Greetings! I am the Asterisk Open Source PBX and I want to subscribe to your presence\n";
constexpr std::string_view approval = "Asterisk has approved your subscription";

constexpr std::pair<std::string_view, std::string_view> shows[] = {
    {"chat", "chat"}, {"chatty", "chat"}, {"away", "away"}, {"xa", "xa"}, {"xaway", "xa"}, {"dnd", "dnd"}};
constexpr std::pair<std::string_view, int> statuses[] = {
    {"", 1}, {"chat", 2}, {"away", 3}, {"xa", 4}, {"dnd", 5}};

template <typename Table>
auto look_up(const Table& table, std::string_view key) {
    const auto found = std::ranges::find(table, key, [](const auto& row) { return row.first; });
    return found == std::end(table) ? std::begin(table)->second : found->second;
}

/// Cut at a whole character; what has control characters is not kept.
std::string bounded(std::string_view text) {
    if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; })) return {};
    if (text.size() <= longest_text) return std::string(text);
    std::size_t end = longest_text;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U)
        --end;
    return std::string(text.substr(0, end));
}

int parse_priority(std::string_view text) {
    int priority = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), priority);
    const bool read = error == std::errc() && end == text.data() + text.size();
    return read && priority >= -128 && priority <= 127 ? priority : 0;
}

bool is_hex(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::optional<Mark> parse_mark(const Element& presence) {
    const Element* const said = presence.child("lamplight", ns::mark);
    if (!said) return std::nullopt;
    Mark mark{std::string(said->value_of("process")), std::string(said->value_of("node")),
              std::string(said->value_of("service"))};
    if (mark.process.size() != 16 || !is_hex(mark.process)) return std::nullopt;
    const auto service = c2s::parse_jid(mark.service);
    if (mark.node.empty() || !service || bounded(mark.node) != mark.node) return Mark{mark.process, {}, {}};
    mark.service = c2s::to_string(*service);
    return mark;
}

Element make_mark(const Mark& mark) {
    Element made("lamplight", std::string(ns::mark));
    made.set("process", mark.process);
    if (!mark.node.empty()) made.set("node", mark.node).set("service", mark.service);
    return made;
}

Element subscription(std::string_view type, const c2s::Jid& to, std::string_view text) {
    Element presence("presence", std::string(ns::client));
    presence.set("type", std::string(type)).set("to", c2s::to_string(to));
    presence.add("status").add_text(text);
    return presence;
}

Resource* find_resource(std::vector<Resource>& resources, const c2s::Jid& jid) {
    const auto found = std::ranges::find(resources, jid, &Resource::jid);
    return found == resources.end() ? nullptr : &*found;
}

Resource& add_resource(std::vector<Resource>& resources, const c2s::Jid& jid, state::Time now) {
    Resource& added = resources.emplace_back();
    added.jid = jid;
    added.since = now;
    return added;
}

}  // namespace

// --- ours ---

void Roster::set_mark(Mark mark, Output& out) {
    settle(out);
    if (mark == mark_) return;
    mark_ = std::move(mark);
    if (self_) send_presence(out);
}

/// To whom the roster gives it, and to each buddy we see whom it does not: two rosters may differ when an
/// account was removed and made again, or one server lost a day, and both sides must see each other.
void Roster::send_presence(Output& out) const {
    out.stanzas.push_back(make_presence());
    for (const auto& [jid, buddy] : buddies_)
        for (const Resource& resource : buddy.resources)
            if (!is_shown_by_roster(buddy)) show_ourselves(resource, out);
}

/// A Lamplight in any case: where a server has lost what it knew, its roster may say that it is shown ours
/// and be wrong, and it asks nobody again.
void Roster::greet(const Buddy& buddy, const Resource& resource, Output& out) const {
    if (resource.mark || !is_shown_by_roster(buddy)) show_ourselves(resource, out);
}

bool Roster::is_shown_by_roster(const Buddy& buddy) {
    return buddy.subscription == "from" || buddy.subscription == "both";
}

void Roster::show_ourselves(const Resource& resource, Output& out) const {
    Element presence = make_presence();
    presence.set("to", c2s::to_string(resource.jid));
    out.stanzas.push_back(std::move(presence));
}

/// In Asterisk's order.
Element Roster::make_presence() const {
    Element presence("presence", std::string(ns::client));
    if (settings_.status == "unavailable" || settings_.status == "invisible")
        presence.set("type", "unavailable");
    presence.set("from", c2s::to_string(*self_));
    const auto show = std::ranges::find(shows, settings_.status, [](const auto& row) { return row.first; });
    if (show != std::end(shows)) presence.add("show").add_text(show->second);
    presence.add("status").add_text(settings_.status_message);
    presence.add("priority").add_text(std::to_string(settings_.priority));
    presence.add("c", std::string(ns::caps))
        .set("node", "http://www.asterisk.org/xmpp/client/caps")
        .set("ver", "asterisk-xmpp")
        .set("ext", "voice-v1 video-v1 camera-v1");
    if (!mark_.process.empty()) presence.add(make_mark(mark_));
    return presence;
}

/// Once a stream; also one that was asked before, since nobody may have been there to hear it.
void Roster::ask_for_presence(Buddy& buddy, Output& out) {
    if (!settings_.autoregister || buddy.subscription == "to" || buddy.subscription == "both") return;
    if (!asked_now_.insert(buddy.jid).second) return;
    buddy.asked = true;
    out.stanzas.push_back(subscription("subscribe", buddy.jid, greetings));
    out.news.push_back({News::Kind::asked, c2s::to_string(buddy.jid), {}});
}

// --- theirs ---

bool Roster::take_presence(const Element& presence, state::Time now, Output& out) {
    const auto from = c2s::parse_jid(presence.value_of("from"));
    if (!from || is_self(*from)) return true;
    const std::string_view type = presence.value_of("type");
    if (type.empty())
        available(*from, presence, now, out);
    else if (type == "unavailable")
        unavailable(*from, out);
    else if (type == "subscribe")
        asked_by(*from, out);
    else if (type == "unsubscribe" || type == "unsubscribed")
        disappeared(*from, out);
    return true;
}

void Roster::available(const c2s::Jid& from, const Element& presence, state::Time now, Output& out) {
    const auto found = buddies_.find(from.bare());
    if (found == buddies_.end() || from.is_bare()) return;
    Buddy& buddy = found->second;
    if (!is_buddy(from)) return available_out_of_sight(buddy, from, presence, now);
    Resource* resource = find_resource(buddy.resources, from);
    const bool is_new = resource == nullptr;
    if (is_new && buddy.resources.size() >= most_resources)
        return say(News::Kind::too_many, c2s::to_string(from.bare()),
                   "more than " + std::to_string(most_resources) + " resources", out);
    if (is_new) resource = &add_resource(buddy.resources, from, now);
    const std::optional<Mark> mark = resource->mark;
    update(*resource, presence);
    if (is_new) return came(buddy, *resource, now, out);
    find_out(*resource, now, out);
    if (resource->mark != mark)
        out.events.push_back({Event::Kind::changed, from, resource->mark, eid_of(from)});
}

void Roster::came(const Buddy& buddy, Resource& resource, state::Time now, Output& out) {
    greet(buddy, resource, out);
    find_out(resource, now, out);
    out.events.push_back({Event::Kind::came, resource.jid, resource.mark, eid_of(resource.jid)});
}

/// Only who is in the roster: its server sent this because of that, and nobody fills the memory.
void Roster::available_out_of_sight(Buddy& buddy, const c2s::Jid& from, const Element& presence,
                                    state::Time now) const {
    Resource* resource = find_resource(buddy.hidden, from);
    if (resource == nullptr && buddy.hidden.size() >= most_resources) return;
    if (resource == nullptr) resource = &add_resource(buddy.hidden, from, now);
    update(*resource, presence);
}

void Roster::update(Resource& resource, const Element& presence) const {
    resource.status = look_up(statuses, presence.text_of("show", ns::client));
    resource.status_text = bounded(presence.text_of("status", ns::client));
    resource.priority = parse_priority(presence.text_of("priority", ns::client));
    resource.mark = parse_mark(presence);
    resource.caps_node.clear();
    resource.caps_version.clear();
    if (const Element* const caps = presence.child("c", ns::caps)) {
        resource.caps_node = bounded(caps->value_of("node"));
        resource.caps_version = bounded(caps->value_of("ver"));
    }
}

/// A bare JID that is gone has no resource left (Prosody says so of who was never there).
void Roster::unavailable(const c2s::Jid& from, Output& out) {
    const auto found = buddies_.find(from.bare());
    if (found == buddies_.end()) return;
    Buddy& buddy = found->second;
    if (from.is_bare()) return forget_resources(buddy, out);
    std::erase_if(buddy.hidden, [&](const Resource& each) { return each.jid == from; });
    const auto resource = std::ranges::find(buddy.resources, from, &Resource::jid);
    if (resource == buddy.resources.end()) return;
    out.events.push_back({Event::Kind::gone, from, resource->mark, eid_of(from)});
    buddy.resources.erase(resource);
}

void Roster::asked_by(const c2s::Jid& from, Output& out) {
    const std::string bare = c2s::to_string(from.bare());
    if (!is_buddy(from)) return say(News::Kind::refused, bare, "it is no buddy", out);
    if (!settings_.accept) return say(News::Kind::refused, bare, "auth_policy does not accept it", out);
    Buddy* const buddy = add(from.bare(), out);
    if (!buddy) return;
    Element answer = subscription("subscribed", from.bare(), approval);
    answer.set("from", c2s::to_string(*self_));
    out.stanzas.push_back(std::move(answer));
    say(News::Kind::approved, bare, {}, out);
    if (complete_) ask_for_presence(*buddy, out);
}

/// An account that is removed goes like this, too: when one of that name asks for us again, so do we.
void Roster::disappeared(const c2s::Jid& from, Output& out) {
    const auto found = buddies_.find(from.bare());
    if (found == buddies_.end() || !is_buddy(from)) return;
    asked_now_.erase(found->first);
    say(News::Kind::disappeared, c2s::to_string(from.bare()), {}, out);
}

}  // namespace lamplight::bus::xmpp
