// core set debug|verbose, logger show channels, logger reload|rotate
#include "console/commands.hpp"
#include "console/texts.hpp"
#include "log/channels.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>

namespace lamplight::console {

namespace {

using boost::json::array;
using boost::json::object;
using log::Level;

constexpr std::string_view debug_usage =
    "Usage: core set debug [atleast] <level> [module]\n"
    "       core set debug off [module]\n"
    "       Sets level of core debug messages to be displayed or\n"
    "       sets a module to display debug messages from.\n"
    "       0 or off means no messages should be displayed.\n"
    "       A module is a bus (res_corosync) or a source file (engine).\n";
constexpr std::string_view verbose_usage =
    "Usage: core set verbose [atleast] <level>\n"
    "       core set verbose off\n"
    "       Sets level of verbose messages to be displayed on the console.\n"
    "       0 or off means no messages should be displayed.\n";

/// What stands behind `core set debug|verbose`.
struct Wish {
    int depth = 0;
    bool at_least = false;
    std::string module;
};

std::optional<int> parse_depth(std::string_view text) {
    if (text == "off") return 0;
    int depth = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), depth);
    if (error != std::errc{} || end != text.data() + text.size() || depth < 0 || depth > 255)
        return std::nullopt;
    return depth;
}

std::optional<Wish> parse_wish(const std::vector<std::string>& args, std::size_t modules) {
    Wish wish;
    std::size_t next = 0;
    if (next < args.size() && args[next] == "atleast") {
        wish.at_least = true;
        ++next;
    }
    if (next >= args.size() || args.size() - next > 1 + modules) return std::nullopt;
    const auto depth = parse_depth(args[next++]);
    if (!depth) return std::nullopt;
    wish.depth = *depth;
    if (next < args.size()) wish.module = args[next];
    return wish;
}

std::string depth_text(int depth) {
    return depth == 0 ? "OFF" : fmt::format("{}", depth);
}

/// `Core debug was OFF and is now 1.`
std::string change_text(std::string_view what, int before, int after) {
    if (before == after) return fmt::format("{} is still {}.\n", what, depth_text(after));
    return fmt::format("{} was {} and is now {}.\n", what, depth_text(before), depth_text(after));
}

Reply set_module_debug(const Context& context, const Wish& wish) {
    const int before = context.log.set_debug(wish.depth, wish.module);
    if (wish.at_least && before > wish.depth) {
        context.log.set_debug(before, wish.module);
        return Reply::ok(fmt::format("Core debug is still {} for '{}'.\n", before, wish.module));
    }
    if (before == wish.depth)
        return Reply::ok(fmt::format("Core debug is still {} for '{}'.\n", depth_text(before), wish.module));
    return Reply::ok(fmt::format("Core debug was {} and has been set to {} for '{}'.\n", depth_text(before),
                                 depth_text(wish.depth), wish.module));
}

Reply set_debug(const Context& context, const Request& request) {
    const auto wish = parse_wish(request.args, 1);
    if (!wish) return wrong_usage(debug_usage);
    context.log.notice("{} asked: {}", name_of(request.asker), request.line);
    if (!wish->module.empty()) return set_module_debug(context, *wish);
    const int before = context.log.debug_depth();
    const int after = wish->at_least ? std::max(before, wish->depth) : wish->depth;
    context.log.set_debug(after);
    return Reply::ok(change_text("Core debug", before, after));
}

Reply set_verbose(const Context& context, const Request& request) {
    const auto wish = parse_wish(request.args, 0);
    if (!wish) return wrong_usage(verbose_usage);
    context.log.notice("{} asked: {}", name_of(request.asker), request.line);
    const int before = context.log.verbose_depth();
    const int after = wish->at_least ? std::max(before, wish->depth) : wish->depth;
    context.log.set_verbose(after);
    return Reply::ok(change_text("Console verbose", before, after));
}

