#pragma once

#include "bus/deadline_timer.hpp"
#include "bus/local/connection.hpp"
#include "bus/local/folder_watch.hpp"
#include "bus/local/socket_file.hpp"
#include "bus/module.hpp"
#include "bus/sync/exchange.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lamplight::bus::local {

/// The local bus: every daemon whose socket lies in the same run_dir, each to each. A shell around
/// sync::Exchange.
///
/// Of two daemons the one with the greater name connects, so a pair has one connection. A socket file that
/// refuses is tried again with back-off from 50 ms to 10 s, and at once when the folder says that it is new.
class LocalBus final : public Module {
public:
    static tl::expected<std::unique_ptr<Module>, std::string> make(Host& host);
    ~LocalBus() override;

    void on_changes(const state::Changes& changes) override;
    void on_mwi_changes(std::span<const state::MwiOwnChange> changes) override;
    void on_own_nodes_changed() override;
    tl::expected<void, std::string> reload() override;
    void say_goodbye(Goodbye how, std::function<void()> done) override;
    std::vector<Status> status() const override;
    unsigned use_count() const override { return static_cast<unsigned>(connections_.size()); }

private:
    using Milliseconds = std::chrono::milliseconds;

    /// A socket file of another daemon that we are to connect to.
    struct Target {
        std::string name;
        std::optional<sync::PeerId> peer;  ///< connected
        Milliseconds back_off{};
        bool complained = false;
        std::unique_ptr<boost::asio::steady_timer> timer;
    };

    explicit LocalBus(Host& host);
    tl::expected<void, std::string> start();

    // Our own socket.
    tl::expected<void, std::string> listen();
    void wait_for_peers();
    void accept_peers();
    void after(boost::asio::steady_timer& timer, Milliseconds time, void (LocalBus::*what)());

    // The folder.
    void watch();
    void on_folder(const FolderWatch::Event& event);
    void look_around();
    void mend();
    void found(const std::string& name);

    // Peers.
    void try_to_connect(const std::string& name);
    void try_later(Target& target);
    void add_peer(FileDescriptor socket, const std::string& name);
    void on_end(sync::PeerId peer, const std::string& why);
    Connection::Owner owner_of(sync::PeerId peer);

    // What comes of inputs.
    void settle();
    void tell(const sync::News& news);
    std::string label_of(sync::PeerId peer) const;
    void flush_soon();
    void flush();
    void on_time();
    void finish_goodbye();

    Host& host_;
    log::Log& log_;
    sync::Exchange exchange_;
    sync::Output out_;

    Listener listener_;
    std::unique_ptr<boost::asio::posix::stream_descriptor> acceptor_;  ///< waits for listener_, on a copy
    FolderWatch watch_;
    std::map<std::string, Target> targets_;
    std::map<sync::PeerId, std::shared_ptr<Connection>> connections_;
    std::map<sync::PeerId, std::string> labels_;

    DeadlineTimer digest_timer_;
    boost::asio::steady_timer accept_timer_;  ///< after too many open files
    boost::asio::steady_timer folder_timer_;  ///< looks around now and then, and mends what is broken
    boost::asio::steady_timer goodbye_timer_;
    bool flushing_ = false;
    bool leaving_ = false;
    bool watch_refused_ = false;
    std::function<void()> goodbye_done_;
    std::string trouble_;  ///< what is wrong with our socket or the folder now; said once
    /// Handlers in the loop hold it weakly: gone means that the bus is.
    std::shared_ptr<LocalBus*> alive_;
};

}  // namespace lamplight::bus::local
