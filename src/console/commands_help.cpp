// help [command]
#include "console/commands.hpp"
#include "console/texts.hpp"
#include "console/words.hpp"

#include <fmt/format.h>

#include <utility>

namespace lamplight::console {

namespace {

using boost::json::array;
using boost::json::object;

constexpr std::string_view usage =
    "Usage: core show help [command]\n"
    "       Lists the commands that begin so; of a whole command shows how it is used.\n";

object as_json(const Command& command) {
    array also;
    for (const auto& other : command.also)
        also.emplace_back(other);
    return {
        {"command", command.words}, {"summary", command.summary}, {"usage", command.usage}, {"also", also}};
}

bool is_called(const Command& command, std::string_view words) {
    if (command.words == words) return true;
    return std::find(command.also.begin(), command.also.end(), words) != command.also.end();
}

/// Whether each asked word begins the command's word at the same place.
bool begins(const Command& command, const std::vector<std::string>& asked) {
    const auto words = split_words(command.words).value_or(std::vector<std::string>{});
    if (asked.size() > words.size()) return false;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        if (!words[i].starts_with(asked[i])) return false;
    }
    return true;
}

Reply help(const Context& context, const Request& request) {
    const std::string asked = join_words(request.args);
    std::string text;
    array json;
    for (const auto* command : context.registry.commands()) {
        if (is_called(*command, asked)) return shown(command->usage, array{as_json(*command)});
        if (!begins(*command, request.args)) continue;
        text += fmt::format("{:>30.30}  {}\n", command->words, command->summary);
        json.push_back(as_json(*command));
    }
    if (json.empty()) return Reply::failed(fmt::format("No such command '{}'.\n", asked));
    return shown(std::move(text), std::move(json));
}

/// What the registry would offer for the command asked about.
std::vector<std::string> complete(const Registry& registry, const std::vector<std::string>& args,
                                  std::string_view begun) {
    std::vector<std::string> offers;
    for (const auto* command : registry.commands()) {
        const auto words = split_words(command->words).value_or(std::vector<std::string>{});
        if (args.size() >= words.size() || !begins(*command, args)) continue;
        if (words[args.size()].starts_with(begun)) offers.push_back(words[args.size()]);
    }
    return offers;
}

}  // namespace

std::vector<Command> help_commands(const Context& context) {
    Command command;
    command.words = "core show help";
    command.also = {"help", "?"};
    command.summary = "Display help list, or specific help on a command";
    command.usage = usage;
    command.run = [context](const Request& request, const Responder& responder) {
        responder(help(context, request));
    };
    command.complete = [&registry = context.registry](const std::vector<std::string>& args,
                                                      std::string_view begun) {
        return complete(registry, args, begun);
    };
    return {std::move(command)};
}

}  // namespace lamplight::console
