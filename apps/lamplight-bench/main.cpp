#include "bench/ais.hpp"
#include "bench/benchmarks.hpp"
#include "bench/ring.hpp"
#include "bench/xmpp.hpp"
#ifdef LAMPLIGHT_BENCH_CPG
#include "bench/cpg_traffic.hpp"
#endif
#ifdef LAMPLIGHT_BENCH_EVT
#include "bench/evt_traffic.hpp"
#endif
#ifdef LAMPLIGHT_BENCH_XMPP
#include "bench/xmpp_traffic.hpp"
#endif

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <tl/expected.hpp>

#include <chrono>
#include <map>
#include <string>
#include <vector>

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

constexpr const char* ais_help =
    "Event channels on a real Corosync ring of two hosts, and daemons with ais.conf on one of five, in\n"
    "namespaces of this machine as `ring` has them, held against raw CPG messages in the same rounds.\n"
    "Scenarios:\n"
    "  latency    100 events a second through a channel, published on one host and taken on the other; "
    "ratio\n"
    "             to raw messages of the same bytes, wanted <= 1.5\n"
    "  flood      events a second, nothing lost; ratio to raw messages of the same bytes\n"
    "             both also with the 60 s of retention that res_ais asks for (_retained), and the flood "
    "with\n"
    "             each event in a frame of its own, as res_ais sends it (_apart)\n"
    "  converge   every node of five changes its vote of every device, as fast as it can: seconds from the\n"
    "             last change anywhere until all five engines hold the same, wanted <= 2; again with "
    "somebody\n"
    "             in the channel who is no Lamplight (_stranger), so that all is published as events too\n"
    "An event is Asterisk's about one device, 49 bytes, as res_ais publishes it. Each is counted where it "
    "is\n"
    "taken; the daemons compare every last vote of every node, and all aggregates.";

constexpr const char* xmpp_help =
    "Daemons with jabber.conf on a real Prosody and a real ejabberd, without their limits, in network and\n"
    "mount namespaces of this machine, held against bare clients of the same server in the same rounds. It\n"
    "needs prosody, ejabberd, iproute2, util-linux, python3, and root or user namespaces. Scenarios, each "
    "with\n"
    "_prosody and _ejabberd:\n"
    "  latency    50 changes a second between two Lamplights; p50 in ratio to a bare publish and its event,\n"
    "             wanted <= 1.2\n"
    "  changes    changes a second between two Lamplights; ratio to a bare publisher and subscriber, wanted\n"
    "             >= 0.9\n"
    "  asterisk   changes a second to a subscriber of device_state that is no Lamplight; ratio to the same\n"
    "             pair, wanted >= 0.9, and to one whose publisher hears itself, as Asterisks do (echo_)\n"
    "  joiner     how long until a Lamplight that logs in has every vote of three others; ratio to as many\n"
    "             bytes in bare IQs from three clients to one that logs in, wanted <= 1.5\n"
    "A change is an own vote given to one daemon where a PBX link would, applied in the other's engine; "
    "every\n"
    "one is counted, none coalesced.";

void add_rounds(CLI::App& command, RoundsOptions& options, const std::vector<std::string>& scenarios) {
    command.add_option("--rounds", options.rounds, "interleaved rounds; results are their medians")
        ->check(CLI::Range(1, 1000));
    command.add_option("--only", options.only, "only this scenario; may be given several times")
        ->check(CLI::IsMember(scenarios));
    command.add_flag("--keep-logs", options.keep_logs,
                     "leave the logs of daemons and Corosyncs, and say where");
}

