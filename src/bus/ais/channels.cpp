#include "bus/ais/channels.hpp"

#include <algorithm>
#include <utility>

namespace lamplight::bus::ais {

namespace {

using namespace std::string_view_literals;

constexpr evt::OpenFlags both_ways{evt::OpenFlags::publisher | evt::OpenFlags::subscriber |
                                   evt::OpenFlags::create};

}  // namespace

std::optional<EventType> type_of(wire::Bytes message) {
    if (message.size() < 2 || message[0] != 0) return std::nullopt;
    for (const EventType type : {EventType::mwi, EventType::device_state})
        if (message[1] == static_cast<std::uint16_t>(type)) return type;
    return std::nullopt;
}

std::string_view pattern_of(EventType type) {
    return type == EventType::mwi ? "mwi\0"sv : "device_state\0"sv;
}

Channels::Channels(evt::Service& service) : service_(service), client_(service.add_client()) {}

// --- what is wanted ---

void Channels::configure(const std::vector<conf::AisChannel>& channels, evt::Moment moment,
                         evt::Output& out) {
    std::vector<Channel> before = std::exchange(channels_, {});
    for (const conf::AisChannel& conf : channels) {
        const auto known = std::ranges::find(
            before, conf.name, [](const Channel& one) -> const std::string& { return one.conf.name; });
        if (known == before.end()) {
            ask(channels_.emplace_back(conf), moment);
            continue;
        }
        channels_.push_back(std::move(*known));
        before.erase(known);
        channels_.back().conf = conf;
        subscribe(channels_.back(), moment, out);
    }
    for (const Channel& channel : before)
        close(channel);
    note_open();
}

void Channels::ask(Channel& channel, evt::Moment moment) {
    channel.invocation = ++invocations_;
    const auto asked =
        service_.open(client_, channel.conf.name, both_ways, channel.invocation, std::nullopt, moment);
    channel.error = asked ? std::nullopt : std::optional(asked.error());
}

/// Its subscriptions end with it.
void Channels::close(const Channel& channel) {
    if (channel.handle)
        service_.close(*channel.handle);
    else if (!channel.error)
        unwanted_.insert(channel.invocation);
}

void Channels::retry(evt::Moment moment) {
    for (Channel& channel : channels_)
        if (channel.error) ask(channel, moment);
}

// --- what the service answers ---

std::optional<std::string> Channels::on_opened(const evt::Opened& opened, evt::Moment moment,
                                               evt::Output& out) {
    if (opened.client != client_) return std::nullopt;
    if (unwanted_.erase(opened.invocation) > 0) {
        if (!opened.error) service_.close(opened.handle);
        return std::nullopt;
    }
    const auto channel = std::ranges::find(channels_, opened.invocation, &Channel::invocation);
    if (channel == channels_.end() || channel->handle) return std::nullopt;
    channel->error = opened.error;
    if (opened.error) return std::nullopt;
    channel->handle = opened.handle;
    subscribe(*channel, moment, out);
    note_open();
    return channel->conf.name;
}

// --- subscriptions ---

void Channels::subscribe(Channel& channel, evt::Moment moment, evt::Output& out) {
    if (!channel.handle) return;
    const conf::AisChannel::Events& events = channel.conf.subscribe;
    set_subscription(channel, EventType::mwi, events.mwi, channel.mwi, moment, out);
    set_subscription(channel, EventType::device_state, events.device_state, channel.device_state, moment,
                     out);
}

void Channels::set_subscription(const Channel& channel, EventType type, bool wanted,
                                std::optional<evt::SubscriptionId>& subscription, evt::Moment moment,
                                evt::Output& out) {
    if (wanted == subscription.has_value()) return;
    if (!wanted) {
        service_.unsubscribe(*channel.handle, *std::exchange(subscription, std::nullopt));
        return;
    }
    const evt::SubscriptionId id = subscriptions_++;
    std::vector<evt::Filter> filters{{evt::Filter::Type::exact, std::string(pattern_of(type))}};
    if (service_.subscribe(*channel.handle, std::move(filters), id, moment, out)) subscription = id;
}

void Channels::unsubscribe(Channel& channel) {
    for (auto* subscription : {&channel.mwi, &channel.device_state})
        if (*subscription) service_.unsubscribe(*channel.handle, *std::exchange(*subscription, std::nullopt));
}

void Channels::subscribe_again(evt::Moment moment, evt::Output& out) {
    for (Channel& channel : channels_) {
        if (!channel.handle) continue;
        unsubscribe(channel);
        subscribe(channel, moment, out);
    }
}

// --- questions ---

void Channels::note_open() {
    open_.clear();
    for (const Channel& channel : channels_)
        if (channel.handle) open_.push_back(channel.conf.name);
}

std::vector<Channels::Refused> Channels::refused() const {
    std::vector<Refused> refused;
    for (const Channel& channel : channels_)
        if (channel.error) refused.push_back({channel.conf.name, *channel.error});
    return refused;
}

std::vector<evt::ChannelHandle> Channels::publishing(EventType type) const {
    std::vector<evt::ChannelHandle> handles;
    for (const Channel& channel : channels_) {
        const conf::AisChannel::Events& events = channel.conf.publish;
        if (channel.handle && (type == EventType::mwi ? events.mwi : events.device_state))
            handles.push_back(*channel.handle);
    }
    return handles;
}

namespace {

void add(plain::Switches& switches, const conf::AisChannel::Events& events) {
    switches.mwi = switches.mwi || events.mwi;
    switches.device_state = switches.device_state || events.device_state;
}

constexpr plain::Switches nothing{
    .mwi = false, .device_state = false, .ping = false, .cluster_discovery = false};

}  // namespace

plain::Switches Channels::publish() const {
    plain::Switches switches = nothing;
    for (const Channel& channel : channels_)
        if (channel.handle) add(switches, channel.conf.publish);
    return switches;
}

plain::Switches Channels::subscribe() const {
    plain::Switches switches = nothing;
    for (const Channel& channel : channels_)
        if (channel.handle) add(switches, channel.conf.subscribe);
    return switches;
}

}  // namespace lamplight::bus::ais
