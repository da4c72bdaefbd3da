#include "interactive.hpp"

#include "command_lines.hpp"
#include "line_editor.hpp"
#include "remote.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>

namespace lamplight::app {

namespace {

std::filesystem::path history_file() {
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home == '\0') return {};
    return std::filesystem::path(home) / ".lamplight_history";
}

/// What the daemon's help says of the words typed.
std::string help_on(Remote& remote, const std::string& line) {
    const auto answer = remote.run("core show help " + line, false);
    return answer && answer->status == 0 ? answer->text : std::string();
}

}  // namespace

int run_interactive(const std::filesystem::path& socket, std::chrono::milliseconds patience) {
    std::unique_ptr<LineEditor> editor;
    Remote remote(socket, patience, [&editor](const std::string& line) {
        if (editor)
            editor->show(line);
        else
            print(line + '\n');
    });
    if (const auto connected = remote.connect(); !connected) {
        fmt::print(stderr, "{}\n", connected.error());
        return 1;
    }
    print(fmt::format(
        "Connected to Lamplight {} currently running on {}. 'quit' ends, '?' helps, Tab completes.\n",
        remote.version(), remote.name()));
    remote.subscribe();
    editor = std::make_unique<LineEditor>(
        LineEditor::Hooks{[&] { return fmt::format("{}*CLI> ", remote.name()); },
                          [&](const std::string& line) { return remote.complete(line); },
                          [&](const std::string& line) { return help_on(remote, line); },
                          [&] { return remote.descriptor(); },
                          [&] {
                              if (!remote.connected()) return remote.try_again();
                              remote.take_news();
                              return true;
                          }},
        history_file());
    while (const auto line = editor->read_line()) {
        if (means_quit(*line)) return 0;
        if (line->find_first_not_of(" \t") == std::string::npos) continue;
        run_command(remote, *line, Form::text);
    }
    print("\n");
    if (remote.connected()) return 0;
    fmt::print(stderr, "{} did not come back.\n", remote.name());
    return 1;
}

}  // namespace lamplight::app
