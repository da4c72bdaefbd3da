#include "bus/ais/evt/impl.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lamplight::bus::ais::evt {

void Service::Impl::receive(ring::Member from, wire::Bytes frame, Moment moment, Output& out) {
    const Peer* peer = roster_.find(from);
    if (!in_group_ || peer == nullptr || !peer->present) return;
    ++counters_.frames_in;
    const auto done = wire::evt::decode(
        frame, [&](const wire::evt::Record& record) { return on_record(from, record, moment, out); });
    if (!done) {
        ++counters_.malformed[static_cast<std::size_t>(done.error())];
        const bool version = done.error() == wire::evt::Malformed::other_version;
        if (Peer* mute = roster_.find(from); version && mute != nullptr && !mute->known) mute->mute = true;
        complain(from, static_cast<std::uint8_t>(done.error()),
                 version ? News::Kind::other_version : News::Kind::malformed,
                 std::string(wire::evt::to_string(done.error())), moment.now, out);
    }
    consider(moment, out);
}

/// Nothing counts from who has not said who it is. false: no more of this frame.
namespace {

bool is_of_a_state(const wire::evt::Record& record) {
    using namespace wire::evt;
    return std::holds_alternative<StateBegin>(record) || std::holds_alternative<StateChannel>(record) ||
           std::holds_alternative<StateEvent>(record) || std::holds_alternative<StateCleared>(record);
}

}  // namespace

bool Service::Impl::on_record(ring::Member from, const wire::evt::Record& record, Moment moment,
                              Output& out) {
    Peer* peer = roster_.find(from);
    if (!peer->known && !std::holds_alternative<wire::evt::Hello>(record)) return true;
    tick();
    std::visit([&](const auto& content) { act(from, *peer, content, moment, out); }, record);
    if (is_of_a_state(record)) hear_state(from, moment.now);
    return true;
}

void Service::Impl::complain(ring::Member from, std::uint8_t what, News::Kind kind, std::string text,
                             state::Time now, Output& out) {
    const auto [last, is_first] = complaints_.try_emplace({from, what}, now);
    if (!is_first && (now - last->second < complaint_period || kind == News::Kind::other_version)) return;
    last->second = now;
    out.news.push_back({.kind = kind, .member = from, .text = std::move(text)});
}

void Service::Impl::refuse_id(ring::Member from, std::uint64_t id, Moment moment, Output& out) {
    ++counters_.foreign_ids;
    complain(from, static_cast<std::uint8_t>(Complaint::foreign_id), News::Kind::foreign_id,
             fmt::format("{:#018x}", id), moment.now, out);
}

// --- hello ---

void Service::Impl::act(ring::Member from, Peer& peer, const wire::evt::Hello& hello, Moment moment,
                        Output& out) {
    // Whole by itself: then it has something to tell.
    const bool was_empty = peer.known && !peer.whole && !is_self(from);
    on_hello(from, peer, hello, out);
    if (was_empty && peer.whole) {
        peer.owes_us = true;
        if (whole_) expect_answers(moment);
    }
    if (!peer.wanting)
        peer.wanting_since.reset();
    else if (!peer.wanting_since)
        peer.wanting_since = moment.now;
}

// --- channels ---

/// What the order of the group makes of it. In a part of the group whose channels we do not know we cannot
/// tell: nothing is made, and null given.
tl::expected<Channel*, Error> Service::Impl::find_for(ring::Member from, const Peer& peer,
                                                      const wire::evt::Open& open) {
    if (!is_self(from) && !peer.in_step()) return nullptr;
    if (Channel* channel = registry_.living(open.name)) return channel;
    if (!open.flags.has(OpenFlags::create)) return tl::unexpected(Error::not_exist);
    // A second channel of this id would take the first one's name away.
    if (registry_.find(open.proposed) != nullptr) return tl::unexpected(Error::no_resources);
    Channel* channel = registry_.find_or_make(open.proposed, open.name, tick());
    if (channel == nullptr) {
        ++counters_.over_limit;
        return tl::unexpected(Error::no_resources);
    }
    return channel;
}

void Service::Impl::act(ring::Member from, Peer& peer, const wire::evt::Open& open, Moment moment,
                        Output& out) {
    const bool creates = open.flags.has(OpenFlags::create);
    if (creates && publisher_of(number_of(open.proposed)) != peer.publisher) {
        refuse_id(from, number_of(open.proposed), moment, out);
        if (is_self(from)) answer(open, tl::unexpected(Error::try_again), out);
        return;
    }
    if (peer.opens.size() >= wire::evt::max_opens || peer.opens.contains(open.handle)) {
        ++counters_.over_limit;
        if (is_self(from)) answer(open, tl::unexpected(Error::no_resources), out);
        return;
    }
    const auto result = find_for(from, peer, open);
    if (creates) log_change({LogEntry::Kind::open, from, open.proposed, std::string(open.name), tick()});
    if (is_self(from)) answer(open, result, out);
    if (!result) return;
    const ChannelId id = *result == nullptr ? ChannelId::none : (*result)->id;
    if (*result != nullptr) ++(*result)->opens;
    peer.opens[open.handle] = {id, open.flags, std::string(open.name)};
    out.opens_changed = true;
}

