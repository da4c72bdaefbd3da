// core show version|uptime|settings, core stop|restart, core reload
#include "console/commands.hpp"
#include "console/texts.hpp"

#include <fmt/format.h>

#include <utility>

namespace lamplight::console {

namespace {

using boost::json::array;
using boost::json::object;
using Clock = std::chrono::system_clock;

Reply show_version(const Context& context, const Request& request) {
    if (!request.args.empty()) return wrong_usage("Usage: core show version\n");
    const auto settings = context.control.settings();
    return shown(fmt::format("Lamplight {} built with {}\n", settings.version, settings.build),
                 object{{"program", "Lamplight"}, {"version", settings.version}, {"build", settings.build}});
}

constexpr std::string_view uptime_usage =
    "Usage: core show uptime [seconds]\n"
    "       Shows how long the daemon has run and when it last read its files.\n"
    "       With 'seconds' both are plain numbers.\n";

Reply show_uptime(const Context& context, const Request& request) {
    const bool plain = request.args.size() == 1 && request.args[0] == "seconds";
    if (!request.args.empty() && !plain) return wrong_usage(uptime_usage);
    const auto settings = context.control.settings();
    const auto now = context.control.wall(context.control.now());
    const auto since = [now](Clock::time_point then) {
        return std::chrono::duration_cast<std::chrono::seconds>(now - then);
    };
    const auto up = since(settings.started);
    const auto reloaded = since(settings.reloaded);
    const auto text = [plain](std::chrono::seconds period) {
        return plain ? fmt::format("{}", period.count()) : period_text(period);
    };
    return shown(fmt::format("System uptime: {}\nLast reload: {}\n", text(up), text(reloaded)),
                 object{{"uptime_seconds", up.count()},
                        {"last_reload_seconds", reloaded.count()},
                        {"started", json_time(settings.started)},
                        {"reloaded", json_time(settings.reloaded)}});
}

/// Asterisk's form of a line: the value stands in column 32.
std::string line(std::string_view name, std::string_view value) {
    return fmt::format("  {:<29}{}\n", fmt::format("{}:", name), value);
}

std::string level_text(int depth) {
    return fmt::format("{}", depth);
}

std::string settings_text(const Context& context, const Settings& settings) {
    const auto now = context.control.wall(context.control.now());
    std::string text = "\nLamplight settings\n------------------\n";
    text += line("Version", settings.version);
    text += line("Build", settings.build);
    text += line("System name", settings.name);
    text += line("Entity ID", to_string(settings.eid));
    text += line("Incarnation", fmt::format("{}", settings.incarnation));
    text += line("Process", fmt::format("{}", settings.pid));
    text += line("Verbosity", level_text(context.log.verbose_depth()));
    text += line("Debug level", level_text(context.log.debug_depth()));
    for (const auto& [module, depth] : context.log.debug_modules())
        text += line(fmt::format("Debug level of {}", module), level_text(depth));
    text += line("Startup time", clock_text(settings.started, now));
    text += line("Last reload time", clock_text(settings.reloaded, now));
    text += line("Devices",
                 fmt::format("{} of {}", context.engine.device_count(), context.engine.limits().devices));
    text +=
        line("Nodes", fmt::format("{} of {}", context.engine.node_count(), context.engine.limits().nodes));
    text += line("Hints", fmt::format("{}", context.hints.size()));
    for (const auto& [name, value] : settings.more)
        text += line(name, value);
    text += "\n* Directories\n  -----------\n";
    text += line("Configuration file", settings.config_file.string());
    text += line("Configuration directory", settings.config_dir.string());
    text += line("Run directory", settings.run_dir.string());
    text += line("State directory", settings.state_dir.string());
    text += line("Module directory", settings.module_dir.string());
    text += "\n* Files read\n  ----------\n";
    for (const auto& file : settings.files_read)
        text += fmt::format("  {}\n", file.string());
    return text + '\n';
}

object settings_json(const Context& context, const Settings& settings) {
    array files;
    for (const auto& file : settings.files_read)
        files.emplace_back(file.string());
    object modules;
    for (const auto& [module, depth] : context.log.debug_modules())
        modules[module] = depth;
    object more;
    for (const auto& [name, value] : settings.more)
        more[name] = value;
    return {{"version", settings.version},
            {"build", settings.build},
            {"name", settings.name},
            {"entity_id", to_string(settings.eid)},
            {"incarnation", settings.incarnation},
            {"pid", settings.pid},
            {"verbose", context.log.verbose_depth()},
            {"debug", context.log.debug_depth()},
            {"debug_modules", std::move(modules)},
            {"started", json_time(settings.started)},
            {"reloaded", json_time(settings.reloaded)},
            {"devices", context.engine.device_count()},
            {"nodes", context.engine.node_count()},
            {"hints", context.hints.size()},
            {"config_file", settings.config_file.string()},
            {"config_dir", settings.config_dir.string()},
            {"run_dir", settings.run_dir.string()},
            {"state_dir", settings.state_dir.string()},
            {"module_dir", settings.module_dir.string()},
            {"files_read", std::move(files)},
            {"more", std::move(more)}};
}

Reply show_settings(const Context& context, const Request& request) {
    if (!request.args.empty()) return wrong_usage("Usage: core show settings\n");
    const auto settings = context.control.settings();
    return shown(settings_text(context, settings), settings_json(context, settings));
}

Command ending(const Context& context, Ending end, When when) {
    const bool stops = end == Ending::stop;
    const std::string_view verb = stops ? "stop" : "restart";
    const std::string_view how = when == When::now ? "now" : "gracefully";
    Command command;
    command.words = fmt::format("core {} {}", verb, how);
    command.also = {fmt::format("{} {}", verb, how)};
    command.summary = fmt::format("{} Lamplight {}", stops ? "Shut down" : "Restart",
                                  when == When::now ? "at once" : "when what it has to say is said");
    command.usage = fmt::format(
        "Usage: core {} {}\n"
        "       {}\n",
        verb, how,
        stops ? "Says goodbye to the other servers, who stop counting this one's votes, and ends."
              : "Tells the other servers that it comes back, so that its votes go on counting, and starts "
                "anew.");
    command.run = [context, end, when](const Request& request, Responder responder) {
        const bool is_stop = end == Ending::stop;
        if (!request.args.empty()) return responder(wrong_usage(fmt::format("Usage: {}\n", request.line)));
        context.log.notice("{} asked: core {} {}", name_of(request.asker), is_stop ? "stop" : "restart",
                           when == When::now ? "now" : "gracefully");
        context.control.end(
            end, when, request.asker,
            answering(std::move(responder), is_stop ? "Lamplight stops." : "Lamplight restarts.",
                      is_stop ? "Lamplight cannot stop:" : "Lamplight cannot restart:"));
    };
    return command;
}

Command reload(const Context& context) {
    constexpr auto usage =
        "Usage: core reload\n"
        "       Reads every configuration file again. When one is wrong, everything stays as it is.\n";
    return {"core reload",
            {"reload"},
            "Read every configuration file again",
            usage,
            [context, usage](const Request& request, Responder responder) {
                if (!request.args.empty()) return responder(wrong_usage(usage));
                context.log.notice("{} asked: core reload", name_of(request.asker));
                context.control.reload(Scope::all, request.asker,
                                       answering(std::move(responder), "Configuration reloaded.",
                                                 "Nothing was reloaded; what ran before goes on:"));
            }};
}

/// A command that answers at once.
template <typename Show>
auto at_once(const Context& context, Show show) {
    return [context, show](const Request& request, const Responder& responder) {
        responder(show(context, request));
    };
}

}  // namespace

std::vector<Command> core_commands(const Context& context) {
    std::vector<Command> commands{
        {"core show version",
         {"show version"},
         "Display version info",
         "Usage: core show version\n",
         at_once(context, show_version)},
        {"core show uptime",
         {"show uptime"},
         "Show uptime information",
         std::string(uptime_usage),
         at_once(context, show_uptime),
         [](const std::vector<std::string>& args, std::string_view) {
             return args.empty() ? std::vector<std::string>{"seconds"} : std::vector<std::string>{};
         }},
        {"core show settings",
         {"show settings"},
         "Show some core settings",
         "Usage: core show settings\n",
         at_once(context, show_settings)},
        reload(context),
    };
    for (const auto end : {Ending::stop, Ending::restart}) {
        for (const auto when : {When::now, When::gracefully})
            commands.push_back(ending(context, end, when));
    }
    return commands;
}

}  // namespace lamplight::console
