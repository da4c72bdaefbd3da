#include "bus/ais/evt_group.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <ctime>
#include <random>
#include <span>
#include <utility>

namespace lamplight::bus::ais {

namespace {

using namespace std::chrono_literals;

/// Many small events fill the ring's frames, and of the largest ones two are under way: a window with room
/// for one byte takes a message of any size.
constexpr group::Window::Limits window{.messages = 1'024, .bytes = 128 * 1024};
constexpr std::size_t messages_a_flush = 256;

/// Frames of the service and of the owner are told apart by the lowest bit of a link's tag.
constexpr std::uint64_t tag_of(evt::FrameId id) {
    return static_cast<std::uint64_t>(id) << 1U;
}
constexpr std::uint64_t tag_of_owners(std::uint64_t tag) {
    return tag << 1U | 1U;
}
constexpr bool is_owners(std::uint64_t tag) {
    return (tag & 1U) != 0;
}

evt::Nanoseconds by_clock(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

evt::Settings with_boot_time(evt::Settings settings) {
    if (settings.boot_time == wire::evt::time_unknown)
        settings.boot_time = by_clock(CLOCK_REALTIME) - by_clock(CLOCK_BOOTTIME);
    return settings;
}

bool has_something(const evt::Output& out) {
    return !out.opened.empty() || !out.ready.empty() || !out.news.empty() || out.opens_changed;
}

}  // namespace

EvtGroup::EvtGroup(boost::asio::io_context& loop, ring::Worker& worker, const evt::Settings& settings,
                   Now now, Owner owner)
    : loop_(loop),
      now_(std::move(now)),
      owner_(std::move(owner)),
      service_(with_boot_time(settings),
               [random = std::make_shared<std::random_device>()] { return (*random)(); }),
      timer_(loop, [this] { on_time(); }),
      leave_timer_(loop),
      alive_(std::make_shared<EvtGroup*>(this)),
      link_(loop, worker, {.group = "saEvt", .window = window, .messages_a_flush = messages_a_flush}, now_,
            owner_of_link()) {}

EvtGroup::~EvtGroup() {
    alive_.reset();
}

group::Link::Owner EvtGroup::owner_of_link() {
    return {.may_connect = owner_.may_connect,
            .may_join = [](ring::Member, const std::vector<ring::Member>&) { return true; },
            .on_joined = [this] { on_joined(); },
            .on_member = [this](const group::MemberEvent& event) { on_member(event); },
            .on_totem = [this](const ring::Totem& totem) { on_totem(totem); },
            .on_message = [this](ring::Member from, wire::Bytes message) { on_frame(from, message); },
            .on_turn_end = [this] { settle(); },
            .on_lost = [this](const std::string& why) { on_lost(why); },
            .wants_to_send = [this] { return wants_to_send(); },
            .take = [this](wire::MutableBytes out) { return take(out); },
            // An event is published when it comes back, in its place among all others'.
            .on_own_message = [this](std::uint64_t,
                                     wire::Bytes message) { on_frame(link_.group().self(), message); },
            .on_delivered = [this](std::uint64_t tag) { on_delivered(tag); },
            .on_message_lost = [this](std::uint64_t tag) { on_message_lost(tag); }};
}

void EvtGroup::start() {
    link_.start();
}

evt::Moment EvtGroup::moment() const {
    return {.now = now_(), .wall = by_clock(CLOCK_REALTIME)};
}

void EvtGroup::learn(const std::vector<ring::RingNode>& nodes) {
    membership_.describe(nodes);
    if (owner_.on_described) owner_.on_described();
}

// --- what the group says ---

void EvtGroup::on_joined() {
    const ring::Member self = link_.group().self();
    membership_.set_self(self.node_id);
    service_.joined(self, link_.members().present(), moment(), out_);
    if (owner_.on_joined) owner_.on_joined();
}

void EvtGroup::on_lost(const std::string& why) {
    membership_.on_lost();
    service_.disconnected(moment(), out_);
    if (owner_.on_lost) owner_.on_lost(why);
}

void EvtGroup::on_member(const group::MemberEvent& event) {
    using Kind = group::MemberEvent::Kind;
    switch (event.kind) {
        case Kind::came:
            service_.member_came(event.member, moment(), out_);
            break;
        case Kind::returned:
            service_.member_returned(event.member, moment(), out_);
            break;
        case Kind::gone:
            service_.member_gone(event.member, event.departure, moment(), out_);
            break;
    }
    if (owner_.on_member) owner_.on_member(event);
}

void EvtGroup::on_frame(ring::Member from, wire::Bytes frame) {
    service_.receive(from, frame, moment(), out_);
    if (!out_.ready.empty()) hand_on();
}

void EvtGroup::on_totem(const ring::Totem& totem) {
    membership_.set_self(link_.group().self().node_id);
    const auto transition = membership_.on_ring(totem.ring_sequence, totem.nodes);
    service_.set_initial_view(membership_.own_initial_view());
    if (transition && owner_.on_transition) owner_.on_transition(*transition);
}

// --- sending ---

bool EvtGroup::wants_to_send() const {
    return service_.wants_to_send() || (owner_.wants_to_send && owner_.wants_to_send());
}

group::Taken EvtGroup::take(wire::MutableBytes out) {
    if (const auto taken = service_.take(out, moment()); taken.bytes > 0)
        return {taken.bytes, tag_of(taken.id)};
    if (!owner_.take) return {};
    const group::Taken taken = owner_.take(out);
    return {taken.bytes, tag_of_owners(taken.tag)};
}

void EvtGroup::on_delivered(std::uint64_t tag) {
    if (!is_owners(tag)) return service_.delivered(evt::FrameId{tag >> 1U});
    if (owner_.on_delivered) owner_.on_delivered(tag >> 1U);
}

void EvtGroup::on_message_lost(std::uint64_t tag) {
    if (!is_owners(tag)) return service_.lost(evt::FrameId{tag >> 1U});
    if (owner_.on_message_lost) owner_.on_message_lost(tag >> 1U);
}

// --- what comes of it ---

void EvtGroup::settle_soon() {
    if (std::exchange(settling_, true)) return;
    boost::asio::post(loop_, [alive = std::weak_ptr(alive_)] {
        const auto group = alive.lock();
        if (!group) return;
        (*group)->settling_ = false;
        (*group)->settle();
    });
}

void EvtGroup::settle() {
    learn_hellos();
    hand_on();
    if (owner_.on_settled) owner_.on_settled();
    timer_.set(service_.next_deadline(), now_());
    link_.flush_soon();
    finish_leaving();
}

/// Boot time and first view of a node are known to whoever runs there and says so.
void EvtGroup::learn_hellos() {
    for (const evt::Service::MemberView& member : service_.members()) {
        if (member.known) membership_.on_hello(member.member.node_id, member.boot_time, member.initial_view);
    }
}

void EvtGroup::hand_on() {
    if (!has_something(out_)) return;
    evt::Output handed;
    std::swap(handed, out_);
    if (owner_.on_output) owner_.on_output(handed);
}

void EvtGroup::on_time() {
    service_.on_time(moment(), out_);
    settle();
}

// --- the end ---

void EvtGroup::leave(std::chrono::milliseconds patience, std::function<void()> done) {
    left_ = std::move(done);
    leave_timer_.expires_after(patience);
    leave_timer_.async_wait([alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        const auto group = alive.lock();
        if (!error && group && (*group)->left_)
            (*group)->link_.leave(std::exchange((*group)->left_, nullptr));
    });
    settle_soon();
}

void EvtGroup::finish_leaving() {
    if (!left_) return;
    const bool all_back = service_.waiting() == 0 && link_.under_way() == 0 && !wants_to_send();
    if (joined() && !all_back) return;
    leave_timer_.cancel();
    link_.leave(std::exchange(left_, nullptr));
}

}  // namespace lamplight::bus::ais
