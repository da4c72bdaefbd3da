#pragma once

#include "state/engine.hpp"
#include "state/hints.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace lamplight::sim {

/// Watches one engine and its hints from outside, and says what must not be:
///
///   a version that goes back; an aggregate that is not the oracle's over the counting votes; a vote that
///   counts although it is withdrawn or its node is gone; an aggregate change that is announced wrongly,
///   twice or not at all; a hint whose state is not what its devices' aggregates make, or not what was last
///   reported.
class Checker {
public:
    Checker(const state::Engine& engine, const state::Hints& hints) : engine_(engine), hints_(hints) {}

    /// Every Changes of the engine and of the hints, once, in order.
    void on_changes(const state::Changes& changes);
    void on_changes(const std::vector<state::HintChange>& changes);
    /// After each step. Cost: O(votes + hints).
    void check();

    const std::vector<std::string>& failures() const { return failures_; }

private:
    void check_device(state::DeviceId device);
    void check_version(state::DeviceId device, const state::VoteView& vote);
    void check_counting(state::DeviceId device, const state::VoteView& vote);
    void check_hint(const state::HintView& hint);
    void fail(std::string what);
    std::string name(state::DeviceId device) const { return std::string(engine_.device_name(device)); }

    const state::Engine& engine_;
    const state::Hints& hints_;
    std::map<state::DeviceId, state::DeviceState> announced_;
    std::map<state::HintId, state::ExtensionState> reported_;
    std::map<std::pair<state::DeviceId, state::NodeId>, state::Version> versions_;
    std::map<std::pair<state::DeviceId, state::NodeId>, state::Version> seen_;  ///< in the check under way
    std::vector<std::string> failures_;
};

}  // namespace lamplight::sim
