#include "bench/benchmarks.hpp"
#include "bench/ring.hpp"
#ifdef LAMPLIGHT_BENCH_CPG
#include "bench/cpg_traffic.hpp"
#endif

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <map>

namespace {

using namespace lamplight::bench;

constexpr const char* ring_help =
    "Daemons on a real Corosync ring of two hosts, in network and mount namespaces of this machine, held\n"
    "against raw CPG messages in the same rounds. It needs corosync, iproute2, util-linux, python3, and root "
    "or\n"
    "user namespaces. Scenarios:\n"
    "  latency    100 changes a second between two Lamplights; ratio to raw CPG messages, wanted <= 1.3\n"
    "  asterisk   changes a second to a listener that is no Lamplight, as Asterisk's events; ratio to raw\n"
    "             messages of the same bytes, wanted >= 0.7\n"
    "  lamplight  changes a second between two Lamplights; ratio to raw messages of 150 bytes, wanted >= 3\n"
    "  joiner     how long until a joiner has every vote: a listener (ratio to the same messages raw, "
    "wanted\n"
    "             <= 2, and <= 3 s) and a Lamplight (wanted <= 0.5 s)\n"
    "A change is an own vote given to one daemon where a PBX link would, applied in the other's engine; "
    "every\n"
    "one is counted, none coalesced.";

void add_ring(CLI::App& app, RingOptions& options) {
    CLI::App* command = app.add_subcommand("ring", "daemons on a Corosync ring, against raw CPG");
    command->footer(ring_help);
    command->add_option("--rounds", options.rounds, "interleaved rounds; results are their medians")
        ->check(CLI::Range(1, 1000));
    command->add_option("--devices", options.devices, "devices; as many votes has the late joiner to get")
        ->check(CLI::Range(2, 1'000'000));
    command
        ->add_option("--changes", options.changes,
                     "changes a round, as fast as they go; 5 times as many between Lamplights")
        ->check(CLI::Range(1, 100'000'000));
    command->add_option("--latency-changes", options.latency_changes, "changes a round, 100 a second")
        ->check(CLI::Range(1, 60'000));
    command->add_option("--only", options.only, "only this scenario; may be given several times")
        ->check(CLI::IsMember({"latency", "asterisk", "lamplight", "joiner"}));
    command->add_flag("--keep-logs", options.keep_logs,
                      "leave the logs of daemons and Corosyncs, and say where");
}

#ifdef LAMPLIGHT_BENCH_CPG
/// What ring_bench.py runs on its hosts.
void add_traffic(CLI::App& app, CpgTraffic& traffic) {
    const std::map<std::string, CpgTraffic::Role> roles{{"give", CpgTraffic::Role::give},
                                                        {"see", CpgTraffic::Role::see}};
    CLI::App* command = app.add_subcommand("cpg", "raw CPG messages")->group("");
    command->add_option("--role", traffic.role)->required()->transform(CLI::CheckedTransformer(roles));
    command->add_option("--group", traffic.group)->required();
    command->add_option("--board", traffic.board)->required();
    command->add_option("--messages", traffic.messages);
    command->add_option("--per-second", traffic.per_second);
    command->add_option("--window", traffic.window);
    command->add_option("--bytes", traffic.bytes);
}
#endif

int run_ring_command(const RingOptions& options) {
#ifdef LAMPLIGHT_BENCH_CPG
    return run_ring(options);
#else
    static_cast<void>(options);
    fmt::print(stderr,
               "lamplight-bench: this one was built without libcpg, which raw messages need: "
               "install libcpg-dev and build again\n");
    return 69;
#endif
}

}  // namespace

int main(int argc, char** argv) {
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

    RingOptions ring;
    add_ring(app, ring);
#ifdef LAMPLIGHT_BENCH_CPG
    CpgTraffic traffic;
    add_traffic(app, traffic);
#endif

    CLI11_PARSE(app, argc, argv);
    engine.output = memory.output = ring.output = json ? Output::json : Output::text;
    if (engine_command->parsed()) run_engine(engine);
    if (memory_command->parsed()) run_memory(memory);
    if (app.got_subcommand("ring")) return run_ring_command(ring);
#ifdef LAMPLIGHT_BENCH_CPG
    if (app.got_subcommand("cpg")) {
        if (const auto done = run_cpg_traffic(traffic); !done) {
            fmt::print(stderr, "lamplight-bench: {}\n", done.error());
            return 1;
        }
    }
#endif
    return 0;
}
