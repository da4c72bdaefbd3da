// dialplan set global DEVICE_STATE(Custom:x) STATE, devstate list|change|delete
#include "console/commands.hpp"
#include "console/custom_device.hpp"
#include "console/escaped.hpp"
#include "console/texts.hpp"
#include "console/verdict.hpp"

#include <fmt/format.h>

#include <utility>

namespace lamplight::console {

namespace {

using boost::json::array;
using boost::json::object;
using state::DeviceState;

constexpr std::string_view global_usage =
    "Usage: dialplan set global DEVICE_STATE(Custom:<name>) <state>\n"
    "       Sets a custom device state. States: NOT_INUSE, INUSE, BUSY, INVALID, UNAVAILABLE,\n"
    "       RINGING, RINGINUSE, ONHOLD.\n";
constexpr std::string_view change_usage =
    "Usage: devstate change <device> <state>\n"
    "       Change a custom device to a new state.\n"
    "       The possible values for the state are:\n"
    "NOT_INUSE | INUSE | BUSY | INVALID | UNAVAILABLE | RINGING\n"
    "RINGINUSE | ONHOLD\n";
constexpr std::string_view delete_usage =
    "Usage: devstate delete <device>\n"
    "       Takes this server's vote for a custom device back and forgets it.\n";

/// Votes, and answers when the disk has it: `said`, and a line more when the aggregate is another.
void set(const Context& context, const Request& request, const std::string& device, DeviceState to,
         std::string said, Responder responder) {
    context.log.notice("{} set {} to {}", name_of(request.asker), device, config_text(to));
    const auto found = context.engine.find_device(device);
    const auto before = found ? context.engine.aggregate(*found) : DeviceState::unknown;
    const Done done = [context, device, to, before, said = std::move(said),
                       responder = std::move(responder)](tl::expected<std::string, std::string> result) {
        if (!result)
            return responder(Reply::failed(fmt::format("{} is not kept: {}\n", device, result.error())));
        responder(Reply::ok(said + aggregate_line(context.engine, context.control, device, to, before)));
    };
    context.control.set_custom(device, to, request.asker, done);
}

/// The text between `DEVICE_STATE(` and `)`; empty for any other global.
std::optional<std::string_view> device_state_argument(std::string_view global) {
    constexpr std::string_view function = "DEVICE_STATE(";
    if (!global.starts_with(function) || !global.ends_with(')')) return std::nullopt;
    global.remove_prefix(function.size());
    global.remove_suffix(1);
    return global;
}

void set_global(const Context& context, const Request& request, Responder responder) {
    if (request.args.size() != 2) return responder(wrong_usage(global_usage));
    const auto& [global, value] = std::pair(request.args[0], request.args[1]);
    const auto argument = device_state_argument(global);
    if (!argument)
        return responder(
            Reply::failed(fmt::format("Lamplight keeps no global variables: '{}' was not set. Only "
                                      "DEVICE_STATE(Custom:name) can be set.\n",
                                      global)));
    const auto device = parse_custom_device(*argument);
    if (!device)
        return responder(Reply::failed(fmt::format("The DEVICE_STATE function {}\n", device.error())));
    const auto to = parse_settable_state(value);
    if (!to) return responder(Reply::failed(fmt::format("DEVICE_STATE function {}\n", to.error())));
    set(context, request, *device, *to,
        fmt::format("\n    -- Global variable '{}' set to '{}'\n", global, value), std::move(responder));
}

void change(const Context& context, const Request& request, Responder responder) {
    if (request.args.size() != 2) return responder(wrong_usage(change_usage));
    const auto device = parse_custom_device(request.args[0]);
    if (!device) return responder(Reply::failed(fmt::format("The devstate command {}\n", device.error())));
    const auto to = parse_settable_state(request.args[1]);
    if (!to)
        return responder(
            Reply::failed(fmt::format("The devstate command was {}\n{}", to.error(), change_usage)));
    set(context, request, *device, *to,
        fmt::format("Changing {} to {}\n", custom_name(*device), request.args[1]), std::move(responder));
}

void remove(const Context& context, const Request& request, Responder responder) {
    if (request.args.size() != 1) return responder(wrong_usage(delete_usage));
    const auto device = parse_custom_device(request.args[0]);
    if (!device) return responder(Reply::failed(fmt::format("The devstate command {}\n", device.error())));
    context.log.notice("{} asked: devstate delete {}", name_of(request.asker), *device);
    context.control.delete_custom(
        *device, request.asker,
        answering(std::move(responder), fmt::format("Deleted {}", custom_name(*device)),
                  fmt::format("{} was not deleted:", *device)));
}

Reply list(const Context& context, const Request& request) {
    if (!request.args.empty())
        return wrong_usage("Usage: devstate list\n       List all custom device states.\n");
    constexpr std::string_view rule =
        "---------------------------------------------------------------------\n";
    std::string text =
        fmt::format("\n{}{}{}---\n", rule,
                    "--- Custom Device States --------------------------------------------\n", rule);
    array states;
    for (const auto& custom : context.control.custom_states()) {
        text += fmt::format("--- Name: '{}'  State: '{}'\n---\n", escaped(custom.device),
                            config_text(custom.state));
        states.push_back(object{{"device", custom.device}, {"state", config_text(custom.state)}});
    }
    text += fmt::format("{}{}\n", rule, rule);
    return shown(std::move(text), object{{"custom_states", std::move(states)}});
}

std::vector<std::string> own_devices(const DaemonControl& control, std::string_view begun) {
    constexpr std::size_t most = 200;
    std::vector<std::string> offers;
    for (auto& custom : control.custom_states()) {
        if (offers.size() < most && custom.device.starts_with(begun))
            offers.push_back(std::move(custom.device));
    }
    return offers;
}

std::vector<std::string> settable_states() {
    std::vector<std::string> words;
    for (std::uint32_t number = 1; number < state::device_state_count; ++number)
        words.emplace_back(config_text(static_cast<DeviceState>(number)));
    return words;
}

std::vector<std::string> complete_global(const DaemonControl& control, const std::vector<std::string>& args,
                                         std::string_view begun) {
    if (args.size() == 1) return settable_states();
    if (!args.empty()) return {};
    constexpr std::string_view function = "DEVICE_STATE(";
    std::vector<std::string> offers;
    for (const auto& device : own_devices(control, begun.substr(std::min(begun.size(), function.size()))))
        offers.push_back(fmt::format("{}{})", function, device));
    if (offers.empty()) offers.push_back(fmt::format("{}Custom:", function));
    return offers;
}

std::vector<std::string> complete_device(const DaemonControl& control, const std::vector<std::string>& args,
                                         std::string_view begun) {
    return args.empty() ? own_devices(control, begun) : std::vector<std::string>{};
}

}  // namespace

std::vector<Command> devstate_commands(const Context& context) {
    using Args = std::vector<std::string>;
    const auto& control = context.control;
    return {
        {"dialplan set global",
         {"core set global", "set global"},
         "Set global dialplan variable",
         std::string(global_usage),
         [context](const Request& request, Responder responder) {
             set_global(context, request, std::move(responder));
         },
         [&control](const Args& args, std::string_view begun) {
             return complete_global(control, args, begun);
         }},
        {"devstate list",
         {"funcdevstate list"},
         "List currently known custom device states",
         "Usage: devstate list\n       List all custom device states that have been set by using\n"
         "       the DEVICE_STATE dialplan function.\n",
         [context](const Request& request, const Responder& responder) {
             responder(list(context, request));
         }},
        {"devstate change",
         {"devstate set"},
         "Change a custom device's state",
         std::string(change_usage),
         [context](const Request& request, Responder responder) {
             change(context, request, std::move(responder));
         },
         [&control](const Args& args, std::string_view begun) {
             return args.size() == 1 ? settable_states() : complete_device(control, args, begun);
         }},
        {"devstate delete",
         {"devstate remove"},
         "Forget a custom device's state",
         std::string(delete_usage),
         [context](const Request& request, Responder responder) {
             remove(context, request, std::move(responder));
         },
         [&control](const Args& args, std::string_view begun) {
             return complete_device(control, args, begun);
         }},
    };
}

}  // namespace lamplight::console
