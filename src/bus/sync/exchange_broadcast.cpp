// The one lane for the changes of all who hear it, and what comes that way (Reach::each_and_all).
#include "bus/sync/exchange.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace lamplight::bus::sync {

using namespace wire::vote;

// --- who hears it ---

bool Exchange::hears(const Peer& peer) const {
    return broadcast_ready_ && peer.hears_broadcast && peer.present;
}

bool Exchange::hears_broadcast(PeerId id) const {
    const auto found = peers_.find(id);
    return found != peers_.end() && hears(found->second);
}

/// What is said to the peer takes two ways from now on, or one.
void Exchange::join_lanes(const Peer& peer) {
    if (Lane* own = lane(lane_of(peer.id)); own != nullptr && broadcast_)
        own->also_by(hears(peer) ? broadcast_.get() : nullptr);
}

void Exchange::broadcast_ready() {
    if (!broadcast_ || goodbye_) return;
    broadcast_ready_ = true;
    for (auto& [id, peer] : peers_)
        join_lanes(peer);
}

void Exchange::broadcast_lost() {
    if (!broadcast_ready_) return;
    for (auto& [id, peer] : peers_)
        if (Lane* own = hears(peer) ? lane(lane_of(id)) : nullptr) broadcast_->copy_to(*own);
    broadcast_ready_ = false;
    broadcast_->clear();
    for (auto& [id, peer] : peers_)
        join_lanes(peer);
}

void Exchange::peer_hears_broadcast(PeerId id) {
    const auto found = peers_.find(id);
    if (!broadcast_ || found == peers_.end() || found->second.ended) return;
    found->second.hears_broadcast = true;
    join_lanes(found->second);
}

void Exchange::peer_misses_broadcast(PeerId id, state::Time now) {
    const auto found = peers_.find(id);
    if (found == peers_.end() || !found->second.hears_broadcast) return;
    Peer& peer = found->second;
    const bool heard = hears(peer);
    stop_hearing(peer);
    peer.hears_broadcast = false;
    join_lanes(peer);
    if (heard) say_digests_to(peer, now);
}

/// Whatever it may not have heard goes its own way; nothing waits where nobody listens.
void Exchange::stop_hearing(Peer& peer) {
    if (!hears(peer)) return;
    if (Lane* own = lane(lane_of(peer.id))) {
        broadcast_->copy_to(*own);
        say_lately_broadcast(*own);
        own->also_by(nullptr);
    }
    const bool others = std::ranges::any_of(
        peers_, [&](const auto& other) { return other.first != peer.id && hears(other.second); });
    if (!others) broadcast_->clear();
}

/// A broadcast is taken by a service, not by who listens: what it lost of the votes the digest tells, but
/// counts are in none.
void Exchange::say_lately_broadcast(Lane& to) const {
    for (const auto& [place, mailbox] : lately_)
        to.mwi_changed(place, mailbox);
}

// --- what is said ---

/// The lanes of all who do not hear the broadcast; says whether anybody does.
template <typename Do>
bool Exchange::for_each_lane_of_changes(Do&& action) {
    if (everybody_ && peers() > 0) action(*everybody_);
    if (!broadcast_ready_) {
        for (auto& [id, own] : lanes_)
            action(*own);
        return false;
    }
    bool heard = false;
    for (auto& [id, peer] : peers_) {
        const bool hears_it = hears(peer);
        heard = heard || hears_it;
        if (Lane* own = hears_it ? nullptr : lane(lane_of(id))) action(*own);
    }
    return heard;
}

void Exchange::say_change(std::size_t place, state::DeviceId device) {
    const bool heard = for_each_lane_of_changes([&](Lane& own) { own.vote_changed(place, device); });
    if (heard) broadcast_->vote_changed(place, device);
}

void Exchange::say_change(std::size_t place, const state::Mailbox& mailbox) {
    const bool heard = for_each_lane_of_changes([&](Lane& own) { own.mwi_changed(place, mailbox); });
    if (!heard) return;
    broadcast_->mwi_changed(place, mailbox);
    lately_.emplace(place, mailbox);
}

// --- what is heard ---

void Exchange::receive_broadcast(PeerId id, wire::Bytes bytes, state::Time now, Output& out) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    Peer& peer = found->second;
    ++counters_.frames_in;
    ++counters_.broadcasts_in;
    if (peer.ended || peer.said_goodbye) return;
    const auto frame = decode(bytes);
    if (!frame) return refused(peer, frame.error(), out);
    if (const auto* mwi = std::get_if<MwiView>(&*frame))
        return take_mwi(peer, *mwi, Way::broadcast, now, out);
    const auto* votes = std::get_if<VotesView>(&*frame);
    if (votes == nullptr || votes->table != frame_table)
        return refused(peer, {Refusal::misplaced, format}, out);
    take_votes(peer, *votes, Way::broadcast, now, out);
}

void Exchange::remember(Peer& peer, Overtaking vote) {
    auto& late = peer.overtaking;
    while (!late.empty() &&
           (late.size() >= Peer::most_overtaking || vote.at - late.front().at > Peer::overtakes_within))
        late.pop_front();
    late.push_back(std::move(vote));
}

/// A change that came before the begin of a snapshot may have been said after it. Its node has not forgotten
/// it since; the snapshot's end must not drop it.
void Exchange::repeat_what_overtook(Peer& peer, state::NodeId node, state::Time now, Output& out) {
    batch_.clear();
    for (const Overtaking& late : peer.overtaking) {
        if (now - late.at > Peer::overtakes_within) continue;
        if (const auto* vote = std::get_if<state::Vote>(&late.vote); vote != nullptr && vote->node == node)
            batch_.push_back(*vote);
        if (const auto* counts = std::get_if<state::MwiVote>(&late.vote);
            counts != nullptr && counts->node == node)
            out.mwi.emplace_back(*counts);
    }
    apply_batch(now, out);
}

}  // namespace lamplight::bus::sync
