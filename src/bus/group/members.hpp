#pragma once

#include "ring/types.hpp"
#include "state/policy.hpp"
#include "state/types.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace lamplight::bus::group {

/// What became of a process in a group, for whoever speaks with it.
struct MemberEvent {
    enum class Kind : std::uint8_t {
        came,      ///< a process not known before
        returned,  ///< one that was silent: the same (node id, pid)
        gone,      ///< see departure
    } kind{};
    ring::Member member;
    state::Departure departure{};  ///< of gone: left, failed or silent
};

/// Turns what Corosync says of a group into what has become of its members. Pure.
///
/// | Corosync says                          | it means                                              |
/// |----------------------------------------|-------------------------------------------------------|
/// | joined, JOIN                           | came, at once                                         |
/// | joined, JOIN, of a known pid           | silent if nobody said so yet, and returned            |
/// | joined, NODEUP                         | came or returned, at the TOTEM callback that follows, |
/// |                                        | at the member's first message, or after 100 ms        |
/// | in the list at our own join            | came or returned, at once                             |
/// | left, LEAVE                            | left                                                  |
/// | left, PROCDOWN                         | failed, unless the ring loses the node within 100 ms: |
/// |                                        | then silent (Corosync was stopped there), or another  |
/// |                                        | process joins there: then failed at once              |
/// | left, NODEDOWN                         | silent                                                |
/// | left and joined in one change, or      | silent, then returned as its reason says (Corosync    |
/// | joined and nobody said left            | restarted quickly)                                    |
/// | not in the list and nobody said left   | silent                                                |
/// | silent, its node in the ring again and | failed                                                |
/// | not itself in the group for 5 s        |                                                       |
/// | our own connection is lost             | everybody silent                                      |
///
/// (design 8; asterisk-facts 3.10). It goes by `members`, which is complete, and uses `left` for reasons
/// only: a merge says joined of whom nobody said left. The own process is a member like any other to
/// Corosync and none here.
///
/// Bounds  known members: those in the group, and silent ones, at most max_silent_a_node of a node: beyond
///         it the lowest pid there is failed.
class Members {
public:
    struct Settings {
        state::Duration process_down_grace = std::chrono::milliseconds(100);
        state::Duration node_up_grace = std::chrono::milliseconds(100);
        state::Duration absent_grace = std::chrono::seconds(5);
    };
    static constexpr std::size_t max_silent_a_node = 16;

    Members() : Members(Settings{}) {}
    explicit Members(const Settings& settings) : settings_(settings) {}

    // Inputs; what follows is appended to `events`, in the order to be acted upon.
    /// We are in the group (again) as `self`.
    void on_joined(ring::Member self);
    void on_membership(const ring::Membership& change, state::Time now, std::vector<MemberEvent>& events);
    void on_totem(const ring::Totem& totem, state::Time now, std::vector<MemberEvent>& events);
    /// Before the message itself is looked at.
    void on_message_from(ring::Member member, std::vector<MemberEvent>& events);
    void on_lost(state::Time now, std::vector<MemberEvent>& events);
    std::optional<state::Time> next_deadline() const;
    void on_time(state::Time now, std::vector<MemberEvent>& events);

    // Questions.
    /// Whether it is in the group now, as far as came/returned/gone said so: a member whose end is in doubt
    /// is.
    bool is_present(ring::Member member) const;
    /// All that are present, in order; not ourselves.
    std::vector<ring::Member> present() const;
    ring::Member self() const { return self_; }
    /// Another process on our own Corosync node.
    std::vector<ring::Member> neighbours() const;
    /// Whether Corosync listed us in the last change.
    bool in_group() const { return in_group_; }

private:
    enum class Status : std::uint8_t {
        expected,  ///< joined by NODEUP, not said yet
        present,
        doubtful,  ///< PROCDOWN, failed or silent
        silent,
    };
    struct Known {
        Status status{};
        bool known_before = false;       ///< expected: was silent
        std::optional<state::Time> due;  ///< of expected, doubtful, and silent with its node back
    };
    using Events = std::vector<MemberEvent>;
    using Place = std::map<ring::Member, Known>::iterator;
    static bool is_said(const Known& known) {
        return known.status == Status::present || known.status == Status::doubtful;
    }

    // Each says its event when it has not been said before. `end` forgets the member and gives the next.
    void greet(Place member, Events& events);
    void silence(Place member, Events& events);
    Place end(Place member, state::Departure departure, Events& events);
    void on_left(const ring::Moved& moved, state::Time now, Events& events);
    void on_here(ring::Member member, std::optional<ring::Reason> joined, state::Time now, Events& events);
    void node_lost(std::uint32_t node_id, Events& events);
    void end_doubts(ring::Member joined, Events& events);
    void silence_missing(const std::set<ring::Member>& here, Events& events);
    void watch_silent(state::Time now);
    void bound_silent(Events& events);

    Settings settings_;
    ring::Member self_;
    bool in_group_ = false;
    std::map<ring::Member, Known> known_;
    bool just_joined_ = false;            ///< the next list says who was there before us
    std::set<std::uint32_t> ring_nodes_;  ///< of the last totem callback, and of who is in the group
};

}  // namespace lamplight::bus::group
