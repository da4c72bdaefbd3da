#include "bus/ais/evt/outgoing.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace lamplight::bus::ais::evt {
namespace {

template <typename... Visitors>
struct Overloaded : Visitors... {
    using Visitors::operator()...;
};

bool write(wire::evt::FrameWriter& writer, const Outgoing::Item& item) {
    return std::visit(
        Overloaded{[&](const Outgoing::Open& open) {
                       return writer.add(wire::evt::Open{open.handle, open.proposed, open.flags, open.name});
                   },
                   [&](const Outgoing::Close& close) { return writer.add(wire::evt::Close{close.handle}); },
                   [&](const Outgoing::Unlink& unlink) { return writer.add(wire::evt::Unlink{unlink.name}); },
                   [&](const Outgoing::Publish& publish) {
                       bool added = false;
                       with_record(*publish.event, publish.channel_name,
                                   [&](const wire::evt::Publish& record) { added = writer.add(record); });
                       return added;
                   },
                   [&](const Outgoing::Clear& clear) {
                       return writer.add(wire::evt::Clear{clear.channel, clear.id});
                   }},
        item);
}

}  // namespace

void with_record(const Event& event, std::string_view channel_name,
                 const std::function<void(const wire::evt::Publish&)>& with) {
    std::array<wire::Bytes, wire::evt::max_patterns> patterns;
    const std::size_t count = std::min(event.attributes.patterns.size(), patterns.size());
    for (std::size_t i = 0; i < count; ++i)
        patterns[i] = wire::bytes_of(event.attributes.patterns[i]);
    with({.channel = event.channel,
          .id = event.id,
          .priority = event.attributes.priority,
          .retention = event.attributes.retention,
          .publish_time = event.publish_time,
          .channel_name = channel_name,
          .publisher = event.attributes.publisher,
          .patterns = std::span(patterns).first(count),
          .data = wire::bytes_of(event.data)});
}

std::size_t Outgoing::bytes_of(const Item& item) {
    const auto* publish = std::get_if<Publish>(&item);
    return publish == nullptr ? sizeof(Item) : sizeof(Item) + sizeof(Event) + publish->event->data.size();
}

bool Outgoing::has_room(std::size_t bytes) const {
    return waiting_.empty() || (waiting_.size() < max_items_ && waiting_bytes_ + bytes <= max_bytes_);
}

void Outgoing::push(Item item) {
    waiting_bytes_ += bytes_of(item);
    waiting_.push_back({++last_order_, std::move(item)});
}

// --- frames ---

std::size_t Outgoing::take(wire::MutableBytes out, FrameId id) {
    if (waiting_.empty()) return 0;
    wire::evt::FrameWriter packed(out.first(std::min(out.size(), wire::evt::packed_frame_bytes)));
    wire::evt::FrameWriter whole(out);
    wire::evt::FrameWriter* writer = &packed;
    if (!write(packed, waiting_.front().item)) {
        writer = &whole;
        write(whole, waiting_.front().item);
    }
    std::vector<Placed> taken;
    do {
        waiting_bytes_ -= bytes_of(waiting_.front().item);
        taken.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
    } while (writer == &packed && !waiting_.empty() && write(packed, waiting_.front().item));
    const std::size_t bytes = writer->records() > 0 ? writer->bytes() : 0;
    if (bytes == 0) return 0;
    count_opens(taken, 1);
    under_way_.emplace(id, std::move(taken));
    return bytes;
}

void Outgoing::count_opens(const std::vector<Placed>& items, int step) {
    const auto opens = std::ranges::count_if(
        items, [](const Placed& placed) { return std::holds_alternative<Open>(placed.item); });
    opens_under_way_ += static_cast<std::size_t>(opens * step);
}

bool Outgoing::delivered(FrameId id) {
    const auto found = under_way_.find(id);
    if (found == under_way_.end()) return false;
    count_opens(found->second, -1);
    under_way_.erase(found);
    return true;
}

Outgoing::Frames::iterator Outgoing::requeue(Frames::iterator frame) {
    count_opens(frame->second, -1);
    for (Placed& placed : frame->second) {
        waiting_bytes_ += bytes_of(placed.item);
        const auto after = std::ranges::upper_bound(waiting_, placed.order, {}, &Placed::order);
        waiting_.insert(after, std::move(placed));
    }
    return under_way_.erase(frame);
}

bool Outgoing::lost(FrameId id) {
    const auto found = under_way_.find(id);
    if (found == under_way_.end()) return false;
    requeue(found);
    return true;
}

void Outgoing::lose_all() {
    // From the last on, so that each goes to the front.
    while (!under_way_.empty())
        requeue(std::prev(under_way_.end()));
}

void Outgoing::drop_opens() {
    std::erase_if(waiting_, [this](const Placed& placed) {
        if (!std::holds_alternative<Open>(placed.item)) return false;
        waiting_bytes_ -= bytes_of(placed.item);
        return true;
    });
}

void Outgoing::for_each_waiting(const std::function<void(Item&)>& change) {
    for (Placed& placed : waiting_)
        change(placed.item);
}

std::optional<EventId> Outgoing::first_event() const {
    for (const Placed& placed : waiting_)
        if (const auto* publish = std::get_if<Publish>(&placed.item)) return publish->event->id;
    return {};
}

std::size_t Outgoing::records() const {
    std::size_t count = waiting_.size();
    for (const auto& [id, items] : under_way_)
        count += items.size();
    return count;
}

}  // namespace lamplight::bus::ais::evt
