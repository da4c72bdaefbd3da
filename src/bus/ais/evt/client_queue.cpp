#include "bus/ais/evt/client_queue.hpp"

#include <utility>

namespace lamplight::bus::ais::evt {

EventPointer lost_event(ChannelId channel) {
    return std::make_shared<const Event>(
        Event{.channel = channel,
              .id = EventId::lost,
              .attributes = {.patterns = {Pattern(lost_event_pattern)}, .priority = highest_priority},
              .publish_time = wire::evt::time_unknown});
}

ClientQueue::Pushed ClientQueue::push(Entry entry) {
    if (size_ < limit_) {
        waiting_[priority_of(entry)].push_back(std::move(entry));
        ++size_;
        return Pushed::queued;
    }
    ++dropped_;
    Delivery gone = drop(std::move(entry)).delivery;
    gone.event = lost_event(gone.event->channel);
    if (!in_gap_) {
        in_gap_ = true;
        notice_ = std::move(gone);
        return Pushed::gap_began;
    }
    if (!notice_) untold_ = std::move(gone);
    return Pushed::dropped;
}

/// Makes room for the newcomer, unless it is the one to go; gives what goes.
ClientQueue::Entry ClientQueue::drop(Entry newcomer) {
    for (std::size_t priority = priorities - 1; priority > priority_of(newcomer); --priority) {
        auto& lowest = waiting_[priority];
        if (lowest.empty()) continue;
        Entry gone = std::move(lowest.back());
        lowest.pop_back();
        waiting_[priority_of(newcomer)].push_back(std::move(newcomer));
        return gone;
    }
    return newcomer;
}

void ClientQueue::check_resume() {
    if (!in_gap_ || notice_ || size_ > resume_) return;
    in_gap_ = untold_.has_value();
    notice_ = std::exchange(untold_, {});
}

std::optional<std::uint8_t> ClientQueue::front_priority() const {
    if (notice_) return highest_priority;
    for (std::size_t priority = 0; priority < priorities; ++priority)
        if (!waiting_[priority].empty()) return static_cast<std::uint8_t>(priority);
    return {};
}

std::optional<Delivery> ClientQueue::pop() {
    if (notice_) {
        auto notice = std::exchange(notice_, {});
        check_resume();
        return notice;
    }
    const auto priority = front_priority();
    if (!priority) return {};
    auto& queue = waiting_[*priority];
    Delivery delivery = std::move(queue.front().delivery);
    queue.pop_front();
    --size_;
    check_resume();
    return delivery;
}

void ClientQueue::sift(const std::function<bool(Entry&)>& change) {
    for (auto& queue : waiting_)
        size_ -= std::erase_if(queue, [&](Entry& entry) { return !change(entry); });
    check_resume();
}

}  // namespace lamplight::bus::ais::evt
