#include "bench/ring.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace lamplight::bench {

namespace {

int fail(const std::string& sentence) {
    fmt::print(stderr, "lamplight-bench: {}\n", sentence);
    return 69;
}

std::vector<std::string> command_line(const RingOptions& options, const std::filesystem::path& script,
                                      const std::filesystem::path& programs) {
    std::vector<std::string> words{"python3", "-B", script.string(), "--programs", programs.string()};
    const auto add = [&](const char* option, auto value) {
        words.emplace_back(option);
        words.push_back(fmt::format("{}", value));
    };
    add("--rounds", options.rounds);
    add("--devices", options.devices);
    add("--changes", options.changes);
    add("--latency-changes", options.latency_changes);
    for (const std::string& scenario : options.only)
        add("--only", scenario);
    if (options.keep_logs) words.emplace_back("--keep-logs");
    if (options.output == Output::json) words.emplace_back("--json");
    return words;
}

}  // namespace

int run_ring(const RingOptions& options) {
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto script = program.parent_path().parent_path() / "bench" / "ring_bench.py";
    if (error || !std::filesystem::exists(script, error))
        return fail(
            fmt::format("there is no {}: the ring's benchmark runs from a build tree, by ./dev bench ring",
                        script.string()));
    std::vector<std::string> words = command_line(options, script, program.parent_path());
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    ::execvp(pointers.front(), pointers.data());
    return fail(fmt::format("python3 cannot be started: {}", std::strerror(errno)));
}

}  // namespace lamplight::bench
