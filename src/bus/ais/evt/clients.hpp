#pragma once

#include "bus/ais/evt/client_queue.hpp"
#include "bus/ais/evt/counters.hpp"
#include "bus/ais/evt/event.hpp"
#include "bus/ais/evt/retained.hpp"
#include "bus/ais/evt/service.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace lamplight::bus::ais::evt {

/// A walk of one subscription over what was retained when it was made: nothing is copied, and what is gone
/// when the walk comes to it is passed over.
struct Replay {
    struct Channel {
        ChannelId id{};
        std::array<Place, lowest_priority + 1> at{};  ///< a place for each priority
    };
    std::vector<Channel> channels{};
    Place end = 0;  ///< live events have places from here on

    bool running() const { return !channels.empty(); }
    /// Whether it will still come to this place.
    bool comes_to(ChannelId channel, std::uint8_t priority, Place place) const;
};

struct Subscription {
    SubscriptionId id{};
    std::vector<Filter> filters;
    Place made = 0;
    Replay replay{};
};

/// An open of a client in this process.
struct Handle {
    ClientId client{};
    ChannelId channel{};
    OpenFlags flags;
    std::string name;
    std::vector<Subscription> subscriptions{};  ///< oldest first
};

/// The clients of this process: what they have open, what they subscribed to, and what waits for them.
class Clients {
public:
    Clients(std::size_t queue_limit, std::size_t queue_resume, const RetainedEvents& retained,
            Counters& counters)
        : queue_limit_(queue_limit), queue_resume_(queue_resume), retained_(retained), counters_(counters) {}

    void configure(std::size_t queue_limit, std::size_t queue_resume);
    ClientId add();
    bool has(ClientId client) const { return clients_.contains(client); }
    /// Its handles must be closed.
    void remove(ClientId client) { clients_.erase(client); }
    std::vector<ChannelHandle> handles_of(ClientId client) const;

    void open(ChannelHandle handle, ClientId client, ChannelId channel, OpenFlags flags,
              std::string_view name);
    void close(ChannelHandle handle);
    Handle* find(ChannelHandle handle);
    const std::map<ChannelHandle, Handle>& handles() const { return handles_; }

    /// `channels`: all that count as one with the handle's.
    tl::expected<void, Error> subscribe(ChannelHandle handle, std::vector<Filter> filters,
                                        SubscriptionId subscription, std::span<const ChannelId> channels,
                                        Place now);
    tl::expected<void, Error> unsubscribe(ChannelHandle handle, SubscriptionId subscription);

    /// Queues an event for whoever subscribed to it in one of `channels`; `place`: its own among retained
    /// ones.
    void deliver(std::span<const ChannelId> channels, const EventPointer& event, Place place, Place now,
                 Output& out);
    std::optional<Delivery> next(ClientId client, state::Time now);
    bool has_next(ClientId client);
    bool replaying() const { return replays_ > 0; }
    /// Says that a client has something to take, when it had nothing before.
    void announce(ClientId client, Output& out);

private:
    struct Client {
        ClientQueue queue;
        std::set<ChannelHandle> handles{};
        std::set<SubscriptionId> subscriptions{};
        bool announced = false;  ///< said to be ready, and not found empty since
    };
    /// A retained event that a replay comes to next.
    struct Found {
        Subscription* subscription = nullptr;
        ChannelHandle handle{};
        std::uint8_t priority = 0;
        Replay::Channel* channel = nullptr;
        Place place = 0;
        EventPointer event;
    };

    std::optional<Found> find_replay(Client& client, std::uint8_t highest, state::Time now);
    std::optional<Found> find_in(Subscription& subscription, std::uint8_t priority, state::Time now);
    void end_replays(Client& client);
    /// After something was taken out: whether the next to come is announced again.
    void settle(Client& client);
    bool is_empty(Client& client);
    void end_replay(Subscription& subscription);
    void queue(ChannelHandle id, Handle& handle, Subscription& subscription, const EventPointer& event,
               Place now, Output& out);

    std::size_t queue_limit_;
    std::size_t queue_resume_;
    const RetainedEvents& retained_;
    Counters& counters_;
    std::uint32_t last_client_ = 0;
    std::map<ClientId, Client> clients_;
    std::map<ChannelHandle, Handle> handles_;
    std::unordered_map<ChannelId, std::vector<ChannelHandle>> by_channel_;  ///< subscribers only
    std::size_t replays_ = 0;
};

}  // namespace lamplight::bus::ais::evt
