#include "bus/ais/evt/impl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace lamplight::bus::ais::evt {

// --- a member says a state ---

void Service::Impl::act(ring::Member from, Peer&, const wire::evt::StateBegin& begin, Moment, Output&) {
    Incoming& state = incoming_[from];
    state = {.number = begin.number, .began = tick_, .we_were_empty = !whole_};
    for (const wire::evt::Process& target : begin.targets)
        state.targets.insert({target.node_id, target.pid});
    state.for_us = !is_self(from) && state.targets.contains(self_);
    if (state.for_us && is_first_state()) forget_hearsay(state.began);
    if (state.for_us) {
        state.next_place = tick_ + 1;
        tick_ += places_of_a_state;
    }
    if (is_self(from) && walk_ && walk_->number() == begin.number) our_state_began();
}

bool Service::Impl::is_first_state() const {
    return !whole_ &&
           1 == std::ranges::count_if(incoming_, [](const auto& entry) { return entry.second.for_us; });
}

/// The first state tells all that its sender knows. What we heard beside it from members that are gone would
/// be known to nobody else, and who is new is not asked.
void Service::Impl::forget_hearsay(Place now) {
    registry_.clear();
    retained_.clear_all();
    auto& peers = roster_.peers();
    std::erase_if(peers, [&](const auto& entry) {
        if (!entry.second.present) publishers_.released(entry.first, entry.second.publisher);
        return !entry.second.present;
    });
    for (const auto& [member, peer] : peers)
        for (const auto& [handle, open] : peer.opens)
            if (open.channel != ChannelId::none)
                if (Channel* channel = registry_.find_or_make(open.channel, open.name, now)) ++channel->opens;
}

Service::Impl::Incoming* Service::Impl::incoming_for_us(ring::Member from) {
    const auto found = incoming_.find(from);
    return found == incoming_.end() || !found->second.for_us ? nullptr : &found->second;
}

void Service::Impl::act(ring::Member from, Peer&, const wire::evt::StateChannel& channel, Moment,
                        Output& out) {
    const Incoming* state = incoming_for_us(from);
    if (state == nullptr) return;
    if (channel.status == wire::evt::StateChannel::Status::unlinked)
        registry_.unlink(channel.id, channel.name);
    if (registry_.find_or_make(channel.id, channel.name, state->began) == nullptr) ++counters_.over_limit;
    out.opens_changed = sweep_due_ = true;
}

/// Those who subscribed hear it if it keeps the publisher's order; later subscribers find it in any case, in
/// the order of who told it.
void Service::Impl::act(ring::Member from, Peer&, const wire::evt::StateEvent& told, Moment moment,
                        Output& out) {
    Incoming* state = incoming_for_us(from);
    if (state == nullptr) return;
    const wire::evt::Publish& publish = told.event;
    const std::uint64_t id = number_of(publish.id);
    const bool is_made_up = publisher_of(id) == publisher_ && count_of(id) > last_event_;
    if (is_made_up || count_of(id) <= wire::evt::last_reserved_event_id)
        return refuse_id(from, id, moment, out);
    const Place place = state->next_place++;
    if (const auto before = retained_.place_of(publish.id)) {
        if (!clients_.replaying()) retained_.move(publish.id, place);
        return;
    }
    if (auto* cleared = retained_.find_cleared(publish.id)) {
        cleared->end = std::min(cleared->end, end_of(told.remaining, moment.now));
        return;
    }
    const Channel* channel = registry_.find_or_make(publish.channel, publish.channel_name, state->began);
    if (channel == nullptr) {
        ++counters_.over_limit;
        return;
    }
    if (told.remaining == 0) return;
    const EventPointer event = make_received(publish, {});
    retain(event, end_of(told.remaining, moment.now), place, out);
    if (publishers_.advance_told(publish.id))
        clients_.deliver(registry_.together(*channel), event, place, tick(), out);
}

void Service::Impl::act(ring::Member from, Peer&, const wire::evt::StateCleared& cleared, Moment moment,
                        Output&) {
    if (incoming_for_us(from) == nullptr) return;
    const state::Time end = end_of(cleared.remaining, moment.now);
    if (retained_.clear(cleared.channel, cleared.id, end)) ++counters_.cleared;
}

void Service::Impl::act(ring::Member from, Peer& peer, const wire::evt::StateEnd& end, Moment, Output& out) {
    const auto found = incoming_.find(from);
    if (found == incoming_.end() || found->second.number != end.number) return;
    const Incoming state = std::move(found->second);
    incoming_.erase(found);
    for (auto& [member, other] : roster_.peers()) {
        if (!other.present || other.came > state.began || !state.targets.contains(member)) continue;
        if (peer.in_step() && !is_self(member)) other.we_owe = false;
        other.whole = true;
    }
    if (state.for_us) taken_over(from, state, out);
    if (opens_since_hello_) hello_soon();
    if (is_self(from)) our_state_ended();
}

/// Who stood beside the sender knows what it said, and has nothing that it did not say. The others it was for
/// know it now too; what they have beside it, the oldest of theirs says.
void Service::Impl::taken_over(ring::Member from, const Incoming& state, Output& out) {
    ++counters_.states_taken;
    const bool know_nothing_else = state.we_were_empty && !whole_;
    const Peer* own = roster_.find(self_);
    for (auto& [member, other] : roster_.peers()) {
        if (is_self(member) || !other.present || other.came > state.began) continue;
        if (!state.targets.contains(member)) other.owes_us = false;
        // Who has not heard us say so waits for what we know.
        if (know_nothing_else && own != nullptr && own->known && own->hello > other.came)
            other.we_owe = false;
    }
    replay_log(state);
    if (!whole_) know_registry(fmt::format("node {} pid {}", from.node_id, from.pid), out);
    if (is_settled()) ask_at_.reset();
    sweep_due_ = true;
    out.opens_changed = true;
}

