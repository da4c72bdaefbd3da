#include "bench/script.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace lamplight::bench {

namespace {

int fail(const std::string& sentence) {
    fmt::print(stderr, "lamplight-bench: {}\n", sentence);
    return 69;
}

std::vector<std::string> command_line(const std::filesystem::path& script, const RoundsOptions& options,
                                      const std::vector<ScriptNumber>& numbers) {
    std::vector<std::string> words{"python3", "-B", script.string(), "--rounds",
                                   std::to_string(options.rounds)};
    for (const ScriptNumber& number : numbers) {
        words.push_back("--" + number.name);
        words.push_back(std::to_string(number.value));
    }
    for (const std::string& scenario : options.only) {
        words.emplace_back("--only");
        words.push_back(scenario);
    }
    if (options.keep_logs) words.emplace_back("--keep-logs");
    if (options.output == Output::json) words.emplace_back("--json");
    return words;
}

}  // namespace

int run_script(const std::string& name, const RoundsOptions& options,
               const std::vector<ScriptNumber>& numbers) {
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto script = program.parent_path().parent_path() / "bench" / name;
    if (error || !std::filesystem::exists(script, error))
        return fail(fmt::format(
            "there is no {}: benchmarks on a ring run from a build tree, by ./dev bench ring or ais",
            script.string()));
    ::setenv("LAMPLIGHT_BIN", program.parent_path().c_str(), 1);
    std::vector<std::string> words = command_line(script, options, numbers);
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    ::execvp(pointers.front(), pointers.data());
    return fail(fmt::format("python3 cannot be started: {}", std::strerror(errno)));
}

}  // namespace lamplight::bench
