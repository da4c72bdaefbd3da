#include "bus/lan/own_group.hpp"

#include "bus/sync/news_text.hpp"
#include "console/texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lamplight::bus::lan {

namespace {

using namespace std::chrono_literals;

/// Frames of 16 KB: 64 KB under way keep the ring busy, and a change behind them waits a millisecond
/// (design 8).
constexpr group::Window::Limits window{.messages = 16, .bytes = 64 * 1024};

sync::Settings settings_for(state::Bus bus) {
    sync::Settings settings;
    settings.bus = bus;
    settings.reach = sync::Settings::Reach::everybody;
    settings.software = "lamplight " LAMPLIGHT_VERSION;
    return settings;
}

}  // namespace

OwnGroup::OwnGroup(Host& host, ring::Worker& worker, const RingNames& names, state::Bus bus, Owner owner)
    : host_(host),
      log_(host.log()),
      names_(names),
      bus_(bus),
      owner_(std::move(owner)),
      exchange_(host.engine(), host.mwi(), settings_for(bus)),
      digest_timer_(host.loop(), [this] { on_time(); }),
      alive_(std::make_shared<OwnGroup*>(this)),
      link_(
          host.loop(), worker, {.group = "lamplight", .window = window}, [&host] { return host.now(); },
          owner_of_link()) {
    exchange_.set_own_nodes(host_.own_nodes());
}

OwnGroup::~OwnGroup() {
    alive_.reset();
}

void OwnGroup::start() {
    link_.start();
}

group::Link::Owner OwnGroup::owner_of_link() {
    return {.may_join = [](ring::Member, const std::vector<ring::Member>&) { return true; },
            .on_joined = [this] { owner_.on_joined(); },
            .on_member = [this](const group::MemberEvent& event) { on_member(event); },
            .on_message =
                [this](ring::Member from, wire::Bytes frame) {
                    if (const auto peer = peers_.find(from); peer != peers_.end())
                        exchange_.receive(peer->second, frame, host_.now(), out_);
                },
            .on_turn_end = [this] { settle(); },
            .on_lost = [this](const std::string& why) { owner_.on_lost(why); },
            .wants_to_send = [this] { return exchange_.wants_to_send(sync::Exchange::everybody); },
            .take =
                [this](wire::MutableBytes out) {
                    const sync::Taken taken = exchange_.take_frame(sync::Exchange::everybody, out);
                    return group::Taken{taken.bytes, static_cast<std::uint64_t>(taken.id)};
                },
            .on_delivered =
                [this](std::uint64_t tag) {
                    exchange_.frame_delivered(sync::Exchange::everybody, sync::FrameId{tag});
                },
            .on_message_lost =
                [this](std::uint64_t tag) {
                    exchange_.frame_lost(sync::Exchange::everybody, sync::FrameId{tag});
                }};
}

void OwnGroup::on_member(const group::MemberEvent& event) {
    using Kind = group::MemberEvent::Kind;
    const auto known = peers_.find(event.member);
    const state::Time now = host_.now();
    if (event.kind == Kind::gone) {
        if (known != peers_.end()) {
            const sync::PeerId peer = known->second;
            log_.verbose(2, "Corosync: {} {}", label_of(peer),
                         event.departure == state::Departure::silent ? "cannot be heard any more"
                                                                     : "is out of the group lamplight");
            // A Lamplight says goodbye before it leaves; leaving is then only the end of its connection.
            exchange_.peer_gone(
                peer, event.departure == state::Departure::left ? state::Departure::failed : event.departure,
                now, out_);
            if (event.departure != state::Departure::silent) {
                labels_.erase(peer);
                peers_.erase(known);
            }
        }
    } else if (known != peers_.end()) {
        log_.verbose(2, "Corosync: {} can be heard again", label_of(known->second));
        exchange_.peer_present(known->second, now, out_);
    } else {
        std::string label = names_.label(event.member);
        log_.verbose(2, "Corosync: {} is in the group lamplight", label);
        if (const auto peer = exchange_.peer_joined(label, now, out_)) {
            peers_[event.member] = *peer;
            labels_[*peer] = std::move(label);
        }
    }
    owner_.on_lamplights(lamplights());
}

std::vector<ring::Member> OwnGroup::lamplights() const {
    std::vector<ring::Member> out = link_.members().present();
    out.push_back(link_.members().self());
    return out;
}

// --- what comes of inputs ---

