#pragma once

#include "bus/ais/evt/service.hpp"
#include "bus/plain/settings.hpp"
#include "conf/configuration.hpp"
#include "wire/bytes.hpp"
#include "wire/event/event.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::bus::ais {

/// What of Asterisk's goes through event channels, by the types of its binary events.
enum class EventType : std::uint16_t {
    mwi = static_cast<std::uint16_t>(wire::event::Type::mwi),
    device_state = static_cast<std::uint16_t>(wire::event::Type::device_state_change),
};
/// Empty when the message is of another type.
std::optional<EventType> type_of(wire::Bytes message);
/// The pattern of its events, a NUL at the end (asterisk-facts 4.2).
std::string_view pattern_of(EventType type);

/// The channels of ais.conf as one client of the event service: each is opened, for both ways and created if
/// need be, and subscribed to what it subscribes. Pure.
class Channels {
public:
    explicit Channels(evt::Service& service);
    Channels(const Channels&) = delete;
    Channels& operator=(const Channels&) = delete;

    /// These channels from now on: new ones are opened, missing ones closed, other subscriptions changed.
    /// Channels are known by their names, in which case matters.
    void configure(const std::vector<conf::AisChannel>& channels, evt::Moment moment, evt::Output& out);
    /// The service answered an open of ours. Gives the name of a channel that is open now.
    std::optional<std::string> on_opened(const evt::Opened& opened, evt::Moment moment, evt::Output& out);
    /// Subscribes anew, so that everything retained is delivered again.
    void subscribe_again(evt::Moment moment, evt::Output& out);
    /// Tries once more to open what could not be opened.
    void retry(evt::Moment moment);

    evt::ClientId client() const { return client_; }
    struct Refused {
        std::string name;
        evt::Error error{};
    };
    std::vector<Refused> refused() const;                           ///< could not be opened
    const std::vector<std::string>& open() const { return open_; }  ///< names, in the file's order
    /// Open ones that publish this type.
    std::vector<evt::ChannelHandle> publishing(EventType type) const;
    // What any of the open ones publishes or subscribes.
    plain::Switches publish() const;
    plain::Switches subscribe() const;

private:
    struct Channel {
        conf::AisChannel conf;
        evt::Invocation invocation = 0;
        std::optional<evt::ChannelHandle> handle;
        std::optional<evt::Error> error;
        std::optional<evt::SubscriptionId> mwi;
        std::optional<evt::SubscriptionId> device_state;
    };

    void ask(Channel& channel, evt::Moment moment);
    void close(const Channel& channel);
    void subscribe(Channel& channel, evt::Moment moment, evt::Output& out);
    void set_subscription(const Channel& channel, EventType type, bool wanted,
                          std::optional<evt::SubscriptionId>& subscription, evt::Moment moment,
                          evt::Output& out);
    void unsubscribe(Channel& channel);
    void note_open();

    evt::Service& service_;
    evt::ClientId client_{};
    std::vector<Channel> channels_;
    std::set<evt::Invocation> unwanted_;  ///< asked for, and closed when they are answered
    std::vector<std::string> open_;
    evt::Invocation invocations_ = 0;
    evt::SubscriptionId subscriptions_ = 0;
};

}  // namespace lamplight::bus::ais
