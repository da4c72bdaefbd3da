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
/// A server reads a stream in order. So an answer to one stanza tells that all sent before it were taken as
/// well, whoever has to answer those: a peer that does not answer uses up nothing. Where nobody answers for
/// `probe_after` the server itself is asked whether it is there (XEP-0199), and its answer tells the same.
///
/// The window begins at `least_window`. Where answers take longer than `most_delay` it becomes what was
/// answered in that time. Where they come quickly although the window is full it grows, but by a sixteenth of
/// what was answered so, and not for the first `burst` bytes: a shaper is open for as much (20,000 bytes at
/// both servers) and then closes without notice, and what is under way at that moment waits.
///
/// A fresh change may go beyond the window by a quarter of it, at least `fresh_least`; pings by `ping_least`
/// more.
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
    static constexpr std::size_t ping_least = 600;
    static constexpr state::Duration probe_after = std::chrono::milliseconds(200);
    enum class Urgency : std::uint8_t { ping, fresh, bulk };
    /// Of a stanza under way, in the order they were sent; none of any is 0.
    using Number = std::uint64_t;

    /// 0: no limit.
    void limit_stanzas(std::uint32_t per_minute);
    void stream_bound(state::Time now);
    void stream_lost();

    /// Whether a stanza of about so many bytes may go now. When not: as soon as something is answered, or at
    /// next_deadline().
    bool has_room(Urgency urgency, std::size_t bytes, state::Time now) const;
    /// How many bytes there is room for; more may go where nothing is under way.
    std::size_t room(Urgency urgency) const;
    /// How many bytes a stanza may have at most to keep fresh changes behind it from waiting: for who can
    /// choose.
    std::size_t best_stanza_bytes() const;
    /// 0 bytes: a stanza that is not answered; it counts where stanzas do.
    Number sent(std::size_t bytes, state::Time now);
    /// It was answered, or will not be: it and all sent before it are under way no more. One that is not any
    /// more tells nothing: how long a peer takes is not the server's.
    void answered(Number stanza, state::Time now);
    /// When the server is to be asked whether it is there, unless something is answered before.
    std::optional<state::Time> next_probe() const;
    /// It was: so many bytes.
    Number probe_sent(std::size_t bytes, state::Time now);
    std::optional<state::Time> next_deadline(state::Time now) const;

    std::size_t under_way() const { return under_way_; }
    std::size_t window() const { return window_; }

private:
    struct UnderWay {
        Number number = 0;
        std::size_t bytes = 0;
        state::Time at{};
    };
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
    std::optional<state::Time> stanzas_again() const;
    void count_stanza(state::Time now);
    std::size_t taken_up_to(std::deque<UnderWay>::iterator last);

    std::size_t window_ = least_window;
    std::size_t under_way_ = 0;
    std::deque<UnderWay> stanzas_;  ///< that `under_way_` is made of; it bounds them
    Number last_ = 0;
    Number probe_ = 0;
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
