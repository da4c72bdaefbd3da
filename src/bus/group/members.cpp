#include "bus/group/members.hpp"

#include <algorithm>
#include <iterator>

namespace lamplight::bus::group {

using ring::Member;
using ring::Reason;
using state::Departure;
using state::Time;

namespace {

std::optional<Reason> reason_of(Member member, std::span<const ring::Moved> moved) {
    const auto found = std::find_if(moved.begin(), moved.end(),
                                    [&](const ring::Moved& one) { return one.member == member; });
    return found == moved.end() ? std::nullopt : std::optional(found->reason);
}

}  // namespace

// --- what is said ---

void Members::greet(Place member, Events& events) {
    Known& known = member->second;
    const auto kind = known.known_before ? MemberEvent::Kind::returned : MemberEvent::Kind::came;
    known = {Status::present, true, {}};
    events.push_back({kind, member->first, {}});
}

void Members::silence(Place member, Events& events) {
    const bool said = is_said(member->second);
    member->second = {Status::silent, true, {}};
    if (said) events.push_back({MemberEvent::Kind::gone, member->first, Departure::silent});
}

Members::Place Members::end(Place member, Departure departure, Events& events) {
    // One that never came has no end either.
    if (member->second.known_before) events.push_back({MemberEvent::Kind::gone, member->first, departure});
    return known_.erase(member);
}

// --- what Corosync says ---

void Members::on_joined(Member self) {
    self_ = self;
    just_joined_ = true;
    known_.erase(self);
}

void Members::on_membership(const ring::Membership& change, Time now, Events& events) {
    const std::set<Member> here(change.members.begin(), change.members.end());
    in_group_ = here.contains(self_);
    for (const ring::Moved& moved : change.left)
        on_left(moved, now, events);
    silence_missing(here, events);
    for (const Member member : here)
        if (member != self_) on_here(member, reason_of(member, change.joined), now, events);
    for (const Member member : here)
        ring_nodes_.insert(member.node_id);
    if (in_group_) just_joined_ = false;
    watch_silent(now);
    bound_silent(events);
}

void Members::on_left(const ring::Moved& moved, Time now, Events& events) {
    const auto member = known_.find(moved.member);
    if (moved.reason == Reason::node_down) node_lost(moved.member.node_id, events);
    if (member == known_.end()) return;
    if (moved.reason == Reason::leave || !member->second.known_before) {
        end(member, Departure::left, events);
    } else if (moved.reason == Reason::process_down) {
        member->second.status = is_said(member->second) ? Status::doubtful : Status::silent;
        member->second.due = now + settings_.process_down_grace;
    } else {
        silence(member, events);
    }
}

/// Whoever nobody said anything of, and who is not in the list any more.
void Members::silence_missing(const std::set<Member>& here, Events& events) {
    for (auto member = known_.begin(); member != known_.end();) {
        const Known& known = member->second;
        const bool missing = !here.contains(member->first) &&
                             (known.status == Status::present || known.status == Status::expected);
        if (missing && !known.known_before) {
            member = known_.erase(member);
            continue;
        }
        if (missing) silence(member, events);
        ++member;
    }
}

void Members::on_here(Member member, std::optional<Reason> joined, Time now, Events& events) {
    const bool at_once = joined == Reason::join || (!joined && just_joined_);
    if (joined == Reason::join) end_doubts(member, events);
    const auto [place, fresh] = known_.try_emplace(member);
    Known& known = place->second;
    if (!fresh && known.status == Status::present && !joined) return;
    if (!fresh && known.status == Status::expected && !at_once) return;
    if (!fresh && is_said(known)) silence(place, events);  // it was away, or it would not have joined
    if (at_once) return greet(place, events);
    known.status = Status::expected;
    known.due = now + settings_.node_up_grace;
}

/// A process joins on a node: Corosync runs there, so what went down there before was another process.
void Members::end_doubts(Member joined, Events& events) {
    for (auto member = known_.lower_bound({joined.node_id, 0});
         member != known_.end() && member->first.node_id == joined.node_id;) {
        const bool doubtful = member->second.status == Status::doubtful && member->first != joined;
        member = doubtful ? end(member, Departure::failed, events) : std::next(member);
    }
}

void Members::on_totem(const ring::Totem& totem, Time now, Events& events) {
    ring_nodes_ = {totem.nodes.begin(), totem.nodes.end()};
    std::set<std::uint32_t> lost;
    for (const auto& [member, known] : known_)
        if (!ring_nodes_.contains(member.node_id)) lost.insert(member.node_id);
    for (const std::uint32_t node_id : lost)
        node_lost(node_id, events);
    for (auto member = known_.begin(); member != known_.end(); ++member)
        if (member->second.status == Status::expected && ring_nodes_.contains(member->first.node_id))
            greet(member, events);
    watch_silent(now);
}

/// The ring is without this node: doubts about its processes are over, and nothing runs out for them.
void Members::node_lost(std::uint32_t node_id, Events& events) {
    ring_nodes_.erase(node_id);
    for (auto member = known_.lower_bound({node_id, 0});
         member != known_.end() && member->first.node_id == node_id; ++member) {
        if (member->second.status == Status::doubtful) silence(member, events);
        if (member->second.status == Status::silent) member->second.due.reset();
    }
}

/// A node that is back without a process of the group that was there: it must come soon.
void Members::watch_silent(Time now) {
    for (auto& [member, known] : known_)
        if (known.status == Status::silent && !known.due && ring_nodes_.contains(member.node_id))
            known.due = now + settings_.absent_grace;
}

void Members::bound_silent(Events& events) {
    std::map<std::uint32_t, std::size_t> silent;
    for (const auto& [member, known] : known_)
        silent[member.node_id] += known.status == Status::silent;
    for (auto member = known_.begin(); member != known_.end();) {
        std::size_t& there = silent[member->first.node_id];
        const bool too_many = there > max_silent_a_node && member->second.status == Status::silent;
        if (too_many) --there;
        member = too_many ? end(member, Departure::failed, events) : std::next(member);
    }
}

void Members::on_message_from(Member from, Events& events) {
    const auto member = known_.find(from);
    if (member != known_.end() && member->second.status == Status::expected) greet(member, events);
}

void Members::on_lost(Time, Events& events) {
    in_group_ = false;
    ring_nodes_.clear();
    for (auto member = known_.begin(); member != known_.end();) {
        if (!member->second.known_before) {
            member = known_.erase(member);
            continue;
        }
        silence(member, events);
        ++member;
    }
}

// --- time ---

std::optional<Time> Members::next_deadline() const {
    std::optional<Time> next;
    for (const auto& [member, known] : known_)
        if (known.due && (!next || *known.due < *next)) next = known.due;
    return next;
}

void Members::on_time(Time now, Events& events) {
    for (auto member = known_.begin(); member != known_.end();) {
        const Known& known = member->second;
        if (!known.due || *known.due > now) {
            ++member;
        } else if (known.status == Status::expected) {
            greet(member, events);
            ++member;
        } else {
            member = end(member, Departure::failed, events);
        }
    }
}

// --- questions ---

bool Members::is_present(Member member) const {
    const auto found = known_.find(member);
    return found != known_.end() && is_said(found->second);
}

std::vector<Member> Members::present() const {
    std::vector<Member> present;
    for (const auto& [member, known] : known_)
        if (is_said(known)) present.push_back(member);
    return present;
}

std::vector<Member> Members::neighbours() const {
    std::vector<Member> neighbours = present();
    std::erase_if(neighbours, [&](Member member) { return member.node_id != self_.node_id; });
    return neighbours;
}

}  // namespace lamplight::bus::group
