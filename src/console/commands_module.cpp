// module show [like X], module load|unload|reload
#include "console/commands.hpp"
#include "console/texts.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

namespace lamplight::console {

namespace {

using boost::json::array;
using boost::json::object;

constexpr std::string_view show_usage =
    "Usage: module show [like keyword]\n"
    "       Shows modules currently in use, and usage statistics.\n";

/// Who asks by the other name is answered by it.
bool matches(ModuleView& module, std::string_view keyword) {
    if (contains_text(module.name, keyword)) return true;
    if (module.alias.empty() || !contains_text(module.alias, keyword)) return false;
    module.name = module.alias;
    module.description = module.alias_description;
    return true;
}

Reply show(const Context& context, const Request& request) {
    const bool filtered = request.args.size() == 2 && request.args[0] == "like";
    if (!request.args.empty() && !filtered) return wrong_usage(show_usage);
    std::string rows;
    std::string problems;
    array modules;
    std::size_t loaded = 0;
    for (auto& module : context.control.modules()) {
        if (filtered && !matches(module, request.args[1])) continue;
        modules.push_back(object{{"module", module.name},
                                 {"description", module.description},
                                 {"use_count", module.use_count},
                                 {"loaded", module.loaded},
                                 {"problem", module.problem}});
        if (module.loaded) {
            ++loaded;
            rows += fmt::format("{:<30} {} {:<10}\n", module.name, cell(module.description, 40),
                                module.use_count);
        } else if (!module.problem.empty()) {
            problems += fmt::format("{} is not loaded: {}\n", module.name, module.problem);
        }
    }
    return shown(fmt::format("{:<30} {:<40} {:<10}\n{}{} modules loaded\n{}", "Module", "Description",
                             "Use Count", rows, loaded, problems),
                 object{{"modules", std::move(modules)}, {"loaded", loaded}});
}

enum class DeedKind : std::uint8_t { load, unload, reload };

/// One of load, unload and reload: they differ in their words.
struct Deed {
    DeedKind kind{};
    std::string_view verb;
    std::string_view old_words;
    std::string_view summary;
    std::string_view success;
    std::string_view failure;
    void (DaemonControl::*act)(std::string_view, const Asker&, Done);
};

constexpr Deed deeds[] = {
    {DeedKind::load, "load", "load", "Load a module by name", "Loaded {}",
     "Unable to load module {}:", &DaemonControl::load_module},
    {DeedKind::unload, "unload", "unload", "Unload a module by name", "Unloaded {}",
     "Unable to unload resource {}:", &DaemonControl::unload_module},
    {DeedKind::reload, "reload", "", "Reload configuration for a module",
     "Module '{}' reloaded successfully.",
     "Module '{}' was not reloaded; what it had goes on:", &DaemonControl::reload_module},
};

std::string usage_of(const Deed& deed) {
    if (deed.kind == DeedKind::reload)
        return "Usage: module reload [module ...]\n"
               "       Reloads configuration files for all listed modules; for all loaded ones without a "
               "name.\n";
    return fmt::format("Usage: module {0} <module name>\n       {1}s the specified module.\n", deed.verb,
                       deed.kind == DeedKind::load ? "Load" : "Unload");
}

void act(const Context& context, const Deed& deed, const std::string& module, const Request& request,
         Responder responder) {
    context.log.notice("{} asked: module {} {}", name_of(request.asker), deed.verb, module);
    (context.control.*deed.act)(
        module, request.asker,
        answering(std::move(responder), fmt::format(fmt::runtime(deed.success), module),
                  fmt::format(fmt::runtime(deed.failure), module)));
}

/// Several modules one after another, answered together.
void act_on_all(const Context& context, const Deed& deed, const Request& request, std::size_t next,
                Reply so_far, const Responder& responder) {
    if (next == request.args.size()) return responder(std::move(so_far));
    act(context, deed, request.args[next], request,
        [=, so_far = std::move(so_far)](const Reply& reply) mutable {
            so_far.text += reply.text;
            if (reply.status != 0) so_far.status = reply.status;
            act_on_all(context, deed, request, next + 1, std::move(so_far), responder);
        });
}

void reload_all(const Context& context, const Request& request, Responder responder) {
    context.log.notice("{} asked: module reload", name_of(request.asker));
    context.control.reload(Scope::modules, request.asker,
                           answering(std::move(responder), "Modules reloaded.",
                                     "Not every module was reloaded; what those had goes on:"));
}

void run(const Context& context, const Deed& deed, const Request& request, Responder responder) {
    const bool is_reload = deed.kind == DeedKind::reload;
    if (is_reload && request.args.empty()) return reload_all(context, request, std::move(responder));
    if (request.args.empty() || (!is_reload && request.args.size() > 1))
        return responder(wrong_usage(usage_of(deed)));
    act_on_all(context, deed, request, 0, {}, responder);
}

std::vector<std::string> complete(const DaemonControl& control, const Deed& deed) {
    const bool wants_loaded = deed.kind != DeedKind::load;
    std::vector<std::string> offers;
    for (auto& module : control.modules()) {
        if (module.loaded == wants_loaded) offers.push_back(std::move(module.name));
    }
    return offers;
}

Command command_of(const Context& context, const Deed& deed) {
    Command command;
    command.words = fmt::format("module {}", deed.verb);
    if (!deed.old_words.empty()) command.also = {std::string(deed.old_words)};
    command.summary = deed.summary;
    command.usage = usage_of(deed);
    command.run = [context, deed](const Request& request, Responder responder) {
        run(context, deed, request, std::move(responder));
    };
    command.complete = [&control = context.control, deed](const std::vector<std::string>&, std::string_view) {
        return complete(control, deed);
    };
    return command;
}

}  // namespace

std::vector<Command> module_commands(const Context& context) {
    std::vector<Command> commands{
        {"module show",
         {"show modules"},
         "List modules and info",
         std::string(show_usage),
         [context](const Request& request, const Responder& responder) { responder(show(context, request)); },
         [&control = context.control](const std::vector<std::string>& args, std::string_view) {
             std::vector<std::string> offers;
             if (args.empty()) offers.emplace_back("like");
             if (args.size() != 1 || args[0] != "like") return offers;
             for (auto& module : control.modules())
                 offers.push_back(std::move(module.name));
             return offers;
         }}};
    for (const auto& deed : deeds)
        commands.push_back(command_of(context, deed));
    return commands;
}

}  // namespace lamplight::console
