// Members of buses, who may speak for whom, holds and snapshots.
#include "state/engine_impl.hpp"

#include <algorithm>
#include <cstdlib>

namespace lamplight::state {

namespace {

Cause cause_of(Departure departure) {
    switch (departure) {
        case Departure::left:
            return Cause::member_left;
        case Departure::restarting:
            return Cause::member_restarting;
        case Departure::failed:
        case Departure::daemon_failed:
            return Cause::member_failed;
        case Departure::silent:
            return Cause::member_silent;
        case Departure::pbx_lost:
            return Cause::pbx_lost;
    }
    std::abort();
}

MemberStatus status_of(Departure departure) {
    switch (departure) {
        case Departure::left:
            return MemberStatus::left;
        case Departure::restarting:
            return MemberStatus::restarting;
        case Departure::silent:
            return MemberStatus::silent;
        case Departure::failed:
        case Departure::daemon_failed:
        case Departure::pbx_lost:
            break;
    }
    return MemberStatus::failed;
}

/// For people: the name a node gives itself, and the connection it came by.
std::string named(const std::string& name, const std::string& label) {
    if (name.empty() || label.find(name) != std::string::npos) return label;
    return name + " (" + label + ")";
}

/// A member that may still come back over the same connection.
bool may_return(MemberStatus status) {
    return status == MemberStatus::silent || status == MemberStatus::restarting;
}

}  // namespace

// --- walking a node's votes ---

template <typename Change>
void Engine::Impl::for_votes_of(NodeId id, Cause cause, Time now, Changes& changes, Change&& change) {
    std::uint32_t left = node(id).votes;
    for (std::uint32_t i = 0; i < devices_.bound() && left > 0; ++i) {
        DeviceRecord& record = devices_.record(DeviceId{i});
        const std::size_t place = DeviceTable::find_vote(record, id);
        if (place == VoteBlock::npos) continue;
        --left;
        std::uint8_t& held = record.votes_block().marks()[place];
        constexpr std::uint8_t weight = mark::withdrawn | mark::not_counting;
        const std::uint8_t before = held;
        held = change(before);
        if ((before & weight) == (held & weight)) continue;
        refresh_aggregate(DeviceId{i}, record, id, cause, changes);
        note(DeviceId{i}, record, place, static_cast<DeviceState>(before & mark::state), cause, now);
    }
}

/// Ends the node's votes that carry `marked` (all of them when 0). Forgotten ones leave the table; others
/// stay as withdrawn, so that the device remains known and a late message finds their version.
void Engine::Impl::drop_votes(NodeId id, Cause cause, Time now, Changes& changes, std::uint8_t marked) {
    std::uint32_t left = node(id).votes;
    for (std::uint32_t i = 0; i < devices_.bound() && left > 0; ++i) {
        DeviceRecord& record = devices_.record(DeviceId{i});
        const std::size_t place = DeviceTable::find_vote(record, id);
        if (place == VoteBlock::npos) continue;
        --left;
        const std::uint8_t before = record.votes_block().marks()[place];
        if (marked != 0 && (before & marked) == 0) continue;
        if ((before & mark::withdrawn) == 0) {
            --node(id).standing_votes;
            record.votes_block().marks()[place] = mark::withdrawn;
            record.votes_block().details()[place].since = now;
            refresh_aggregate(DeviceId{i}, record, id, cause, changes);
            note(DeviceId{i}, record, place, static_cast<DeviceState>(before & mark::state), cause, now);
        }
        if (cause != Cause::forgotten) continue;
        devices_.remove_vote(record, place);
        --node(id).votes;
        forget_if_unused(DeviceId{i}, changes);
    }
}

void Engine::Impl::forget_versions(NodeId id) {
    std::uint32_t left = node(id).votes;
    for (std::uint32_t i = 0; i < devices_.bound() && left > 0; ++i) {
        DeviceRecord& record = devices_.record(DeviceId{i});
        const std::size_t place = DeviceTable::find_vote(record, id);
        if (place == VoteBlock::npos) continue;
        --left;
        record.votes_block().details()[place].version = {};
    }
}

void Engine::Impl::hold_votes(NodeId id, Hold hold, Cause cause, Time now, Changes& changes) {
    Node& node = this->node(id);
    const bool counts = hold.for_ > Duration::zero();
    node.held_counts = counts;
    for_votes_of(id, cause, now, changes, [counts](std::uint8_t held) {
        // What had stopped counting before does not come back by going away again.
        const auto with = static_cast<std::uint8_t>(held | mark::held);
        return counts ? with : static_cast<std::uint8_t>(with | mark::not_counting);
    });
}

// --- senders ---

bool Engine::Impl::reuse_sender(Bus bus, std::string& label, SenderId& id) {
    constexpr std::size_t rest = 256;  // a closed id stays refused for a while, for whoever still holds it
    if (closed_senders_.empty() || (closed_senders_.size() < rest && senders_.size() < limits_.senders))
        return false;
    id = closed_senders_.front();
    closed_senders_.pop_front();
    for (Node& node : nodes_)
        for (Member& member : node.members)
            if (member.sender == id) member.sender.reset();
    sender(id) = Sender{bus, true, false, MemberStatus::present, std::move(label), {}};
    return true;
}

std::optional<SenderId> Engine::Impl::open_sender(Bus bus, std::string label, Changes& changes) {
    SenderId id{};
    if (reuse_sender(bus, label, id)) return id;
    if (senders_.size() >= limits_.senders) {
        notice_once(Notice::Kind::sender_limit, std::move(label), {}, changes);
        return std::nullopt;
    }
    senders_.push_back({bus, true, false, MemberStatus::present, std::move(label), {}});
    return SenderId{static_cast<std::uint32_t>(senders_.size() - 1)};
}

void Engine::Impl::close_sender(SenderId id) {
    Sender& gone = sender(id);
    gone.open = false;
    gone.nodes.clear();
    closed_senders_.push_back(id);
}

/// `sender` is from now on the one that speaks for the node on its bus.
void Engine::Impl::claim(NodeId id, SenderId from, Time now, Changes& changes) {
    const Bus bus = sender(from).bus;
    Member& member = node(id).members[static_cast<std::size_t>(bus)];
    if (member.sender && *member.sender != from) std::erase(sender(*member.sender).nodes, id);
    // Asterisk's wire has no snapshots: another process says itself what still holds.
    if (!has_versions(bus) && member.sender != from && node(id).away)
        drop_votes(id, Cause::snapshot, now, changes, 0);
    const bool was_present = member.status == MemberStatus::present;
    member.sender = from;
    member.status = sender(from).status;
    if (!was_present) member.since = now;
    std::vector<NodeId>& nodes = sender(from).nodes;
    if (std::find(nodes.begin(), nodes.end(), id) == nodes.end()) nodes.push_back(id);
    choose_owner(id, now, changes);
    if (member.status == MemberStatus::present) come_back(id, bus, now, changes);
}

/// Answers whether the incarnation is not older than what is known. A newer one makes every held vote one
/// that must be confirmed.
bool Engine::Impl::take_incarnation(NodeId id, std::uint64_t incarnation, Time now, Changes& changes) {
    Node& node = this->node(id);
    if (incarnation < node.incarnation) return incarnation == 0;  // Asterisk's wire knows none
    if (incarnation > node.incarnation && node.incarnation != 0 && node.votes > 0) {
        for_votes_of(id, Cause::member_returned, now, changes,
                     [](std::uint8_t held) { return static_cast<std::uint8_t>(held | mark::held); });
        node.until = now + policy_.silent_hold;
        node.snapshot.reset();
    }
    if (incarnation > node.incarnation) node.pbx_lost = false;  // it says again how its PBX is
    node.incarnation = std::max(node.incarnation, incarnation);
    return true;
}

AnnounceOutcome Engine::Impl::announce(SenderId from, const Announcement& announcement, Time now,
                                       Changes& changes) {
    if (!sender(from).open || announcement.eid.is_zero()) return AnnounceOutcome::refused;
    const auto id = intern_node(announcement.eid, changes);
    if (!id) return AnnounceOutcome::refused;
    Node& node = this->node(*id);
    if (node.own) {
        changes.notices.push_back({Notice::Kind::own_eid_announced, node.name,
                                   named(announcement.name, sender(from).label), announcement.eid});
        return AnnounceOutcome::own;
    }
    Member& member = node.members[static_cast<std::size_t>(sender(from).bus)];
    const bool held_by_other = member.sender && *member.sender != from && sender(*member.sender).open;
    if (held_by_other && member.announced && member.status == MemberStatus::present) {
        changes.notices.push_back({Notice::Kind::duplicate_eid,
                                   named(node.name, sender(*member.sender).label),
                                   named(announcement.name, sender(from).label), announcement.eid});
        return AnnounceOutcome::duplicate;
    }
    const bool same_again = announcement.incarnation != 0 && announcement.incarnation == node.incarnation;
    if (!take_incarnation(*id, announcement.incarnation, now, changes)) return AnnounceOutcome::refused;
    // Another connection with an incarnation whose end was seen: mostly a second node of this EID, started in
    // the same second. Their versions say nothing of each other, and nothing of the first can come any more.
    const bool first_has_ended = node.away == Departure::left || node.away == Departure::failed ||
                                 node.away == Departure::daemon_failed;
    if (same_again && first_has_ended && member.sender != from) forget_versions(*id);
    if (!announcement.name.empty()) node.name = announcement.name;
    node.speaks_for_pbx = announcement.speaks == Announcement::Speaks::for_pbx;
    member.announced = true;
    member.incarnation = announcement.incarnation;
    claim(*id, from, now, changes);
    find_guardians();
    return AnnounceOutcome::accepted;
}

/// By what the senders have announced and the policy of now. Cost: O(senders), when somebody announces.
void Engine::Impl::find_guardians() {
    for (std::size_t i = 0; i < senders_.size(); ++i) {
        Sender& sender = senders_[i];
        sender.guardian = std::any_of(sender.nodes.begin(), sender.nodes.end(), [&](NodeId id) {
            const Node& node = this->node(id);
            return node.members[static_cast<std::size_t>(sender.bus)].announced &&
                   policy_.is_guardian(node.name, node.eid);
        });
    }
}

void Engine::Impl::sender_present(SenderId from, Time now, Changes& changes) {
    if (!sender(from).open || sender(from).status == MemberStatus::present) return;
    sender(from).status = MemberStatus::present;
    const std::vector<NodeId> nodes = sender(from).nodes;
    for (const NodeId id : nodes)
        claim(id, from, now, changes);
}

void Engine::Impl::sender_gone(SenderId from, Departure departure, Time now, Changes& changes) {
    Sender& gone = sender(from);
    if (!gone.open) return;
    const bool ends = departure == Departure::left || departure == Departure::failed ||
                      departure == Departure::daemon_failed;
    // A process that said "restarting" and then ends has kept its word.
    const bool announced_restart =
        ends && departure != Departure::left && gone.status == MemberStatus::restarting;
    const MemberStatus status = status_of(departure);
    gone.status = status;
    const std::vector<NodeId> nodes = gone.nodes;
    const Bus bus = gone.bus;
    if (!announced_restart)
        for (const NodeId id : nodes)
            member_gone(id, bus, status, departure, now, changes);
    if (ends) close_sender(from);
}

void Engine::Impl::member_gone(NodeId id, Bus bus, MemberStatus status, Departure departure, Time now,
                               Changes& changes) {
    Node& node = this->node(id);
    Member& gone = node.members[static_cast<std::size_t>(bus)];
    if (departure == Departure::failed && node.speaks_for_pbx) departure = Departure::daemon_failed;
    const bool ends = !may_return(status);
    for (Member& member : node.members) {
        const bool same_life = &member == &gone || (ends && member.incarnation == gone.incarnation &&
                                                    member.status != MemberStatus::absent);
        if (!same_life) continue;
        member.status = status;
        member.since = now;
    }
    if (node.snapshot && gone.sender == node.snapshot) node.snapshot.reset();
    choose_owner(id, now, changes);
    const bool present_elsewhere =
        std::any_of(node.members.begin(), node.members.end(),
                    [](const Member& member) { return member.status == MemberStatus::present; });
    if (!present_elsewhere) go_away(id, departure, bus, now, changes);
}

/// The nearest bus that has the node; one where it is only silent counts when it is present on none.
void Engine::Impl::choose_owner(NodeId id, Time now, Changes& changes) {
    Node& node = this->node(id);
    std::optional<Bus> nearest;
    for (const bool silent : {false, true}) {
        for (std::size_t bus = 0; bus < bus_count && !nearest; ++bus) {
            const MemberStatus status = node.members[bus].status;
            if (status == MemberStatus::present || (silent && may_return(status)))
                nearest = static_cast<Bus>(bus);
        }
    }
    const std::optional<Bus> before = node.owner;
    node.owner = nearest;
    node.speaker.reset();
    if (nearest) {
        const Member& member = node.members[static_cast<std::size_t>(*nearest)];
        if (member.status == MemberStatus::present) node.speaker = member.sender;
    }
    if (!before || !nearest || before == nearest || node.votes == 0) return;
    if (!has_versions(*nearest)) return;  // no snapshot will come that could confirm
    node.snapshot.reset();
    changes.nodes.push_back({id, node.standing, node.standing, Cause::owner_bus_moved, *nearest});
    for_votes_of(id, Cause::owner_bus_moved, now, changes,
                 [](std::uint8_t held) { return static_cast<std::uint8_t>(held | mark::held); });
    if (node.standing == Standing::present) node.until = now + policy_.silent_hold;
}

// --- standing ---

void Engine::Impl::stand(NodeId id, Standing standing, Cause cause, Bus bus, Time now, Changes& changes) {
    Node& node = this->node(id);
    changes.nodes.push_back({id, node.standing, standing, cause, bus});
    node.standing = standing;
    node.since = now;
}

void Engine::Impl::go_away(NodeId id, Departure departure, Bus bus, Time now, Changes& changes) {
    Node& node = this->node(id);
    // Silence after a worse word changes nothing; a worse word after silence does.
    if (node.away && departure == Departure::silent) return;
    const Hold hold = policy_.hold_for(departure, node.name, node.eid);
    const bool counts = hold.for_ > Duration::zero();
    const bool was_gone = node.standing == Standing::gone;
    node.away = departure;
    if (was_gone) return;
    hold_votes(id, hold, cause_of(departure), now, changes);
    node.until = now + (counts ? hold.for_ : policy_.forget_after);
    stand(id, counts ? Standing::stale : Standing::gone, cause_of(departure), bus, now, changes);
}

void Engine::Impl::come_back(NodeId id, Bus bus, Time now, Changes& changes) {
    Node& node = this->node(id);
    if (node.standing == Standing::present) return;
    if (node.pbx_lost) return;  // the daemon is back, its PBX is not
    const bool was_away = node.away.has_value();
    node.away.reset();
    stand(id, Standing::present, Cause::member_returned, bus, now, changes);
    node.until.reset();
    if (!was_away || node.votes == 0) return;
    if (has_versions(bus)) {
        // Nothing passes through idle: what counted goes on counting until the snapshot's end, or this long.
        node.until = now + policy_.silent_hold;
        return;
    }
    node.held_counts = true;
    for_votes_of(id, Cause::member_returned, now, changes, [](std::uint8_t held) {
        return static_cast<std::uint8_t>(held & ~(mark::held | mark::not_counting));
    });
}

void Engine::Impl::pbx_link(NodeId id, bool up, Time now, Changes& changes) {
    Node& node = this->node(id);
    const Bus bus = node.owner.value_or(Bus::own);
    if (node.pbx_lost == !up) return;
    node.pbx_lost = !up;
    if (!up) {
        if (node.standing == Standing::present) go_away(id, Departure::pbx_lost, bus, now, changes);
        return;
    }
    node.away.reset();
    node.until.reset();
    node.held_counts = true;
    for_votes_of(id, Cause::member_returned, now, changes, [](std::uint8_t held) {
        return static_cast<std::uint8_t>(held & ~(mark::held | mark::not_counting));
    });
    stand(id, Standing::present, Cause::member_returned, bus, now, changes);
}

// --- snapshots ---

void Engine::Impl::snapshot_begin(SenderId from, NodeId id) {
    Node& node = this->node(id);
    if (node.speaker != from || node.own) return;
    node.snapshot = from;
    std::uint32_t left = node.votes;
    for (std::uint32_t i = 0; i < devices_.bound() && left > 0; ++i) {
        DeviceRecord& record = devices_.record(DeviceId{i});
        const std::size_t place = DeviceTable::find_vote(record, id);
        if (place == VoteBlock::npos) continue;
        --left;
        record.votes_block().marks()[place] |= mark::unconfirmed;
    }
}

bool Engine::Impl::snapshot_end(SenderId from, NodeId id, Time now, Changes& changes) {
    Node& node = this->node(id);
    if (node.snapshot != from || node.speaker != from) return false;
    node.snapshot.reset();
    drop_votes(id, Cause::snapshot, now, changes, mark::unconfirmed);
    if (node.standing == Standing::present) node.until.reset();
    return true;
}

bool Engine::Impl::confirm(SenderId from, NodeId id, Time now, Changes& changes) {
    Node& node = this->node(id);
    if (node.own || node.speaker != from) return false;
    std::uint32_t left = node.votes;
    for (std::uint32_t i = 0; i < devices_.bound() && left > 0; ++i) {
        const std::size_t place = DeviceTable::find_vote(devices_.record(DeviceId{i}), id);
        if (place == VoteBlock::npos) continue;
        --left;
        confirm_one(id, DeviceId{i}, place, sender(from).bus, Cause::member_returned, now, changes);
    }
    if (node.standing == Standing::present) node.until.reset();
    return true;
}

// --- time ---

std::optional<Time> Engine::Impl::next_deadline() const {
    std::optional<Time> next = sweep_at_;
    for (const Node& node : nodes_)
        if (node.until && (!next || *node.until < *next)) next = node.until;
    return next;
}

void Engine::Impl::on_time(Time now, Changes& changes) {
    for (std::size_t i = 0; i < nodes_.size(); ++i)
        if (nodes_[i].until && *nodes_[i].until <= now)
            expire(NodeId{static_cast<std::uint16_t>(i)}, now, changes);
    if (sweep_at_ && *sweep_at_ <= now) sweep_withdrawn(now, changes);
}

void Engine::Impl::expire(NodeId id, Time now, Changes& changes) {
    Node& node = this->node(id);
    const Bus bus = node.owner.value_or(Bus::own);
    node.until.reset();
    if (node.standing == Standing::gone) {
        drop_votes(id, Cause::forgotten, now, changes, 0);
        if (!node.pbx_lost) stand(id, Standing::unheard, Cause::forgotten, bus, now, changes);
        return;
    }
    node.held_counts = false;
    for_votes_of(id, Cause::hold_expired, now, changes, [](std::uint8_t held) {
        return (held & mark::held) != 0 ? static_cast<std::uint8_t>(held | mark::not_counting) : held;
    });
    if (node.standing != Standing::stale) return;  // present, but its snapshot never ended
    stand(id, Standing::gone, Cause::hold_expired, bus, now, changes);
    node.until = now + policy_.forget_after;
}

/// Withdrawn votes are kept so that late messages cannot bring them back; after forget_after none is under
/// way. Names that nobody votes for and no hint names go with them.
void Engine::Impl::sweep_withdrawn(Time now, Changes& changes) {
    bool some_left = false;
    for (std::uint32_t i = 0; i < devices_.bound(); ++i) {
        DeviceRecord& record = devices_.record(DeviceId{i});
        for (std::size_t place = record.votes; place-- > 0;) {
            const VoteBlock block = record.votes_block();
            if ((block.marks()[place] & mark::withdrawn) == 0) continue;
            if (block.details()[place].since + policy_.forget_after > now) continue;
            --node(NodeId{block.nodes()[place]}).votes;
            devices_.remove_vote(record, place);
        }
        if (!record.used) continue;
        some_left = some_left || record.votes > 0;
        forget_if_unused(DeviceId{i}, changes);
    }
    sweep_at_.reset();
    if (some_left) sweep_at_ = now + std::max<Duration>(policy_.forget_after / 4, std::chrono::seconds(1));
}

}  // namespace lamplight::state
