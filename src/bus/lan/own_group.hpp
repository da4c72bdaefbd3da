#pragma once

#include "bus/deadline_timer.hpp"
#include "bus/group/link.hpp"
#include "bus/lan/ring_names.hpp"
#include "bus/module.hpp"
#include "bus/sync/exchange.hpp"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lamplight::bus::lan {

/// The group `lamplight`: sync::Exchange in its one-lane mode over a group::Link. A shell.
class OwnGroup {
public:
    struct Owner {
        /// We are in the group (again).
        std::function<void()> on_joined;
        /// Who is in it, ourselves too.
        std::function<void(const std::vector<ring::Member>&)> on_lamplights;
        std::function<void(const std::string& why)> on_lost;
    };

    /// `bus` is what the others' votes are attributed to.
    OwnGroup(Host& host, ring::Worker& worker, const RingNames& names, state::Bus bus, Owner owner);
    ~OwnGroup();
    OwnGroup(const OwnGroup&) = delete;
    OwnGroup& operator=(const OwnGroup&) = delete;

    void start();
    void on_changes(const state::Changes& changes);
    void on_mwi_changes(std::span<const state::MwiOwnChange> changes);
    void on_own_nodes_changed();
    /// Says goodbye to the others, waits until it came back to us, and leaves. `done` when all that is over;
    /// the caller bounds the wait.
    void say_goodbye(Goodbye how, std::function<void()> done);

    bool joined() const { return link_.joined(); }
    const group::Link& link() const { return link_; }
    /// Who is in it, ourselves too.
    std::vector<ring::Member> lamplights() const;
    const sync::Exchange& exchange() const { return exchange_; }
    Status status() const;

private:
    group::Link::Owner owner_of_link();
    void on_member(const group::MemberEvent& event);
    void settle();
    void tell(const sync::News& news);
    std::string label_of(sync::PeerId peer) const;
    void on_time();
    void finish_goodbye();
    void let_go();

    Host& host_;
    log::Log& log_;
    const RingNames& names_;
    const state::Bus bus_;
    Owner owner_;
    sync::Exchange exchange_;
    sync::Output out_;
    std::map<ring::Member, sync::PeerId> peers_;
    std::map<sync::PeerId, std::string> labels_;
    DeadlineTimer digest_timer_;
    std::function<void()> goodbye_done_;
    /// Handlers in the loop hold it weakly: gone means that the group is.
    std::shared_ptr<OwnGroup*> alive_;
    group::Link link_;  ///< last: it calls into all of the above
};

/// How a link that is not joined is described to people: `waiting for Corosync since 10:02:11: …`.
std::string trouble_of(const group::Link& link);

}  // namespace lamplight::bus::lan
