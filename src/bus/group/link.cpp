#include "bus/group/link.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace lamplight::bus::group {

namespace {

using namespace std::chrono_literals;

constexpr auto first_back_off = 500us;
constexpr auto longest_back_off = 8ms;

}  // namespace

Link::Link(boost::asio::io_context& loop, ring::Worker& worker, Settings settings, Now now, Owner owner)
    : loop_(loop),
      settings_(std::move(settings)),
      now_(std::move(now)),
      owner_(std::move(owner)),
      window_(settings_.window),
      group_(loop, worker, settings_.group, owner_of_group()),
      buffer_(ring::Group::max_message_bytes),
      retry_timer_(loop),
      member_timer_(loop, [this] { on_time(); }),
      alive_(std::make_shared<Link*>(this)) {}

Link::~Link() {
    alive_.reset();
}

ring::Group::Owner Link::owner_of_group() {
    return {.may_connect = owner_.may_connect,
            .may_join = owner_.may_join,
            .on_membership = [this](const ring::Membership& change) { on_membership(change); },
            .on_totem = [this](const ring::Totem& totem) { on_totem(totem); },
            .on_message = [this](ring::Member from, wire::Bytes message) { on_message(from, message); },
            .on_turn_end = [this] { on_turn_end(); },
            .on_lost = [this](const std::string& why) { on_lost(why); }};
}

void Link::leave(std::function<void()> done) {
    retry_timer_.cancel();
    group_.leave(std::move(done));
}

// --- what Corosync says ---

void Link::on_membership(const ring::Membership& change) {
    const bool was_in_group = members_.in_group();
    if (!was_in_group) members_.on_joined(group_.self());
    members_.on_membership(change, now_(), events_);
    if (!was_in_group && members_.in_group()) owner_.on_joined();
    hand_on();
}

void Link::on_totem(const ring::Totem& totem) {
    members_.on_totem(totem, now_(), events_);
    hand_on();
    if (owner_.on_totem) owner_.on_totem(totem);
}

void Link::on_message(ring::Member from, wire::Bytes message) {
    if (from != group_.self()) {
        members_.on_message_from(from, events_);
        hand_on();
        return owner_.on_message(from, message);
    }
    const Window::Returned returned = window_.came_back(message);
    for (const std::uint64_t tag : returned.lost)
        owner_.on_message_lost(tag);
    if (returned.known) {
        if (owner_.on_own_message) owner_.on_own_message(returned.tag, message);
        owner_.on_delivered(returned.tag);
    }
    back_off_ = {};
}

void Link::on_turn_end() {
    owner_.on_turn_end();
    member_timer_.set(members_.next_deadline(), now_());
    flush_soon();
}

void Link::on_lost(const std::string& why) {
    retry_timer_.cancel();
    members_.on_lost(now_(), events_);
    hand_on();
    for (const std::uint64_t tag : window_.clear())
        owner_.on_message_lost(tag);
    if (const Taken kept = std::exchange(kept_, {}); kept.bytes > 0) owner_.on_message_lost(kept.tag);
    owner_.on_lost(why);
    on_turn_end();
}

/// Tells the talk what has become of members.
void Link::hand_on() {
    std::vector<MemberEvent> events;
    std::swap(events, events_);
    for (const MemberEvent& event : events)
        owner_.on_member(event);
    events.clear();
    if (events_.empty()) std::swap(events, events_);  // its memory is used again
}

void Link::on_time() {
    members_.on_time(now_(), events_);
    hand_on();
    on_turn_end();
}

// --- sending ---

void Link::flush_soon() {
    if (flushing_) return;
    flushing_ = true;
    boost::asio::post(loop_, [alive = std::weak_ptr(alive_)] {
        if (const auto link = alive.lock()) (*link)->flush();
    });
}

void Link::flush() {
    flushing_ = false;
    if (!joined()) return;
    for (std::size_t messages = 0; messages < settings_.messages_a_flush; ++messages) {
        const Offered offered = offer();
        if (offered == Offered::refused) return try_later();
        if (offered == Offered::accepted) continue;
        // A talk that had nothing although it wants to send looks on after others had their turn.
        if (window_.has_room() && owner_.wants_to_send()) flush_soon();
        return;
    }
    flush_soon();
}

Link::Offered Link::offer() {
    if (kept_.bytes == 0) {
        if (!window_.has_room() || !owner_.wants_to_send()) return Offered::nothing;
        kept_ = owner_.take(buffer_);
        if (kept_.bytes == 0) return Offered::nothing;
    }
    const wire::Bytes message{buffer_.data(), kept_.bytes};
    if (group_.send(message) != ring::Sent::accepted) return Offered::refused;
    window_.sent(message, std::exchange(kept_, {}).tag);
    back_off_ = {};
    return Offered::accepted;
}

void Link::try_later() {
    ++try_agains_;
    back_off_ = std::clamp<Microseconds>(back_off_ * 2, first_back_off, longest_back_off);
    retry_timer_.expires_after(back_off_);
    retry_timer_.async_wait([alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        const auto link = alive.lock();
        if (!error && link) (*link)->flush_soon();
    });
}

}  // namespace lamplight::bus::group
