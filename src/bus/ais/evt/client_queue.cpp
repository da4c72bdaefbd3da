#include "bus/ais/evt/client_queue.hpp"

#include <algorithm>
#include <utility>

namespace lamplight::bus::ais::evt {

EventPointer lost_event(ChannelId channel) {
    return std::make_shared<const Event>(
        Event{.channel = channel,
              .id = EventId::lost,
              .attributes = {.patterns = {Pattern(lost_event_pattern)}, .priority = highest_priority},
              .publish_time = wire::evt::time_unknown});
}

void ClientQueue::configure(std::size_t limit, std::size_t resume) {
    limit_ = limit;
    resume_ = resume;
    check_resume();
}

ClientQueue::Pushed ClientQueue::push(Entry entry) {
    add(std::move(entry));
    Pushed pushed = Pushed::queued;
    while (size_ > limit_)
        pushed = std::max(pushed, drop_one());
    return pushed;
}

void ClientQueue::add(Entry entry) {
    waiting_[priority_of(entry)].push_back(std::move(entry));
    ++size_;
}

ClientQueue::Pushed ClientQueue::drop_one() {
    ++dropped_;
    Delivery gone = take_newest_of_lowest().delivery;
    gone.event = lost_event(gone.event->channel);
    if (!in_gap_) {
        in_gap_ = true;
        notice_ = std::move(gone);
        return Pushed::gap_began;
    }
    if (!notice_) untold_ = std::move(gone);
    return Pushed::dropped;
}

/// The queue is not empty.
ClientQueue::Entry ClientQueue::take_newest_of_lowest() {
    std::size_t priority = priorities - 1;
    while (waiting_[priority].empty())
        --priority;
    Entry gone = std::move(waiting_[priority].back());
    waiting_[priority].pop_back();
    --size_;
    return gone;
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
