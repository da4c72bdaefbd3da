#include "bus/ais/evt/retained.hpp"

#include <algorithm>
#include <functional>

namespace lamplight::bus::ais::evt {
namespace {

constexpr Nanoseconds a_millisecond = 1'000'000;
constexpr std::size_t dues_slack = 1'024;

}  // namespace

state::Time end_of(Nanoseconds span, state::Time now) {
    if (span == for_ever) return never;
    const state::Duration whole(span / a_millisecond + (span % a_millisecond != 0 ? 1 : 0));
    if (whole >= never - std::max(now, state::Time{})) return never - state::Duration(1);
    return now + whole;
}

Nanoseconds span_until(state::Time end, state::Time now) {
    if (end == never) return for_ever;
    if (end <= now) return 0;
    const auto left = (end - now).count();
    return left >= for_ever / a_millisecond ? for_ever - 1 : left * a_millisecond;
}

std::size_t RetainedEvents::weight(const Event& event) {
    std::size_t bytes = sizeof(Event) + event.data.size() + event.attributes.publisher.size();
    for (const Pattern& pattern : event.attributes.patterns)
        bytes += sizeof(Pattern) + pattern.size();
    return bytes;
}

bool RetainedEvents::has_in(ChannelId channel, EventId id) const {
    const auto found = index_.find(id);
    return found != index_.end() && found->second.shelf == shelf(channel);
}

bool RetainedEvents::add(EventPointer event, state::Time end, Place place) {
    const std::size_t bytes = weight(*event);
    if (!has_room(bytes)) return false;
    Shelf& shelf = shelves_[event->channel];
    index_.emplace(event->id, Where{&shelf, place});
    if (end != never) {
        compact();
        dues_.emplace_back(end, event->id);
        std::push_heap(dues_.begin(), dues_.end(), std::greater<>());
    }
    ++shelf.of_priority[event->attributes.priority];
    shelf.bytes += bytes;
    bytes_ += bytes;
    shelf.list.emplace(place, Kept{std::move(event), end});
    return true;
}

void RetainedEvents::move(EventId id, Place place) {
    const auto found = index_.find(id);
    if (found == index_.end()) return;
    auto node = found->second.shelf->list.extract(found->second.place);
    node.key() = place;
    found->second.shelf->list.insert(std::move(node));
    found->second.place = place;
}

std::optional<Place> RetainedEvents::place_of(EventId id) const {
    const auto found = index_.find(id);
    if (found == index_.end()) return {};
    return found->second.place;
}

void RetainedEvents::take_off(EventId id, const Where& where) {
    Shelf& shelf = *where.shelf;
    const auto kept = shelf.list.find(where.place);
    const std::size_t bytes = weight(*kept->second.event);
    --shelf.of_priority[kept->second.event->attributes.priority];
    shelf.bytes -= bytes;
    bytes_ -= bytes;
    shelf.list.erase(kept);
    index_.erase(id);
}

void RetainedEvents::remove_channel(ChannelId channel) {
    const auto found = shelves_.find(channel);
    if (found == shelves_.end()) return;
    for (const auto& [place, kept] : found->second.list)
        index_.erase(kept.event->id);
    bytes_ -= found->second.bytes;
    shelves_.erase(found);
}

bool RetainedEvents::clear(ChannelId channel, EventId id, state::Time end_if_unknown) {
    const auto found = index_.find(id);
    if (found == index_.end() || found->second.shelf != shelf(channel)) {
        if (found == index_.end()) cleared_.add(id, {channel, end_if_unknown});
        return false;
    }
    const Where where = found->second;
    cleared_.add(id, {channel, where.shelf->list.at(where.place).end});
    take_off(id, where);
    return true;
}

// --- ends ---

bool RetainedEvents::is_due(const Due& due) const {
    const auto found = index_.find(due.second);
    return found != index_.end() && found->second.shelf->list.at(found->second.place).end == due.first;
}

/// Lets go of the ends of events that went before their time, when they are the most.
void RetainedEvents::compact() {
    if (dues_.size() < 2 * index_.size() + dues_slack) return;
    std::erase_if(dues_, [this](const Due& due) { return !is_due(due); });
    std::make_heap(dues_.begin(), dues_.end(), std::greater<>());
}

std::optional<state::Time> RetainedEvents::next_end() const {
    if (dues_.empty()) return {};
    return dues_.front().first;
}

std::size_t RetainedEvents::expire(state::Time now) {
    std::size_t count = 0;
    while (!dues_.empty() && dues_.front().first <= now) {
        const Due due = dues_.front();
        std::pop_heap(dues_.begin(), dues_.end(), std::greater<>());
        dues_.pop_back();
        if (!is_due(due)) continue;
        take_off(due.second, index_.at(due.second));
        ++count;
    }
    return count;
}

const RetainedEvents::Shelf* RetainedEvents::shelf(ChannelId channel) const {
    const auto found = shelves_.find(channel);
    return found == shelves_.end() ? nullptr : &found->second;
}

void RetainedEvents::clear_all() {
    shelves_.clear();
    index_.clear();
    dues_.clear();
    cleared_.clear();
    bytes_ = 0;
}

}  // namespace lamplight::bus::ais::evt
