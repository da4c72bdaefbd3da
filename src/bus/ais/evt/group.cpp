#include "bus/ais/evt/impl.hpp"

#include <algorithm>
#include <tuple>

namespace lamplight::bus::ais::evt {

Service::Impl::Impl(const Settings& settings, std::function<std::uint32_t()> draw)
    : settings_(settings),
      draw_(std::move(draw)),
      registry_(settings.max_channels, settings.max_marks),
      retained_({settings.max_retained, settings.max_retained_bytes, settings.max_marks}),
      clients_(settings.queue_limit, settings.queue_resume, retained_, counters_),
      outgoing_(settings.max_outgoing, settings.max_outgoing_bytes) {
    settings_.program.resize(std::min(settings_.program.size(), wire::evt::max_program_bytes));
    draw_number();
}

// --- our numbers ---

void Service::Impl::draw_number() {
    const std::uint32_t old = publisher_;
    const auto is_taken = [this](std::uint32_t number) {
        return std::ranges::any_of(roster_.peers(), [&](const auto& entry) {
            return !is_self(entry.first) && entry.second.publisher == number;
        });
    };
    // A generator that gives nothing of use must not hold us up: then it goes on counting.
    publisher_ = draw_();
    while (publisher_ == 0 || publisher_ == old || is_taken(publisher_))
        ++publisher_;
    last_event_ = static_cast<std::uint32_t>(wire::evt::last_reserved_event_id);
    last_channel_ = 0;
    renumber();
}

EventId Service::Impl::next_event_id() {
    if (last_event_ == UINT32_MAX) draw_number(), hello_soon();
    return EventId{make_id(publisher_, ++last_event_)};
}

ChannelId Service::Impl::next_channel_id() {
    if (last_channel_ == UINT32_MAX) draw_number(), hello_soon();
    return ChannelId{make_id(publisher_, ++last_channel_)};
}

/// What waits goes out under our number of today, in order.
void Service::Impl::renumber() {
    outgoing_.for_each_waiting([this](Outgoing::Item& item) {
        if (auto* publish = std::get_if<Outgoing::Publish>(&item)) publish->event->id = next_event_id();
        if (auto* open = std::get_if<Outgoing::Open>(&item)) open->proposed = next_channel_id();
    });
}

void Service::Impl::set_initial_view(std::uint64_t view) {
    if (view == initial_view_) return;
    initial_view_ = view;
    hello_soon();
}

// --- who is there ---

void Service::Impl::joined(ring::Member self, std::span<const ring::Member> there, Moment moment,
                           Output& out) {
    if (!whole_) {
        roster_.peers().clear();
        registry_.clear();
        retained_.clear_all();
    }
    if (!is_self(self)) {
        roster_.erase(self);
        if (auto old = roster_.peers().extract(self_)) {
            old.key() = self;
            roster_.peers().insert(std::move(old));
        }
        self_ = self;
    }
    in_group_ = true;
    since_ = static_cast<std::uint64_t>(std::max<Nanoseconds>(moment.wall, 0));
    incoming_.clear();
    for (auto& [member, peer] : roster_.peers())
        peer.present = peer.known = false;
    for (const ring::Member member : there)
        if (Peer* peer = is_self(member) ? nullptr : roster_.find_or_make(member)) arrive(member, *peer);
    if (Peer* own = roster_.find_or_make(self)) {
        arrive(self, *own);
        own->owes_us = own->we_owe = false;
    }
    expect_answers(moment);
    if (there.empty() && !whole_) know_registry("alone in the group", out);
    out.opens_changed = true;
    consider(moment, out);
}

void Service::Impl::arrive(ring::Member member, Peer& peer) {
    peer.present = true;
    peer.known = peer.mute = peer.whole = peer.wanting = false;
    peer.wanting_since.reset();
    peer.owes_us = peer.we_owe = true;
    peer.came = tick();
    incoming_.erase(member);
}

/// Who came or returned shall know us, and may know something that we do not.
void Service::Impl::expect_answers(Moment moment) {
    hold_opens();
    hello_soon();
    patience_ = std::max(settings_.state_patience, state::Duration(1));
    patience_over_ = false;
    ask_at_ = moment.now + patience_;
}

void Service::Impl::member_came(ring::Member member, Moment moment, Output& out) {
    if (!in_group_ || is_self(member)) return;
    const Peer* before = roster_.find(member);
    if (before != nullptr && before->present && !before->known) return;  // joined() said so
    if (before != nullptr) end(member, out);
    member_returned(member, moment, out);
}

void Service::Impl::member_returned(ring::Member member, Moment moment, Output& out) {
    if (!in_group_ || is_self(member)) return;
    const Peer* before = roster_.find(member);
    if (before != nullptr && before->present && !before->known) return;
    if (before == nullptr)
        if (const ring::Member* surplus = roster_.surplus()) end(ring::Member(*surplus), out);
    Peer* peer = roster_.find_or_make(member);
    if (peer == nullptr) return;
    arrive(member, *peer);
    expect_answers(moment);
    out.opens_changed = true;
    consider(moment, out);
}

void Service::Impl::member_gone(ring::Member member, state::Departure departure, Moment moment, Output& out) {
    Peer* peer = roster_.find(member);
    if (peer == nullptr || is_self(member)) return;
    incoming_.erase(member);
    peer->present = peer->known = false;
    if (departure != state::Departure::silent) end(member, out);
    out.opens_changed = true;
    consider(moment, out);
}

void Service::Impl::end(ring::Member member, Output& out) {
    Peer* peer = roster_.find(member);
    if (peer == nullptr) return;
    close_all(*peer, out);
    publishers_.released(member, peer->publisher);
    incoming_.erase(member);
    roster_.erase(member);
    std::erase_if(complaints_, [&](const auto& entry) { return entry.first.first == member; });
}

void Service::Impl::close_all(Peer& peer, Output& out) {
    for (const auto& [handle, open] : peer.opens)
        if (Channel* channel = registry_.find(open.channel)) --channel->opens;
    if (!peer.opens.empty()) out.opens_changed = sweep_due_ = true;
    peer.opens.clear();
}

void Service::Impl::disconnected(Moment moment, Output& out) {
    in_group_ = false;
    hello_due_ = false;
    hello_under_way_.reset();
    walk_.reset();
    walk_frames_.clear();
    incoming_.clear();
    gathering_since_.reset();
    gather_until_.reset();
    ask_at_.reset();
    outgoing_.lose_all();
    outgoing_.drop_opens();
    for (auto& [handle, pending] : pending_)
        pending.asked = false;
    for (auto& [member, peer] : roster_.peers())
        peer.present = peer.known = false;
    out.opens_changed = true;
    consider(moment, out);
}

// --- what we know of others ---

bool Service::Impl::is_owed() const {
    return !whole_ || std::ranges::any_of(roster_.peers(), [](const auto& entry) {
        return entry.second.present && entry.second.owes_us && !entry.second.mute;
    });
}

/// A state of ours is to come that others, who have channels too, must have before they can act as we do.
bool Service::Impl::owes_whole() const {
    return std::ranges::any_of(roster_.peers(), [](const auto& entry) {
        const Peer& peer = entry.second;
        return peer.present && peer.we_owe && !peer.mute && (peer.whole || !peer.known);
    });
}

bool Service::Impl::may_open() const {
    const Peer* own = roster_.find(self_);
    return in_group_ && whole_ && own != nullptr && own->known && (patience_over_ || is_settled());
}

bool Service::Impl::are_oldest(const std::function<bool(const Peer&)>& counts) const {
    return std::ranges::none_of(roster_.peers(), [&](const auto& entry) {
        const auto& [member, peer] = entry;
        return !is_self(member) && counts(peer) && std::tie(peer.since, member) < std::tie(since_, self_);
    });
}

void Service::Impl::on_hello(ring::Member from, Peer& peer, const wire::evt::Hello& hello, Output& out) {
    if (!is_self(from) && hello.publisher == publisher_ &&
        std::tuple(hello.since, from) < std::tuple(since_, self_)) {
        draw_number();
        hello_soon();
    }
    publishers_.owns(from, hello.publisher, std::exchange(peer.publisher, hello.publisher));
    peer.since = hello.since;
    peer.boot_time = hello.boot_time;
    peer.initial_view = hello.initial_view;
    peer.program = hello.program;
    peer.known = true;
    peer.mute = false;
    peer.hello = tick();
    peer.wanting = hello.wants == wire::evt::Hello::Wants::state;
    // One that was told everything since it came may have said so before it heard.
    if (hello.state == wire::evt::Hello::State::whole) peer.whole = true;
    if (!peer.whole) peer.owes_us = false;
    take_over_opens(peer, hello, out);
}

void Service::Impl::take_over_opens(Peer& peer, const wire::evt::Hello& hello, Output& out) {
    close_all(peer, out);
    for (const wire::evt::StandingOpen& open : hello.opens) {
        Channel* channel = registry_.find_or_make(open.channel, open.name, tick());
        if (channel == nullptr) {
            ++counters_.over_limit;
            continue;
        }
        const bool is_new =
            peer.opens.try_emplace(open.handle, MemberOpen{open.channel, open.flags, std::string(open.name)})
                .second;
        if (is_new) ++channel->opens;
    }
    out.opens_changed = sweep_due_ = true;
}

void Service::Impl::know_registry(std::string by, Output& out) {
    whole_ = true;
    out.news.push_back({.kind = News::Kind::registry_known, .member = self_, .text = std::move(by)});
}

// --- what follows ---

void Service::Impl::consider(Moment moment, Output& out) {
    end_opens_by(moment.now, out);
    if (in_group_) {
        declare_whole(out);
        ask_for_opens();
        consider_state(moment);
    }
    sweep(out);
}

/// Nobody here knows the channels: then there are none, and the oldest says so.
void Service::Impl::declare_whole(Output& out) {
    if (whole_ || !(patience_over_ || roster_.all_said_hello())) return;
    const bool nobody = std::ranges::none_of(
        roster_.peers(), [](const auto& entry) { return entry.second.present && entry.second.whole; });
    if (!nobody || !are_oldest([](const Peer& peer) { return peer.present && peer.known; })) return;
    know_registry("the oldest of those who are new", out);
    hello_soon();
}

void Service::Impl::ask_for_opens() {
    if (!may_open()) return;
    for (auto& [handle, pending] : pending_) {
        if (std::exchange(pending.asked, true)) continue;
        outgoing_.push(Outgoing::Open{handle, next_channel_id(), pending.flags, pending.name});
    }
}

/// Opens that wait to be said are asked for again when others can follow.
void Service::Impl::hold_opens() {
    outgoing_.for_each_waiting([this](Outgoing::Item& item) {
        const auto* open = std::get_if<Outgoing::Open>(&item);
        if (open == nullptr) return;
        if (const auto found = pending_.find(open->handle); found != pending_.end())
            found->second.asked = false;
    });
    outgoing_.drop_opens();
}

void Service::Impl::end_opens_by(state::Time now, Output& out) {
    std::erase_if(pending_, [&](const auto& entry) {
        const Pending& pending = entry.second;
        if (!pending.deadline || *pending.deadline > now) return false;
        out.opened.push_back(
            {.client = pending.client, .invocation = pending.invocation, .error = Error::timeout});
        return true;
    });
}

/// Unlinked channels go when nobody has them open: not before everybody said what it has open.
void Service::Impl::sweep(Output&) {
    if (!sweep_due_ || !roster_.all_said_hello()) return;
    sweep_due_ = false;
    for (const ChannelId id : registry_.forgotten()) {
        if (roster_.asks_for(registry_.find(id)->name)) {
            sweep_due_ = true;
            continue;
        }
        retained_.remove_channel(id);
        registry_.erase(id);
    }
    if (registry_.is_full())
        registry_.drop_unused([&](ChannelId id) {
            const RetainedEvents::Shelf* shelf = retained_.shelf(id);
            return shelf == nullptr || shelf->list.empty();
        });
}

// --- time ---

std::optional<state::Time> Service::Impl::next_deadline() const {
    std::optional<state::Time> first = retained_.next_end();
    const auto also = [&](std::optional<state::Time> deadline) {
        if (deadline && (!first || *deadline < *first)) first = deadline;
    };
    if (in_group_ && !is_settled()) also(ask_at_);
    also(gather_until_);
    also(next_vain());
    for (const auto& [handle, pending] : pending_)
        also(pending.deadline);
    return first;
}

void Service::Impl::on_time(Moment moment, Output& out) {
    counters_.expired += retained_.expire(moment.now);
    if (in_group_ && ask_at_ && moment.now >= *ask_at_ && !is_settled()) {
        patience_over_ = true;
        hello_soon();
        patience_ = std::min(patience_ * 2, std::max(longest_patience, settings_.state_patience));
        ask_at_ = moment.now + patience_;
    }
    consider(moment, out);
}

}  // namespace lamplight::bus::ais::evt
