#pragma once

#include "bus/lan/own_group.hpp"
#include "bus/lan/ring_names.hpp"
#include "bus/module.hpp"
#include "ring/worker.hpp"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lamplight::bus::lan {

/// What the modules on Corosync's ring (res_corosync.so, res_ais.so) have in common in one daemon, because
/// Corosync has it once a process: the thread for its calls, the names of the ring, and the group
/// `lamplight`. Made by the first module that needs it, gone with the last; found through Host::shared().
///
/// Both modules hand everything on to it (changes, own nodes); it counts what comes from the one that is
/// attached longest, so that nothing is said twice.
class SharedRing : public std::enable_shared_from_this<SharedRing> {
public:
    /// What a module wants to be told. Empty functions are not called.
    struct User {
        std::string name;  ///< `res_ais.so`, for the log
        /// We are in the group `lamplight` (again). Called at attach() too when that is so already.
        std::function<void()> on_joined;
        /// Who is in it, ourselves too. Before the members' events of other groups that it bears on.
        std::function<void(const std::vector<ring::Member>&)> on_lamplights;
        std::function<void(const std::string& why)> on_lost;
        /// Names or addresses of the ring are known, perhaps others than before.
        std::function<void()> on_names;
    };
    using UserId = std::size_t;

    /// The one of this process; made when there is none. `bus` is what votes of the group `lamplight` are
    /// attributed to when this call makes it.
    static std::shared_ptr<SharedRing> of(Host& host, state::Bus bus);
    ~SharedRing();
    SharedRing(const SharedRing&) = delete;
    SharedRing& operator=(const SharedRing&) = delete;

    /// The first one starts it: names are asked for, then the group is joined.
    UserId attach(User user);
    /// The user says goodbye. While others are attached that have not, `done` is called at once and the group
    /// stays joined; with the last one the group hears the goodbye and is left, at most `patience` later.
    /// The user's functions are not called any more. May be called without detach() at the end of a module.
    void detach(UserId user, Goodbye how, std::function<void()> done);
    /// A module that goes without a goodbye (a failed load); nothing when it said one.
    void forget(UserId user);

    // Handed on by every user; the one that is attached longest counts.
    void on_changes(UserId user, const state::Changes& changes);
    void on_mwi_changes(UserId user, std::span<const state::MwiOwnChange> changes);
    void on_own_nodes_changed(UserId user);

    /// Whether this user is the one that speaks for the group: prints its status.
    bool is_first(UserId user) const;
    /// Asks Corosync for its nodes' names and addresses again; on_names follows.
    void learn_names();

    ring::Worker& worker();
    const RingNames& names() const;
    const OwnGroup& own_group() const;
    bool joined() const { return own_group().joined(); }
    Status status() const { return own_group().status(); }

private:
    class Impl;
    explicit SharedRing(Host& host, state::Bus bus);
    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::bus::lan
