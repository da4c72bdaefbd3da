#pragma once

#include "bus/lan/own_group.hpp"
#include "bus/lan/ring_names.hpp"
#include "bus/module.hpp"
#include "ring/worker.hpp"

#include <chrono>
#include <cstddef>
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
class SharedRing {
public:
    /// What a module wants to be told, on the loop's thread. Empty functions are not called. A module that
    /// comes later is told in the next turn of the loop what is so already.
    struct User {
        std::string name;  ///< `res_ais.so`, for the log
        /// We are in the group `lamplight` (again).
        std::function<void()> on_joined;
        /// Who is in it, ourselves too. Before the members' events of other groups that it bears on.
        std::function<void(const std::vector<ring::Member>&)> on_lamplights;
        /// We are not any more; only after on_joined().
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
    /// stays joined; with the last one the group hears the goodbye and is left, at most `goodbye_patience`
    /// later. The user's functions are not called any more. Who attaches meanwhile joins again afterwards.
    void detach(UserId user, Goodbye how, std::function<void()> done);
    static constexpr std::chrono::milliseconds goodbye_patience{400};
    /// In a module's destructor, whether or not it said a goodbye: nothing of it is called any more, `done`
    /// neither.
    void forget(UserId user);

    // Handed on by every user; the one that is attached longest counts.
    void on_changes(UserId user, const state::Changes& changes);
    void on_mwi_changes(UserId user, std::span<const state::MwiOwnChange> changes);
    void on_own_nodes_changed(UserId user);

    /// Whether this user is the one that speaks for the group: prints its status.
    bool is_first(UserId user) const;
    /// Asks Corosync for its nodes' names and addresses again; on_names follows.
    void learn_names();

    /// It outlives a module that is unloaded: what waits for its answers must be code of this library, as
    /// group::Link, learn_names() and Questions are, not a module's own function.
    ring::Worker& worker();
    const RingNames& names() const;
    const OwnGroup& own_group() const;
    bool joined() const { return own_group().joined(); }
    /// The group's row of `bus show`.
    Status status() const { return own_group().status(); }

private:
    class Impl;
    SharedRing(Host& host, state::Bus bus);
    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::bus::lan
