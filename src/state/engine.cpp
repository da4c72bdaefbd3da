#include "state/engine.hpp"

#include "state/engine_impl.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>

namespace lamplight::state {

namespace {

std::uint64_t number_of(const Eid& eid) {
    std::uint64_t number = 0;
    for (const std::uint8_t byte : eid.bytes)
        number = number << 8 | byte;
    return number;
}

/// A broken contract ends the process in release builds too: going on would show wrong lamps.
void require(bool holds) {
    if (!holds) std::abort();
}

std::uint8_t road(Bus bus, Cachable cachable) {
    return static_cast<std::uint8_t>(static_cast<unsigned>(bus) |
                                     (cachable == Cachable::yes ? VoteBlock::cachable_bit : 0u));
}

Bus bus_of_road(std::uint8_t road) {
    return static_cast<Bus>(road & 0x7f);
}

/// The aggregate of what counts; without any it depends on whether anybody ever voted.
DeviceState aggregate_of(const DeviceRecord& record) {
    const StateSet set = counting_states(record);
    if (set != 0) return join(set);
    return record.known ? DeviceState::unavailable : DeviceState::unknown;
}

}  // namespace

Engine::Impl::Impl(const Policy& policy, const Limits& limits, std::uint64_t hash_seed)
    : policy_(policy),
      limits_(limits),
      devices_(limits.devices, hash_seed),
      journal_(limits.journal_entries) {
    nodes_.reserve(limits.nodes);
}

void Engine::Impl::notice_once(Notice::Kind kind, std::string first, std::string second, Changes& changes) {
    bool& said = noticed_[static_cast<std::size_t>(kind)];
    if (said) return;
    said = true;
    changes.notices.push_back({kind, std::move(first), std::move(second), {}});
}

// --- names ---

std::optional<DeviceId> Engine::Impl::intern_device(std::string_view name, Changes& changes) {
    if (const auto known = devices_.find(name)) return known;
    const bool fits = !name.empty() && name.size() <= limits_.name_bytes;
    if (fits && devices_.size() < limits_.devices) return devices_.add(name);
    ++counters_.devices_refused;
    notice_once(fits ? Notice::Kind::device_limit : Notice::Kind::name_too_long,
                std::string(name.substr(0, 300)), {}, changes);
    return std::nullopt;
}

std::optional<NodeId> Engine::Impl::intern_node(const Eid& eid, Changes& changes) {
    if (const auto known = node_ids_.find(number_of(eid)); known != node_ids_.end()) return known->second;
    std::size_t index = nodes_.size();
    if (index >= limits_.nodes) {
        // A number is used again only when there is no other: the journal speaks of nodes by number.
        for (std::size_t i = 0; i < nodes_.size() && index >= limits_.nodes; ++i) {
            const Node& old = nodes_[i];
            bool spoken_for = old.own || old.votes > 0 || old.standing != Standing::unheard;
            for (const Member& member : old.members)
                spoken_for = spoken_for || (member.sender && sender(*member.sender).open);
            if (!spoken_for) index = i;
        }
        if (index >= limits_.nodes || eid.is_zero()) {
            ++counters_.nodes_refused;
            notice_once(Notice::Kind::node_limit, to_string(eid), {}, changes);
            return std::nullopt;
        }
        node_ids_.erase(number_of(nodes_[index].eid));
        nodes_[index] = Node{};
    } else {
        nodes_.emplace_back();
    }
    nodes_[index].eid = eid;
    const NodeId id{static_cast<std::uint16_t>(index)};
    node_ids_.emplace(number_of(eid), id);
    return id;
}

// --- own nodes ---

NodeId Engine::Impl::add_own_node(const Announcement& self, Time now, Changes& changes) {
    require(!self.eid.is_zero() && self.incarnation > 0);
    const auto id = intern_node(self.eid, changes);
    require(id.has_value());
    Node& node = this->node(*id);
    require(self.incarnation > node.incarnation || !node.own);
    node.own = true;
    node.name = self.name;
    node.speaks_for_pbx = self.speaks == Announcement::Speaks::for_pbx;
    node.incarnation = self.incarnation;
    node.sequence = 0;
    node.owner = Bus::own;
    node.speaker.reset();
    Member& member = node.members[static_cast<std::size_t>(Bus::own)];
    member = {MemberStatus::present, true, std::nullopt, self.incarnation, now};
    if (node.standing != Standing::present)
        stand(*id, Standing::present, Cause::member_returned, Bus::own, now, changes);
    return *id;
}

void Engine::Impl::set_own(NodeId id, DeviceId device, DeviceState state, Cachable cachable, Cause cause,
                           Time now, Changes& changes) {
    const DeviceRecord& record = devices_.record(device);
    const std::size_t place = DeviceTable::find_vote(record, id);
    if (place != VoteBlock::npos) {
        const std::uint8_t held = record.votes_block().marks()[place];
        const bool same = held == static_cast<std::uint8_t>(state);
        if (same && record.votes_block().roads()[place] == road(Bus::own, cachable)) return;
    }
    put_own(id, device, state, VoteKind::state, cachable, cause, now, changes);
}

void Engine::Impl::withdraw_own(NodeId id, DeviceId device, Cause cause, Time now, Changes& changes) {
    const DeviceRecord& record = devices_.record(device);
    const std::size_t place = DeviceTable::find_vote(record, id);
    if (place == VoteBlock::npos || (record.votes_block().marks()[place] & mark::withdrawn) != 0) return;
    put_own(id, device, DeviceState::unknown, VoteKind::withdrawal, Cachable::yes, cause, now, changes);
}

void Engine::Impl::put_own(NodeId id, DeviceId device, DeviceState state, VoteKind kind, Cachable cachable,
                           Cause cause, Time now, Changes& changes) {
    Node& node = this->node(id);
    require(node.own && devices_.valid(device));
    const Vote vote{device, id, state, kind, cachable, {}, {node.incarnation, ++node.sequence}};
    DeviceRecord& record = devices_.record(device);
    const Applied applied =
        store(node, record, DeviceTable::find_vote(record, id), vote, Bus::own, cause, now, changes);
    count(applied.outcome);
    changes.own_votes.push_back({id, device});
    if (trace_) trace_(device, id, applied.outcome, applied.before, applied.after);
}

void Engine::Impl::raise_incarnation(NodeId id, std::uint64_t seen, Changes& changes) {
    Node& node = this->node(id);
    require(node.own);
    if (seen < node.incarnation || seen == ~std::uint64_t{0}) return;
    node.incarnation = seen + 1;
    node.sequence = 0;
    for (std::uint32_t i = 0; i < devices_.bound() && node.votes > 0; ++i) {
        DeviceRecord& record = devices_.record(DeviceId{i});
        const std::size_t place = DeviceTable::find_vote(record, id);
        if (place == VoteBlock::npos) continue;
        record.votes_block().details()[place].version = {node.incarnation, ++node.sequence};
        changes.own_votes.push_back({id, DeviceId{i}});
    }
}

// --- votes ---

std::optional<VoteOutcome> Engine::Impl::refuse_speaker(Node& node, const Vote& vote, Time now,
                                                        Changes& changes) {
    if (node.own) return VoteOutcome::refused_own;
    const Sender& from = sender(vote.sender);
    if (!from.open) return VoteOutcome::refused_not_member;
    if (from.guardian) return std::nullopt;
    const Member& member = node.members[static_cast<std::size_t>(from.bus)];
    if (!member.sender || !sender(*member.sender).open)
        claim(vote.node, vote.sender, now, changes);
    else if (*member.sender != vote.sender)
        return VoteOutcome::refused_speaker;
    if (node.owner != from.bus) return VoteOutcome::refused_far;
    return std::nullopt;
}

Engine::Impl::Applied Engine::Impl::apply_one(const Vote& vote, std::size_t place, Time now,
                                              Changes& changes) {
    Node& node = this->node(vote.node);
    DeviceRecord& record = devices_.record(vote.device);
    require(record.used);
    if (place == VoteBlock::npos) DeviceTable::prefetch_likely_detail(record, vote.node);
    const DeviceState before = record.aggregate;
    if (node.speaker != vote.sender)
        if (const auto refused = refuse_speaker(node, vote, now, changes)) return {*refused, before, before};
    const VoteBlock block = record.votes_block();
    if (place >= record.votes || block.nodes()[place] != index_of(vote.node))
        place = DeviceTable::find_vote(record, vote.node);
    if (vote.version.exists()) {
        if (vote.version.incarnation < node.incarnation) return {VoteOutcome::refused_old, before, before};
        if (place != VoteBlock::npos) {
            const Version& held = record.votes_block().details()[place].version;
            if (vote.version < held) {
                // In its snapshot the node only says less than what already overtook it.
                if (node.snapshot == vote.sender)
                    confirm_one(vote.node, vote.device, place, sender(vote.sender).bus, Cause::snapshot, now,
                                changes);
                return {VoteOutcome::refused_old, before, record.aggregate};
            }
            const std::uint8_t opinion =
                record.votes_block().marks()[place] & (mark::state | mark::withdrawn);
            const bool same =
                opinion ==
                (vote.kind == VoteKind::withdrawal ? mark::withdrawn : static_cast<std::uint8_t>(vote.state));
            // A node withdraws under a new version: this one was only dropped, by the end of a snapshot.
            const bool dropped = opinion == mark::withdrawn;
            if (vote.version == held && !same && !dropped) return {VoteOutcome::refused_old, before, before};
        }
        node.incarnation = vote.version.incarnation;
    }
    const Cause cause = vote.kind == VoteKind::withdrawal ? Cause::withdrawal : Cause::vote;
    return store(node, record, place, vote, sender(vote.sender).bus, cause, now, changes);
}

Engine::Impl::Applied Engine::Impl::store(Node& node, DeviceRecord& record, std::size_t place,
                                          const Vote& vote, Bus bus, Cause cause, Time now,
                                          Changes& changes) {
    const DeviceState before = record.aggregate;
    const bool withdrawal = vote.kind == VoteKind::withdrawal;
    bool fresh_entry = false;
    if (place == VoteBlock::npos) {
        place = devices_.add_vote(record, vote.node);
        ++node.votes;
        fresh_entry = true;
        if (!sweep_at_) sweep_at_ = now + policy_.forget_after;
    }
    record.known = record.known || !withdrawal;
    const VoteBlock block = record.votes_block();
    std::uint8_t& held = block.marks()[place];
    VoteDetail& detail = block.details()[place];
    const std::uint8_t old_mark = fresh_entry ? std::uint8_t{mark::withdrawn} : held;
    std::uint8_t new_mark = withdrawal ? mark::withdrawn : static_cast<std::uint8_t>(vote.state);
    if (node.pbx_lost) new_mark |= node.held_counts ? mark::held : mark::held | mark::not_counting;
    held = new_mark;
    if ((old_mark & mark::withdrawn) != 0 && !withdrawal) ++node.standing_votes;
    if ((old_mark & mark::withdrawn) == 0 && withdrawal) --node.standing_votes;
    block.roads()[place] = road(bus, vote.cachable);
    detail.version = vote.version;
    constexpr std::uint8_t opinion = mark::state | mark::withdrawn;
    const bool same = !fresh_entry && (old_mark & opinion) == (new_mark & opinion);
    if (!same) detail.since = now;
    constexpr std::uint8_t weight = mark::withdrawn | mark::not_counting;
    if (same && (old_mark & weight) == (new_mark & weight)) return {VoteOutcome::confirmed, before, before};

    const auto old_state = static_cast<DeviceState>(old_mark & mark::state);
    refresh_aggregate(vote.device, record, vote.node, cause, changes);
    note(vote.device, record, place, old_state, cause, now);
    return {same ? VoteOutcome::confirmed : VoteOutcome::applied, before, record.aggregate};
}

/// What is held is what its node still says: it is fresh, and counts unless the node's PBX is lost.
void Engine::Impl::confirm_one(NodeId id, DeviceId device, std::size_t place, Bus bus, Cause cause, Time now,
                               Changes& changes) {
    const Node& node = this->node(id);
    DeviceRecord& record = devices_.record(device);
    const VoteBlock block = record.votes_block();
    const std::uint8_t before = block.marks()[place];
    std::uint8_t after = before & (mark::state | mark::withdrawn);
    if (node.pbx_lost) after |= node.held_counts ? mark::held : mark::held | mark::not_counting;
    block.marks()[place] = after;
    block.roads()[place] = static_cast<std::uint8_t>((block.roads()[place] & VoteBlock::cachable_bit) |
                                                     static_cast<unsigned>(bus));
    constexpr std::uint8_t weight = mark::withdrawn | mark::not_counting;
    if ((before & weight) == (after & weight)) return;
    refresh_aggregate(device, record, id, cause, changes);
    note(device, record, place, static_cast<DeviceState>(before & mark::state), cause, now);
}

void Engine::Impl::refresh_aggregate(DeviceId device, DeviceRecord& record, NodeId node, Cause cause,
                                     Changes& changes) {
    const DeviceState aggregate = aggregate_of(record);
    if (aggregate == record.aggregate) return;
    changes.aggregates.push_back({device, record.aggregate, aggregate, node, cause});
    record.aggregate = aggregate;
    ++counters_.aggregate_changes;
}

void Engine::Impl::note(DeviceId device, DeviceRecord& record, std::size_t place, DeviceState from,
                        Cause cause, Time now) {
    const VoteBlock block = record.votes_block();
    const std::uint8_t held = block.marks()[place];
    journal_.append({device, NodeId{block.nodes()[place]}, from, static_cast<DeviceState>(held & mark::state),
                     record.aggregate, (held & (mark::not_counting | mark::withdrawn)) == 0,
                     bus_of_road(block.roads()[place]), cause, now},
                    record.journal);
}

/// Votes of a batch hit memory at random; asking for it three steps ahead hides the latency: record, then the
/// block's first line, then the place in it. Answers the place, to save looking for it twice.
std::size_t Engine::Impl::prefetch(std::span<const Vote> votes, std::size_t i) const {
    constexpr std::size_t far = 24, middle = 12, near = 6;
    if (i + far < votes.size()) devices_.prefetch_record(votes[i + far].device);
    if (i + middle < votes.size()) devices_.prefetch_block(votes[i + middle].device);
    if (i + near >= votes.size()) return VoteBlock::npos;
    const DeviceRecord& record = devices_.record(votes[i + near].device);
    const std::size_t place = DeviceTable::find_vote(record, votes[i + near].node);
    if (place != VoteBlock::npos) __builtin_prefetch(record.votes_block().details() + place, 1);
    return place;
}

void Engine::Impl::apply(std::span<const Vote> votes, Time now, Changes& changes, VoteOutcome* outcomes) {
    constexpr std::size_t near = 6;  // as in prefetch()
    std::array<std::size_t, 8> places;
    places.fill(VoteBlock::npos);
    for (const Vote& vote : votes)
        require(index_of(vote.device) < devices_.bound() && index_of(vote.node) < nodes_.size() &&
                index_of(vote.sender) < senders_.size());
    for (std::size_t i = 0; i < votes.size(); ++i) {
        if (votes.size() > near) places[(i + near) % places.size()] = prefetch(votes, i);
        const Applied applied = apply_one(votes[i], places[i % places.size()], now, changes);
        count(applied.outcome);
        if (outcomes != nullptr) outcomes[i] = applied.outcome;
        if (trace_) trace_(votes[i].device, votes[i].node, applied.outcome, applied.before, applied.after);
    }
}

// --- forgetting ---

void Engine::Impl::forget_if_unused(DeviceId device, Changes& changes) {
    const DeviceRecord& record = devices_.record(device);
    if (record.votes > 0 || record.retained > 0) return;
    changes.forgotten.push_back({device, std::string(record.name_view())});
    devices_.remove(device);
}

Digest Engine::Impl::digest(NodeId id) const {
    Digest digest;
    if (node(id).votes == 0) return digest;
    for (std::uint32_t i = 0; i < devices_.bound(); ++i) {
        const DeviceRecord& record = devices_.record(DeviceId{i});
        const std::size_t place = DeviceTable::find_vote(record, id);
        if (place == VoteBlock::npos) continue;
        const VoteBlock block = record.votes_block();
        if ((block.marks()[place] & mark::withdrawn) != 0) continue;
        const Version& version = block.details()[place].version;
        // Seedless: both sides must come to the same number.
        const std::uint64_t words[] = {XXH3_64bits(record.name, record.name_bytes), version.incarnation,
                                       version.sequence, std::uint64_t{block.marks()[place]} & mark::state};
        digest.hash += XXH3_64bits(words, sizeof words);
        ++digest.votes;
    }
    return digest;
}

Version Engine::Impl::newest_version(NodeId id) const {
    Version newest;
    std::uint32_t left = node(id).votes;
    for (std::uint32_t i = 0; i < devices_.bound() && left > 0; ++i) {
        const DeviceRecord& record = devices_.record(DeviceId{i});
        const std::size_t place = DeviceTable::find_vote(record, id);
        if (place == VoteBlock::npos) continue;
        --left;
        newest = std::max(newest, record.votes_block().details()[place].version);
    }
    return newest;
}

VoteView Engine::Impl::view(const DeviceRecord& record, std::size_t place) const {
    const VoteBlock block = record.votes_block();
    const std::uint8_t held = block.marks()[place];
    const std::uint8_t by = block.roads()[place];
    const VoteDetail& detail = block.details()[place];
    return {NodeId{block.nodes()[place]},
            static_cast<DeviceState>(held & mark::state),
            (held & (mark::not_counting | mark::withdrawn)) == 0,
            (held & mark::held) != 0 && (held & mark::withdrawn) == 0,
            (held & mark::withdrawn) != 0,
            (by & VoteBlock::cachable_bit) != 0,
            bus_of_road(by),
            detail.version,
            detail.since};
}

// --- the public face ---

Engine::Engine(const Policy& policy, const Limits& limits, std::uint64_t hash_seed)
    : impl_(std::make_unique<Impl>(policy, limits, hash_seed)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

std::optional<DeviceId> Engine::intern_device(std::string_view name, Changes& changes) {
    return impl_->intern_device(name, changes);
}
std::optional<DeviceId> Engine::find_device(std::string_view name) const {
    return impl_->devices_.find(name);
}
std::string_view Engine::device_name(DeviceId device) const {
    return impl_->devices_.record(device).name_view();
}
std::optional<NodeId> Engine::intern_node(const Eid& eid, Changes& changes) {
    return impl_->intern_node(eid, changes);
}
std::optional<NodeId> Engine::find_node(const Eid& eid) const {
    const auto found = impl_->node_ids_.find(number_of(eid));
    if (found == impl_->node_ids_.end()) return std::nullopt;
    return found->second;
}

NodeId Engine::add_own_node(const Announcement& self, Time now, Changes& changes) {
    return impl_->add_own_node(self, now, changes);
}
void Engine::set_own(NodeId node, DeviceId device, DeviceState state, Cachable cachable, Cause cause,
                     Time now, Changes& changes) {
    impl_->set_own(node, device, state, cachable, cause, now, changes);
}
void Engine::withdraw_own(NodeId node, DeviceId device, Cause cause, Time now, Changes& changes) {
    impl_->withdraw_own(node, device, cause, now, changes);
}
void Engine::raise_incarnation(NodeId node, std::uint64_t seen, Changes& changes) {
    impl_->raise_incarnation(node, seen, changes);
}
void Engine::set_pbx_link(NodeId node, bool up, Time now, Changes& changes) {
    require(impl_->node(node).own);
    impl_->pbx_link(node, up, now, changes);
}

std::optional<SenderId> Engine::open_sender(Bus bus, std::string label, Changes& changes) {
    return impl_->open_sender(bus, std::move(label), changes);
}
bool Engine::is_guardian(SenderId sender) const {
    return impl_->sender(sender).guardian;
}
AnnounceOutcome Engine::announce(SenderId sender, const Announcement& announcement, Time now,
                                 Changes& changes) {
    return impl_->announce(sender, announcement, now, changes);
}
void Engine::sender_present(SenderId sender, Time now, Changes& changes) {
    impl_->sender_present(sender, now, changes);
}
void Engine::sender_gone(SenderId sender, Departure departure, Time now, Changes& changes) {
    impl_->sender_gone(sender, departure, now, changes);
}
void Engine::node_pbx_link(SenderId sender, NodeId node, bool up, Time now, Changes& changes) {
    if (impl_->node(node).speaker == sender) impl_->pbx_link(node, up, now, changes);
}

void Engine::apply(std::span<const Vote> votes, Time now, Changes& changes, VoteOutcome* outcomes) {
    impl_->apply(votes, now, changes, outcomes);
}
void Engine::snapshot_begin(SenderId sender, NodeId node, Time, Changes&) {
    impl_->snapshot_begin(sender, node);
}
bool Engine::snapshot_end(SenderId sender, NodeId node, Time now, Changes& changes) {
    return impl_->snapshot_end(sender, node, now, changes);
}
bool Engine::confirm(SenderId sender, NodeId node, Time now, Changes& changes) {
    return impl_->confirm(sender, node, now, changes);
}

std::optional<Time> Engine::next_deadline() const {
    return impl_->next_deadline();
}
void Engine::on_time(Time now, Changes& changes) {
    impl_->on_time(now, changes);
}
void Engine::configure(const Policy& policy, const Limits& limits) {
    impl_->policy_ = policy;
    const std::uint32_t journal = impl_->limits_.journal_entries;
    impl_->limits_ = limits;
    impl_->limits_.journal_entries = journal;  // its memory is laid out at start
    impl_->find_guardians();
}

void Engine::retain_device(DeviceId device) {
    ++impl_->devices_.record(device).retained;
}
void Engine::release_device(DeviceId device) {
    require(impl_->devices_.record(device).retained > 0);
    --impl_->devices_.record(device).retained;
}

void Engine::set_vote_trace(VoteTrace trace) {
    impl_->trace_ = std::move(trace);
}

DeviceState Engine::aggregate(DeviceId device) const {
    return impl_->devices_.record(device).aggregate;
}

void Engine::for_each_vote(DeviceId device, const std::function<void(const VoteView&)>& visit) const {
    const DeviceRecord& record = impl_->devices_.record(device);
    for (std::size_t place = 0; place < record.votes; ++place)
        visit(impl_->view(record, place));
}

std::optional<VoteView> Engine::vote(DeviceId device, NodeId node) const {
    const DeviceRecord& record = impl_->devices_.record(device);
    const std::size_t place = DeviceTable::find_vote(record, node);
    if (place == VoteBlock::npos) return std::nullopt;
    return impl_->view(record, place);
}

void Engine::for_each_device(const std::function<void(DeviceId)>& visit) const {
    for (std::uint32_t i = 0; i < impl_->devices_.bound(); ++i)
        if (impl_->devices_.record(DeviceId{i}).known) visit(DeviceId{i});
}
std::uint32_t Engine::device_bound() const {
    return impl_->devices_.bound();
}
std::uint32_t Engine::device_count() const {
    return impl_->devices_.size();
}
std::uint16_t Engine::node_count() const {
    return static_cast<std::uint16_t>(impl_->nodes_.size());
}

NodeView Engine::node(NodeId id) const {
    const Node& node = impl_->node(id);
    return {id,
            node.eid,
            node.name,
            node.own,
            node.speaks_for_pbx,
            node.pbx_lost,
            node.standing,
            node.since,
            node.until,
            node.owner,
            node.incarnation,
            node.standing_votes};
}
void Engine::for_each_node(const std::function<void(const NodeView&)>& visit) const {
    for (std::size_t i = 0; i < impl_->nodes_.size(); ++i)
        visit(node(NodeId{static_cast<std::uint16_t>(i)}));
}
void Engine::for_each_member(NodeId id, const std::function<void(const MemberView&)>& visit) const {
    const Node& node = impl_->node(id);
    for (std::size_t bus = 0; bus < bus_count; ++bus) {
        const Member& member = node.members[bus];
        if (member.status == MemberStatus::absent) continue;
        const bool unseen = member.sender && impl_->sender(*member.sender).end_unseen;
        visit({static_cast<Bus>(bus), member.status, member.sender.value_or(SenderId{}), member.announced,
               member.since, unseen});
    }
}
void Engine::set_end_unseen(SenderId sender, bool unseen) {
    if (index_of(sender) < impl_->senders_.size()) impl_->sender(sender).end_unseen = unseen;
}
std::string_view Engine::sender_label(SenderId sender) const {
    if (index_of(sender) >= impl_->senders_.size()) return {};
    return impl_->sender(sender).label;
}

void Engine::for_each_journal_entry(DeviceId device, std::size_t most,
                                    const std::function<void(const JournalEntry&)>& visit) const {
    impl_->journal_.for_each(device, impl_->devices_.record(device).journal, most, visit);
}
Digest Engine::digest(NodeId node) const {
    return impl_->digest(node);
}
Version Engine::newest_version(NodeId node) const {
    return impl_->newest_version(node);
}
const Counters& Engine::counters() const {
    impl_->counters_.journal_overwritten = impl_->journal_.overwritten();
    return impl_->counters_;
}
const Policy& Engine::policy() const {
    return impl_->policy_;
}
const Limits& Engine::limits() const {
    return impl_->limits_;
}

}  // namespace lamplight::state
