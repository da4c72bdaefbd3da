// What others ask us, and what they can do
#include "bus/xmpp/roster.hpp"
#include "wire/pubsub/names.hpp"
#include "wire/pubsub/request.hpp"

#include <algorithm>

namespace lamplight::bus::xmpp {

namespace ns = wire::pubsub::ns;
using wire::xml::Element;

namespace {

constexpr std::size_t most_capabilities = 256;
constexpr std::string_view own_caps = "http://www.asterisk.org/xmpp/client/caps";
constexpr std::string_view jingle = "urn:xmpp:jingle:1";
constexpr std::string_view voice = "http://www.google.com/xmpp/protocol/voice/v1";

/// Asterisk's, and our own.
constexpr std::string_view features[] = {voice,
                                         ns::disco_info,
                                         jingle,
                                         "urn:xmpp:jingle:transports:ice-udp:1",
                                         "urn:xmpp:jingle:apps:rtp:1",
                                         "urn:xmpp:jingle:apps:rtp:audio",
                                         "urn:xmpp:jingle:apps:rtp:video",
                                         ns::version,
                                         ns::ping,
                                         ns::frame};

}  // namespace

bool Roster::take_request(const Element& iq, state::Time now, Output& out) {
    const std::string_view type = iq.value_of("type");
    if (type != "get" && type != "set") return false;
    if (type == "set")
        if (const Element* const query = iq.child("query", ns::roster))
            return take_push(iq, *query, now, out);
    if (type == "get") {
        if (const Element* const query = iq.child("query", ns::disco_info)) {
            answer_disco(iq, *query, out);
            return true;
        }
        if (iq.child("query", ns::version)) {
            answer_version(iq, out);
            return true;
        }
        if (iq.child("ping", ns::ping)) {
            out.stanzas.push_back(wire::pubsub::make_result(iq));
            return true;
        }
    }
    out.stanzas.push_back(wire::pubsub::make_error(iq, "service-unavailable", "cancel", 503));
    return false;
}

void Roster::answer_disco(const Element& iq, const Element& query, Output& out) const {
    const std::string_view node = query.value_of("node");
    if (!node.empty() && !node.starts_with(own_caps)) {
        out.stanzas.push_back(wire::pubsub::make_error(iq, "item-not-found", "cancel", 404));
        return;
    }
    Element answer = wire::pubsub::make_result(iq);
    Element& info = answer.add("query", std::string(ns::disco_info));
    if (!node.empty()) info.set("node", std::string(node));
    info.add("identity").set("category", "client").set("type", "pc").set("name", "asterisk");
    for (const std::string_view feature : features)
        info.add("feature").set("var", std::string(feature));
    out.stanzas.push_back(std::move(answer));
}

void Roster::answer_version(const Element& iq, Output& out) const {
    Element answer = wire::pubsub::make_result(iq);
    Element& version = answer.add("query", std::string(ns::version));
    version.add("name").add_text(settings_.software);
    version.add("version").add_text(settings_.software_version);
    out.stanzas.push_back(std::move(answer));
}

// --- what they can do ---

/// Who says nothing of its capabilities has its own.
std::string Roster::caps_key(const Resource& resource) {
    if (resource.caps_node.empty()) return "j" + c2s::to_string(resource.jid);
    return "c" + resource.caps_node + "#" + resource.caps_version;
}

void Roster::find_out(Resource& resource, state::Time now, Output& out) {
    resource.jingle.reset();
    if (resource.mark) {
        resource.jingle = true;
        return;
    }
    const std::string key = caps_key(resource);
    const auto known = capable_.find(key);
    if (known != capable_.end()) {
        resource.jingle = known->second;
        return;
    }
    if (capable_.size() >= most_capabilities) return;
    capable_.emplace(key, std::nullopt);
    requests_.ask(
        wire::pubsub::disco_info(c2s::to_string(resource.jid)),
        [this, key](const Requests::Reply& reply, state::Time) {
            if (reply.answer == Answer::lost) return learnt(key, std::nullopt);
            const auto disco = wire::pubsub::parse_disco_info(*reply.iq);
            learnt(key, disco && (disco->has(jingle) || disco->has(voice)));
        },
        now, out.stanzas);
}

/// What was not answered may be asked of another one with the same capabilities.
void Roster::learnt(const std::string& key, std::optional<bool> capable) {
    if (!capable) {
        capable_.erase(key);
        return;
    }
    capable_[key] = capable;
    for (auto& [jid, buddy] : buddies_)
        for (Resource& resource : buddy.resources)
            if (!resource.mark && caps_key(resource) == key) resource.jingle = capable;
}

}  // namespace lamplight::bus::xmpp
