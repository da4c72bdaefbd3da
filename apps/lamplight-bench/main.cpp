#include "bench/benchmarks.hpp"

#include <CLI/CLI.hpp>

int main(int argc, char** argv) {
    using namespace lamplight::bench;
    CLI::App app{
        "Measures Lamplight. Figures are medians over rounds of one run; compare ratios, not machines."};
    app.require_subcommand(1);
    app.fallthrough();
    bool json = false;
    app.add_flag("--json", json, "one JSON object a line");

    EngineOptions engine;
    CLI::App* engine_command = app.add_subcommand("engine", "votes per second on one core");
    engine_command->add_option("--devices", engine.devices, "devices in the large table")
        ->check(CLI::Range(1, 16'000'000));
    engine_command->add_option("--nodes", engine.nodes, "nodes, each voting for each device")
        ->check(CLI::Range(1, 1024));
    engine_command->add_option("--votes", engine.votes, "votes a round")->check(CLI::Range(1, 1'000'000'000));
    engine_command->add_option("--rounds", engine.rounds, "rounds")->check(CLI::Range(1, 1000));

    MemoryOptions memory;
    CLI::App* memory_command = app.add_subcommand("memory", "bytes per vote");
    memory_command->add_option("--devices", memory.devices, "devices")->check(CLI::Range(1, 16'000'000));
    memory_command->add_option("--nodes", memory.nodes, "nodes, each voting for each device")
        ->check(CLI::Range(1, 1024));

    CLI11_PARSE(app, argc, argv);
    engine.output = memory.output = json ? Output::json : Output::text;
    if (engine_command->parsed()) run_engine(engine);
    if (memory_command->parsed()) run_memory(memory);
    return 0;
}
