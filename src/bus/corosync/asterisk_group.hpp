#pragma once

#include "bus/deadline_timer.hpp"
#include "bus/group/link.hpp"
#include "bus/lan/ring_names.hpp"
#include "bus/module.hpp"
#include "bus/plain/exchange.hpp"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace lamplight::bus::corosync {

/// Asterisk's group `asterisk`: plain::Exchange over a group::Link. A shell.
///
/// Stays out of the group while an Asterisk is in it on our own Corosync node: the others tell members by
/// that node alone, so our leaving would wipe its states everywhere (asterisk-facts 3.6). With stand_in = yes
/// it joins nevertheless.
class AsteriskGroup {
public:
    /// `lamplight_joined`: whether we are in the group `lamplight` now; else it is not tried to connect.
    AsteriskGroup(Host& host, ring::Worker& worker, const lan::RingNames& names,
                  const plain::Settings& settings, std::function<bool()> lamplight_joined);
    AsteriskGroup(const AsteriskGroup&) = delete;
    AsteriskGroup& operator=(const AsteriskGroup&) = delete;

    /// Once; the group `lamplight` is joined, so that others know us for a Lamplight.
    void start();
    bool started() const { return started_; }
    void on_changes(const state::Changes& changes);
    void on_mwi_changes(std::span<const state::MwiOwnChange> changes);
    void on_own_nodes_changed();
    /// Who is in the group `lamplight`, ourselves too.
    void on_lamplights(const std::vector<ring::Member>& lamplights);
    /// The names and addresses of the ring are known, perhaps others than before.
    void on_names();
    void configure(const plain::Settings& settings);
    /// `stop` takes our votes back first, as UNAVAILABLE. `done` when the group is left; the caller bounds
    /// the wait.
    void say_goodbye(Goodbye how, std::function<void()> done);
    /// False when we are not in the group.
    bool ping();

    bool joined() const { return link_.joined(); }
    const group::Link& link() const { return link_; }
    const plain::Exchange& exchange() const { return exchange_; }
    Status status() const;

private:
    group::Link::Owner owner_of_link();
    bool may_join(ring::Member self, const std::vector<ring::Member>& there);
    void on_member(const group::MemberEvent& event);
    void settle();
    void tell(const plain::News& news);
    std::string announced_text(ring::Member member) const;
    void on_time();
    void finish_goodbye();

    Host& host_;
    log::Log& log_;
    const lan::RingNames& names_;
    std::function<bool()> lamplight_joined_;
    plain::Exchange exchange_;
    plain::Output out_;
    std::set<ring::Member> lamplights_;
    bool started_ = false;
    bool kept_out_said_ = false;
    DeadlineTimer timer_;
    std::optional<Goodbye> goodbye_;
    std::function<void()> goodbye_done_;
    group::Link link_;  ///< last: it calls into all of the above
};

}  // namespace lamplight::bus::corosync
