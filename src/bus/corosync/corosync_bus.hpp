#pragma once

#include "bus/corosync/asterisk_group.hpp"
#include "bus/corosync/own_group.hpp"
#include "bus/corosync/question.hpp"
#include "bus/corosync/ring_names.hpp"
#include "bus/module.hpp"
#include "conf/configuration.hpp"
#include "ring/inquiry.hpp"
#include "ring/worker.hpp"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lamplight::bus::corosync {

/// The Corosync bus: the group `lamplight` for Lamplights, and Asterisk's group `asterisk`, so that any
/// Asterisk from 11 to 23 in the ring is a peer. A shell that puts both together.
class CorosyncBus final : public Module {
public:
    static tl::expected<std::unique_ptr<Module>, std::string> make(Host& host);
    ~CorosyncBus() override;

    void on_changes(const state::Changes& changes) override;
    void on_mwi_changes(std::span<const state::MwiOwnChange> changes) override;
    void on_own_nodes_changed() override;
    tl::expected<void, std::string> reload() override;
    void say_goodbye(Goodbye how, std::function<void()> done) override;
    std::vector<Status> status() const override;
    unsigned use_count() const override;

    // --- for the commands (commands.cpp) ---
    Host& host() { return host_; }
    ring::Worker& worker() { return worker_; }
    const RingNames& names() const { return names_; }
    const OwnGroup& own_group() const { return own_; }
    const AsteriskGroup& asterisk_group() const { return *asterisk_; }
    const plain::Settings& settings() const { return settings_; }
    Questions& questions() { return questions_; }
    bool ping() { return asterisk_->ping(); }
    bool wants_asterisk() const { return wants_asterisk_; }

private:
    CorosyncBus(Host& host, const conf::CorosyncSettings& settings);
    void start();
    void on_joined();
    void on_lost(const std::string& why);
    void tell_when_not_joined();
    void learn_names(std::function<void()> then);
    void finish_goodbye();

    Host& host_;
    log::Log& log_;
    plain::Settings settings_;
    bool wants_asterisk_ = true;  ///< asterisk_group of lamplight.conf
    RingNames names_;
    /// One for all: libcpg's table of handles is not safe from two threads that open or close one.
    ring::Worker worker_;
    std::unique_ptr<AsteriskGroup> asterisk_;
    OwnGroup own_;
    bool told_lost_ = false;
    boost::asio::steady_timer names_timer_;
    boost::asio::steady_timer start_timer_;
    boost::asio::steady_timer goodbye_timer_;
    std::function<void()> goodbye_done_;
    Questions questions_;
    console::Registry::Registration commands_;
    /// Handlers in the loop hold it weakly: gone means that the bus is.
    std::shared_ptr<CorosyncBus*> alive_;
};

/// `corosync show members`, `show config`, `show counters`, `ping`. `bus` outlives their registration.
std::vector<console::Command> commands_of(CorosyncBus& bus);

}  // namespace lamplight::bus::corosync
