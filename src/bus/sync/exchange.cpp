// Ourselves, peers' coming and going, lanes, time. What frames bring about: exchange_frames.cpp.
#include "bus/sync/exchange.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace lamplight::bus::sync {

using wire::vote::Goodbye;
using wire::vote::Link;
using wire::vote::Speaks;

void Output::clear() {
    changes.clear();
    raises.clear();
    news.clear();
    mwi.clear();
}

Exchange::Exchange(state::Engine& engine, const state::MwiTable& mwi, Settings settings)
    : engine_(engine), mwi_(mwi), settings_(std::move(settings)) {
    if (settings_.reach == Settings::Reach::everybody) everybody_ = make_lane();
    if (settings_.reach == Settings::Reach::each_and_all)
        broadcast_ =
            std::make_unique<Lane>(engine_, mwi_, own_, counters_, settings_.software, Lane::Names::always);
}

Exchange::~Exchange() = default;

// --- lanes ---

LaneId Exchange::lane_of(PeerId peer) const {
    return everybody_ ? everybody : LaneId{static_cast<std::uint32_t>(peer)};
}

const Lane* Exchange::lane(LaneId id) const {
    if (everybody_) return id == everybody ? everybody_.get() : nullptr;
    if (broadcast_ && id == everybody) return broadcast_.get();
    const auto found = lanes_.find(id);
    return found == lanes_.end() ? nullptr : found->second.get();
}

Lane* Exchange::lane(LaneId id) {
    return const_cast<Lane*>(std::as_const(*this).lane(id));
}

/// Those on which somebody listens, and hears more than changes.
template <typename Do>
void Exchange::for_each_lane(Do&& action) {
    if (everybody_ && peers() > 0) action(*everybody_);
    for (auto& [id, lane] : lanes_)
        action(*lane);
}

std::unique_ptr<Lane> Exchange::make_lane() {
    return std::make_unique<Lane>(engine_, mwi_, own_, counters_, settings_.software);
}

void Exchange::drop_lane_of(const Peer& peer) {
    if (!everybody_)
        lanes_.erase(lane_of(peer.id));
    else if (peers() == 0)
        everybody_->clear();
}

bool Exchange::wants_to_send(LaneId id) const {
    const Lane* found = lane(id);
    return found != nullptr && found->wants_to_send();
}

bool Exchange::has_fresh(LaneId id) const {
    const Lane* found = lane(id);
    return found != nullptr && found->has_fresh();
}

Taken Exchange::take_frame(LaneId id, wire::MutableBytes out) {
    Lane* found = lane(id);
    return found == nullptr ? Taken{} : found->take(out);
}

void Exchange::frame_delivered(LaneId id, FrameId frame) {
    if (Lane* found = lane(id)) found->delivered(frame);
}

void Exchange::frame_lost(LaneId id, FrameId frame) {
    if (Lane* found = lane(id)) found->lost(frame);
}

void Exchange::say_goodbye(Goodbye::How how) {
    goodbye_ = how;
    broadcast_lost();  // a goodbye is the last word, so no change may go another way
    for_each_lane([&](Lane& lane) { lane.say_goodbye(how); });
}

bool Exchange::said_goodbye(LaneId id) const {
    if (broadcast_ && id == everybody) return true;
    const Lane* found = lane(id);
    return found == nullptr || (everybody_ && peers() == 0) || found->said_goodbye();
}

// --- ourselves ---

void Exchange::set_own_nodes(std::span<const state::Announcement> nodes) {
    for (const state::Announcement& node : nodes) {
        const auto id = engine_.find_node(node.eid);
        if (!id || own_.size() >= wire::vote::max_hello_nodes) continue;
        auto place = own_.find(*id);
        if (!place) {
            place = own_.size();
            own_.add({node.eid, *id, {}, {}, 0, {}, 0, {}});
        }
        own_[*place].speaks =
            node.speaks == state::Announcement::Speaks::for_pbx ? Speaks::for_pbx : Speaks::for_itself;
        own_[*place].name = node.name;
        refresh_own(*place, engine_.node(*id));
        for_each_lane([](Lane& lane) { lane.say_hello(); });
    }
}