void OwnGroup::on_changes(const state::Changes& changes) {
    exchange_.on_changes(changes);
    link_.flush_soon();
}

void OwnGroup::on_mwi_changes(std::span<const state::MwiOwnChange> changes) {
    exchange_.on_mwi_changes(changes);
    link_.flush_soon();
}

void OwnGroup::on_own_nodes_changed() {
    exchange_.set_own_nodes(host_.own_nodes());
    link_.flush_soon();
}

/// Hands on what an input brought about. Must not run inside on_changes.
void OwnGroup::settle() {
    for (const sync::News& news : out_.news)
        tell(news);
    out_.news.clear();
    std::vector<sync::Output::Raise> raises;
    std::swap(raises, out_.raises);
    if (!out_.changes.empty()) host_.publish(out_.changes);
    if (!out_.mwi.empty()) host_.publish_mwi(out_.mwi);
    for (const sync::Output::Raise& raise : raises)
        host_.raise_incarnation(raise.eid, raise.seen);
    digest_timer_.set(exchange_.next_deadline(), host_.now());
    finish_goodbye();
    link_.flush_soon();
}

void OwnGroup::on_time() {
    exchange_.on_time(host_.now(), out_);
    settle();
}

std::string OwnGroup::label_of(sync::PeerId peer) const {
    const auto found = labels_.find(peer);
    return found == labels_.end() ? "a member" : found->second;
}

void OwnGroup::tell(const sync::News& news) {
    const std::string text = sync::to_text(news, label_of(news.peer));
    switch (sync::weight_of(news.kind)) {
        case sync::Weight::talk:
            return log_.verbose(3, "Corosync: {}", text);
        case sync::Weight::notice:
            return log_.notice("Corosync: {}", text);
        case sync::Weight::warning:
            return log_.warning("Corosync: {}", text);
    }
}

// --- the end ---

void OwnGroup::say_goodbye(Goodbye how, std::function<void()> done) {
    goodbye_done_ = std::move(done);
    exchange_.say_goodbye(how == Goodbye::stop ? wire::vote::Goodbye::How::left
                                               : wire::vote::Goodbye::How::restarting);
    link_.flush_soon();
    finish_goodbye();
}

/// When it came back to us, everybody has it: out of the group.
void OwnGroup::finish_goodbye() {
    if (!goodbye_done_) return;
    if (joined() && !exchange_.said_goodbye(sync::Exchange::everybody)) return;
    link_.leave([alive = std::weak_ptr(alive_), done = std::exchange(goodbye_done_, nullptr)] {
        if (const auto group = alive.lock()) (*group)->let_go();
        done();
    });
}

/// Nobody is heard here any more.
void OwnGroup::let_go() {
    for (const auto& [member, peer] : peers_)
        exchange_.peer_gone(peer, state::Departure::silent, host_.now(), out_);
    settle();
}

// --- questions ---

std::string trouble_of(const group::Link& link) {
    using State = ring::Group::State;
    const auto now = std::chrono::system_clock::now();
    const auto age = std::chrono::steady_clock::now() - link.group().since();
    const std::string since =
        console::clock_text(now - std::chrono::duration_cast<std::chrono::system_clock::duration>(age), now);
    switch (link.group().state()) {
        case State::kept_out:
            return fmt::format("kept out since {}", since);
        case State::leaving:
        case State::left:
            return "leaving";
        default: {
            const std::string& trouble = link.group().trouble();
            return fmt::format("waiting for Corosync since {}: {}", since,
                               trouble.empty() ? "no answer yet" : trouble);
        }
    }
}

Status OwnGroup::status() const {
    const sync::Counters& counters = exchange_.counters();
    Status status;
    status.bus = state::to_string(bus_);
    status.up = joined();
    status.peers = static_cast<std::uint32_t>(exchange_.peers());
    status.detail = status.up ? fmt::format("{} {} in the group lamplight{}", status.peers,
                                            status.peers == 1 ? "peer" : "peers",
                                            names_.cluster().empty() ? "" : " of " + names_.cluster())
                              : trouble_of(link_);
    status.votes_out = counters.votes_out;
    status.votes_in = counters.votes_in;
    status.frames_out = counters.frames_out;
    status.frames_in = counters.frames_in;
    status.refused_frames = counters.refused_frames();
    status.waiting = exchange_.waiting();
    return status;
}

}  // namespace lamplight::bus::lan
