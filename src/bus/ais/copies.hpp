#pragma once

#include "bus/ais/evt/service.hpp"
#include "bus/plain/exchange.hpp"
#include "wire/bytes.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

namespace lamplight::bus::ais {

/// One message becomes an event in each channel that publishes its type: which are still to be sent, and when
/// the message is delivered (with its last event) or lost (with any of them). Pure.
///
/// Bounds  one message waits; what is under way costs nothing but what goes into several channels.
class Copies {
public:
    static constexpr std::size_t max_channels = 256;  ///< of a message; more than a process may open

    struct Copy {
        evt::ChannelHandle channel{};
        wire::Bytes message;  ///< valid until begin()
        std::uint64_t tag = 0;
    };

    /// For these channels, at least one. Only when nothing waits.
    void begin(plain::MessageId id, wire::Bytes message, std::vector<evt::ChannelHandle> channels);
    bool waits() const { return next_ < channels_.size(); }
    /// The next to send; still waits. Only when one waits.
    Copy next() const;
    /// It is under way.
    void sent() { ++next_; }
    /// What became of it; it tells of a message only once.
    std::optional<plain::MessageId> delivered(std::uint64_t tag);
    std::optional<plain::MessageId> lost(std::uint64_t tag);
    /// We are out of the group: nothing waits or is under way.
    void clear();

private:
    struct Several {
        std::size_t left = 0;
        bool lost = false;
    };
    static std::uint64_t number_of(std::uint64_t tag) { return tag / max_channels; }

    plain::MessageId id_{};
    std::vector<std::uint8_t> message_;
    std::vector<evt::ChannelHandle> channels_;
    std::size_t next_ = 0;
    std::unordered_map<std::uint64_t, Several> several_;  ///< by message number; of one channel: not here
};

}  // namespace lamplight::bus::ais
