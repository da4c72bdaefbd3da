// Runs scenarios, or random runs with faults, in virtual time.
#include "sim/random_run.hpp"
#include "sim/scenario.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace lamplight::sim;

enum Exit : int { all_well = 0, something_found = 1, unreadable = 2 };

std::optional<std::string> contents(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return std::nullopt;
    std::string text{std::istreambuf_iterator<char>(in), {}};
    return in.bad() ? std::nullopt : std::optional(std::move(text));
}

void print(const std::string& file, const std::vector<ScenarioProblem>& problems) {
    for (const ScenarioProblem& problem : problems) {
        fmt::print(stderr, "{}:{}: {}\n", file, problem.line, problem.text);
    }
}

int run_file(const std::string& file) {
    const auto text = contents(file);
    if (!text) {
        fmt::print(stderr, "{}: {}\n", file, std::strerror(errno));
        return unreadable;
    }
    const auto scenario = Scenario::parse(*text);
    if (!scenario) {
        print(file, scenario.error());
        return unreadable;
    }
    const auto problems = scenario->run();
    print(file, problems);
    fmt::print("{} {}: {}\n", problems.empty() ? "ok    " : "FAILED", file, scenario->title());
    return problems.empty() ? all_well : something_found;
}

int run_seed(const RandomRun& run) {
    const RandomOutcome outcome = run_random(run);
    if (outcome.failures.empty()) return all_well;
    fmt::print(stderr, "what was done:\n");
    for (const std::string& line : outcome.story)
        fmt::print(stderr, "{}\n", line);
    fmt::print(stderr, "what the nodes told at the end:\n");
    for (const std::string& line : outcome.trace)
        fmt::print(stderr, "{}\n", line);
    fmt::print(stderr, "what is wrong:\n");
    for (const std::string& line : outcome.failures)
        fmt::print(stderr, "  {}\n", line);
    fmt::print(stderr, "replay: {}\n", replay_line(run));
    return something_found;
}

int run_seeds(RandomRun run, unsigned runs) {
    for (unsigned i = 0; i < runs; ++i, ++run.seed) {
        if (const int status = run_seed(run); status != all_well) return status;
    }
    fmt::print("ok     {} random runs of {} nodes and {} steps\n", runs, run.nodes, run.steps);
    return all_well;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Runs Lamplight's engine and talk on a modelled bus, in virtual time", "lamplight-sim");
    std::vector<std::string> files;
    RandomRun run;
    unsigned runs = 1;
    app.add_option("FILE", files, "scenarios; their language is in sim/README.md");
    auto* seed = app.add_option("--seed", run.seed, "a random run that this number decides");
    app.add_option("--nodes", run.nodes, "nodes of a random run")->needs(seed)->check(CLI::Range(1, 64));
    app.add_option("--steps", run.steps, "steps of a random run")
        ->needs(seed)
        ->check(CLI::Range(1, 1'000'000));
    app.add_option("--runs", runs, "so many random runs, each with the next seed")
        ->needs(seed)
        ->check(CLI::Range(1, 1'000'000));
    CLI11_PARSE(app, argc, argv);
    if (files.empty() && seed->count() == 0) {
        fmt::print(stderr, "lamplight-sim: name a scenario or a seed\n{}", app.help());
        return unreadable;
    }
    int status = all_well;
    for (const std::string& file : files)
        status = std::max(status, run_file(file));
    if (seed->count() != 0) status = std::max(status, run_seeds(run, runs));
    return status;
}
