#include "bench/crowd_member.hpp"

#include "bench/board.hpp"

#include <algorithm>

namespace lamplight::bench {

namespace {

using state::DeviceState;

constexpr auto tick_every = std::chrono::milliseconds(1);
constexpr std::uint64_t most_a_tick = 2048;

constexpr std::array passing{DeviceState::inuse, DeviceState::not_inuse};
constexpr std::array lasting{DeviceState::busy, DeviceState::ringing, DeviceState::onhold};

std::uint64_t number_of(const state::Eid& eid) {
    std::uint64_t number = 0;
    for (const std::uint8_t byte : eid.bytes)
        number = number << 8U | byte;
    return number;
}

state::Eid eid_of(std::uint64_t number) {
    state::Eid eid;
    for (auto byte = eid.bytes.rbegin(); byte != eid.bytes.rend(); ++byte, number >>= 8U)
        *byte = static_cast<std::uint8_t>(number);
    return eid;
}

}  // namespace

CrowdMember::CrowdMember(bus::Host& host, Crowd crowd, std::size_t number,
                         std::span<const state::DeviceId> devices)
    : host_(host),
      crowd_(std::move(crowd)),
      number_(number),
      devices_(devices),
      round_(crowd_.head().round),
      node_(*host.engine().find_node(host.own_nodes().front().eid)),
      timer_(host.loop()),
      alive_(std::make_shared<CrowdMember*>(this)) {
    crowd_.parts()[number_].eid = number_of(host.own_nodes().front().eid);
    tick_soon();
}

void CrowdMember::tick_soon() {
    timer_.expires_after(tick_every);
    timer_.async_wait([alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        const auto member = alive.lock();
        if (!error && member) (*member)->on_tick();
    });
}

void CrowdMember::on_tick() {
    Crowd::Part& own = crowd_.parts()[number_];
    if (crowd_.head().go == 0) return tick_soon();
    if (!has_given()) give_some();
    if (own.all_seen_ns == 0) look();
    if (!everybody_has_seen_all()) return tick_soon();
    own.aggregates = hash_of_aggregates();
    own.done = 1;
}

// --- give ---

DeviceState CrowdMember::last_state(std::size_t part, std::size_t device) const {
    return lasting[(part + device + round_) % lasting.size()];
}

void CrowdMember::give_some() {
    Crowd::Part& own = crowd_.parts()[number_];
    const std::int64_t now = now_ns();
    if (given_ == 0) own.first_given_ns = now;
    for (std::uint64_t some = 0; some < most_a_tick && !has_given(); ++some, ++given_) {
        const std::size_t device = given_ % devices_.size();
        const std::size_t pass = given_ / devices_.size();
        const DeviceState state =
            pass + 1 == passes ? last_state(number_, device) : passing[pass % passing.size()];
        host_.engine().set_own(node_, devices_[device], state, state::Cachable::yes, state::Cause::pbx,
                               host_.now(), changes_);
    }
    own.given = given_;
    if (has_given()) own.last_given_ns = now_ns();
    host_.publish(changes_);
}

// --- see ---

void CrowdMember::look() {
    bool all = has_given();
    for (std::size_t part = 0; part < crowd_.parts().size(); ++part)
        if (part != number_ && !has_seen_all_of(part)) all = false;
    if (all) crowd_.parts()[number_].all_seen_ns = now_ns();
}

/// Goes on where it stopped: a last vote stays.
bool CrowdMember::has_seen_all_of(std::size_t part) {
    auto& node = nodes_[part];
    if (!node) node = host_.engine().find_node(eid_of(crowd_.parts()[part].eid));
    std::uint64_t seen = crowd_.parts()[number_].seen[part];
    for (; node && seen < devices_.size(); ++seen) {
        const auto vote = host_.engine().vote(devices_[seen], *node);
        if (!vote || !vote->counts || vote->state != last_state(part, seen)) break;
    }
    crowd_.parts()[number_].seen[part] = seen;
    return seen == devices_.size();
}

bool CrowdMember::everybody_has_seen_all() const {
    return std::ranges::all_of(crowd_.parts(), [](const Crowd::Part& part) { return part.all_seen_ns != 0; });
}

/// FNV-1a over the aggregates in the order of the devices' numbers.
std::uint64_t CrowdMember::hash_of_aggregates() const {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const state::DeviceId device : devices_)
        hash = (hash ^ static_cast<std::uint64_t>(host_.engine().aggregate(device))) * 0x100000001b3;
    return hash;
}

}  // namespace lamplight::bench