void add_ring(CLI::App& app, RingOptions& options) {
    CLI::App* command = app.add_subcommand("ring", "daemons on a Corosync ring, against raw CPG");
    command->footer(ring_help);
    add_rounds(*command, options, {"latency", "asterisk", "lamplight", "joiner"});
    command->add_option("--devices", options.devices, "devices; as many votes has the late joiner to get")
        ->check(CLI::Range(2, 1'000'000));
    command
        ->add_option("--changes", options.changes,
                     "changes a round, as fast as they go; 5 times as many between Lamplights")
        ->check(CLI::Range(1, 100'000'000));
    command->add_option("--latency-changes", options.latency_changes, "changes a round, 100 a second")
        ->check(CLI::Range(1, 60'000));
}

void add_ais(CLI::App& app, AisOptions& options) {
    CLI::App* command = app.add_subcommand("ais", "event channels, and daemons with them, against raw CPG");
    command->footer(ais_help);
    add_rounds(*command, options, {"latency", "flood", "converge"});
    command->add_option("--devices", options.devices, "devices")->check(CLI::Range(2, 1'000'000));
    command->add_option("--events", options.events, "events a round, as fast as they go")
        ->check(CLI::Range(1, 1'000'000));
    command->add_option("--latency-events", options.latency_events, "events a round, 100 a second")
        ->check(CLI::Range(1, 60'000));
}

void add_xmpp(CLI::App& app, XmppOptions& options) {
    CLI::App* command = app.add_subcommand("xmpp", "daemons on XMPP servers, against bare clients");
    command->footer(xmpp_help);
    add_rounds(*command, options, {"latency", "changes", "asterisk", "joiner"});
    command->add_option("--devices", options.devices, "devices; the late joiner gets three votes of each")
        ->check(CLI::Range(2, 1'000'000));
    command->add_option("--changes", options.changes, "changes a round, as fast as they go")
        ->check(CLI::Range(1, 100'000'000));
    command->add_option("--latency-changes", options.latency_changes, "changes a round, 50 a second")
        ->check(CLI::Range(1, 60'000));
}

#ifdef LAMPLIGHT_BENCH_CPG
/// What the scripts run on their hosts.
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

#ifdef LAMPLIGHT_BENCH_EVT
void add_events(CLI::App& app, EvtTraffic& traffic) {
    const std::map<std::string, EvtTraffic::Role> roles{{"give", EvtTraffic::Role::give},
                                                        {"see", EvtTraffic::Role::see}};
    CLI::App* command = app.add_subcommand("evt", "events through a channel")->group("");
    command->add_option("--role", traffic.role)->required()->transform(CLI::CheckedTransformer(roles));
    const std::map<std::string, EvtTraffic::Way> ways{{"queue", EvtTraffic::Way::queue},
                                                      {"apart", EvtTraffic::Way::apart}};
    command->add_option("--way", traffic.way)->transform(CLI::CheckedTransformer(ways));
    command->add_option("--channel", traffic.channel)->required();
    command->add_option("--board", traffic.board)->required();
    command->add_option("--events", traffic.events);
    command->add_option("--per-second", traffic.per_second);
    command->add_option_function<std::uint64_t>("--retention", [&traffic](std::uint64_t seconds) {
        traffic.retention = std::chrono::seconds(seconds);
    });
}
#endif

#ifdef LAMPLIGHT_BENCH_XMPP
void add_clients(CLI::App& app, XmppTraffic& traffic) {
    const std::map<std::string, XmppTraffic::Role> roles{{"give", XmppTraffic::Role::give},
                                                         {"see", XmppTraffic::Role::see},
                                                         {"send", XmppTraffic::Role::send},
                                                         {"take", XmppTraffic::Role::take}};
    CLI::App* command = app.add_subcommand("client", "a bare client of an XMPP server")->group("");
    command->add_option("--role", traffic.role)->required()->transform(CLI::CheckedTransformer(roles));
    command->add_option("--jid", traffic.jid)->required();
    command->add_option("--secret", traffic.secret)->required();
    command->add_option("--board", traffic.board)->required();
    command->add_option("--service", traffic.service);
    command->add_option("--node", traffic.node);
    command->add_option("--peers", traffic.peers)->delimiter(',');
    command->add_option("--messages", traffic.messages);
    command->add_option("--per-second", traffic.per_second);
    command->add_option("--window", traffic.window);
    command->add_option("--bytes", traffic.bytes);
    command->add_option("--hears-itself", traffic.hears_itself);
}
#endif

constexpr const char* cpg_packages = "libcpg-dev, libcfg-dev and libcmap-dev";
constexpr const char* xmpp_packages = "what the README says of res_jabber";

[[maybe_unused]] int cannot(const char* needs, const char* packages = cpg_packages) {
    fmt::print(stderr, "lamplight-bench: this one was built without {}: install {}, and build again\n", needs,
               packages);
    return 69;
}

int run_ring_command([[maybe_unused]] const RingOptions& options) {
#ifdef LAMPLIGHT_BENCH_CPG
    return run_ring(options);
#else
    return cannot("libcpg, which raw messages need");
#endif
}

int run_ais_command([[maybe_unused]] const AisOptions& options) {
#if defined(LAMPLIGHT_BENCH_CPG) && defined(LAMPLIGHT_BENCH_EVT)
    return run_ais(options);
#else
    return cannot("event channels");
#endif
}

int run_xmpp_command([[maybe_unused]] const XmppOptions& options) {
#ifdef LAMPLIGHT_BENCH_XMPP
    return run_xmpp(options);
#else
    return cannot("XMPP", xmpp_packages);
#endif
}

[[maybe_unused]] int status_of(const tl::expected<void, std::string>& done) {
    if (done) return 0;
    fmt::print(stderr, "lamplight-bench: {}\n", done.error());
    return 1;
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
    AisOptions ais;
    add_ais(app, ais);
    XmppOptions xmpp;
    add_xmpp(app, xmpp);
#ifdef LAMPLIGHT_BENCH_CPG
    CpgTraffic messages;
    add_traffic(app, messages);
#endif
#ifdef LAMPLIGHT_BENCH_EVT
    EvtTraffic events;
    add_events(app, events);
#endif
#ifdef LAMPLIGHT_BENCH_XMPP
    XmppTraffic client;
    add_clients(app, client);
#endif

    CLI11_PARSE(app, argc, argv);
    engine.output = memory.output = ring.output = ais.output = xmpp.output =
        json ? Output::json : Output::text;
    if (engine_command->parsed()) run_engine(engine);
    if (memory_command->parsed()) run_memory(memory);
    if (app.got_subcommand("ring")) return run_ring_command(ring);
    if (app.got_subcommand("ais")) return run_ais_command(ais);
    if (app.got_subcommand("xmpp")) return run_xmpp_command(xmpp);
#ifdef LAMPLIGHT_BENCH_CPG
    if (app.got_subcommand("cpg")) return status_of(run_cpg_traffic(messages));
#endif
#ifdef LAMPLIGHT_BENCH_EVT
    if (app.got_subcommand("evt")) return status_of(run_evt_traffic(events));
#endif
#ifdef LAMPLIGHT_BENCH_XMPP
    if (app.got_subcommand("client")) return status_of(run_xmpp_traffic(client));
#endif
    return 0;
}
