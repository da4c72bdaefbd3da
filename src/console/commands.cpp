#include "console/commands.hpp"

#include <iterator>
#include <utility>

namespace lamplight::console {

Registry::Registration add_commands(const Context& context) {
    std::vector<Command> all;
    for (auto* family : {core_commands, help_commands, hint_commands, devstate_commands, device_commands,
                         mwi_commands, event_commands, node_commands, module_commands, logger_commands}) {
        auto commands = family(context);
        all.insert(all.end(), std::make_move_iterator(commands.begin()),
                   std::make_move_iterator(commands.end()));
    }
    return context.registry.add(std::move(all));
}

}  // namespace lamplight::console
