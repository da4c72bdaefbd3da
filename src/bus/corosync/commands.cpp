// corosync show members|config|counters, corosync ping
#include "bus/corosync/corosync_bus.hpp"
#include "console/counter_rows.hpp"
#include "console/escaped.hpp"
#include "console/texts.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

namespace lamplight::bus::corosync {

namespace {

using boost::json::array;
using boost::json::object;
using console::Reply;
using console::Request;
using console::Responder;

constexpr std::string_view line = "=============================================================\n";

/// Asterisk's frame around a listing.
std::string framed(std::string_view title, std::string_view rows) {
    std::string heading = fmt::format("=== {} ", title);
    heading.resize(line.size() - 1, '=');
    return fmt::format("\n{}{}\n{}===\n{}===\n{}\n", line, heading, line, rows, line);
}

// --- show members ---

constexpr std::string_view members_usage =
    "Usage: corosync show members\n"
    "       Show corosync cluster members: every process in every group of the ring.\n";

Reply members_reply(const CorosyncBus& bus, const ring::Occupants& occupants) {
    if (!occupants)
        return Reply::failed(fmt::format("Failed to initialize CPG iterator: {}.\n", occupants.error().code));
    std::string rows;
    array members;
    for (const ring::Occupant& occupant : *occupants) {
        const std::size_t number = members.size() + 1;
        rows += fmt::format("=== Node {}\n=== --> Group: {}\n=== --> Nodeid: {}\n", number,
                            console::escaped(occupant.group), occupant.member.node_id);
        members.push_back(object{{"node", number},
                                 {"group", occupant.group},
                                 {"nodeid", occupant.member.node_id},
                                 {"pid", occupant.member.pid},
                                 {"name", bus.names().name(occupant.member.node_id)},
                                 {"address", bus.names().address(occupant.member.node_id)}});
    }
    return console::shown(framed("Cluster members", rows), object{{"members", std::move(members)}});
}

void show_members(CorosyncBus& bus, const Request& request, const Responder& responder) {
    if (!request.args.empty()) return responder(console::wrong_usage(members_usage));
    if (!bus.own_group().joined())
        return responder(Reply::failed("Failed to initialize CPG iterator: initializing CPG.\n"));
    bus.questions().ask_occupants(
        responder, [&bus](const ring::Occupants& occupants) { return members_reply(bus, occupants); });
}

// --- show config ---

constexpr std::string_view config_usage =
    "Usage: corosync show config\n"
    "       Show configuration loaded from res_corosync.conf\n";

struct SwitchName {
    std::string_view name;
    bool plain::Switches::* value;
};
constexpr std::array switch_names{SwitchName{"mwi", &plain::Switches::mwi},
                                  SwitchName{"device_state", &plain::Switches::device_state},
                                  SwitchName{"ping", &plain::Switches::ping},
                                  SwitchName{"cluster_discovery", &plain::Switches::cluster_discovery}};

Reply show_config(const CorosyncBus& bus, const Request& request) {
    if (!request.args.empty()) return console::wrong_usage(config_usage);
    const plain::Settings& settings = bus.settings();
    std::string rows;
    array publish;
    array subscribe;
    for (const SwitchName& event : switch_names) {
        if (settings.publish.*event.value) {
            rows += fmt::format("=== ==> Publishing Event Type: {}\n", event.name);
            publish.emplace_back(event.name);
        }
        if (settings.subscribe.*event.value) {
            rows += fmt::format("=== ==> Subscribing to Event Type: {}\n", event.name);
            subscribe.emplace_back(event.name);
        }
    }
    return console::shown(framed("res_corosync config", rows),
                          object{{"publish_event", std::move(publish)},
                                 {"subscribe_event", std::move(subscribe)},
                                 {"asterisk_hash", wire::event::to_string(settings.dialect.hash)}});
}

// --- show counters ---

constexpr std::string_view counters_usage =
    "Usage: corosync show counters\n"
    "       Show what was sent, received and refused in both groups since the module was loaded.\n";

using Rows = console::CounterRows;

void add_link(Rows& rows, const group::Link& link) {
    rows.emplace_back("try_again", link.try_agains());
    rows.emplace_back("under_way", link.under_way());
}

Rows rows_of(const lan::OwnGroup& group) {
    const sync::Counters& c = group.exchange().counters();
    Rows rows{{"votes_out", c.votes_out},
              {"votes_in", c.votes_in},
              {"mwi_in", c.mwi_in},
              {"frames_out", c.frames_out},
              {"frames_in", c.frames_in},
              {"frames_lost", c.frames_lost},
              {"snapshots_sent", c.snapshots_sent},
              {"snapshots_received", c.snapshots_received},
              {"digests_compared", c.digests_compared},
              {"digests_different", c.digests_different}};
    add_link(rows, group.link());
    console::add_refused<wire::vote::Refusal>(rows, c.frames_refused);
    return rows;
}

Rows rows_of(const AsteriskGroup& group) {
    const plain::Counters& c = group.exchange().counters();
    Rows rows{{"votes_out", c.votes_out},
              {"votes_in", c.votes_in},
              {"mwi_out", c.mwi_out},
              {"mwi_in", c.mwi_in},
              {"messages_out", c.messages_out},
              {"messages_in", c.messages_in},
              {"messages_lost", c.lost},
              {"from_lamplights", c.from_lamplights},
              {"aggregates", c.aggregates},
              {"own_eid", c.own_eid},
              {"not_subscribed", c.not_subscribed},
              {"unheard", c.unheard},
              {"names_too_long", c.names_too_long}};
    add_link(rows, group.link());
    rows.emplace_back("refused: lying discovery", c.lying_discoveries);
    console::add_refused<wire::event::Malformed>(rows, c.malformed);
    return rows;
}

Reply show_counters(const CorosyncBus& bus, const Request& request) {
    if (!request.args.empty()) return console::wrong_usage(counters_usage);
    const Rows own = rows_of(bus.own_group());
    const Rows asterisk = rows_of(bus.asterisk_group());
    return console::shown(
        console::text_of("Group lamplight", own) + console::text_of("Group asterisk", asterisk),
        object{{"lamplight", console::json_of(own)}, {"asterisk", console::json_of(asterisk)}});
}

// --- ping ---

constexpr std::string_view ping_usage =
    "Usage: corosync ping\n"
    "       Send a test ping to the cluster.\n"
    "A NOTICE will be in the log for every ping received\n"
    "on a server.\n";

Reply ping(CorosyncBus& bus, const Request& request) {
    if (!request.args.empty()) return console::wrong_usage(ping_usage);
    if (!bus.wants_asterisk())
        return Reply::failed("Not in the group asterisk: asterisk_group = no in lamplight.conf.\n");
    if (!bus.ping())
        return Reply::failed(fmt::format("Not in the group asterisk: {}. See bus show.\n",
                                         bus.asterisk_group().status().detail));
    bus.host().log().notice("Sending event PING from this server with EID: '{}'",
                            state::to_string(bus.host().own_nodes().front().eid));
    return Reply::ok("");
}

}  // namespace

std::vector<console::Command> commands_of(CorosyncBus& bus) {
    const auto at_once = [&bus](Reply (*answer)(const CorosyncBus&, const Request&)) {
        return [&bus, answer](const Request& request, const Responder& responder) {
            responder(answer(bus, request));
        };
    };
    return {
        {"corosync show members",
         {},
         "Show cluster members",
         std::string(members_usage),
         [&bus](const Request& request, const Responder& responder) {
             show_members(bus, request, responder);
         }},
        {"corosync show config", {}, "Show configuration", std::string(config_usage), at_once(show_config)},
        {"corosync show counters",
         {},
         "Show what was sent, received and refused",
         std::string(counters_usage),
         at_once(show_counters)},
        {"corosync ping",
         {},
         "Send a test ping to the cluster",
         std::string(ping_usage),
         [&bus](const Request& request, const Responder& responder) { responder(ping(bus, request)); }}};
}

}  // namespace lamplight::bus::corosync