/// Our own open came back.
void Service::Impl::answer(const wire::evt::Open& open, const tl::expected<Channel*, Error>& result,
                           Output& out) {
    opens_since_hello_ = true;
    const auto found = pending_.find(open.handle);
    if (found == pending_.end()) {
        // Nobody waits for it any more.
        if (result)
            outgoing_.push(Outgoing::Close{open.handle, (*result)->id, open.flags, std::string(open.name)});
        return;
    }
    const Pending pending = std::move(found->second);
    if (!result && result.error() == Error::try_again) {
        found->second = pending;
        found->second.asked = false;
        return;
    }
    pending_.erase(found);
    Opened opened{.client = pending.client, .invocation = pending.invocation};
    if (result) {
        opened.handle = ChannelHandle{open.handle};
        clients_.open(opened.handle, pending.client, (*result)->id, pending.flags, pending.name);
    } else {
        opened.error = result.error();
    }
    out.opened.push_back(opened);
}

void Service::Impl::act(ring::Member, Peer& peer, const wire::evt::Close& close, Moment, Output& out) {
    const auto found = peer.opens.find(close.handle);
    if (found == peer.opens.end()) return;
    if (Channel* channel = registry_.find(found->second.channel)) --channel->opens;
    peer.opens.erase(found);
    out.opens_changed = sweep_due_ = true;
}

void Service::Impl::act(ring::Member from, Peer&, const wire::evt::Unlink& unlink, Moment, Output& out) {
    const Place now = tick();
    log_change({LogEntry::Kind::unlink, from, {}, std::string(unlink.name), now});
    if (registry_.unlink(unlink.name, now) > 0) out.opens_changed = sweep_due_ = true;
}

// --- events ---

/// By the channel, or by its name as long as nobody told us which channel that is.
bool Service::Impl::may_publish(const Peer& peer, ChannelId channel, std::string_view name) const {
    const Channel* known = registry_.find(channel);
    return std::ranges::any_of(peer.opens, [&](const auto& entry) {
        const MemberOpen& open = entry.second;
        if (!open.flags.has(OpenFlags::publisher)) return false;
        if (open.channel != ChannelId::none) return open.channel == channel;
        return open.name == name && (known == nullptr || known->name == name);
    });
}

void Service::Impl::act(ring::Member from, Peer& peer, const wire::evt::Publish& publish, Moment moment,
                        Output& out) {
    const std::uint64_t id = number_of(publish.id);
    if (publisher_of(id) != peer.publisher || count_of(id) <= wire::evt::last_reserved_event_id)
        return refuse_id(from, id, moment, out);
    if (!may_publish(peer, publish.channel, publish.channel_name)) {
        ++counters_.not_open;
        return;
    }
    const Channel* channel = registry_.find_or_make(publish.channel, publish.channel_name, tick());
    if (channel == nullptr) {
        ++counters_.over_limit;
        return;
    }
    if (!publishers_.advance(publish.id) || retained_.has(publish.id) || retained_.is_cleared(publish.id)) {
        ++counters_.repeated;
        return;
    }
    ++(is_self(from) ? counters_.published : counters_.received);
    if (is_self(from)) {
        last_back_ = publish.id;
        renumber_overtaken();
    }
    const EventPointer event = make_received(publish, {from.node_id, from.pid});
    const Place place = tick();
    if (publish.retention > 0) retain(event, end_of(publish.retention, moment.now), place, out);
    clients_.deliver(registry_.together(*channel), event, place, place, out);
}

EventPointer make_received(const wire::evt::Publish& publish, wire::evt::Process from) {
    auto event = std::make_shared<Event>();
    event->channel = publish.channel;
    event->id = publish.id;
    event->attributes.patterns.reserve(publish.patterns.size());
    for (const wire::Bytes pattern : publish.patterns)
        event->attributes.patterns.emplace_back(wire::text_of(pattern));
    event->attributes.priority = publish.priority;
    event->attributes.retention = publish.retention;
    event->attributes.publisher = publish.publisher;
    event->publish_time = publish.publish_time;
    event->from = from;
    event->data = wire::text_of(publish.data);
    return event;
}

void Service::Impl::retain(const EventPointer& event, state::Time end, Place place, Output& out) {
    if (retained_.add(event, end, place)) {
        if (refused_weight_ > 0 && retained_.has_room(refused_weight_)) refused_weight_ = 0;
        return;
    }
    ++counters_.not_retained;
    const std::size_t before = refused_weight_;
    refused_weight_ = std::max(before, RetainedEvents::weight(*event));
    if (before > 0) return;
    out.news.push_back({.kind = News::Kind::not_retained,
                        .text = fmt::format("{} events, {} bytes", retained_.size(), retained_.bytes())});
}

void Service::Impl::act(ring::Member, Peer& peer, const wire::evt::Clear& clear, Moment, Output&) {
    const Channel* channel = registry_.find(clear.channel);
    // Of two channels that count as one it may have the other open.
    const bool has_it_open =
        channel != nullptr && std::ranges::any_of(registry_.together(*channel), [&](ChannelId one) {
            return may_publish(peer, one, channel->name);
        });
    if (!has_it_open) {
        ++counters_.not_open;
        return;
    }
    if (count_of(number_of(clear.id)) <= wire::evt::last_reserved_event_id) {
        ++counters_.foreign_ids;
        return;
    }
    if (retained_.clear(clear.channel, clear.id, never)) ++counters_.cleared;
}

void Service::Impl::act(ring::Member, Peer&, const wire::evt::Unknown&, Moment, Output&) {
    ++counters_.unknown_records;
}

}  // namespace lamplight::bus::ais::evt
