#pragma once

#include "state/types.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace lamplight::bus::xmpp {

/// How much may be under way to one XMPP server. Servers shape (seed-systems 5: ejabberd 3,000 bytes/s,
/// Prosody 10 kB/s), without a word: what is sent beyond their rate waits in sockets, and a fresh change
/// behind it. So only so much is under way as the server answers within `most_delay`. Pure.
///
/// The window begins at `least_window`. Where answers take longer than `most_delay` it becomes what was
/// answered in that time. Where they come quickly although the window is full it grows, but by a sixteenth of
/// what was answered so, and not for the first `burst` bytes: a shaper is open for as much (20,000 bytes at
/// both servers) and then closes without notice, and what is under way at that moment waits.
///
/// A fresh change may go beyond the window by a quarter of it, at least `fresh_least`.
///
/// Stanzas a minute are limited where the server is known to close the stream for them (Tigase 8: 2,500):
/// bulk is spread over the minute and uses 7/8 of them with all that is sent, fresh changes 24/25.
class Pace {
public:
    static constexpr state::Duration most_delay = std::chrono::milliseconds(600);
    static constexpr std::size_t least_window = 1'800;
    static constexpr std::size_t most_window = 256 * 1024;
    static constexpr std::size_t fresh_least = 900;
    static constexpr std::size_t burst = 28 * 1024;
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
    /// 0 bytes: a stanza that is not answered; it counts where stanzas do.
    void sent(std::size_t bytes, state::Time now);
    /// One of them was answered, or will not be.
    void answered(std::size_t bytes, state::Duration took, state::Time now);
    std::optional<state::Time> next_deadline(state::Time now) const;

    std::size_t under_way() const { return under_way_; }
    std::size_t window() const { return window_; }

private:
    /// Answers to one window's worth of bytes.
    struct Round {
        state::Time began{};
        std::size_t bytes = 0;
        double waited = 0;  ///< sum of bytes times milliseconds
        bool full = false;  ///< something waited for room
    };

    std::size_t limit_of(Urgency urgency) const;
    void close_round(state::Time now);
    void grow();
    void shrink(double bytes_a_second);
    void hold();
    double bulk_at(state::Time now) const;
    std::size_t fresh_limit() const;

    std::size_t window_ = least_window;
    std::size_t under_way_ = 0;
    Round round_;
    std::size_t base_ = least_window;  ///< the window when answers were slow last
    std::size_t quick_ = 0;            ///< bytes answered quickly since, with the window full
    double least_took_ = 0;            ///< milliseconds; the way there and back. 0: nothing was answered yet

    std::uint32_t per_minute_ = 0;
    std::deque<state::Time> sent_;  ///< of the last minute, with a limit; at most the limit
    double bulk_ = 0;               ///< stanzas that bulk may send, at `bulk_since_`
    state::Time bulk_since_{};
};

}  // namespace lamplight::bus::xmpp
