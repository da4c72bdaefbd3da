#pragma once

#include "bench/crowd.hpp"
#include "bus/module.hpp"

#include <boost/asio/steady_timer.hpp>

#include <array>
#include <memory>
#include <optional>
#include <span>

namespace lamplight::bench {

/// One daemon of a crowd: when all are ready it gives its own vote of each device `passes` times, as fast as
/// the daemon takes them, and meanwhile looks for the others' last votes in its engine. Then it makes a hash
/// of all aggregates.
///
/// The last vote of a device is one that no earlier pass and no earlier round gives, another one for each
/// daemon; so it is recognised where it is held, whatever was bunched to the newest before it.
class CrowdMember {
public:
    static constexpr unsigned passes = 3;

    /// `devices` by their number, kept by the caller.
    CrowdMember(bus::Host& host, Crowd crowd, std::size_t number, std::span<const state::DeviceId> devices);
    CrowdMember(const CrowdMember&) = delete;
    CrowdMember& operator=(const CrowdMember&) = delete;

private:
    using Clock = std::chrono::steady_clock;

    void tick_soon();
    void on_tick();
    bool has_given() const { return given_ == std::uint64_t{passes} * devices_.size(); }
    void give_some();
    state::DeviceState last_state(std::size_t part, std::size_t device) const;
    void look();
    bool has_seen_all_of(std::size_t part);
    bool everybody_has_seen_all() const;
    std::uint64_t hash_of_aggregates() const;

    bus::Host& host_;
    Crowd crowd_;
    std::size_t number_;
    std::span<const state::DeviceId> devices_;
    std::uint64_t round_;
    state::NodeId node_;
    std::uint64_t given_ = 0;
    std::array<std::optional<state::NodeId>, Crowd::most_parts> nodes_;
    state::Changes changes_;
    boost::asio::steady_timer timer_;
    /// Handlers in the loop hold it weakly: gone means that the member is.
    std::shared_ptr<CrowdMember*> alive_;
};

}  // namespace lamplight::bench
