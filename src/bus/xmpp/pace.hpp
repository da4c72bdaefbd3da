#pragma once

#include "state/types.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace lamplight::bus::xmpp {

/// How much may be under way to one XMPP server. Servers shape (seed-systems 5: ejabberd 3,000 bytes/s,
/// Prosody 10 kB/s), without a word: what is sent beyond their rate waits in sockets, and a fresh change
/// behind it. So only so much is under way as the server has been seen to take within `most_delay`: the
/// window is the measured rate of answers times that, and never below `least_window`, so that the rate can be
/// found out. Pure.
///
/// Stanzas a minute are limited where the server is known to close the stream for them (Tigase 8: 2,500),
/// with a reserve that only fresh changes may use.
class Pace {
public:
    static constexpr state::Duration most_delay = std::chrono::milliseconds(600);
    static constexpr std::size_t least_window = 1'800;
    static constexpr std::size_t most_window = 256 * 1024;
    enum class Urgency : std::uint8_t { fresh, bulk };

    /// 0: no limit.
    void limit_stanzas(std::uint32_t per_minute);
    void stream_bound(state::Time now);
    void stream_lost();

    /// Whether a stanza of about so many bytes may go now. When not: as soon as something is answered, or at
    /// next_deadline().
    bool has_room(Urgency urgency, std::size_t bytes, state::Time now) const;
    /// How many bytes a stanza may have at most to keep fresh changes behind it from waiting: for who can
    /// choose.
    std::size_t best_stanza_bytes() const;
    void sent(std::size_t bytes, state::Time now);
    /// One of them was answered, or will not be.
    void answered(std::size_t bytes, state::Duration took, state::Time now);
    std::optional<state::Time> next_deadline(state::Time now) const;

    std::size_t under_way() const { return under_way_; }
    std::size_t window() const { return window_; }

private:
    std::size_t window_ = least_window;
    std::size_t under_way_ = 0;
    std::uint32_t per_minute_ = 0;
    std::deque<state::Time> sent_;  ///< of the last minute, with a limit
    double rate_ = 0;               ///< bytes a second that are answered while the window is full
    std::optional<state::Time> measuring_since_;
    std::size_t measured_ = 0;
};

}  // namespace lamplight::bus::xmpp
