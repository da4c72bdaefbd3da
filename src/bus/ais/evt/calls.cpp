#include "bus/ais/evt/impl.hpp"

#include <algorithm>

namespace lamplight::bus::ais::evt {
namespace {

constexpr std::uint8_t known_flags = OpenFlags::publisher | OpenFlags::subscriber | OpenFlags::create;

std::optional<Error> flaw_of_name(std::string_view name) {
    if (name.empty()) return Error::invalid_param;
    if (name.size() > wire::evt::max_name_bytes) return Error::name_too_long;
    return {};
}

std::optional<Error> flaw_of(const Attributes& attributes, wire::Bytes data) {
    if (attributes.priority > lowest_priority || attributes.retention < 0) return Error::invalid_param;
    if (attributes.publisher.size() > wire::evt::max_name_bytes) return Error::name_too_long;
    const bool fits = attributes.patterns.size() <= wire::evt::max_patterns &&
                      data.size() <= wire::evt::max_data_bytes &&
                      std::ranges::all_of(attributes.patterns, [](const Pattern& pattern) {
                          return pattern.size() <= wire::evt::max_pattern_bytes;
                      });
    if (!fits) return Error::too_big;
    return {};
}

}  // namespace

// --- opens ---

tl::expected<void, Error> Service::Impl::open(ClientId client, std::string_view name, OpenFlags flags,
                                              Invocation invocation, std::optional<state::Time> deadline) {
    if (!clients_.has(client)) return tl::unexpected(Error::bad_handle);
    if ((flags.bits & ~known_flags) != 0) return tl::unexpected(Error::bad_flags);
    if (const auto flaw = flaw_of_name(name)) return tl::unexpected(*flaw);
    if (pending_.size() + clients_.handles().size() >= wire::evt::max_opens)
        return tl::unexpected(Error::no_resources);
    pending_[++last_handle_] = {.client = client,
                                .name = std::string(name),
                                .flags = flags,
                                .invocation = invocation,
                                .deadline = deadline};
    ask_for_opens();
    return {};
}

tl::expected<void, Error> Service::Impl::close(ChannelHandle id) {
    const Handle* handle = clients_.find(id);
    if (handle == nullptr) return tl::unexpected(Error::bad_handle);
    outgoing_.push(
        Outgoing::Close{static_cast<std::uint32_t>(id), handle->channel, handle->flags, handle->name});
    clients_.close(id);
    return {};
}

void Service::Impl::remove_client(ClientId client) {
    for (const ChannelHandle handle : clients_.handles_of(client))
        static_cast<void>(close(handle));
    std::erase_if(pending_, [&](const auto& entry) { return entry.second.client == client; });
    clients_.remove(client);
}

tl::expected<void, Error> Service::Impl::unlink(ClientId client, std::string_view name) {
    if (!clients_.has(client)) return tl::unexpected(Error::bad_handle);
    if (const auto flaw = flaw_of_name(name)) return tl::unexpected(*flaw);
    if (!whole_) return tl::unexpected(Error::try_again);
    if (registry_.living(name) == nullptr) return tl::unexpected(Error::not_exist);
    if (!outgoing_.has_room(sizeof(Outgoing::Item))) return tl::unexpected(Error::try_again);
    outgoing_.push(Outgoing::Unlink{std::string(name)});
    return {};
}

// --- events ---

tl::expected<Event, Error> Service::Impl::make_event(ChannelHandle id, const Attributes& attributes,
                                                     wire::Bytes data, Moment moment) {
    const Handle* handle = clients_.find(id);
    if (handle == nullptr) return tl::unexpected(Error::bad_handle);
    if (!handle->flags.has(OpenFlags::publisher)) return tl::unexpected(Error::access);
    if (const auto flaw = flaw_of(attributes, data)) return tl::unexpected(*flaw);
    return Event{.channel = handle->channel,
                 .attributes = attributes,
                 .publish_time = std::max<Nanoseconds>(moment.wall, 0),
                 .data = std::string(wire::text_of(data))};
}

tl::expected<EventId, Error> Service::Impl::publish(ChannelHandle handle, const Attributes& attributes,
                                                    wire::Bytes data, Moment moment) {
    auto event = make_event(handle, attributes, data, moment);
    if (!event) return tl::unexpected(event.error());
    auto shared = std::make_shared<Event>(std::move(*event));
    Outgoing::Publish item{std::move(shared), clients_.find(handle)->name};
    if (!outgoing_.has_room(Outgoing::bytes_of(item))) return tl::unexpected(Error::try_again);
    const EventId id = item.event->id = next_event_id();
    outgoing_.push(std::move(item));
    return id;
}

/// It would overtake what waits, and counts would not rise in the order in which they are said.
tl::expected<std::size_t, Error> Service::Impl::write_event(ChannelHandle handle,
                                                            const Attributes& attributes, wire::Bytes data,
                                                            Moment moment, wire::MutableBytes out) {
    auto event = make_event(handle, attributes, data, moment);
    if (!event) return tl::unexpected(event.error());
    if (!in_group_ || hello_due_ || !outgoing_.empty()) return tl::unexpected(Error::try_again);
    event->id = next_event_id();
    wire::evt::FrameWriter writer(out);
    bool added = false;
    with_record(*event, clients_.find(handle)->name,
                [&](const wire::evt::Publish& record) { added = writer.add(record); });
    if (!added) return tl::unexpected(Error::too_big);
    ++counters_.frames_out;
    return writer.bytes();
}

tl::expected<void, Error> Service::Impl::clear_retention(ChannelHandle id, EventId event) {
    const Handle* handle = clients_.find(id);
    if (handle == nullptr) return tl::unexpected(Error::bad_handle);
    if (count_of(number_of(event)) <= wire::evt::last_reserved_event_id)
        return tl::unexpected(Error::invalid_param);
    if (!handle->flags.has(OpenFlags::publisher)) return tl::unexpected(Error::access);
    const Channel* own = registry_.find(handle->channel);
    if (own == nullptr) return tl::unexpected(Error::not_exist);
    for (const ChannelId channel : registry_.together(*own)) {
        if (!retained_.has_in(channel, event)) continue;
        if (!outgoing_.has_room(sizeof(Outgoing::Item))) return tl::unexpected(Error::try_again);
        outgoing_.push(Outgoing::Clear{channel, event});
        return {};
    }
    return tl::unexpected(Error::not_exist);
}

// --- subscriptions ---

tl::expected<void, Error> Service::Impl::subscribe(ChannelHandle id, std::vector<Filter> filters,
                                                   SubscriptionId subscription, Moment, Output& out) {
    const Handle* handle = clients_.find(id);
    if (handle == nullptr) return tl::unexpected(Error::bad_handle);
    const Channel* channel = registry_.find(handle->channel);
    const auto channels = channel == nullptr ? std::vector{handle->channel} : registry_.together(*channel);
    const ClientId client = handle->client;
    auto done = clients_.subscribe(id, std::move(filters), subscription, channels, tick());
    if (done && clients_.has_next(client)) clients_.announce(client, out);
    return done;
}

}  // namespace lamplight::bus::ais::evt
