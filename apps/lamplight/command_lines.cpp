#include "command_lines.hpp"

#include "console/words.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iostream>
#include <system_error>

namespace lamplight::app {

namespace {

std::string_view trimmed(std::string_view line) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto begin = line.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return line.substr(begin, line.find_last_not_of(blanks) - begin + 1);
}

}  // namespace

bool print(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0)
        return true;
    // A reader that has enough (`| head`) is no mistake worth words.
    if (errno != EPIPE)
        fmt::print(stderr, "Cannot write the answer: {}\n", std::generic_category().message(errno));
    return false;
}

int run_command(Remote& remote, const std::string& line, Form form) {
    const auto answer = remote.run(line, form == Form::json);
    if (!answer) {
        fmt::print(stderr, "{}\n", answer.error());
        return 1;
    }
    const bool printed = form == Form::json && answer->json
                             ? print(boost::json::serialize(*answer->json) + '\n')
                             : print(answer->text);
    if (!printed) return 1;
    return std::clamp(answer->status, 0, 255);
}

int print_completions(Remote& remote, const std::string& begun) {
    const auto last = console::split_begun(begun).begun;
    const std::string before = begun.substr(0, begun.size() - std::min(begun.size(), last.size()));
    for (const auto& word : remote.complete(begun)) {
        if (!print(before + word + '\n')) return 1;
    }
    return 0;
}

int run_lines(Remote& remote, Form form) {
    int status = 0;
    for (std::string line; std::getline(std::cin, line);) {
        const auto command = trimmed(line);
        if (command.empty()) continue;
        if (means_quit(command)) break;
        if (const int one = run_command(remote, std::string(command), form); one != 0) status = one;
        if (!remote.connected()) return 1;
    }
    return status;
}

bool means_quit(std::string_view line) {
    const auto word = trimmed(line);
    return word == "quit" || word == "exit";
}

}  // namespace lamplight::app
