#include "bus/ais/evt/impl.hpp"

namespace lamplight::bus::ais::evt {

bool Service::Impl::wants_to_send() const {
    if (!in_group_) return false;
    if (hello_due_) return hello_waits();
    return !outgoing_.empty() || state_waits();
}

/// Hello before everything else: nobody listens to us before it. While an open of ours is under way it waits,
/// since it could not tell what came of that. Then changes and a state's frames in turn.
Service::Taken Service::Impl::take(wire::MutableBytes out, Moment moment) {
    if (!wants_to_send()) return {};
    const FrameId id{++last_frame_};
    std::size_t bytes = 0;
    if (hello_due_) {
        bytes = write_hello(out);
        hello_under_way_ = id;
        hello_due_ = opens_since_hello_ = false;
    } else if (state_waits() && (state_turn_ || outgoing_.empty())) {
        bytes = walk_->take(out, moment.now, registry_, retained_);
        walk_frames_.insert(id);
        state_turn_ = false;
    } else {
        bytes = outgoing_.take(out, id);
        state_turn_ = true;
    }
    if (bytes > 0) ++counters_.frames_out;
    return {bytes, id};
}

/// What is closed but not said to be stays in it: events that wait before the close must find it open.
std::size_t Service::Impl::write_hello(wire::MutableBytes out) {
    std::vector<wire::evt::StandingOpen> opens;
    for (const auto& [id, handle] : clients_.handles())
        opens.push_back({static_cast<std::uint32_t>(id), handle.channel, handle.flags, handle.name});
    outgoing_.for_each_waiting([&](Outgoing::Item& item) {
        const auto* close = std::get_if<Outgoing::Close>(&item);
        if (close != nullptr && opens.size() < wire::evt::max_opens)
            opens.push_back({close->handle, close->channel, close->flags, close->name});
    });
    wire::evt::FrameWriter writer(out);
    using wire::evt::Hello;
    writer.add(Hello{.publisher = publisher_,
                     .since = since_,
                     .state = whole_ ? Hello::State::whole : Hello::State::empty,
                     .wants = is_owed() ? Hello::Wants::state : Hello::Wants::nothing,
                     .boot_time = settings_.boot_time,
                     .initial_view = initial_view_,
                     .program = settings_.program,
                     .opens = opens});
    return writer.bytes();
}

void Service::Impl::delivered(FrameId id) {
    if (outgoing_.delivered(id)) return;
    if (hello_under_way_ == id) hello_under_way_.reset();
    walk_frames_.erase(id);
}

/// What was lost before a later event of ours came back would pass for one that everybody has had.
void Service::Impl::renumber_overtaken() {
    const auto first = outgoing_.first_event();
    if (first && publisher_of(number_of(last_back_)) == publisher_ && *first < last_back_) renumber();
}

/// What is of the state is said anew from its begin, since nobody can know what was missing: a part, or the
/// hello without which nobody listened.
void Service::Impl::lost(FrameId id) {
    if (outgoing_.lost(id)) {
        if (!may_open()) hold_opens();
        renumber_overtaken();
        return;
    }
    const bool was_hello = hello_under_way_ == id;
    if (was_hello) {
        hello_under_way_.reset();
        hello_soon();
    }
    if ((walk_frames_.erase(id) > 0 || was_hello) && walk_) {
        walk_.emplace(++last_state_, debtors());
        walk_frames_.clear();
    }
}

}  // namespace lamplight::bus::ais::evt
