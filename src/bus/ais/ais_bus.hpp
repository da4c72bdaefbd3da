#pragma once

#include "bus/ais/asterisk_channels.hpp"
#include "bus/ais/cluster_log.hpp"
#include "bus/ais/evt_group.hpp"
#include "bus/lan/shared_ring.hpp"
#include "bus/module.hpp"
#include "conf/configuration.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lamplight::bus::ais {

/// The AIS bus: event channels and cluster membership of the SA Forum on Corosync 3. Votes of Asterisk
/// servers with res_ais go through the channels of ais.conf in the group `saEvt`; those of Lamplights through
/// the group `lamplight`, shared with other modules on the ring. A shell that puts both together.
class AisBus final : public Module {
public:
    static tl::expected<std::unique_ptr<Module>, std::string> make(Host& host);
    ~AisBus() override;

    void on_changes(const state::Changes& changes) override;
    void on_mwi_changes(std::span<const state::MwiOwnChange> changes) override;
    void on_own_nodes_changed() override;
    tl::expected<void, std::string> reload() override;
    void say_goodbye(Goodbye how, std::function<void()> done) override;
    std::vector<Status> status() const override;
    unsigned use_count() const override;

    // --- for the commands (commands.cpp) ---
    Host& host() { return host_; }
    const Host& host() const { return host_; }
    const EvtGroup& group() const { return group_; }
    const AsteriskChannels& channels() const { return channels_; }
    const lan::RingNames& names() const { return shared_->names(); }

private:
    AisBus(Host& host, const conf::AisSettings& settings);
    EvtGroup::Owner owner_of_group();
    void start(const conf::AisSettings& settings);
    void on_shared_joined();
    void leave(Goodbye how, std::chrono::steady_clock::time_point deadline);
    void detach(Goodbye how);
    void finish_goodbye();
    template <typename Call>
    void at_goodbye_time(std::chrono::steady_clock::time_point time, Call call);

    Host& host_;
    log::Log& log_;
    const std::shared_ptr<lan::SharedRing> shared_;
    lan::SharedRing::UserId user_{};
    EvtGroup group_;
    AsteriskChannels channels_;
    ClusterLog cluster_log_;
    bool group_started_ = false;
    bool leaving_ = false;
    bool detached_ = false;
    boost::asio::steady_timer goodbye_timer_;
    std::function<void()> goodbye_done_;
    console::Registry::Registration commands_;
    /// Handlers in the loop hold it weakly: gone means that the bus is.
    std::shared_ptr<AisBus*> alive_;
};

/// `ais evt show event channels`, `ais evt show channels`, `ais clm show members`, `ais show counters`. `bus`
/// outlives their registration.
std::vector<console::Command> commands_of(AisBus& bus);

}  // namespace lamplight::bus::ais
