#include "bus/corosync/asterisk_group.hpp"

#include "bus/lan/own_group.hpp"
#include "conf/configuration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lamplight::bus::corosync {

namespace {

using namespace std::chrono_literals;

/// Small messages: enough under way to fill the ring's frames, few enough that what is said last is said
/// soon.
constexpr group::Window::Limits window{.messages = 1'024, .bytes = 128 * 1024};
constexpr std::size_t messages_a_flush = 256;

}  // namespace

AsteriskGroup::AsteriskGroup(Host& host, ring::Worker& worker, const lan::RingNames& names,
                             const plain::Settings& settings, std::function<bool()> lamplight_joined)
    : host_(host),
      log_(host.log()),
      names_(names),
      lamplight_joined_(std::move(lamplight_joined)),
      exchange_(host.engine(), host.mwi(), settings),
      timer_(host.loop(), [this] { on_time(); }),
      link_(
          host.loop(), worker, {.group = "asterisk", .window = window, .messages_a_flush = messages_a_flush},
          [&host] { return host.now(); }, owner_of_link()) {
    exchange_.set_own_nodes(host_.own_nodes());
}

void AsteriskGroup::start() {
    if (std::exchange(started_, true)) return;
    link_.start();
}

group::Link::Owner AsteriskGroup::owner_of_link() {
    return {
        .may_connect = lamplight_joined_,
        .may_join = [this](ring::Member self,
                           const std::vector<ring::Member>& there) { return may_join(self, there); },
        .on_joined =
            [this] {
                log_.verbose(2, "Corosync: joined Asterisk's group asterisk as {}",
                             names_.label(link_.group().self()));
                on_names();
            },
        .on_member = [this](const group::MemberEvent& event) { on_member(event); },
        .on_message = [this](ring::Member from,
                             wire::Bytes message) { exchange_.receive(from, message, host_.now(), out_); },
        .on_turn_end = [this] { settle(); },
        .on_lost = [this](const std::string&) { exchange_.disconnected(); },
        .wants_to_send = [this] { return exchange_.wants_to_send(); },
        .take =
            [this](wire::MutableBytes out) {
                const plain::Taken taken = exchange_.take(out);
                return group::Taken{taken.bytes, static_cast<std::uint64_t>(taken.id)};
            },
        .on_delivered = [this](std::uint64_t tag) { exchange_.delivered(plain::MessageId{tag}); },
        .on_message_lost = [this](std::uint64_t tag) { exchange_.lost(plain::MessageId{tag}); }};
}

bool AsteriskGroup::may_join(ring::Member self, const std::vector<ring::Member>& there) {
    if (host_.configuration().stand_in) return true;
    const auto neighbour = std::ranges::find_if(there, [&](ring::Member member) {
        return member.node_id == self.node_id && member != self && !lamplights_.contains(member);
    });
    if (neighbour == there.end()) {
        if (std::exchange(kept_out_said_, false))
            log_.notice(
                "Corosync: no Asterisk is in the group asterisk on this Corosync node any more: joining it");
        return true;
    }
    if (!std::exchange(kept_out_said_, true))
        log_.warning(
            "Corosync: an Asterisk (pid {}) is in the group asterisk on this very Corosync node. Lamplight "
            "stays "
            "out of that group, because its leaving would wipe that Asterisk's states on all others: unload "
            "res_corosync.so there, or set stand_in = yes in lamplight.conf when it is about to go. Other "
            "Lamplights are heard all the same",
            neighbour->pid);
    return false;
}

void AsteriskGroup::on_member(const group::MemberEvent& event) {
    using Kind = group::MemberEvent::Kind;
    const state::Time now = host_.now();
    switch (event.kind) {
        case Kind::came:
            log_.verbose(3, "Corosync: {} is in the group asterisk", names_.label(event.member));
            return exchange_.member_came(event.member, names_.label(event.member), now, out_);
        case Kind::returned:
            log_.verbose(3, "Corosync: {} is in the group asterisk again", names_.label(event.member));
            return exchange_.member_returned(event.member, now, out_);
        case Kind::gone:
            log_.verbose(3, "Corosync: {} is out of the group asterisk ({})", names_.label(event.member),
                         state::to_string(event.departure));
            return exchange_.member_gone(event.member, event.departure, now, out_);
    }
}

// --- what comes of inputs ---

void AsteriskGroup::on_changes(const state::Changes& changes) {
    exchange_.on_changes(changes);
    link_.flush_soon();
}

void AsteriskGroup::on_mwi_changes(std::span<const state::MwiOwnChange> changes) {
    for (const state::MwiOwnChange& change : changes)
        exchange_.mwi_changed(change.node, change.mailbox);
    link_.flush_soon();
}

void AsteriskGroup::on_own_nodes_changed() {
    exchange_.set_own_nodes(host_.own_nodes());
    link_.flush_soon();
}

void AsteriskGroup::on_lamplights(const std::vector<ring::Member>& lamplights) {
    lamplights_ = {lamplights.begin(), lamplights.end()};
    exchange_.set_lamplights(lamplights, host_.now(), out_);
    settle();
}

void AsteriskGroup::on_names() {
    if (!joined()) return;
    const ring::Member self = link_.group().self();
    exchange_.set_self(self, names_.address(self.node_id));
    link_.flush_soon();
}

void AsteriskGroup::configure(const plain::Settings& settings) {
    exchange_.configure(settings);
    link_.flush_soon();
}

bool AsteriskGroup::ping() {
    if (!joined()) return false;
    exchange_.ping();
    link_.flush_soon();
    return true;
}

/// Hands on what an input brought about. Must not run inside on_changes.
void AsteriskGroup::settle() {
    for (const plain::News& news : out_.news)
        tell(news);
    out_.news.clear();
    if (!out_.changes.empty()) host_.publish(out_.changes);
    if (!out_.mwi.empty()) host_.publish_mwi(out_.mwi);
    timer_.set(exchange_.next_deadline(), host_.now());
    finish_goodbye();
    link_.flush_soon();
}

void AsteriskGroup::on_time() {
    exchange_.on_time(host_.now(), out_);
    settle();
}

/// Asterisk's own words where it has some.
void AsteriskGroup::tell(const plain::News& news) {
    using Kind = plain::News::Kind;
    const std::string who = names_.label(news.member);
    switch (news.kind) {
        case Kind::ping:
            return log_.notice("Got event PING from server with EID: '{}'", news.text);
        case Kind::discovered:
            return log_.notice("Node {} ({}) at {} joined the cluster", news.member.node_id,
                               announced_text(news.member), news.text);
        case Kind::announced:
            return log_.verbose(3, "Corosync: announced ourselves to Asterisk: {}", news.text);
        case Kind::dump_begins:
            return log_.verbose(3, "Sending {} events to corosync.", news.text);
        case Kind::dump_ended:
            return log_.verbose(3, "Sent {} events to corosync.", news.text);
        case Kind::malformed:
            return log_.warning("Corosync: an event from {} in the group asterisk was refused: {}", who,
                                news.text);
        case Kind::name_too_long:
            return log_.warning(
                "Corosync: the state of '{}' cannot be sent to Asterisk: its wire takes names of at most {} "
                "bytes; other Lamplights have it",
                news.text, wire::event::max_device_bytes);
        case Kind::shared_node:
            return log_.warning(
                "Corosync: an Asterisk (pid {}) joined the group asterisk on this very Corosync node. The "
                "others "
                "tell the two of us apart by nothing: when one of us leaves, they may wipe what the other "
                "said. Run it with another Corosync node, or without res_corosync.so",
                news.member.pid);
        case Kind::shared_node_over:
            return log_.notice("Corosync: the Asterisk (pid {}) on this Corosync node is gone",
                               news.member.pid);
        case Kind::yields:
        case Kind::yields_no_more:
            return;  // of event channels (plain::Duplicate)
    }
}

std::string AsteriskGroup::announced_text(ring::Member member) const {
    const state::Eid* eid = exchange_.announced_by(member);
    return eid == nullptr ? "gone" : state::to_string(*eid);
}

// --- the end ---

void AsteriskGroup::say_goodbye(Goodbye how, std::function<void()> done) {
    if (!started_) return done();
    goodbye_ = how;
    goodbye_done_ = std::move(done);
    if (how == Goodbye::stop) exchange_.say_goodbye();
    link_.flush_soon();
    finish_goodbye();
}

/// When what waits is said: out of the group.
void AsteriskGroup::finish_goodbye() {
    if (!goodbye_done_) return;
    const bool said = *goodbye_ == Goodbye::stop ? exchange_.said_goodbye()
                                                 : !exchange_.has_strangers() || exchange_.waiting() == 0;
    if (joined() && !said) return;
    link_.leave(std::exchange(goodbye_done_, nullptr));
}

Status AsteriskGroup::status() const {
    const plain::Counters& counters = exchange_.counters();
    Status status;
    status.bus = "asterisk";
    status.up = joined();
    status.peers = static_cast<std::uint32_t>(exchange_.members());
    if (status.up)
        status.detail = fmt::format("{} Asterisk {} in the group asterisk", status.peers,
                                    status.peers == 1 ? "server" : "servers");
    else if (!started_)
        status.detail = "waits for the group lamplight";
    else
        status.detail = lan::trouble_of(link_);
    if (link_.group().state() == ring::Group::State::kept_out)
        status.detail += ": an Asterisk is in the group on this Corosync node";
    status.votes_out = counters.votes_out;
    status.votes_in = counters.votes_in;
    status.frames_out = counters.messages_out;
    status.frames_in = counters.messages_in;
    status.refused_frames = counters.refused();
    status.waiting = exchange_.waiting();
    return status;
}

}  // namespace lamplight::bus::corosync