/// In the order of Asterisk's table.
std::vector<std::string_view> level_names(const log::Channel& channel) {
    std::vector<std::string_view> names;
    for (const auto level : {Level::debug, Level::notice, Level::warning, Level::error, Level::verbose}) {
        if ((channel.levels & level_bit(level)) != 0) names.push_back(to_string(level));
    }
    return names;
}

Reply show_channels(const Context& context, const Request& request) {
    if (!request.args.empty()) return wrong_usage("Usage: logger show channels\n");
    const auto row = [](std::string_view name, std::string_view type, std::string_view status) {
        return fmt::format("{} {} {} ", cell(name, 35), cell(type, 8), cell(status, 9));
    };
    std::string text = row("Channel", "Type", "Status") + "Configuration\n" +
                       row("-------", "----", "------") + "-------------\n";
    array channels;
    for (const auto& [channel, problem] : context.log.channels()) {
        text +=
            row(channel.name, to_string(channel.target), problem.empty() ? "Enabled" : "Disabled") + " - ";
        array levels;
        for (const auto name : level_names(channel)) {
            text += fmt::format("{} ", name);
            levels.emplace_back(name);
        }
        text += problem.empty() ? "\n" : fmt::format("({})\n", problem);
        channels.push_back(object{{"channel", channel.name},
                                  {"type", to_string(channel.target)},
                                  {"enabled", problem.empty()},
                                  {"problem", problem},
                                  {"levels", std::move(levels)}});
    }
    return shown(text + '\n', object{{"channels", std::move(channels)}});
}

void reload(const Context& context, const Request& request, Responder responder) {
    if (!request.args.empty()) return responder(wrong_usage("Usage: logger reload\n"));
    context.log.notice("{} asked: logger reload", name_of(request.asker));
    context.control.reload(Scope::logger, request.asker,
                           answering(std::move(responder), "Logger reloaded.",
                                     "The logger was not reloaded; what it had goes on:"));
}

Reply rotate(const Context& context, const Request& request) {
    if (!request.args.empty()) return wrong_usage("Usage: logger rotate\n");
    context.log.notice("{} asked: logger rotate", name_of(request.asker));
    const auto problems = context.log.rotate();
    if (problems.empty()) return Reply::ok("Logger rotated.\n");
    return Reply::failed(fmt::format("{}\n", fmt::join(problems, "\n")));
}

}  // namespace

std::vector<Command> logger_commands(const Context& context) {
    const auto at_once = [&context](Reply (*answer)(const Context&, const Request&)) {
        return [context, answer](const Request& request, const Responder& responder) {
            responder(answer(context, request));
        };
    };
    return {
        {"core set debug",
         {"set debug"},
         "Set level of debug chattiness",
         std::string(debug_usage),
         at_once(set_debug),
         [&control = context.control](const std::vector<std::string>& args, std::string_view) {
             if (args.empty()) return std::vector<std::string>{"atleast", "off"};
             std::vector<std::string> offers;
             for (auto& module : control.modules())
                 offers.push_back(std::move(module.name));
             return offers;
         }},
        {"core set verbose",
         {"set verbose"},
         "Set level of verbosity",
         std::string(verbose_usage),
         at_once(set_verbose),
         [](const std::vector<std::string>& args, std::string_view) {
             return args.empty() ? std::vector<std::string>{"atleast", "off"} : std::vector<std::string>{};
         }},
        {"logger show channels",
         {},
         "List configured log channels",
         "Usage: logger show channels\n       List configured logger channels.\n",
         at_once(show_channels)},
        {"logger reload",
         {},
         "Reopens the log files",
         "Usage: logger reload\n       Reloads the logger subsystem state. Use after restarting syslogd(8) "
         "if you are\n"
         "       using syslog logging.\n",
         [context](const Request& request, Responder responder) {
             reload(context, request, std::move(responder));
         }},
        {"logger rotate",
         {},
         "Rotates and reopens the log files",
         "Usage: logger rotate\n       Rotates and reopens the log files.\n",
         at_once(rotate)},
    };
}

}  // namespace lamplight::console
