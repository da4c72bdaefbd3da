// Our socket, the folder, and the connections to peers.
#include "bus/local/local_bus.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace lamplight::bus::local {

namespace {

using namespace std::chrono_literals;

constexpr auto first_back_off = 50ms;
constexpr auto longest_back_off = 10s;
constexpr auto look_around_every = 30s;  ///< the watch says what happens; this is for what it missed
constexpr auto look_around_unwatched = 1s;
constexpr auto accept_again_after = 1s;
constexpr int accepts_a_turn = 16;

}  // namespace

// --- our own socket ---

tl::expected<void, std::string> LocalBus::listen() {
    auto listener = listen_in(host_.run_dir(), host_.name());
    if (!listener) return tl::unexpected("Local bus: " + listener.error());
    auto acceptor = std::make_unique<boost::asio::posix::stream_descriptor>(host_.loop());
    FileDescriptor copy(::fcntl(listener->socket.get(), F_DUPFD_CLOEXEC, 0));
    boost::system::error_code error;
    if (copy) acceptor->assign(copy.get(), error);
    if (!copy || error) {
        listener->remove_file();
        return tl::unexpected(
            std::string("Local bus: too many open files: raise the limit (LimitNOFILE, ulimit -n)"));
    }
    (void)copy.release();
    listener_ = std::move(*listener);
    acceptor_ = std::move(acceptor);
    wait_for_peers();
    return {};
}

void LocalBus::wait_for_peers() {
    acceptor_->async_wait(acceptor_->wait_read,
                          [alive = std::weak_ptr(alive_)](boost::system::error_code error) {
                              const auto bus = alive.lock();
                              if (!error && bus && (*bus)->acceptor_) (*bus)->accept_peers();
                          });
}

void LocalBus::accept_peers() {
    if (!acceptor_) return;
    int error = 0;
    for (int peers = 0; peers < accepts_a_turn; ++peers) {
        auto socket = accept_from(listener_, error);
        if (!socket) break;
        add_peer(std::move(*socket), {});
    }
    if (error == 0) return wait_for_peers();
    // Out of descriptors or memory: the socket stays readable, so waiting for that would spin.
    log_.error("Local bus: cannot take another connection: {}; trying again every second",
               std::strerror(error));
    after(accept_timer_, accept_again_after, &LocalBus::accept_peers);
}

// --- the folder ---

void LocalBus::watch() {
    const auto started =
        watch_.start(host_.run_dir(), [this](const FolderWatch::Event& event) { on_folder(event); });
    if (!started && !watch_refused_)
        log_.warning("Local bus: {}; looking into the folder every second instead", started.error());
    watch_refused_ = !started;
}

void LocalBus::on_folder(const FolderWatch::Event& event) {
    using Kind = FolderWatch::Event::Kind;
    switch (event.kind) {
        case Kind::came:
            if (const auto name = bus_name_of(event.file); !name.empty()) found(std::string(name));
            break;
        case Kind::went:
            if (const auto name = bus_name_of(event.file); name == host_.name())
                mend();
            else if (const auto target = targets_.find(std::string(name));
                     target != targets_.end() && !target->second.peer)
                targets_.erase(target);
            break;
        case Kind::overflow:
            look_around();
            break;
        case Kind::folder_gone:
            watch_.stop();
            mend();
            break;
    }
}

/// Looks into the folder as a whole, now and then.
void LocalBus::look_around() {
    if (leaving_) return;
    if (const auto names = names_in(host_.run_dir())) {
        for (const std::string& name : *names)
            found(name);
    }
    mend();
}

/// Puts back what somebody took away: our socket's file, the watch. Says it once.
void LocalBus::mend() {
    if (leaving_) return;
    std::string trouble;
    if (!listener_.reachable()) {
        if (auto listening = listen(); !listening)
            trouble = listening.error();
        else
            log_.notice("Local bus: {} was gone and is made anew", listener_.path.string());
    }
    if (trouble.empty() && !watch_.watches()) watch();
    if (!trouble.empty() && trouble != trouble_)
        log_.error("{}; peers that are connected stay so, trying again every second", trouble);
    trouble_ = trouble;
    const bool well = trouble_.empty() && watch_.watches();
    after(folder_timer_, well ? Milliseconds(look_around_every) : Milliseconds(look_around_unwatched),
          &LocalBus::look_around);
}

