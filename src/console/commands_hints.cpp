// core show hints, core show hint X, core show device2extenstate, dialplan reload
#include "console/commands.hpp"
#include "console/texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace lamplight::console {

namespace {

using boost::json::array;
using boost::json::object;
using state::HintView;

constexpr std::string_view none_registered = "There are no registered dialplan hints\n";

/// The row of Asterisk 1.8 to 12: `   %20s@%-20.20s: %-20.20s  State:%-15.15s Watchers %2d`.
std::string row(const HintView& hint) {
    return fmt::format("   {:>20}@{}: {}  State:{} Watchers {:>2}\n", hint.extension, cell(hint.context, 20),
                       cell(hint.text, 20), cell(status_text(hint.state), 15), hint.watchers);
}

object as_json(const state::Engine& engine, const HintView& hint) {
    array devices;
    for (const auto device : hint.devices)
        devices.push_back(
            object{{"device", engine.device_name(device)}, {"state", config_text(engine.aggregate(device))}});
    return {{"extension", hint.extension},
            {"context", hint.context},
            {"hint", hint.text},
            {"state", status_text(hint.state)},
            {"state_number", static_cast<int>(hint.state)},
            {"watchers", hint.watchers},
            {"display_name", hint.display_name},
            {"presence", hint.presence},
            {"pattern", hint.pattern},
            {"automatic", hint.automatic},
            {"devices", std::move(devices)}};
}

Reply show_hints(const Context& context, const Request& request) {
    if (!request.args.empty()) return wrong_usage("Usage: core show hints\n       List registered hints\n");
    array hints;
    std::string text;
    std::size_t count = 0;
    context.hints.for_each([&](const HintView& hint) {
        ++count;
        if (request.json)
            hints.push_back(as_json(context.engine, hint));
        else
            text += row(hint);
    });
    if (count == 0) return shown(std::string(none_registered), object{{"hints", array{}}});
    return shown(fmt::format("\n    -= Registered Asterisk Dial Plan Hints =-\n{}----------------\n"
                             "- {} hints registered\n",
                             text, count),
                 object{{"hints", std::move(hints)}});
}

/// Whether `asked` means the hint: the beginning of its extension, or `extension@context` in full.
bool matches(const HintView& hint, std::string_view asked) {
    if (const auto at = asked.rfind('@'); at != std::string_view::npos)
        return same_text(hint.extension, asked.substr(0, at)) &&
               same_text(hint.context, asked.substr(at + 1));
    return starts_with_text(hint.extension, asked);
}

Reply show_hint(const Context& context, const Request& request) {
    if (request.args.size() != 1)
        return wrong_usage("Usage: core show hint <exten>[@<context>]\n       List registered hints\n");
    if (context.hints.size() == 0) return Reply::failed(std::string(none_registered));
    array hints;
    std::string text;
    context.hints.for_each([&](const HintView& hint) {
        if (!matches(hint, request.args[0])) return;
        hints.push_back(as_json(context.engine, hint));
        text += row(hint);
    });
    if (hints.empty()) return Reply::failed(fmt::format("No hints matching extension {}\n", request.args[0]));
    text += fmt::format("{} matching extension {}\n", counted(hints.size(), "hint"), request.args[0]);
    return shown(std::move(text), object{{"hints", std::move(hints)}});
}

std::vector<std::string> complete_hint(const state::Hints& hints, std::string_view begun) {
    constexpr std::size_t most = 200;
    std::vector<std::string> offers;
    hints.for_each([&](const HintView& hint) {
        if (offers.size() < most && hint.extension.starts_with(begun)) offers.emplace_back(hint.extension);
    });
    return offers;
}

/// Every pair of device states, and what a hint of the two shows.
Reply show_combinations(const Request& request) {
    if (!request.args.empty()) return wrong_usage("Usage: core show device2extenstate\n");
    std::string text;
    array rows;
    for (std::uint32_t first = 0; first < state::device_state_count; ++first) {
        for (std::uint32_t second = 0; second < state::device_state_count; ++second) {
            const auto one = static_cast<state::DeviceState>(first);
            const auto two = static_cast<state::DeviceState>(second);
            const auto combined = state::join(one, two);
            const auto status = status_text(state::extension_state(combined));
            text += fmt::format("\n Exten:{:>14}  CombinedDevice:{:>12}  Dev1:{:>12}  Dev2:{:>12}", status,
                                config_text(combined), config_text(two), config_text(one));
            rows.push_back(object{{"extension", status},
                                  {"combined", config_text(combined)},
                                  {"first", config_text(two)},
                                  {"second", config_text(one)}});
        }
    }
    return shown(text + '\n', std::move(rows));
}

Command dialplan_reload(const Context& context) {
    constexpr auto usage = "Usage: dialplan reload\n       Reads extensions.conf again.\n";
    return {"dialplan reload",
            {"extensions reload"},
            "Reload extensions and hints",
            usage,
            [context, usage](const Request& request, Responder responder) {
                if (!request.args.empty()) return responder(wrong_usage(usage));
                context.log.notice("{} asked: dialplan reload", name_of(request.asker));
                context.control.reload(Scope::dialplan, request.asker,
                                       answering(std::move(responder), "Dialplan reloaded.",
                                                 "The dialplan was not reloaded; the one before goes on:"));
            }};
}

}  // namespace

std::vector<Command> hint_commands(const Context& context) {
    return {
        {"core show hints",
         {"show hints", "dialplan show hints"},
         "Show dialplan hints",
         "Usage: core show hints\n       List registered hints\n",
         [context](const Request& request, const Responder& responder) {
             responder(show_hints(context, request));
         }},
        {"core show hint",
         {"show hint", "dialplan show hint"},
         "Show dialplan hint",
         "Usage: core show hint <exten>[@<context>]\n       List registered hints\n",
         [context](const Request& request, const Responder& responder) {
             responder(show_hint(context, request));
         },
         [&hints = context.hints](const std::vector<std::string>& args, std::string_view begun) {
             return args.empty() ? complete_hint(hints, begun) : std::vector<std::string>{};
         }},
        {"core show device2extenstate",
         {},
         "Show expected exten state from multiple device states",
         "Usage: core show device2extenstate\n"
         "       Lists device state to extension state combinations.\n",
         [](const Request& request, const Responder& responder) { responder(show_combinations(request)); }},
        dialplan_reload(context),
    };
}

}  // namespace lamplight::console
