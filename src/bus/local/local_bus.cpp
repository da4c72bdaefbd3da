// What the bus does at start and end, and with what the Exchange says. Sockets, folder and peers:
// local_peers.cpp.
#include "bus/local/local_bus.hpp"

#include "bus/sync/news_text.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace lamplight::bus::local {

namespace {

using namespace std::chrono_literals;

constexpr auto goodbye_patience = 1500ms;  ///< the contract of say_goodbye gives 2 s

sync::Settings settings() {
    sync::Settings settings;
    settings.bus = state::Bus::local;
    settings.reach = sync::Settings::Reach::one_peer;
    settings.software = "lamplight " LAMPLIGHT_VERSION;
    return settings;
}

}  // namespace

LocalBus::LocalBus(Host& host)
    : host_(host),
      log_(host.log()),
      exchange_(host.engine(), host.mwi(), settings()),
      watch_(host.loop()),
      digest_timer_(host.loop(), [this] { on_time(); }),
      accept_timer_(host.loop()),
      folder_timer_(host.loop()),
      goodbye_timer_(host.loop()),
      alive_(std::make_shared<LocalBus*>(this)) {}

LocalBus::~LocalBus() {
    alive_.reset();
    watch_.stop();
    for (auto& [peer, connection] : connections_)
        connection->close();
    if (listener_.socket) listener_.remove_file();
}

tl::expected<std::unique_ptr<Module>, std::string> LocalBus::make(Host& host) {
    std::unique_ptr<LocalBus> bus(new LocalBus(host));
    if (auto started = bus->start(); !started) return tl::unexpected(started.error());
    return bus;
}

tl::expected<void, std::string> LocalBus::start() {
    if (auto listening = listen(); !listening) return listening;
    exchange_.set_own_nodes(host_.own_nodes());
    watch();
    look_around();
    return {};
}

tl::expected<void, std::string> LocalBus::reload() {
    return {};
}  // it has no file of its own

void LocalBus::on_changes(const state::Changes& changes) {
    exchange_.on_changes(changes);
    flush_soon();
}

void LocalBus::on_mwi_changes(std::span<const state::MwiOwnChange> changes) {
    exchange_.on_mwi_changes(changes);
    flush_soon();
}

void LocalBus::on_own_nodes_changed() {
    exchange_.set_own_nodes(host_.own_nodes());
    flush_soon();
}

/// Calls a member later, unless the bus is gone by then.
void LocalBus::after(boost::asio::steady_timer& timer, Milliseconds time, void (LocalBus::*what)()) {
    timer.expires_after(time);
    timer.async_wait([alive = std::weak_ptr(alive_), what](boost::system::error_code error) {
        const auto bus = alive.lock();
        if (!error && bus) ((*bus)->*what)();
    });
}

// --- what comes of inputs ---

/// Hands on what an input brought about. Must not run inside on_changes.
void LocalBus::settle() {
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
    flush_soon();
}

void LocalBus::flush_soon() {
    if (flushing_) return;
    flushing_ = true;
    boost::asio::post(host_.loop(), [alive = std::weak_ptr(alive_)] {
        if (const auto bus = alive.lock()) (*bus)->flush();
    });
}

void LocalBus::flush() {
    flushing_ = false;
    std::vector<std::shared_ptr<Connection>> connections;  // one that fails leaves the map
    for (const auto& [peer, connection] : connections_)
        connections.push_back(connection);
    for (const auto& connection : connections)
        connection->send();
    finish_goodbye();
}

void LocalBus::on_time() {
    exchange_.on_time(host_.now(), out_);
    settle();
}

std::string LocalBus::label_of(sync::PeerId peer) const {
    const auto found = labels_.find(peer);
    return found == labels_.end() ? "a peer" : found->second;
}

void LocalBus::tell(const sync::News& news) {
    const std::string text = sync::to_text(news, label_of(news.peer));
    switch (sync::weight_of(news.kind)) {
        case sync::Weight::talk:
            return log_.verbose(3, "Local bus: {}", text);
        case sync::Weight::notice:
            return log_.notice("Local bus: {}", text);
        case sync::Weight::warning:
            return log_.warning("Local bus: {}", text);
    }
}

// --- the end ---

void LocalBus::say_goodbye(Goodbye how, std::function<void()> done) {
    leaving_ = true;
    goodbye_done_ = std::move(done);
    watch_.stop();
    folder_timer_.cancel();
    accept_timer_.cancel();
    acceptor_.reset();
    listener_.remove_file();
    listener_ = {};
    targets_.clear();
    exchange_.say_goodbye(how == Goodbye::stop ? wire::vote::Goodbye::How::left
                                               : wire::vote::Goodbye::How::restarting);
    goodbye_timer_.expires_after(goodbye_patience);
    goodbye_timer_.async_wait([alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        const auto bus = alive.lock();
        if (error || !bus) return;
        auto& connections = (*bus)->connections_;
        (*bus)->log_.warning("Local bus: {} of its peers did not take the goodbye", connections.size());
        for (auto& [peer, connection] : connections)
            connection->close();
        (*bus)->finish_goodbye();
    });
    flush_soon();
}

/// When every peer has it: lets go of them, and of what they said.
void LocalBus::finish_goodbye() {
    if (!goodbye_done_) return;
    for (const auto& [peer, connection] : connections_)
        if (connection->open() && !exchange_.said_goodbye(exchange_.lane_of(peer))) return;
    goodbye_timer_.cancel();
    const auto connections = std::exchange(connections_, {});
    for (const auto& [peer, connection] : connections) {
        connection->close();
        exchange_.peer_gone(peer, state::Departure::silent, host_.now(), out_);
    }
    settle();
    std::exchange(goodbye_done_, nullptr)();
}

std::vector<Status> LocalBus::status() const {
    const sync::Counters& counters = exchange_.counters();
    Status status;
    status.bus = "local";
    status.up = static_cast<bool>(listener_.socket) && trouble_.empty();
    status.peers = static_cast<std::uint32_t>(exchange_.peers());
    status.detail = leaving_ ? "leaving"
                    : !trouble_.empty()
                        ? trouble_
                        : fmt::format("{} {} in {}", status.peers, status.peers == 1 ? "peer" : "peers",
                                      host_.run_dir().string());
    status.votes_out = counters.votes_out;
    status.votes_in = counters.votes_in;
    status.frames_out = counters.frames_out;
    status.frames_in = counters.frames_in;
    status.refused_frames = counters.refused_frames();
    status.waiting = exchange_.waiting();
    return {status};
}

}  // namespace lamplight::bus::local