/// Takes over what the engine knows of our node now, and says it where it is news.
void Exchange::refresh_own(std::size_t place, const state::NodeView& node) {
    OwnNode& own = own_[place];
    if (own.incarnation != node.incarnation) {
        own.incarnation = node.incarnation;
        own.digest.reset();
        for_each_lane([&](Lane& lane) {
            lane.say_hello();
            lane.restart_snapshot(place);
        });
    }
    const Link link = node.pbx_lost ? Link::down : Link::up;
    if (own.pbx_link == link) return;
    own.pbx_link = link;
    for_each_lane([&](Lane& lane) { lane.pbx_link_changed(place); });
}

void Exchange::on_changes(const state::Changes& changes) {
    std::optional<state::NodeId> looked_at;
    std::optional<std::size_t> place;
    for (const state::OwnVoteChange& change : changes.own_votes) {
        if (change.node != looked_at) {
            looked_at = change.node;
            place = own_.find(change.node);
            if (place) refresh_own(*place, engine_.node(change.node));
        }
        if (!place) continue;
        own_[*place].digest.reset();
        say_change(*place, change.device);
    }
    for (const state::NodeChange& change : changes.nodes) {
        if (const auto own = own_.find(change.node)) refresh_own(*own, engine_.node(change.node));
        if (change.cause == state::Cause::owner_bus_moved && change.bus == settings_.bus)
            follow_moved(change);
    }
    follow_forgotten(changes.forgotten);
}

/// What is held of the node came by another bus and waits to be confirmed on this one.
void Exchange::follow_moved(const state::NodeChange& change) {
    for (auto& [id, peer] : peers_) {
        for (PeerNode& node : peer.nodes) {
            if (node.id != change.node || node.outcome != state::AnnounceOutcome::accepted) continue;
            if (settings_.catch_up == Settings::CatchUp::difference)
                request_since(peer, node);
            else if (Lane* to = lane(lane_of(id)))
                to->request_snapshot(node.announcement.eid);
        }
    }
}

void Exchange::on_mwi_changes(std::span<const state::MwiOwnChange> changes) {
    for (const state::MwiOwnChange& change : changes) {
        const auto place = own_.find(change.node);
        if (!place) continue;
        refresh_own(*place, engine_.node(change.node));
        say_change(*place, change.mailbox);
    }
}

void Exchange::follow_forgotten(const std::vector<state::DeviceForgotten>& forgotten) {
    if (forgotten.empty()) return;
    for (auto& [id, peer] : peers_) {
        peer.names.forget(forgotten, engine_);
        std::erase_if(peer.overtaking, [&](const Overtaking& late) {
            const auto* vote = std::get_if<state::Vote>(&late.vote);
            return vote != nullptr && std::ranges::any_of(forgotten, [&](const state::DeviceForgotten& gone) {
                       return gone.device == vote->device;
                   });
        });
    }
    const auto forget = [&](Lane& lane) {
        for (const state::DeviceForgotten& device : forgotten)
            lane.device_forgotten(device.device);
    };
    if (everybody_) forget(*everybody_);
    for (auto& [id, lane] : lanes_)
        forget(*lane);
}

// --- peers ---

std::size_t Exchange::peers() const {
    return static_cast<std::size_t>(
        std::count_if(peers_.begin(), peers_.end(), [](const auto& peer) { return peer.second.present; }));
}

const std::vector<PeerNode>& Exchange::nodes_of(PeerId peer) const {
    static const std::vector<PeerNode> none;
    const auto found = peers_.find(peer);
    return found == peers_.end() ? none : found->second.nodes;
}

std::uint64_t Exchange::waiting() const {
    std::uint64_t waiting = everybody_ ? everybody_->waiting() : 0;
    if (broadcast_) waiting += broadcast_->waiting();
    for (const auto& [id, lane] : lanes_)
        waiting += lane->waiting();
    return waiting;
}

std::optional<PeerId> Exchange::peer_joined(std::string label, state::Time now, Output& out) {
    const auto sender = engine_.open_sender(settings_.bus, label, out.changes);
    if (!sender) return std::nullopt;
    const PeerId id{++last_peer_};
    Peer& peer = peers_[id];
    peer.id = id;
    peer.sender = *sender;
    peer.label = std::move(label);
    if (!everybody_) lanes_.emplace(lane_of(id), make_lane());
    greet(lane_of(id), now);
    return id;
}