/// There is a socket of this name, perhaps a new one.
void LocalBus::found(const std::string& name) {
    if (leaving_ || name >= host_.name()) return;  // the greater name connects
    Target& target = targets_[name];
    target.name = name;
    if (target.peer) return;
    target.back_off = {};
    try_to_connect(name);
}

// --- peers ---

void LocalBus::try_to_connect(const std::string& name) {
    const auto at = targets_.find(name);
    if (at == targets_.end() || at->second.peer || leaving_) return;
    Target& target = at->second;
    auto socket = connect_to(host_.run_dir() / (name + ".bus"));
    if (socket) {
        target.complained = false;
        target.back_off = {};
        target.timer.reset();
        return add_peer(std::move(*socket), name);
    }
    const int error = socket.error();
    if (error == ENOENT) {
        targets_.erase(at);
        return;
    }
    // A dead daemon's socket refuses until its successor replaces it: nothing to worry anybody with.
    if (error != ECONNREFUSED && error != EAGAIN && !target.complained) {
        log_.warning("Local bus: cannot connect to {}: {}; trying again", name, std::strerror(error));
        target.complained = true;
    }
    log_.debug(1, "Local bus: {} does not answer: {}", name, std::strerror(error));
    try_later(target);
}

void LocalBus::try_later(Target& target) {
    target.back_off = std::clamp<Milliseconds>(target.back_off * 2, first_back_off, longest_back_off);
    target.timer = std::make_unique<boost::asio::steady_timer>(host_.loop(), target.back_off);
    target.timer->async_wait(
        [alive = std::weak_ptr(alive_), name = target.name](boost::system::error_code error) {
            const auto bus = alive.lock();
            if (!error && bus) (*bus)->try_to_connect(name);
        });
}

/// `name` is that of its socket file, empty for one who connected to us.
void LocalBus::add_peer(FileDescriptor socket, const std::string& name) {
    const Credentials who = credentials_of(socket.get());
    std::string label =
        name.empty() ? fmt::format("pid {}", who.pid) : fmt::format("{} pid {}", name, who.pid);
    const auto peer = exchange_.peer_joined(label, host_.now(), out_);
    if (!peer) {
        if (const auto target = targets_.find(name); target != targets_.end()) try_later(target->second);
        return settle();  // the engine said why
    }
    if (const auto target = targets_.find(name); target != targets_.end()) target->second.peer = *peer;
    log_.verbose(2, "Local bus: connected with {} (uid {})", label, who.uid);
    labels_[*peer] = std::move(label);
    const auto connection = std::make_shared<Connection>(host_.loop(), std::move(socket), owner_of(*peer));
    connections_[*peer] = connection;
    connection->start();
    settle();
}

Connection::Owner LocalBus::owner_of(sync::PeerId peer) {
    // A connection is closed before the bus goes, and silent from then on.
    const sync::LaneId lane = exchange_.lane_of(peer);
    return {
        .on_frame = [this, peer](wire::Bytes frame) { exchange_.receive(peer, frame, host_.now(), out_); },
        .on_turn_end = [this] { settle(); },
        .take = [this, lane](wire::MutableBytes out) { return exchange_.take_frame(lane, out); },
        .wants_to_send = [this, lane] { return exchange_.wants_to_send(lane); },
        .on_sent =
            [this, lane](sync::FrameId frame) {
                exchange_.frame_delivered(lane, frame);
                if (leaving_) flush_soon();
            },
        .on_end = [this, peer](const std::string& why) { on_end(peer, why); }};
}

void LocalBus::on_end(sync::PeerId peer, const std::string& why) {
    log_.verbose(2, "Local bus: connection with {} ended: {}", label_of(peer), why);
    connections_.erase(peer);
    exchange_.peer_gone(peer, state::Departure::failed, host_.now(), out_);
    settle();
    labels_.erase(peer);
    for (auto& [name, target] : targets_) {
        if (target.peer != peer) continue;
        target.peer.reset();
        try_later(target);
        break;
    }
    finish_goodbye();
}

}  // namespace lamplight::bus::local
