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
/// | joined, NODEUP                         | came or returned, at the TOTEM callback that follows, |
/// |                                        | at the member's first message, or after 100 ms        |
/// | left, LEAVE                            | left                                                  |
/// | left, PROCDOWN                         | failed, unless the ring loses the node within 100 ms: |
/// |                                        | then silent (Corosync was stopped there)              |
/// | left, NODEDOWN                         | silent                                                |
/// | left and joined in one change          | silent and returned (Corosync restarted quickly)      |
/// | silent, its node in the ring again and | failed                                                |
/// | not itself in the group for 5 s        |                                                       |
/// | our own connection is lost             | everybody silent                                      |
///
/// (design 8; asterisk-facts 3.10). It goes by `members`, which is complete, and uses `left` for reasons
/// only: a merge says joined of whom nobody said left. The own process is a member like any other to
/// Corosync and none here.
///
/// Bounds  known members: those in the group, and silent ones, one or two a node of the ring.
class Members {
public:
    struct Settings {
        state::Duration process_down_grace = std::chrono::milliseconds(100);
        state::Duration node_up_grace = std::chrono::milliseconds(100);
        state::Duration absent_grace = std::chrono::seconds(5);
    };
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
    /// Whether it is in the group now, as far as came/returned/gone said so.
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

    Settings settings_;
    ring::Member self_;
    bool in_group_ = false;
    std::map<ring::Member, Known> known_;
    std::set<std::uint32_t> ring_nodes_;  ///< of the last totem callback
};

}  // namespace lamplight::bus::group
