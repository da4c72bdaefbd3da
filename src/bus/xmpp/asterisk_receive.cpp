// What is heard from PubSub nodes.
#include "bus/xmpp/asterisk_votes_impl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

namespace lamplight::bus::xmpp {

using c2s::Jid;
using state::Eid;
using wire::pubsub::Event;
using wire::pubsub::EventItem;
using wire::pubsub::MailboxItem;
using wire::pubsub::Payload;
using wire::pubsub::Refusal;
using wire::pubsub::StateItem;

namespace {

/// Of what a peer may have made as long as it liked.
std::string shortened(std::string_view text) {
    constexpr std::size_t most = 100;
    return std::string(text.substr(0, most));
}

const Eid* eid_of(const Payload& payload) {
    if (const auto* state = std::get_if<StateItem>(&payload)) return &state->eid;
    if (const auto* mailbox = std::get_if<MailboxItem>(&payload)) return &mailbox->eid;
    return nullptr;
}

/// `publisher` may be bare although the tie is not: then nobody says which client of the account it was.
bool is_of(const Jid& publisher, const Jid& tie) {
    if (publisher.bare() != tie.bare()) return false;
    return publisher.is_bare() || tie.is_bare() || publisher.resource == tie.resource;
}

}  // namespace

void AsteriskVotes::Impl::receive(ClientId id, const Event& event, const IsBuddy& is_buddy, Output& out) {
    Counters& counters = common_.counters;
    const AsteriskClient& client = this->client(id);
    if (!client.ready) return;
    if (!is_service(client, event.from)) {
        counters.from_strangers += event.items.size();
        if (!event.items.empty()) stranger(id, event.from);
        return;
    }
    const bool all = event.kind == Event::Kind::purged || event.kind == Event::Kind::deleted;
    counters.retracts += event.retracted.size() + (all ? 1 : 0);
    for (const EventItem& item : event.items)
        take_item(id, event, item, is_buddy, out);
}

bool AsteriskVotes::Impl::is_service(const AsteriskClient& client, std::string_view from) const {
    if (from == client.settings.service) return true;
    return client.service && c2s::parse_jid(from) == client.service;
}

void AsteriskVotes::Impl::stranger(ClientId id, const std::string& who) {
    std::string text = shortened(who);
    if (said_strangers_.may_say(text, common_.now))
        news_.push_back({News::Kind::stranger, id, std::move(text)});
}

void AsteriskVotes::Impl::refused(ClientId id, const Event& event, Refusal reason) {
    const auto index = static_cast<std::size_t>(reason);
    ++common_.counters.refused[index];
    std::optional<state::Time>& said = client(id).complained[index];
    if (said && common_.now - *said < SaidLately::pause) return;
    said = common_.now;
    news_.push_back({News::Kind::malformed, id,
                     fmt::format("{}, in node {} of {}", wire::pubsub::to_string(reason),
                                 shortened(event.node), shortened(event.from))});
}

/// In this order: our own come back whoever is named, and what a Lamplight says here is for others.
void AsteriskVotes::Impl::take_item(ClientId id, const Event& event, const EventItem& item,
                                    const IsBuddy& is_buddy, Output& out) {
    Counters& counters = common_.counters;
    ++counters.items_in;
    if (!item.payload) return refused(id, event, item.payload.error());
    const Eid* const eid = eid_of(*item.payload);
    if (eid == nullptr) return refused(id, event, Refusal::unknown_payload);
    if (is_own(*eid)) {
        ++counters.own_items;
        return;
    }
    if (is_lamplight_(*eid)) {
        ++counters.from_lamplights;
        look_for_lamplights_ = look_for_lamplights_ || speakers_.contains(*eid);
        return;
    }
    Source source{id, event, std::nullopt};
    if (!item.publisher.empty()) {
        source.publisher = c2s::parse_jid(item.publisher);
        if (!source.publisher || !is_buddy(*source.publisher)) {
            ++counters.from_strangers;
            return stranger(id, item.publisher);
        }
    }
    take_from(source, *eid, *item.payload, out);
}

bool AsteriskVotes::Impl::is_own(const Eid& eid) const {
    const auto node = engine_.find_node(eid);
    return node && engine_.node(*node).own;
}

void AsteriskVotes::Impl::take_from(const Source& source, const Eid& eid, const Payload& payload,
                                    Output& out) {
    if (!may_speak_as(source, eid)) {
        ++common_.counters.wrong_eid;
        return;
    }
    const Speaker* const speaker = hear(source, eid, out);
    if (speaker == nullptr) {
        ++common_.counters.over_limit;
        return;
    }
    if (const auto* state = std::get_if<StateItem>(&payload)) return apply(*speaker, *state, out);
    apply(std::get<MailboxItem>(payload), out);
}

/// Where the publisher is named, an EID is heard from the JID that it is tied to, and a JID with an EID with
/// no other.
bool AsteriskVotes::Impl::may_speak_as(const Source& source, const Eid& eid) {
    if (!source.publisher) return true;
    const auto tie = ties_.find(eid);
    const bool tied = tie != ties_.end();
    if (tied ? is_of(*source.publisher, tie->second) : !tied_jids_.contains(source.publisher->bare()))
        return true;
    const std::string whose = tied ? "tied to " + c2s::to_string(tie->second) : "not its own";
    const std::string text =
        fmt::format("{} from {}, {}", state::to_string(eid), c2s::to_string(source.publisher->bare()), whose);
    if (said_wrong_eids_.may_say(text, common_.now))
        news_.push_back({News::Kind::wrong_eid, source.id, text});
    return false;
}

/// Whoever votes with the EID, heard now; nullptr at a limit.
Speaker* AsteriskVotes::Impl::hear(const Source& source, const Eid& eid, Output& out) {
    const auto known = speakers_.find(eid);
    Speaker* const speaker =
        known != speakers_.end() && known->second.sender ? &known->second : open(source, eid, out);
    if (speaker == nullptr) return nullptr;
    const bool tied = ties_.contains(eid);
    const bool first_here = speaker->ever.insert(source.id).second;
    speaker->heard.insert(source.id);
    if (tied && speaker->seen.empty()) {
        speaker->believed_until = common_.now + presence_follows;
        if (!next_doubt_ || *speaker->believed_until < *next_doubt_) next_doubt_ = speaker->believed_until;
    }
    refresh(*speaker, eid, out);
    if (first_here && !tied) {
        refresh_audience();
        want_dump(this->client(source.id));
    }
    return speaker;
}

Speaker* AsteriskVotes::Impl::open(const Source& source, const Eid& eid, Output& out) {
    if (senders_ >= most_eids) return nullptr;
    const auto node = engine_.intern_node(eid, out.changes);
    if (!node) return nullptr;
    const auto tie = ties_.find(eid);
    const std::string via = state::to_string(eid) + " via " + shortened(source.event.from);
    const std::string label = tie != ties_.end() ? c2s::to_string(tie->second) : via;
    const auto sender = engine_.open_sender(state::Bus::xmpp_plain, label, out.changes);
    if (!sender) return nullptr;
    // So that the engine knows whose end ends its votes and counts, also when it only ever sends counts.
    engine_.announce(*sender, {eid, {}, 0, {}}, common_.now, out.changes);
    Speaker& speaker = speakers_[eid];
    speaker.sender = sender;
    speaker.service = source.event.from;
    speaker.present = true;
    ++senders_;
    const std::string text = tie != ties_.end() ? state::to_string(eid) + " from " + label : via;
    news_.push_back({News::Kind::heard_first, source.id, text});
    return &speaker;
}

void AsteriskVotes::Impl::apply(const Speaker& speaker, const StateItem& item, Output& out) {
    const auto node = engine_.find_node(item.eid);
    const auto device = node ? engine_.intern_device(item.device, out.changes) : std::nullopt;
    if (!device) {
        ++common_.counters.over_limit;
        return;
    }
    ++common_.counters.states_in;
    const state::Vote vote{*device,       *node,           item.state, state::VoteKind::state,
                           item.cachable, *speaker.sender, {}};
    engine_.apply({&vote, 1}, common_.now, out.changes);
}

/// As the engine decides about votes: this bus owns the node.
void AsteriskVotes::Impl::apply(const MailboxItem& item, Output& out) {
    const auto node = engine_.find_node(item.eid);
    if (!node || engine_.node(*node).owner != state::Bus::xmpp_plain) return;
    ++common_.counters.mailboxes_in;
    const state::MessageCounts counts{item.new_messages, item.old_messages};
    out.mwi.emplace_back(state::MwiVote{item.mailbox, *node, counts, state::VoteKind::state, {}});
}

}  // namespace lamplight::bus::xmpp
