#pragma once

#include "console/daemon_control.hpp"
#include "console/registry.hpp"
#include "log/log.hpp"
#include "state/engine.hpp"
#include "state/hints.hpp"

#include <functional>
#include <vector>

namespace lamplight::console {

/// What commands ask and change. Everything outlives the registration that add_commands() gives.
struct Context {
    state::Engine& engine;
    state::Hints& hints;
    DaemonControl& control;
    log::Log& log;
    Registry& registry;
};

/// Every command of the daemon itself; buses bring their own.
Registry::Registration add_commands(const Context& context);

// The families, one file each.
std::vector<Command> core_commands(const Context& context);
std::vector<Command> help_commands(const Context& context);
std::vector<Command> hint_commands(const Context& context);
std::vector<Command> devstate_commands(const Context& context);
std::vector<Command> device_commands(const Context& context);
std::vector<Command> mwi_commands(const Context& context);
std::vector<Command> event_commands(const Context& context);
std::vector<Command> node_commands(const Context& context);
std::vector<Command> module_commands(const Context& context);
std::vector<Command> logger_commands(const Context& context);

}  // namespace lamplight::console
