#pragma once

#include "bus/corosync/asterisk_group.hpp"
#include "bus/lan/own_group.hpp"
#include "bus/lan/question.hpp"
#include "bus/lan/ring_names.hpp"
#include "bus/lan/shared_ring.hpp"
#include "bus/module.hpp"
#include "conf/configuration.hpp"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lamplight::bus::corosync {

/// The Corosync bus: the group `lamplight` for Lamplights, shared with other modules on the ring, and
/// Asterisk's group `asterisk`, so that any Asterisk from 11 to 23 in the ring is a peer. A shell that puts
/// both together.
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
    const lan::RingNames& names() const { return shared_->names(); }
    const lan::OwnGroup& own_group() const { return shared_->own_group(); }
    const AsteriskGroup& asterisk_group() const { return asterisk_; }
    const plain::Settings& settings() const { return settings_; }
    lan::Questions& questions() { return questions_; }
    bool ping() { return asterisk_.ping(); }
    bool wants_asterisk() const { return wants_asterisk_; }

private:
    CorosyncBus(Host& host, const conf::CorosyncSettings& settings);
    void start();
    void finish_goodbye();

    Host& host_;
    log::Log& log_;
    plain::Settings settings_;
    bool wants_asterisk_ = true;  ///< asterisk_group of lamplight.conf
    const std::shared_ptr<lan::SharedRing> shared_;
    lan::SharedRing::UserId user_{};
    AsteriskGroup asterisk_;
    boost::asio::steady_timer goodbye_timer_;
    std::function<void()> goodbye_done_;
    lan::Questions questions_;
    console::Registry::Registration commands_;
    /// Handlers in the loop hold it weakly: gone means that the bus is.
    std::shared_ptr<CorosyncBus*> alive_;
};

/// `corosync show members`, `show config`, `show counters`, `ping`. `bus` outlives their registration.
std::vector<console::Command> commands_of(CorosyncBus& bus);

}  // namespace lamplight::bus::corosync
