#include "bus/xmpp/pace.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace lamplight::bus::xmpp {

namespace {

using state::Duration;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr state::Duration minute = std::chrono::minutes(1);
constexpr double most_bulk = 100;  ///< stanzas at once, after a pause
constexpr std::size_t usual_stanza = 300;
constexpr std::size_t longest_stanza = 32 * 1024;
constexpr std::size_t growth = 16;
constexpr double longest_way_ms = 200;

constexpr double ms(Duration duration) {
    return Milliseconds(duration).count();
}

/// Of the delay beyond the way there and back: below, there is room for more.
constexpr double quick_ms = ms(Pace::most_delay) * 3 / 4;

double bulk_a_ms(std::uint32_t per_minute) {
    return per_minute * 7.0 / 8 / ms(minute);
}

}  // namespace

void Pace::limit_stanzas(std::uint32_t per_minute) {
    if (per_minute == per_minute_) return;
    per_minute_ = per_minute;
    bulk_ = std::min(bulk_, most_bulk);
    if (per_minute == 0) sent_.clear();
}

void Pace::stream_bound(state::Time now) {
    stream_lost();
    round_.began = now;
    bulk_ = most_bulk;
    bulk_since_ = now;
}

void Pace::stream_lost() {
    window_ = base_ = least_window;
    under_way_ = quick_ = 0;
    stanzas_.clear();
    round_ = {};
    least_took_ = 0;
    sent_.clear();
}

// --- room ---

std::size_t Pace::limit_of(Urgency urgency) const {
    const std::size_t fresh = window_ + std::max(fresh_least, window_ / 4);
    switch (urgency) {
        case Urgency::ping:
            return fresh + ping_least;
        case Urgency::fresh:
            return fresh;
        case Urgency::bulk:
            break;
    }
    return window_;
}

std::size_t Pace::fresh_limit() const {
    return std::max<std::size_t>(1, std::size_t{per_minute_} * 24 / 25);
}

double Pace::bulk_at(state::Time now) const {
    return std::min(most_bulk, bulk_ + ms(now - bulk_since_) * bulk_a_ms(per_minute_));
}

bool Pace::has_room(Urgency urgency, std::size_t bytes, state::Time now) const {
    if (under_way_ > 0 && under_way_ + bytes > limit_of(urgency)) return false;
    if (per_minute_ == 0) return true;
    if (urgency == Urgency::bulk && bulk_at(now) < 1) return false;
    const auto again = stanzas_again();
    return !again || *again <= now;
}

std::size_t Pace::room(Urgency urgency) const {
    return limit_of(urgency) - std::min(under_way_, limit_of(urgency));
}

/// When the limit of stanzas lets one go that is no bulk; nothing: it does.
std::optional<state::Time> Pace::stanzas_again() const {
    if (per_minute_ == 0 || sent_.size() < fresh_limit()) return std::nullopt;
    return sent_[sent_.size() - fresh_limit()] + minute;
}

std::size_t Pace::best_stanza_bytes() const {
    return std::clamp(window_ / 2, least_window / 2, longest_stanza);
}

/// When stanzas are what there is no room for: as soon as there is again, of whichever urgency.
std::optional<state::Time> Pace::next_deadline(state::Time now) const {
    if (per_minute_ == 0) return std::nullopt;
    if (const auto again = stanzas_again(); again && *again > now) return again;
    const double missing = 1 - bulk_at(now);
    if (missing <= 0) return std::nullopt;
    const auto wait = static_cast<Duration::rep>(std::ceil(missing / bulk_a_ms(per_minute_)));
    return now + std::max(Duration(wait), Duration(1));
}

Pace::Number Pace::sent(std::size_t bytes, state::Time now) {
    count_stanza(now);
    if (bytes == 0) return 0;
    under_way_ += bytes;
    round_.full = round_.full || under_way_ + usual_stanza > window_;
    stanzas_.push_back({++last_, bytes, now});
    return last_;
}

void Pace::count_stanza(state::Time now) {
    if (per_minute_ == 0) return;
    bulk_ = std::max(bulk_at(now) - 1, -most_bulk);
    bulk_since_ = now;
    sent_.push_back(now);
    if (sent_.size() > per_minute_) sent_.pop_front();
}

// --- answers ---

void Pace::answered(Number stanza, state::Time now) {
    const auto last = std::ranges::lower_bound(stanzas_, stanza, {}, &UnderWay::number);
    if (last == stanzas_.end() || last->number != stanza) return;
    const double waited = std::max(1.0, ms(now - last->at));
    const std::size_t bytes = taken_up_to(last);
    least_took_ = std::min(least_took_ == 0 ? longest_way_ms : least_took_, waited);
    round_.bytes += bytes;
    round_.waited += waited * static_cast<double>(bytes);
    if (round_.bytes >= window_) close_round(now);
}

std::size_t Pace::taken_up_to(std::deque<UnderWay>::iterator last) {
    std::size_t bytes = 0;
    for (auto one = stanzas_.begin(); one != std::next(last); ++one)
        bytes += one->bytes;
    stanzas_.erase(stanzas_.begin(), std::next(last));
    under_way_ -= bytes;
    return bytes;
}

// --- the probe ---

std::optional<state::Time> Pace::next_probe() const {
    if (stanzas_.empty() || probe_ >= stanzas_.front().number) return std::nullopt;
    const state::Time due = stanzas_.front().at + probe_after;
    return std::max(due, stanzas_again().value_or(due));
}

Pace::Number Pace::probe_sent(std::size_t bytes, state::Time now) {
    return probe_ = sent(bytes, now);
}

// --- the window ---

void Pace::close_round(state::Time now) {
    const auto bytes = static_cast<double>(round_.bytes);
    const double delay = round_.waited / bytes - least_took_;
    const double lasted = std::max(1.0, ms(now - round_.began));
    if (delay > ms(most_delay))
        shrink(bytes / lasted * 1'000);
    else if (delay > quick_ms)
        hold();
    else if (round_.full)
        grow();
    round_ = {.began = now};
}

void Pace::grow() {
    quick_ += round_.bytes;
    const std::size_t counts = quick_ > burst ? quick_ - burst : 0;
    window_ = std::min(most_window, base_ + counts / growth);
}

void Pace::hold() {
    base_ = window_;
    quick_ = 0;
}

void Pace::shrink(double bytes_a_second) {
    const double bytes = bytes_a_second * ms(most_delay) / 1'000;
    window_ = std::max(least_window, std::min(window_, static_cast<std::size_t>(bytes)));
    hold();
}

}  // namespace lamplight::bus::xmpp