/// What changed while the state was on its way, by those who knew it when they acted.
void Service::Impl::replay_log(const Incoming& state) {
    for (const LogEntry& entry : state.log) {
        if (entry.kind == LogEntry::Kind::unlink) {
            registry_.unlink(entry.name, entry.at);
        } else if (!state.targets.contains(entry.member) && registry_.living(entry.name) == nullptr) {
            registry_.find_or_make(entry.proposed, entry.name, entry.at);
        }
    }
}

void Service::Impl::log_change(const LogEntry& entry) {
    for (auto& [member, state] : incoming_)
        if (state.for_us && state.log.size() < max_log) state.log.push_back(entry);
}

// --- we say one ---

std::vector<wire::evt::Process> Service::Impl::debtors() const {
    std::vector<wire::evt::Process> members;
    for (const auto& [member, peer] : roster_.peers())
        if (peer.present && peer.we_owe && !peer.mute) members.push_back({member.node_id, member.pid});
    if (members.size() > wire::evt::max_targets) members.resize(wire::evt::max_targets);
    return members;
}

/// Whoever knows what we know has said hello to those who came, so that from now on they listen to it; what
/// it said before is in our state.
bool Service::Impl::hellos_are_fresh() const {
    Place last_came = 0;
    for (const auto& [member, peer] : roster_.peers())
        if (peer.present && peer.we_owe) last_came = std::max(last_came, peer.came);
    return std::ranges::all_of(roster_.peers(), [&](const auto& entry) {
        return !entry.second.in_step() || entry.second.hello > last_came;
    });
}

/// Somebody is saying it a state, and goes on saying it.
bool Service::Impl::is_told(ring::Member member, state::Time now) const {
    return std::ranges::any_of(incoming_, [&](const auto& entry) {
        const Incoming& state = entry.second;
        return state.targets.contains(member) && now - state.heard < 2 * settings_.state_patience;
    });
}

void Service::Impl::hear_state(ring::Member from, state::Time now) {
    if (const auto found = incoming_.find(from); found != incoming_.end()) found->second.heard = now;
}

/// It goes on asking and nobody begins, or does not go on: the oldest in our eyes may have told it before it
/// knew the same as we, may be halted, or lie.
bool Service::Impl::waits_in_vain(ring::Member member, const Peer& peer, state::Time now) const {
    return peer.wanting_since && now - *peer.wanting_since >= 2 * settings_.state_patience &&
           !is_told(member, now);
}

/// When somebody may wait in vain.
std::optional<state::Time> Service::Impl::next_vain() const {
    if (!in_group_ || !whole_ || walk_ || gathering_since_) return {};
    std::optional<state::Time> first;
    for (const auto& [member, peer] : roster_.peers()) {
        if (!(peer.present && peer.known && peer.we_owe && peer.wanting && peer.wanting_since)) continue;
        state::Time since = *peer.wanting_since;
        for (const auto& [teller, state] : incoming_)
            if (state.targets.contains(member)) since = std::max(since, state.heard);
        if (!first || since < *first) first = since;
    }
    if (first) *first += 2 * settings_.state_patience;
    return first;
}

/// The oldest of those who know the same says it, when somebody wants it and the others had time to come.
void Service::Impl::consider_state(Moment moment) {
    bool is_wanted = false, in_vain = false;
    for (const auto& [member, peer] : roster_.peers()) {
        if (!whole_ || walk_ || !(peer.present && peer.known && peer.we_owe && peer.wanting)) continue;
        is_wanted = true;
        in_vain = in_vain || waits_in_vain(member, peer, moment.now);
    }
    const auto knows_the_same = [](const Peer& peer) { return peer.in_step() && peer.known && peer.whole; };
    if (!is_wanted || !(in_vain || are_oldest(knows_the_same))) {
        gathering_since_.reset();
        gather_until_.reset();
        return;
    }
    if (!gathering_since_) {
        gathering_since_ = moment.now;
        gather_until_ = moment.now + gather_time;
    }
    if (moment.now < *gather_until_) return;
    if (!hellos_are_fresh() && moment.now < *gathering_since_ + longest_gather) {
        gather_until_ = moment.now + gather_time;
        return;
    }
    gathering_since_.reset();
    gather_until_.reset();
    walk_.emplace(++last_state_, debtors());
}

/// Whoever came while our begin was on its way is not named in it and would take itself for one of those who
/// know all: then we begin again.
void Service::Impl::our_state_began() {
    const auto& named = walk_->targets();
    for (const wire::evt::Process& member : debtors()) {
        if (std::ranges::find(named, member) != named.end()) continue;
        walk_.emplace(++last_state_, debtors());
        walk_frames_.clear();
        return;
    }
    walk_->came_back(tick(), registry_, retained_);
}

void Service::Impl::our_state_ended() {
    ++counters_.states_sent;
    walk_.reset();
    walk_frames_.clear();
}

}  // namespace lamplight::bus::ais::evt
