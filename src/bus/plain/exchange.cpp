// Ourselves, members, what is sent, time. What messages bring about: receive.cpp.
#include "bus/plain/exchange.hpp"

#include "bus/plain/impl.hpp"

#include <algorithm>
#include <iterator>

namespace lamplight::bus::plain {

using ring::Member;
using state::Departure;
using state::Time;

void Output::clear() {
    changes.clear();
    mwi.clear();
    news.clear();
}

// --- ourselves ---

void Exchange::Impl::configure(const Settings& settings) {
    const Settings before = std::exchange(settings_, settings);
    // Who compares hashes has not understood what was said with others.
    const bool anew =
        before.dialect.hash != settings.dialect.hash || before.dialect.cachable != settings.dialect.cachable;
    if (listeners_ > 0 && !outgoing_.saying_goodbye()) {
        const Switches& publish = settings.publish;
        if (publish.device_state && (anew || !before.publish.device_state)) outgoing_.dump_devices();
        if (publish.mwi && (anew || !before.publish.mwi)) outgoing_.dump_mailboxes();
    }
    refresh();
}

void Exchange::Impl::set_own_nodes(std::span<const state::Announcement> nodes) {
    constexpr std::size_t most = 1'024;
    for (const state::Announcement& node : nodes) {
        const auto id = engine_.find_node(node.eid);
        OwnNodes& own = outgoing_.own();
        if (!id || own.find(*id) || own.size() >= most) continue;
        own.add({node.eid, *id});
        if (listeners_ > 0) outgoing_.dump();
    }
    refresh();
}

void Exchange::Impl::set_self(Member self, std::string address) {
    self_ = self;
    outgoing_.set_self(self, std::move(address));
    refresh();
}

/// Not kept for who is not greeted yet, when its dump begins then and says everything.
void Exchange::Impl::on_changes(const state::Changes& changes) {
    for (const state::DeviceForgotten& forgotten : changes.forgotten)
        outgoing_.device_forgotten(forgotten.device);
    if (!keeps_changes() || outgoing_.saying_goodbye() || !settings_.publish.device_state) return;
    std::optional<state::NodeId> looked_at;
    std::optional<std::uint16_t> place;
    for (const state::OwnVoteChange& change : changes.own_votes) {
        if (change.node != looked_at) place = outgoing_.own().find(change.node);
        looked_at = change.node;
        if (place) outgoing_.vote_changed(*place, state::index_of(change.device));
    }
}

void Exchange::Impl::mwi_changed(state::NodeId node, const state::Mailbox& mailbox) {
    if (!keeps_changes() || outgoing_.saying_goodbye() || !settings_.publish.mwi) return;
    if (const auto place = outgoing_.own().find(node)) outgoing_.mwi_changed(*place, mailbox);
}

// --- members ---

void Exchange::Impl::set_lamplights(std::span<const Member> lamplights, Output& out) {
    lamplights_ = {lamplights.begin(), lamplights.end()};
    for (auto& [id, member] : members_) {
        const bool lamplight = lamplights_.contains(id);
        if (lamplight == member.lamplight) continue;
        if (lamplight) {
            become_lamplight(id, member, out);
        } else {
            member.lamplight = false;
            if (member.present) become_stranger(member, out);
        }
    }
    refresh();
}

void Exchange::Impl::came(Member id, std::string label, Output& out) {
    if (members_.contains(id)) gone(id, Departure::failed, out);
    GroupMember& member = members_[id];
    member.label = std::move(label);
    member.lamplight = lamplights_.contains(id);
    if (!member.lamplight) become_stranger(member, out);
    refresh();
}

void Exchange::Impl::returned(Member id, Output& out) {
    const auto found = members_.find(id);
    if (found == members_.end()) return;
    GroupMember& member = found->second;
    member.present = true;
    if (!member.lamplight) become_stranger(member, out);
    refresh();
}

/// It is there and no Lamplight: at first, again, or after all.
void Exchange::Impl::become_stranger(GroupMember& member, Output& out) {
    if (member.sender)
        engine_.sender_present(*member.sender, now_, out.changes);
    else
        member.sender = engine_.open_sender(settings_.bus, member.label, out.changes);
    if (member.eid && member.outcome != state::AnnounceOutcome::accepted) announce(member, out);
    member.greeted = false;
    member.knows_us = false;
    member.wants_discovery = false;
    member.greet_at = now_ + settings_.dump_delay;
}

/// From now on its votes come by the group of the Lamplights. Until they do, those held go on to count, as
/// after the goodbye of one that restarts: for the engine its sender here says that it comes back, and ends.
void Exchange::Impl::become_lamplight(Member id, GroupMember& member, Output& out) {
    if (member.sender) {
        engine_.sender_gone(*member.sender, Departure::restarting, now_, out.changes);
        engine_.sender_gone(*member.sender, Departure::failed, now_, out.changes);
    }
    end_shared_node(id, member);
    const std::optional<state::Eid> eid = member.eid;
    if (eid) outgoing_.end_repair(id, *eid);
    GroupMember lamplight;
    lamplight.label = std::move(member.label);
    lamplight.present = member.present;
    lamplight.lamplight = true;
    member = std::move(lamplight);
    if (eid) offer(*eid, out);
}

void Exchange::Impl::gone(Member id, Departure departure, Output& out) {
    const auto found = members_.find(id);
    if (found == members_.end()) return;
    GroupMember& member = found->second;
    const bool was_present = std::exchange(member.present, false);
    member.greet_at.reset();
    if (!member.lamplight) end_stranger(id, member, departure, out);
    if (departure != Departure::silent && departure != Departure::restarting) members_.erase(found);
    refresh();
    if (was_present && settings_.identity == Identity::node) heal_node(id);
}

/// Changes go on to reach it meanwhile.
void Exchange::Impl::hears_more(Member id) {
    const auto found = members_.find(id);
    if (found != members_.end() && found->second.is_stranger())
        found->second.greet_at = now_ + settings_.dump_delay;
}

void Exchange::Impl::end_stranger(Member id, GroupMember& member, Departure departure, Output& out) {
    if (member.sender) engine_.sender_gone(*member.sender, departure, now_, out.changes);
    end_shared_node(id, member);
    member.greeted = false;
    if (member.eid) outgoing_.end_repair(id, *member.eid);
    if (departure == Departure::silent || departure == Departure::restarting) return;
    drop_counts(member, out);
    if (member.eid && member.outcome == state::AnnounceOutcome::accepted) offer(*member.eid, out);
}

void Exchange::Impl::end_shared_node(Member id, GroupMember& member) {
    if (std::exchange(member.shared_node_told, false) && !shares_node())
        news_.push_back({News::Kind::shared_node_over, id, {}});
}

bool Exchange::Impl::shares_node() const {
    return std::any_of(members_.begin(), members_.end(),
                       [](const auto& entry) { return entry.second.shared_node_told; });
}

/// Real Asterisks know members by the Corosync node alone: whoever left, they dropped what they had of its
/// node (asterisk-facts 3.6). Who stays there is said again.
void Exchange::Impl::heal_node(Member gone) {
    if (strangers_ == 0 || outgoing_.saying_goodbye()) return;
    if (gone.node_id == self_.node_id) {
        for (auto& [id, member] : members_) {
            member.knows_us = false;
            member.wants_discovery = member.is_stranger();
        }
        if (listeners_ > 0) outgoing_.dump();
    }
    if (is_lowest_lamplight())
        for (const auto& [id, member] : members_)
            if (id.node_id == gone.node_id && member.is_stranger() && member.eid &&
                member.outcome == state::AnnounceOutcome::accepted)
                outgoing_.repair(id, *member.eid, member.address);
    refresh();
}

bool Exchange::Impl::is_lowest_lamplight() const {
    return std::none_of(members_.begin(), members_.end(), [&](const auto& entry) {
        return entry.second.lamplight && entry.second.present && entry.first < self_;
    });
}

/// Nobody speaks for this node any more: who was refused as its duplicate may.
void Exchange::Impl::offer(const state::Eid& eid, Output& out) {
    for (auto& [id, member] : members_)
        if (member.is_stranger() && member.eid == eid && member.outcome == state::AnnounceOutcome::duplicate)
            announce(member, out);
}

/// What follows from who is there now.
void Exchange::Impl::refresh() {
    strangers_ = listeners_ = 0;
    bool due = false;
    bool shared = false;
    for (const auto& [id, member] : members_) {
        if (!member.is_stranger()) continue;
        ++strangers_;
        shared = shared || id.node_id == self_.node_id;
        listeners_ += member.greeted;
        due = due || member.wants_discovery;
    }
    if (!outgoing_.saying_goodbye()) {
        if (strangers_ == 0) outgoing_.forget_words();
        if (!keeps_changes()) outgoing_.forget_own();
        if (listeners_ == 0) dump_at_.reset();
    }
    refresh_yields();
    due = due && !shared && settings_.publish.cluster_discovery && !outgoing_.saying_goodbye();
    outgoing_.set_discovery(due ? Outgoing::Discovery::due : Outgoing::Discovery::none);
}

/// Which own nodes have a duplicate now. What we did not say meanwhile is said when it is gone.
void Exchange::Impl::refresh_yields() {
    const OwnNodes& own = outgoing_.own();
    for (std::size_t i = 0; i < own.size(); ++i) {
        const auto place = static_cast<std::uint16_t>(i);  // set_own_nodes() takes no more
        const auto speaks = [&](const auto& entry) {
            return entry.second.is_stranger() && entry.second.duplicates.contains(place);
        };
        const auto duplicate = std::find_if(members_.begin(), members_.end(), speaks);
        const bool yields = duplicate != members_.end();
        if (yields == outgoing_.yields(place)) continue;
        outgoing_.set_yields(place, yields ? Outgoing::Yields::yes : Outgoing::Yields::no);
        const std::string eid = state::to_string(own[place].eid);
        if (yields) {
            news_.push_back({News::Kind::yields, duplicate->first, eid});
        } else {
            news_.push_back({News::Kind::yields_no_more, {}, eid});
            if (listeners_ > 0) want_dump();
        }
    }
}

/// For strangers: those that keep coming wait for it, and share one.
void Exchange::Impl::want_dump() {
    if (outgoing_.saying_goodbye()) return;
    dump_at_ = std::max(now_, pace_.earliest());
    begin_due_dump();
}

void Exchange::Impl::begin_due_dump() {
    if (!dump_at_ || *dump_at_ > now_) return;
    dump_at_.reset();
    pace_.began(now_, outgoing_.own_votes(), settings_.dump_pause, settings_.longest_dump_pause);
    outgoing_.dump();
}

// --- sending ---

void Exchange::Impl::delivered(MessageId id) {
    if (outgoing_.delivered(id) != Outgoing::About::discovery) return;
    for (auto& [member_id, member] : members_) {
        if (!member.present) continue;
        member.knows_us = true;
        member.wants_discovery = false;
    }
    refresh();
}

void Exchange::Impl::lost(MessageId id) {
    outgoing_.lost(id);
    refresh();
}

void Exchange::Impl::disconnected() {
    outgoing_.clear();
    outgoing_.forget_under_way();
    outgoing_.forget_ping();
    for (auto& [id, member] : members_) {
        member.greeted = false;
        member.greet_at.reset();
    }
    refresh();
}

void Exchange::Impl::say_goodbye() {
    if (outgoing_.saying_goodbye()) return;
    // Who is not greeted yet, or waits for its dump, may be back from where it could not hear what was
    // withdrawn.
    if (strangers_ > listeners_ || dump_at_) outgoing_.dump();
    dump_at_.reset();
    outgoing_.say_goodbye();
    refresh();
}

// --- time ---

std::optional<Time> Exchange::Impl::next_deadline() const {
    std::optional<Time> next = dump_at_;
    if (!news_.empty()) next = now_;
    for (const auto& [id, member] : members_)
        if (member.greet_at && (!next || *member.greet_at < *next)) next = member.greet_at;
    return next;
}

void Exchange::Impl::on_time(Output&) {
    bool greeted = false;
    for (auto& [id, member] : members_) {
        if (!member.greet_at || *member.greet_at > now_) continue;
        member.greet_at.reset();
        member.greeted = greeted = true;
        member.wants_discovery = !member.knows_us;
        const bool shares = settings_.identity == Identity::node && id.node_id == self_.node_id;
        if (!shares || member.shared_node_told) continue;
        const bool said = shares_node();  // one of many, or one that restarts for ever, is said once
        member.shared_node_told = true;
        if (said) continue;
        news_.push_back({News::Kind::shared_node, id, {}});
    }
    if (greeted) want_dump();
    begin_due_dump();
    if (greeted) refresh();
}

void Exchange::Impl::tell(Output& out) {
    out.news.insert(out.news.end(), std::make_move_iterator(news_.begin()),
                    std::make_move_iterator(news_.end()));
    news_.clear();
}

// --- the public face ---

Exchange::Exchange(state::Engine& engine, const state::MwiTable& mwi, const Settings& settings)
    : impl_(std::make_unique<Impl>(engine, mwi, settings)) {}
Exchange::~Exchange() = default;

void Exchange::configure(const Settings& settings) {
    impl_->configure(settings);
}
void Exchange::set_own_nodes(std::span<const state::Announcement> nodes) {
    impl_->set_own_nodes(nodes);
}
void Exchange::set_self(Member self, std::string address) {
    impl_->set_self(self, std::move(address));
}
void Exchange::on_changes(const state::Changes& changes) {
    impl_->on_changes(changes);
}
void Exchange::mwi_changed(state::NodeId node, const state::Mailbox& mailbox) {
    impl_->mwi_changed(node, mailbox);
}
void Exchange::set_lamplights(std::span<const Member> lamplights, Time now, Output& out) {
    impl_->now_ = now;
    impl_->set_lamplights(lamplights, out);
    impl_->tell(out);
}
void Exchange::member_came(Member member, std::string label, Time now, Output& out) {
    impl_->now_ = now;
    impl_->came(member, std::move(label), out);
    impl_->tell(out);
}
void Exchange::member_returned(Member member, Time now, Output& out) {
    impl_->now_ = now;
    impl_->returned(member, out);
    impl_->tell(out);
}
void Exchange::member_gone(Member member, Departure departure, Time now, Output& out) {
    impl_->now_ = now;
    impl_->gone(member, departure, out);
    impl_->tell(out);
}
void Exchange::member_hears_more(Member member, Time now, Output& out) {
    impl_->now_ = now;
    impl_->hears_more(member);
    impl_->tell(out);
}
void Exchange::receive(Member from, wire::Bytes message, Time now, Output& out) {
    impl_->now_ = now;
    impl_->receive(from, message, out);
    impl_->tell(out);
}
bool Exchange::has_strangers() const {
    return impl_->strangers_ > 0;
}
bool Exchange::wants_to_send() const {
    return (impl_->may_speak() || impl_->outgoing_.ping_waits()) && impl_->outgoing_.wants_to_send();
}
Taken Exchange::take(wire::MutableBytes out) {
    return wants_to_send() ? impl_->outgoing_.take(out) : Taken{};
}
void Exchange::delivered(MessageId id) {
    impl_->delivered(id);
}
void Exchange::lost(MessageId id) {
    impl_->lost(id);
}
void Exchange::disconnected() {
    impl_->disconnected();
}
void Exchange::ping() {
    if (impl_->settings_.publish.ping && !impl_->outgoing_.saying_goodbye()) impl_->outgoing_.ping();
}
void Exchange::say_goodbye() {
    impl_->say_goodbye();
}
bool Exchange::said_goodbye() const {
    return impl_->outgoing_.saying_goodbye() && (!has_strangers() || impl_->outgoing_.said_goodbye());
}
std::optional<Time> Exchange::next_deadline() const {
    return impl_->next_deadline();
}
void Exchange::on_time(Time now, Output& out) {
    impl_->now_ = now;
    impl_->on_time(out);
    impl_->tell(out);
}
const Counters& Exchange::counters() const {
    return impl_->counters_;
}
const Settings& Exchange::settings() const {
    return impl_->settings_;
}
std::size_t Exchange::members() const {
    return impl_->strangers_;
}
std::uint64_t Exchange::waiting() const {
    return impl_->outgoing_.waiting();
}
const state::Eid* Exchange::announced_by(Member member) const {
    const auto found = impl_->members_.find(member);
    return found == impl_->members_.end() || !found->second.eid ? nullptr : &*found->second.eid;
}

}  // namespace lamplight::bus::plain
