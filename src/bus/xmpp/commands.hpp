#pragma once

#include "bus/xmpp/xmpp_bus.hpp"
#include "console/registry.hpp"

#include <string>
#include <vector>

/// The commands by topic; commands_of() of xmpp_bus.hpp has all of them. Each stands in both families.
namespace lamplight::bus::xmpp {

/// `show connections`, `show connected`, `show buddies`, `show counters`, `set debug`, `reload`.
std::vector<console::Command> show_commands(XmppBus& bus);
/// `create collection`, `create leaf`, `delete node`, `list nodes`, `purge nodes`.
std::vector<console::Command> node_commands(XmppBus& bus);
/// `doctor`.
std::vector<console::Command> doctor_commands(XmppBus& bus);

/// Names of the clients, for completion.
std::vector<std::string> client_names(const XmppBus& bus);
/// `Unable to find client 'x'!`, as Asterisk says it.
console::Reply no_such_client(const std::string& name);

}  // namespace lamplight::bus::xmpp
