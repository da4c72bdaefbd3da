#include "bus/ais/evt/clients.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <utility>

namespace lamplight::bus::ais::evt {
namespace {

bool is_sound(std::span<const Filter> filters) {
    return filters.size() <= wire::evt::max_patterns &&
           std::ranges::all_of(filters, [](const Filter& filter) {
               return filter.type >= Filter::Type::prefix && filter.type <= Filter::Type::pass_all &&
                      filter.pattern.size() <= wire::evt::max_pattern_bytes;
           });
}

}  // namespace

bool Replay::comes_to(ChannelId channel, std::uint8_t priority, Place place) const {
    return std::ranges::any_of(channels, [&](const Channel& one) {
        return one.id == channel && one.at[priority] <= place && place < end;
    });
}

void Clients::configure(std::size_t queue_limit, std::size_t queue_resume) {
    queue_limit_ = queue_limit;
    queue_resume_ = queue_resume;
    for (auto& [id, client] : clients_)
        client.queue.configure(queue_limit, queue_resume);
}

ClientId Clients::add() {
    const ClientId id{++last_client_};
    clients_.emplace(id, Client{.queue = ClientQueue(queue_limit_, queue_resume_)});
    return id;
}

std::vector<ChannelHandle> Clients::handles_of(ClientId client) const {
    const auto found = clients_.find(client);
    if (found == clients_.end()) return {};
    return {found->second.handles.begin(), found->second.handles.end()};
}

// --- opens ---

void Clients::open(ChannelHandle handle, ClientId client, ChannelId channel, OpenFlags flags,
                   std::string_view name) {
    handles_[handle] = {.client = client, .channel = channel, .flags = flags, .name = std::string(name)};
    clients_.at(client).handles.insert(handle);
    if (flags.has(OpenFlags::subscriber)) by_channel_[channel].push_back(handle);
}

void Clients::close(ChannelHandle handle) {
    const auto found = handles_.find(handle);
    if (found == handles_.end()) return;
    Client& client = clients_.at(found->second.client);
    for (Subscription& subscription : found->second.subscriptions) {
        end_replay(subscription);
        client.subscriptions.erase(subscription.id);
    }
    client.queue.sift([&](const ClientQueue::Entry& entry) { return entry.delivery.channel != handle; });
    client.handles.erase(handle);
    if (const auto list = by_channel_.find(found->second.channel); list != by_channel_.end()) {
        std::erase(list->second, handle);
        if (list->second.empty()) by_channel_.erase(list);
    }
    handles_.erase(found);
    settle(client);
}

Handle* Clients::find(ChannelHandle handle) {
    const auto found = handles_.find(handle);
    return found == handles_.end() ? nullptr : &found->second;
}

// --- subscriptions ---

tl::expected<void, Error> Clients::subscribe(ChannelHandle handle, std::vector<Filter> filters,
                                             SubscriptionId subscription, std::span<const ChannelId> channels,
                                             Place now) {
    Handle* open = find(handle);
    if (open == nullptr) return tl::unexpected(Error::bad_handle);
    if (!open->flags.has(OpenFlags::subscriber)) return tl::unexpected(Error::access);
    if (!is_sound(filters)) return tl::unexpected(Error::invalid_param);
    if (!clients_.at(open->client).subscriptions.insert(subscription).second)
        return tl::unexpected(Error::exist);
    Subscription made{.id = subscription, .filters = std::move(filters), .made = now, .replay = {.end = now}};
    for (const ChannelId channel : channels)
        if (retained_.shelf(channel) != nullptr) made.replay.channels.push_back({.id = channel});
    if (made.replay.running()) ++replays_;
    open->subscriptions.push_back(std::move(made));
    return {};
}

tl::expected<void, Error> Clients::unsubscribe(ChannelHandle handle, SubscriptionId subscription) {
    Handle* open = find(handle);
    if (open == nullptr) return tl::unexpected(Error::bad_handle);
    const auto found = std::ranges::find(open->subscriptions, subscription, &Subscription::id);
    if (found == open->subscriptions.end()) return tl::unexpected(Error::not_exist);
    end_replay(*found);
    open->subscriptions.erase(found);
    Client& client = clients_.at(open->client);
    client.subscriptions.erase(subscription);
    client.queue.sift([&](ClientQueue::Entry& entry) {
        if (entry.delivery.channel != handle || entry.delivery.subscription != subscription) return true;
        for (const Subscription& other : open->subscriptions | std::views::reverse) {
            if (other.made > entry.queued) continue;
            if (!matches(other.filters, entry.delivery.event->attributes.patterns)) continue;
            entry.delivery.subscription = other.id;
            return true;
        }
        return false;
    });
    settle(client);
    return {};
}

// --- live events ---

void Clients::deliver(std::span<const ChannelId> channels, const EventPointer& event, Place place, Place now,
                      Output& out) {
    for (const ChannelId channel : channels) {
        const auto found = by_channel_.find(channel);
        if (found == by_channel_.end()) continue;
        for (const ChannelHandle id : found->second) {
            Handle& handle = handles_.at(id);
            for (Subscription& one : handle.subscriptions | std::views::reverse) {
                if (!matches(one.filters, event->attributes.patterns)) continue;
                if (one.replay.comes_to(event->channel, event->attributes.priority, place)) continue;
                queue(id, handle, one, event, now, out);
                break;
            }
        }
    }
}

void Clients::queue(ChannelHandle id, Handle& handle, Subscription& subscription, const EventPointer& event,
                    Place now, Output& out) {
    Client& client = clients_.at(handle.client);
    const std::uint64_t dropped = client.queue.dropped();
    const auto pushed = client.queue.push(
        {.delivery = {.subscription = subscription.id, .channel = id, .event = event}, .queued = now});
    counters_.dropped += client.queue.dropped() - dropped;
    if (pushed == ClientQueue::Pushed::gap_began)
        out.news.push_back({.kind = News::Kind::lost, .text = fmt::format("{}", client.queue.dropped())});
    announce(handle.client, out);
}

void Clients::announce(ClientId id, Output& out) {
    Client& client = clients_.at(id);
    if (std::exchange(client.announced, true)) return;
    out.ready.push_back(id);
}

// --- what a client takes ---

std::optional<Clients::Found> Clients::find_in(Subscription& subscription, std::uint8_t priority,
                                               state::Time now) {
    std::optional<Found> first;
    for (Replay::Channel& channel : subscription.replay.channels) {
        const RetainedEvents::Shelf* shelf = retained_.shelf(channel.id);
        if (shelf == nullptr || shelf->of_priority[priority] == 0) continue;
        auto kept = shelf->list.lower_bound(channel.at[priority]);
        const auto is_for_it = [&](const RetainedEvents::Kept& one) {
            return one.event->attributes.priority == priority && one.end > now &&
                   matches(subscription.filters, one.event->attributes.patterns);
        };
        while (kept != shelf->list.end() && kept->first < subscription.replay.end && !is_for_it(kept->second))
            ++kept;
        const bool found = kept != shelf->list.end() && kept->first < subscription.replay.end;
        channel.at[priority] = found ? kept->first : subscription.replay.end;
        if (!found || (first && first->place < kept->first)) continue;
        first = Found{
            .priority = priority, .channel = &channel, .place = kept->first, .event = kept->second.event};
    }
    return first;
}

/// The next of any replay of the client, of priorities not below what is given.
std::optional<Clients::Found> Clients::find_replay(Client& client, std::uint8_t highest, state::Time now) {
    for (std::uint8_t priority = 0; priority <= highest; ++priority) {
        for (const ChannelHandle id : client.handles) {
            for (Subscription& subscription : handles_.at(id).subscriptions) {
                if (!subscription.replay.running()) continue;
                auto found = find_in(subscription, priority, now);
                if (!found) continue;
                found->subscription = &subscription;
                found->handle = id;
                return found;
            }
        }
    }
    return {};
}

void Clients::end_replay(Subscription& subscription) {
    if (!subscription.replay.running()) return;
    subscription.replay.channels.clear();
    --replays_;
}

void Clients::end_replays(Client& client) {
    for (const ChannelHandle id : client.handles)
        for (Subscription& subscription : handles_.at(id).subscriptions)
            end_replay(subscription);
}

bool Clients::is_empty(Client& client) {
    if (!client.queue.empty()) return false;
    return replays_ == 0 || !find_replay(client, lowest_priority, state::Time::min());
}

void Clients::settle(Client& client) {
    if (!is_empty(client)) return;
    end_replays(client);
    client.announced = false;
}

std::optional<Delivery> Clients::next(ClientId id, state::Time now) {
    const auto place = clients_.find(id);
    if (place == clients_.end()) return {};
    Client& client = place->second;
    std::optional<Delivery> delivery;
    const std::uint8_t highest = client.queue.front_priority().value_or(lowest_priority);
    if (replays_ > 0 && !client.queue.has_notice()) {
        if (auto found = find_replay(client, highest, now)) {
            found->channel->at[found->priority] = found->place + 1;
            delivery = {found->subscription->id, found->handle, std::move(found->event)};
        }
    }
    if (!delivery) delivery = client.queue.pop();
    settle(client);
    if (delivery) ++(delivery->event->id == EventId::lost ? counters_.lost_notices : counters_.deliveries);
    return delivery;
}

bool Clients::has_next(ClientId id) {
    const auto found = clients_.find(id);
    return found != clients_.end() && !is_empty(found->second);
}

}  // namespace lamplight::bus::ais::evt
