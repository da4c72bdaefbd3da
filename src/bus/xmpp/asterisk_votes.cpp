// Ourselves, clients, who is there, time. What is heard: asterisk_receive.cpp; what is said:
// asterisk_outgoing.cpp.
#include "bus/xmpp/asterisk_votes.hpp"

#include "bus/xmpp/asterisk_votes_impl.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

namespace lamplight::bus::xmpp {

using c2s::Jid;
using state::Departure;
using state::Eid;
using state::Time;

namespace {

void earlier(std::optional<Time>& next, const std::optional<Time>& other) {
    if (other && (!next || *other < *next)) next = other;
}

}  // namespace

void AsteriskVotes::Output::clear() {
    changes.clear();
    mwi.clear();
    news.clear();
    refused.clear();
    leaves.clear();
}

std::uint64_t AsteriskVotes::Counters::refused_items() const {
    return std::accumulate(refused.begin(), refused.end(), std::uint64_t{0});
}

// --- ourselves ---

void AsteriskVotes::Impl::set_own_nodes(std::span<const state::Announcement> nodes) {
    constexpr std::size_t most = 1'024;
    const std::size_t before = common_.own.size();
    for (const state::Announcement& node : nodes) {
        const auto id = engine_.find_node(node.eid);
        if (!id || common_.own.find(*id) || common_.own.size() >= most) continue;
        common_.own.add({node.eid, *id});
    }
    if (common_.own.size() == before || goodbye_) return;
    for (auto& [id, client] : clients_)
        if (client.speaking) client.outgoing.dump();
}

void AsteriskVotes::Impl::on_changes(const state::Changes& changes) {
    if (!changes.nodes.empty()) look_for_lamplights_ = !speakers_.empty();
    for (const state::DeviceForgotten& forgotten : changes.forgotten)
        common_.told_devices.remove(state::index_of(forgotten.device));
    for (auto& [id, client] : clients_) {
        if (!changes.forgotten.empty()) client.outgoing.devices_forgotten(changes.forgotten);
        if (!client.speaking || goodbye_) continue;
        for (const state::OwnVoteChange& change : changes.own_votes)
            if (const auto place = common_.own.find(change.node))
                client.outgoing.vote_changed(*place, state::index_of(change.device));
    }
}

void AsteriskVotes::Impl::on_mwi_changes(std::span<const state::MwiOwnChange> changes) {
    if (goodbye_) return;
    for (auto& [id, client] : clients_) {
        if (!client.speaking) continue;
        for (const state::MwiOwnChange& change : changes)
            if (const auto place = common_.own.find(change.node))
                client.outgoing.mwi_changed(*place, change.mailbox);
    }
}

void AsteriskVotes::Impl::say_goodbye() {
    if (std::exchange(goodbye_, true)) return;
    using Withdrawals = AsteriskOutgoing::Withdrawals;
    for (auto& [id, client] : clients_) {
        // Who waits for a dump may be back from where it could not hear what was taken back.
        const bool some_wait = client.dump_at || !client.speaking;
        client.outgoing.say_goodbye(some_wait ? Withdrawals::repeated : Withdrawals::as_waiting);
        client.dump_at.reset();
        client.next_dump_at.reset();
        if (!client.has_audience()) client.outgoing.forget();
    }
}

bool AsteriskVotes::Impl::said_goodbye() const {
    return goodbye_ && std::all_of(clients_.begin(), clients_.end(), [](const auto& entry) {
               return !entry.second.has_audience() || entry.second.outgoing.said_goodbye();
           });
}

// --- clients ---

AsteriskClient& AsteriskVotes::Impl::client(ClientId id) {
    const auto [place, fresh] = clients_.try_emplace(id, common_, id);
    if (fresh && goodbye_) place->second.outgoing.say_goodbye(AsteriskOutgoing::Withdrawals::as_waiting);
    if (fresh && goodbye_) place->second.outgoing.forget();
    return place->second;
}

AsteriskClient* AsteriskVotes::Impl::find(ClientId id) {
    const auto found = clients_.find(id);
    return found == clients_.end() ? nullptr : &found->second;
}

const AsteriskClient* AsteriskVotes::Impl::find(ClientId id) const {
    const auto found = clients_.find(id);
    return found == clients_.end() ? nullptr : &found->second;
}

void AsteriskVotes::Impl::client_ready(ClientId id, const ClientSettings& settings, Output& out) {
    AsteriskClient& client = this->client(id);
    const ClientSettings before = std::exchange(client.settings, settings);
    if (client.ready && before.service == settings.service && before.collection == settings.collection) {
        client.outgoing.configure(settings);
        return;
    }
    client.service = c2s::parse_jid(settings.service);
    client.ready = true;
    client.speaking = false;
    client.outgoing.begin(settings);
    refresh_all(out);
    if (client.has_audience()) want_dump(client);
}

/// Its buddies are out of sight, and EIDs that are tied to nobody were heard here only: until they are heard
/// again they are silent, so that their lamps are marked stale while we are cut off.
void AsteriskVotes::Impl::client_lost(ClientId id, Output& out) {
    AsteriskClient& client = this->client(id);
    client.ready = false;
    client.listeners.clear();
    common_.counters.publish_lost += client.outgoing.under_way();
    for (auto& [eid, speaker] : speakers_) {
        std::erase_if(speaker.seen, [&](const auto& seen) { return seen.first == id; });
        speaker.heard.erase(id);
    }
    refresh_all(out);
    refresh_audience();
}

void AsteriskVotes::Impl::client_retired(ClientId id, Output& out) {
    if (!clients_.contains(id)) return;
    client_lost(id, out);
    clients_.erase(id);
    for (auto& [eid, speaker] : speakers_)
        speaker.ever.erase(id);
}

// --- who is there ---

void AsteriskVotes::Impl::came(ClientId id, const Jid& jid, std::optional<Eid> eid, Output& out) {
    AsteriskClient& client = this->client(id);
    if (!eid) eid = tied_to(jid);
    const auto [place, fresh] = client.listeners.try_emplace(jid, eid);
    if (!fresh && place->second == eid) return;
    if (!fresh && place->second) speakers_[*place->second].seen.erase({id, jid});
    place->second = eid;
    if (eid) {
        know_tie(*eid, jid);
        speakers_[*eid].seen.insert({id, jid});
    }
    refresh_all(out);
    refresh_audience();
    if (fresh) want_dump(client);
}

void AsteriskVotes::Impl::gone(ClientId id, const Jid& jid, Output& out) {
    AsteriskClient& client = this->client(id);
    const auto listener = client.listeners.extract(jid);
    if (listener.empty()) return;
    if (const auto& eid = listener.mapped()) {
        Speaker& speaker = speakers_[*eid];
        speaker.seen.erase({id, jid});
        refresh(speaker, *eid, out);
    }
    refresh_audience();
}

/// Of several EIDs of an account, the one of this resource.
std::optional<Eid> AsteriskVotes::Impl::tied_to(const Jid& jid) const {
    if (!tied_jids_.contains(jid.bare())) return std::nullopt;
    std::optional<Eid> found;
    for (const auto& [eid, tied] : ties_) {
        if (tied == jid) return eid;
        if (tied == jid.bare()) found = eid;
    }
    return found;
}

void AsteriskVotes::Impl::know_tie(const Eid& eid, const Jid& jid) {
    ties_.try_emplace(eid, jid.bare());
    refresh_ties();
}

void AsteriskVotes::Impl::refresh_ties() {
    tied_jids_.clear();
    for (const auto& [eid, jid] : ties_)
        tied_jids_.insert(jid.bare());
}

/// Who was known to be out of sight stays so without its tie, until it is heard.
void AsteriskVotes::Impl::set_ties(std::span<const Tie> ties, Output& out) {
    const auto before = std::exchange(ties_, {});
    for (const Tie& tie : ties)
        ties_.insert_or_assign(tie.eid, tie.jid);
    refresh_ties();
    for (auto& [eid, speaker] : speakers_) {
        if (before.contains(eid) && !ties_.contains(eid) && speaker.seen.empty()) speaker.heard.clear();
        speaker.seen.clear();
    }
    for (auto& [id, client] : clients_)
        for (auto& [jid, eid] : client.listeners) {
            eid = tied_to(jid);
            if (eid) speakers_[*eid].seen.insert({id, jid});
        }
    std::erase_if(speakers_,
                  [](const auto& entry) { return !entry.second.sender && entry.second.seen.empty(); });
    refresh_all(out);
    refresh_audience();
}

/// Tells the engine when it is there or out of sight otherwise than before.
void AsteriskVotes::Impl::refresh(Speaker& speaker, const Eid& eid, Output& out) {
    if (!speaker.seen.empty()) speaker.believed_until.reset();
    bool present = !speaker.seen.empty() || speaker.believed_until.has_value();
    const bool tied = ties_.contains(eid);
    if (!tied) present = !speaker.heard.empty();
    if (speaker.sender) engine_.set_end_unseen(*speaker.sender, !tied);
    if (std::exchange(speaker.present, present) == present || !speaker.sender) return;
    if (present)
        engine_.sender_present(*speaker.sender, common_.now, out.changes);
    else
        engine_.sender_gone(*speaker.sender, Departure::silent, common_.now, out.changes);
}

void AsteriskVotes::Impl::refresh_all(Output& out) {
    for (auto& [eid, speaker] : speakers_)
        refresh(speaker, eid, out);
}

void AsteriskVotes::Impl::refresh_audience() {
    ClientSet untied;
    for (const auto& [eid, speaker] : speakers_)
        if (speaker.sender && !ties_.contains(eid)) untied.insert(speaker.ever.begin(), speaker.ever.end());
    for (auto& [id, client] : clients_) {
        client.untied = untied.contains(id);
        if (client.has_audience()) continue;
        client.outgoing.forget();
        client.speaking = false;
        client.dump_at.reset();
        client.next_dump_at.reset();
    }
}

/// Who comes while a dump waits to begin gets one more, since its own delay is not over then.
void AsteriskVotes::Impl::want_dump(AsteriskClient& client) const {
    if (!client.has_audience() || goodbye_) return;
    std::optional<Time>& at = client.dump_at ? client.next_dump_at : client.dump_at;
    at = common_.now + dump_delay;
}

/// The EID is a Lamplight: until its votes come that way those held go on to count, as after the goodbye of
/// one that restarts. For the engine its sender here says that it comes back, and ends.
bool AsteriskVotes::Impl::hand_over(const Eid& eid, Speaker& speaker, Output& out) {
    if (!speaker.sender || !is_lamplight_(eid)) return false;
    engine_.sender_gone(*speaker.sender, Departure::restarting, common_.now, out.changes);
    engine_.sender_gone(*speaker.sender, Departure::failed, common_.now, out.changes);
    speaker.sender.reset();
    speaker.heard.clear();
    speaker.ever.clear();
    --senders_;
    return true;
}

void AsteriskVotes::Impl::hand_over_lamplights(Output& out) {
    if (!std::exchange(look_for_lamplights_, false)) return;
    bool any = false;
    for (auto& [eid, speaker] : speakers_)
        any = hand_over(eid, speaker, out) || any;
    if (any) refresh_audience();
}

/// Who votes and whose presence did not follow is not there.
void AsteriskVotes::Impl::doubt(Output& out) {
    if (!next_doubt_ || *next_doubt_ > common_.now) return;
    next_doubt_.reset();
    for (auto& [eid, speaker] : speakers_) {
        if (!speaker.believed_until) continue;
        if (*speaker.believed_until <= common_.now) {
            speaker.believed_until.reset();
            refresh(speaker, eid, out);
        }
        earlier(next_doubt_, speaker.believed_until);
    }
}

// --- time ---

std::optional<Time> AsteriskVotes::Impl::next_deadline() const {
    if (!news_.empty() || look_for_lamplights_) return common_.now;
    std::optional<Time> next = next_doubt_;
    for (const auto& [id, client] : clients_) {
        earlier(next, client.dump_at);
        earlier(next, client.outgoing.next_deadline());
    }
    return next;
}

void AsteriskVotes::Impl::on_time(Output& out) {
    hand_over_lamplights(out);
    doubt(out);
    for (auto& [id, client] : clients_) {
        if (!client.dump_at || *client.dump_at > common_.now) continue;
        client.dump_at = std::exchange(client.next_dump_at, std::nullopt);
        client.speaking = true;
        client.outgoing.dump();
    }
}

void AsteriskVotes::Impl::tell(Output& out) {
    for (auto& [id, client] : clients_)
        client.outgoing.tell(out);
    out.news.insert(out.news.end(), std::make_move_iterator(news_.begin()),
                    std::make_move_iterator(news_.end()));
    news_.clear();
}

std::vector<AsteriskVotes::EidView> AsteriskVotes::Impl::eids() const {
    std::vector<EidView> views;
    for (const auto& [eid, speaker] : speakers_) {
        if (!speaker.sender) continue;
        const auto tie = ties_.find(eid);
        const bool tied = tie != ties_.end();
        views.push_back({eid, tied ? c2s::to_string(tie->second) : speaker.service, tied, speaker.present});
    }
    return views;
}

// --- the public face ---

AsteriskVotes::AsteriskVotes(state::Engine& engine, const state::MwiTable& mwi, IsLamplight is_lamplight)
    : impl_(std::make_unique<Impl>(engine, mwi, std::move(is_lamplight))) {}
AsteriskVotes::~AsteriskVotes() = default;

void AsteriskVotes::set_own_nodes(std::span<const state::Announcement> nodes) {
    impl_->set_own_nodes(nodes);
}
void AsteriskVotes::set_ties(std::span<const Tie> ties, Time now, Output& out) {
    impl_->common_.now = now;
    impl_->set_ties(ties, out);
    impl_->tell(out);
}
void AsteriskVotes::on_changes(const state::Changes& changes) {
    impl_->on_changes(changes);
}
void AsteriskVotes::on_mwi_changes(std::span<const state::MwiOwnChange> changes) {
    impl_->on_mwi_changes(changes);
}
void AsteriskVotes::client_ready(ClientId client, const ClientSettings& settings, Time now, Output& out) {
    impl_->common_.now = now;
    impl_->client_ready(client, settings, out);
    impl_->tell(out);
}
void AsteriskVotes::client_lost(ClientId client, Time now, Output& out) {
    impl_->common_.now = now;
    impl_->client_lost(client, out);
    impl_->tell(out);
}
void AsteriskVotes::client_retired(ClientId client, Time now, Output& out) {
    impl_->common_.now = now;
    impl_->client_retired(client, out);
    impl_->tell(out);
}
void AsteriskVotes::node_ready(ClientId client, std::string_view node, Time now, Output& out) {
    impl_->common_.now = now;
    impl_->client(client).outgoing.node_ready(node);
    impl_->tell(out);
}
void AsteriskVotes::node_failed(ClientId client, std::string_view node) {
    if (AsteriskClient* const found = impl_->find(client)) found->outgoing.node_failed(node);
}
void AsteriskVotes::came(ClientId client, const Jid& jid, std::optional<Eid> eid, Time now, Output& out) {
    impl_->common_.now = now;
    impl_->came(client, jid, eid, out);
    impl_->tell(out);
}
void AsteriskVotes::gone(ClientId client, const Jid& jid, Time now, Output& out) {
    impl_->common_.now = now;
    impl_->gone(client, jid, out);
    impl_->tell(out);
}
void AsteriskVotes::receive(ClientId client, const wire::pubsub::Event& event,
                            const std::function<bool(const Jid&)>& is_buddy, Time now, Output& out) {
    impl_->common_.now = now;
    impl_->receive(client, event, is_buddy, out);
    impl_->tell(out);
}
AsteriskVotes::Wants AsteriskVotes::wants_to_send(ClientId client) const {
    const AsteriskClient* const found = impl_->find(client);
    return found != nullptr && found->has_audience() ? found->outgoing.wants_to_send() : Wants::nothing;
}
std::optional<AsteriskVotes::Taken> AsteriskVotes::take(ClientId client, Time now) {
    impl_->common_.now = now;
    if (wants_to_send(client) == Wants::nothing) return std::nullopt;
    return impl_->client(client).outgoing.take();
}
void AsteriskVotes::answered(ClientId client, std::uint64_t tag, Answer answer,
                             const wire::xml::Element* error, Time now, Output& out) {
    impl_->common_.now = now;
    if (AsteriskClient* const found = impl_->find(client)) found->outgoing.answered(tag, answer, error);
    impl_->tell(out);
}
void AsteriskVotes::say_goodbye() {
    impl_->say_goodbye();
}
bool AsteriskVotes::said_goodbye() const {
    return impl_->said_goodbye();
}
std::optional<Time> AsteriskVotes::next_deadline() const {
    return impl_->next_deadline();
}
void AsteriskVotes::on_time(Time now, Output& out) {
    impl_->common_.now = now;
    impl_->on_time(out);
    impl_->tell(out);
}
const AsteriskVotes::Counters& AsteriskVotes::counters() const {
    return impl_->common_.counters;
}
std::uint64_t AsteriskVotes::waiting(ClientId client) const {
    const AsteriskClient* const found = impl_->find(client);
    return found == nullptr ? 0 : found->outgoing.waiting();
}
bool AsteriskVotes::has_audience(ClientId client) const {
    const AsteriskClient* const found = impl_->find(client);
    return found != nullptr && found->has_audience();
}
std::vector<AsteriskVotes::EidView> AsteriskVotes::eids() const {
    return impl_->eids();
}
std::size_t AsteriskVotes::clients() const {
    return impl_->clients();
}

}  // namespace lamplight::bus::xmpp
