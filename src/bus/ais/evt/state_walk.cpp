#include "bus/ais/evt/state_walk.hpp"

#include "bus/ais/evt/outgoing.hpp"

#include <algorithm>

namespace lamplight::bus::ais::evt {

using wire::evt::StateChannel;

void StateWalk::came_back(Place now, Registry& registry, const RetainedEvents& retained) {
    phase_ = Phase::content;
    began_ = now;
    const auto& marks = registry.unlinked_marks();
    mark_ = marks.begin_place();
    marks_end_ = marks.end_place();
    cleared_ = retained.cleared().begin_place();
    cleared_end_ = retained.cleared().end_place();
    for (const auto& [id, channel] : registry.channels()) {
        const RetainedEvents::Shelf* shelf = retained.shelf(id);
        if (shelf != nullptr && !shelf->list.empty()) events_.emplace(shelf->list.begin()->first, id);
    }
}

std::size_t StateWalk::take(wire::MutableBytes out, state::Time now, Registry& registry,
                            RetainedEvents& retained) {
    if (phase_ == Phase::begin) {
        Writer writer(out);
        writer.add(wire::evt::StateBegin{number_, targets_});
        phase_ = Phase::begin_under_way;
        return writer.bytes();
    }
    if (phase_ == Phase::content) {
        const auto packed = out.first(std::min(out.size(), wire::evt::packed_frame_bytes));
        if (const std::size_t bytes = fill(packed, now, registry, retained)) return bytes;
        if (phase_ == Phase::content)  // one large event
            if (const std::size_t bytes = fill(out, now, registry, retained)) return bytes;
    }
    Writer writer(out);
    writer.add(wire::evt::StateEnd{number_});
    phase_ = Phase::end_under_way;
    return writer.bytes();
}

std::size_t StateWalk::fill(wire::MutableBytes out, state::Time now, Registry& registry,
                            RetainedEvents& retained) {
    Writer writer(out);
    const bool all = add_channels(writer, registry) && add_unlinked(writer, registry) &&
                     add_events(writer, now, registry, retained) && add_cleared(writer, now, retained);
    if (all) phase_ = Phase::end;
    return writer.records() > 0 ? writer.bytes() : 0;
}

bool StateWalk::add_channels(Writer& writer, Registry& registry) {
    const auto& channels = registry.channels();
    for (auto next = channels.upper_bound(last_channel_); next != channels.end(); ++next) {
        const auto& [id, channel] = *next;
        const bool living = channel.status == Channel::Status::living;
        if (channel.made < began_ &&
            !writer.add(StateChannel{
                id, living ? StateChannel::Status::living : StateChannel::Status::unlinked, channel.name}))
            return false;
        last_channel_ = id;
    }
    return true;
}

bool StateWalk::add_unlinked(Writer& writer, Registry& registry) {
    auto& marks = registry.unlinked_marks();
    for (mark_ = std::max(mark_, marks.begin_place()); mark_ < marks_end_; ++mark_) {
        const ChannelId id = marks.id_at(mark_);
        if (registry.find(id) != nullptr) continue;  // said among the channels
        if (!writer.add(StateChannel{id, StateChannel::Status::unlinked, marks.find(id)->name})) return false;
    }
    return true;
}

bool StateWalk::add_events(Writer& writer, state::Time now, Registry& registry,
                           const RetainedEvents& retained) {
    while (!events_.empty()) {
        const auto [place, id] = events_.top();
        const RetainedEvents::Shelf* shelf = retained.shelf(id);
        const Channel* channel = registry.find(id);
        events_.pop();
        if (shelf == nullptr || channel == nullptr) continue;
        const auto kept = shelf->list.lower_bound(place);
        if (kept == shelf->list.end() || kept->first >= began_) continue;
        if (kept->first != place) {
            events_.emplace(kept->first, id);
            continue;
        }
        const Nanoseconds remaining = span_until(kept->second.end, now);
        bool added = remaining == 0;
        if (!added)
            with_record(*kept->second.event, channel->name, [&](const wire::evt::Publish& event) {
                added = writer.add(wire::evt::StateEvent{remaining, event});
            });
        if (!added) {
            events_.emplace(place, id);
            return false;
        }
        events_.emplace(place + 1, id);
    }
    return true;
}

bool StateWalk::add_cleared(Writer& writer, state::Time now, RetainedEvents& retained) {
    const auto& marks = retained.cleared();
    for (cleared_ = std::max(cleared_, marks.begin_place()); cleared_ < cleared_end_; ++cleared_) {
        const EventId id = marks.id_at(cleared_);
        const RetainedEvents::Cleared& cleared = *retained.find_cleared(id);
        const Nanoseconds remaining = span_until(cleared.end, now);
        if (remaining == 0) continue;
        if (!writer.add(wire::evt::StateCleared{cleared.channel, id, remaining})) return false;
    }
    return true;
}

}  // namespace lamplight::bus::ais::evt
