#pragma once

#include "state/mwi.hpp"
#include "state/types.hpp"

#include <cstdint>
#include <optional>

namespace lamplight::bus::plain {

/// A way once around all devices, from where it stands. begin() while it runs makes it go once around from
/// there: what was passed already is passed again, what lies ahead only once.
class DeviceWalk {
public:
    void begin() {
        running_ = true;
        wrapped_ = false;
        stop_ = at_;
    }
    void end() { running_ = false; }
    bool running() const { return running_; }
    /// Where it stands; empty when it is through.
    std::optional<state::DeviceId> at(std::uint32_t bound) {
        while (running_ && at_ >= bound)
            wrap();
        if (!running_) return std::nullopt;
        return state::DeviceId{at_};
    }
    void advance() {
        ++at_;
        if (wrapped_ && at_ >= stop_) running_ = false;
    }
    std::uint32_t left(std::uint32_t bound) const {
        if (!running_ || bound == 0) return 0;
        if (wrapped_) return stop_ > at_ ? stop_ - at_ : 0;
        return (bound > at_ ? bound - at_ : 0) + stop_;
    }

private:
    /// The table's end may lie elsewhere than at the begin, even before it.
    void wrap() {
        running_ = !wrapped_ && stop_ > 0;
        wrapped_ = true;
        at_ = 0;
    }

    bool running_ = false;
    bool wrapped_ = false;
    std::uint32_t at_ = 0;
    std::uint32_t stop_ = 0;
};

/// The same around all mailboxes.
class MailboxWalk {
public:
    void begin() {
        running_ = true;
        wrapped_ = false;
        stop_ = last_;
    }
    void end() { running_ = false; }
    bool running() const { return running_; }
    /// The next one; empty when it is through. Stays there until advance().
    const state::Mailbox* at(const state::MwiTable& table) {
        while (running_) {
            const state::Mailbox* next = table.after(last_ ? &*last_ : nullptr);
            if (next != nullptr && (!wrapped_ || (stop_ && *next <= *stop_))) return next;
            running_ = !wrapped_ && stop_.has_value();
            wrapped_ = true;
            last_.reset();
        }
        return nullptr;
    }
    void advance(state::Mailbox passed) { last_ = std::move(passed); }

private:
    bool running_ = false;
    bool wrapped_ = false;
    std::optional<state::Mailbox> last_;  ///< the one that was passed last
    std::optional<state::Mailbox> stop_;
};

}  // namespace lamplight::bus::plain