void Exchange::greet(LaneId to, state::Time now) {
    Lane& lane = *this->lane(to);
    lane.renew_names();
    lane.say_hello();
    lane.send_snapshots_of_all();
    if (goodbye_) lane.say_goodbye(*goodbye_);
    if (!next_digest_) next_digest_ = now + settings_.digest_every;
}

void Exchange::peer_present(PeerId id, state::Time now, Output& out) {
    const auto found = peers_.find(id);
    if (found == peers_.end() || found->second.ended) return;
    Peer& peer = found->second;
    peer.present = true;
    peer.said_goodbye = false;
    engine_.sender_present(peer.sender, now, out.changes);
    const bool lane_kept = everybody_ || lane(lane_of(id)) != nullptr;
    if (!lane_kept) lanes_.emplace(lane_of(id), make_lane());
    join_lanes(peer);
    if (settings_.catch_up == Settings::CatchUp::difference && lane_kept) return welcome_back(peer, now);
    peer.names.clear();
    greet(lane_of(id), now);
}

/// What we wanted to say to it meanwhile waits still; whether it has all that was said before, it finds out.
void Exchange::welcome_back(Peer& peer, state::Time now) {
    lane(lane_of(peer.id))->say_hello();
    say_digests_to(peer, now);
}

void Exchange::say_digests_to(Peer& peer, state::Time now) {
    if (Lane* to = lane(lane_of(peer.id))) to->say_digests();
    peer.digests_said_at = now;
    if (!next_digest_) next_digest_ = now + settings_.digest_every;
}

void Exchange::peer_gone(PeerId id, state::Departure departure, state::Time now, Output& out) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    end_peer(found->second, departure, now, out);
    const bool may_return =
        departure == state::Departure::silent || departure == state::Departure::restarting;
    if (may_return) return;
    const Peer gone = std::move(found->second);
    peers_.erase(found);
    drop_lane_of(gone);
}

void Exchange::end_peer(Peer& peer, state::Departure departure, state::Time now, Output& out) {
    if (departure == state::Departure::silent) remember_where_it_stopped(peer);
    stop_hearing(peer);
    peer.present = false;
    for (PeerNode& node : peer.nodes) {
        node.snapshot.reset();
        node.asked_at.reset();
    }
    if (peer.ended) return;
    peer.ended = departure != state::Departure::silent && departure != state::Departure::restarting;
    if (peer.ended) peer.hears_broadcast = false;
    engine_.sender_gone(peer.sender, departure, now, out.changes);
    offer_nodes_of(peer, now, out);
}

void Exchange::remember_where_it_stopped(Peer& peer) {
    if (settings_.catch_up != Settings::CatchUp::difference) return;
    for (PeerNode& node : peer.nodes) {
        if (node.outcome != state::AnnounceOutcome::accepted) continue;
        node.was_silent = true;
        node.since_asked = false;
        if (!node.resumes) node.resumes = engine_.newest_version(*node.id);
    }
}

/// What `gone` spoke for, a peer that was refused as its duplicate may speak for now.
void Exchange::offer_nodes_of(const Peer& gone, state::Time now, Output& out) {
    for (const PeerNode& free : gone.nodes) {
        if (free.outcome != state::AnnounceOutcome::accepted) continue;
        for (auto& [id, peer] : peers_) {
            if (!peer.present || peer.ended || id == gone.id) continue;
            for (PeerNode& node : peer.nodes) {
                if (node.announcement.eid != free.announcement.eid) continue;
                if (node.outcome != state::AnnounceOutcome::duplicate) continue;
                announce(peer, node, now, out);
                if (node.outcome == state::AnnounceOutcome::accepted) request_snapshot(peer, node, now);
            }
        }
    }
}

// --- time ---

void Exchange::on_time(state::Time now, Output&) {
    if (!next_digest_ || now < *next_digest_) return;
    for (auto& [id, peer] : peers_) {
        peer.refusals_said.reset();
        peer.foreign_said = false;
    }
    for (const auto& [id, peer] : peers_)
        if (Lane* own = hears(peer) ? lane(lane_of(id)) : nullptr) say_lately_broadcast(*own);
    lately_.clear();
    for_each_lane([](Lane& lane) { lane.say_digests(); });
    next_digest_.reset();
    if (peers() > 0) next_digest_ = now + settings_.digest_every;
}

}  // namespace lamplight::bus::sync
