#pragma once

#include "log/log.hpp"
#include "state/engine.hpp"
#include "state/hints.hpp"
#include "state/mwi.hpp"

#include <span>
#include <string>

namespace lamplight::daemon {

/// How a node is called in lines for people: its name, else its EID.
std::string node_label(const state::NodeView& node);

/// Says in the log what an operator must know: members' coming and going as notices, duplicates and limits as
/// errors and warnings, hints at verbose 2, message counts at verbose 3.
class Chronicle {
public:
    Chronicle(log::Log& log, const state::Engine& engine) : log_(log), engine_(engine) {}

    void tell(const state::Changes& changes, state::Time now);
    void tell(std::span<const state::HintChange> changes, const state::Hints& hints);
    void tell(std::span<const state::MwiChange> changes);

private:
    void tell(const state::NodeChange& change, state::Time now);
    void tell(const state::Notice& notice);

    log::Log& log_;
    const state::Engine& engine_;
};

/// `pbx2 silent on local: its 12 votes are stale for 15 s`.
std::string describe(const state::NodeChange& change, const state::NodeView& node, state::Time now);
std::string describe(const state::Notice& notice, const state::Limits& limits);
/// `Mailbox 6001@default has 2 new and 1 old messages now, had no counts: says pbx2`.
std::string describe(const state::MwiChange& change, const state::NodeView& node);

}  // namespace lamplight::daemon
