#include "bus/xmpp/requests.hpp"

#include <algorithm>

namespace lamplight::bus::xmpp {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view bare_of(std::string_view jid) {
    return jid.substr(0, jid.find('/'));
}

std::string_view domain_of(std::string_view jid) {
    const std::string_view bare = bare_of(jid);
    return bare.substr(bare.find('@') + 1);  // npos + 1 is the beginning
}

/// The case of what stands before the resource does not matter.
bool same_jid(std::string_view a, std::string_view b) {
    const std::size_t bare = bare_of(a).size();
    return std::ranges::equal(a.substr(0, bare), bare_of(b), {}, lower, lower) &&
           a.substr(bare) == b.substr(std::min(bare, b.size()));
}

}  // namespace

void Requests::bound(std::string own_jid) {
    own_ = std::move(own_jid);
    own_bare_ = bare_of(own_);
    own_domain_ = domain_of(own_);
}

void Requests::ask(wire::xml::Element iq, Handler handler, state::Time now, Stanzas& out,
                   state::Duration patience) {
    if (waiting_.size() >= most) return handler({.answer = Answer::lost}, now);
    const std::string id = "l" + std::to_string(++last_);
    iq.set("id", id);
    until_.emplace(now + patience, id);
    waiting_.emplace(id, Waiting{std::string(iq.value_of("to")), now, now + patience, std::move(handler)});
    out.push_back(std::move(iq));
}

bool Requests::is_ourselves(std::string_view from) const {
    return same_jid(from, own_bare_) || same_jid(from, own_);
}

/// Our server answers for itself and for our account, and may leave out who it is (RFC 6120 section 8.1.2.1).
bool Requests::answers(const Waiting& request, std::string_view from) const {
    const bool to_account = request.to.empty() || is_ourselves(request.to);
    const bool to_server = same_jid(request.to, own_domain_);
    if (from.empty()) return to_account || to_server;
    if (request.to.empty()) return is_ourselves(from) || same_jid(from, own_domain_);
    return same_jid(from, request.to);
}

Requests::Waiting Requests::remove(All::iterator request) {
    Waiting waiting = std::move(request->second);
    until_.erase({waiting.until, request->first});
    waiting_.erase(request);
    return waiting;
}

bool Requests::take(const wire::xml::Element& iq, state::Time now) {
    const std::string_view type = iq.value_of("type");
    if (iq.name != "iq" || (type != "result" && type != "error")) return false;
    const auto found = waiting_.find(iq.value_of("id"));
    if (found == waiting_.end() || !answers(found->second, iq.value_of("from"))) return false;
    const Waiting request = remove(found);
    request.handler({.answer = type == "result" ? Answer::accepted : Answer::refused,
                     .iq = &iq,
                     .took = now - request.asked},
                    now);
    return true;
}

void Requests::on_time(state::Time now) {
    while (!until_.empty() && until_.begin()->first <= now) {
        const Waiting request = remove(waiting_.find(until_.begin()->second));
        request.handler({.answer = Answer::lost, .took = now - request.asked}, now);
    }
}

std::optional<state::Time> Requests::next_deadline() const {
    if (until_.empty()) return std::nullopt;
    return until_.begin()->first;
}

void Requests::stream_lost(state::Time now) {
    until_.clear();
    const All lost = std::exchange(waiting_, {});
    for (const auto& [id, request] : lost)
        request.handler({.answer = Answer::lost, .took = now - request.asked}, now);
}

}  // namespace lamplight::bus::xmpp
