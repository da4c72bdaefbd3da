// jabber|xmpp show connected|connections|buddies|counters, set debug on|off, reload: layouts of
// asterisk-facts 5.7
#include "bus/xmpp/commands.hpp"
#include "console/counter_rows.hpp"
#include "console/escaped.hpp"
#include "console/texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace lamplight::bus::xmpp {

namespace {

using boost::json::array;
using boost::json::object;
using console::escaped;
using console::Reply;
using console::Request;
using console::Responder;
using Dialect = Client::Dialect;

// --- show connections ---

/// res_jabber knew four words for where a client stands.
std::string_view state_text(c2s::State state, Dialect dialect) {
    if (dialect == Dialect::xmpp) return c2s::to_string(state);
    if (state == c2s::State::connected) return "Connected";
    return state == c2s::State::disconnected ? "Disconnected" : "Connecting";
}

object connection_json(const Client& client) {
    object json{{"client", client.settings().name},
                {"jid", client.jid()},
                {"state", c2s::to_string(client.state())},
                {"connected", client.state() == c2s::State::connected},
                {"server", client.peer()},
                {"mechanism", client.is_bound() ? client.mechanism() : std::string()},
                {"trouble", client.trouble()},
                {"connects", client.connects()},
                {"since", nullptr},
                {"tls", nullptr}};
    if (const auto since = client.connected_since()) json["since"] = console::json_time(*since);
    if (const auto tls = client.tls())
        json["tls"] = object{{"protocol", tls->protocol},
                             {"cipher", tls->cipher},
                             {"verified", tls->verified},
                             {"certificate_end", console::json_time(tls->certificate_end)}};
    return json;
}

/// `Named`: with the section's name before each, as from 1.8.2 on.
enum class Line : std::uint8_t { named, plain };

Reply show_connections(const XmppBus& bus, const Request& request, Dialect dialect, Line line,
                       std::string_view usage) {
    if (!request.args.empty()) return console::wrong_usage(usage);
    std::string text = "Jabber Users and their status:\n";
    array clients;
    for (const auto& client : bus.clients()) {
        const std::string head =
            line == Line::plain ? "User: " : fmt::format("[{}] ", escaped(client->settings().name));
        text += fmt::format("       {}{}     - {}\n", head, escaped(client->jid()),
                            state_text(client->state(), dialect));
        clients.push_back(connection_json(*client));
    }
    text += fmt::format("----\n   Number of {}: {}\n", dialect == Dialect::jabber ? "users" : "clients",
                        bus.clients().size());
    return console::shown(std::move(text), object{{"clients", std::move(clients)}});
}

// --- show buddies ---

std::string yes_no(std::optional<bool> value) {
    return value.value_or(false) ? "yes" : "no";
}

std::string jabber_resource(const Resource& resource) {
    std::string text = fmt::format("\t\tResource: {}\n", escaped(resource.jid.resource));
    if (!resource.caps_node.empty()) {
        text += fmt::format("\t\t\tnode: {}\n", escaped(resource.caps_node));
        text += fmt::format("\t\t\tversion: {}\n", escaped(resource.caps_version));
        text += fmt::format("\t\t\tJingle capable: {}\n", yes_no(resource.jingle));
    }
    text += fmt::format("\t\tStatus: {}\n", resource.status);
    return text + fmt::format("\t\tPriority: {}\n", resource.priority);
}

std::string xmpp_resource(const Resource& resource) {
    std::string text = fmt::format("\t\tResource: {}\n", escaped(resource.jid.resource));
    text += fmt::format("\t\t\tnode: {}\n", escaped(resource.caps_node));
    text += fmt::format("\t\t\tversion: {}\n", escaped(resource.caps_version));
    text += "\t\t\tGoogle Talk capable: no\n";
    return text + fmt::format("\t\t\tJingle capable: {}\n", yes_no(resource.jingle));
}

/// Asterisk keeps a roster of bare JIDs and beside it each buddy as its file has it: one with a resource is
/// there twice, and that entry never has a resource of its own (asterisk-facts 5.5).
std::string buddy_text(const Buddy& buddy, Dialect dialect) {
    std::string text;
    const std::string bare = c2s::to_string(buddy.jid);
    const bool as_bare = buddy.in_roster || !buddy.resources.empty() || buddy.configured.empty() ||
                         std::ranges::find(buddy.configured, bare) != buddy.configured.end();
    const std::string_view none = dialect == Dialect::jabber ? "\t\tResource: None\n" : "";
    if (as_bare) {
        text += fmt::format("\tBuddy:\t{}\n", escaped(bare));
        for (const Resource& resource : buddy.resources)
            text += dialect == Dialect::jabber ? jabber_resource(resource) : xmpp_resource(resource);
        if (buddy.resources.empty()) text += none;
    }
    for (const std::string& configured : buddy.configured)
        if (const auto jid = c2s::parse_jid(configured); jid && !jid->is_bare())
            text += fmt::format("\tBuddy:\t{}\n{}", escaped(configured), none);
    return text;
}

/// `talks` tells a Lamplight that is heard from one whose presence is all there is.
object buddy_json(const Lamplights& lamplights, ClientId client, const Buddy& buddy) {
    array resources;
    for (const Resource& resource : buddy.resources) {
        object json{{"resource", resource.jid.resource},
                    {"status", resource.status},
                    {"status_text", resource.status_text},
                    {"priority", resource.priority},
                    {"caps_node", resource.caps_node},
                    {"caps_version", resource.caps_version},
                    {"jingle", nullptr},
                    {"lamplight", resource.mark.has_value()},
                    {"talks", lamplights.is_up({client, resource.jid})}};
        if (resource.jingle) json["jingle"] = *resource.jingle;
        resources.push_back(std::move(json));
    }
    object json{{"jid", c2s::to_string(buddy.jid)},
                {"configured", array(buddy.configured.begin(), buddy.configured.end())},
                {"in_roster", buddy.in_roster},
                {"subscription", buddy.subscription},
                {"eid", nullptr},
                {"resources", std::move(resources)}};
    if (buddy.eid) json["eid"] = state::to_string(*buddy.eid);
    return json;
}

Reply show_buddies(const XmppBus& bus, const Request& request, Dialect dialect, std::string_view usage) {
    if (!request.args.empty()) return console::wrong_usage(usage);
    std::string text = dialect == Dialect::jabber ? "Jabber buddy lists\n" : "XMPP buddy lists\n";
    array clients;
    for (const auto& client : bus.clients()) {
        text += fmt::format("Client: {}\n",
                            escaped(dialect == Dialect::jabber ? client->jid() : client->settings().name));
        array buddies;
        for (const Buddy* buddy : client->session().roster().buddies()) {
            text += buddy_text(*buddy, dialect);
            buddies.push_back(buddy_json(bus.lamplights(), client->id(), *buddy));
        }
        clients.push_back(object{
            {"client", client->settings().name}, {"jid", client->jid()}, {"buddies", std::move(buddies)}});
    }
    return console::shown(std::move(text), object{{"clients", std::move(clients)}});
}

// --- show counters ---

using console::CounterRows;

CounterRows rows_of(const AsteriskVotes::Counters& c) {
    CounterRows rows{{"items_in", c.items_in},
                     {"states_in", c.states_in},
                     {"mailboxes_in", c.mailboxes_in},
                     {"own_items", c.own_items},
                     {"published", c.published},
                     {"publish_refused", c.publish_refused},
                     {"publish_lost", c.publish_lost},
                     {"from_lamplights", c.from_lamplights},
                     {"from_strangers", c.from_strangers},
                     {"wrong_eid", c.wrong_eid},
                     {"over_limit", c.over_limit},
                     {"retracts", c.retracts}};
    console::add_refused<wire::pubsub::Refusal>(rows, c.refused);
    return rows;
}

/// Of an outcome that is a refusal; else nothing.
std::string_view refused_text(state::VoteOutcome outcome) {
    switch (outcome) {
        case state::VoteOutcome::applied:
        case state::VoteOutcome::confirmed:
            return {};
        case state::VoteOutcome::refused_old:
            return "not newer than what is known";
        case state::VoteOutcome::refused_own:
            return "for one of our own nodes";
        case state::VoteOutcome::refused_speaker:
            return "by who may not speak for the node";
        case state::VoteOutcome::refused_far:
            return "for a node that a nearer bus has";
        case state::VoteOutcome::refused_not_member:
            return "by who has left";
    }
    return {};
}

CounterRows rows_of(const Lamplights& lamplights) {
    const sync::Counters& c = lamplights.exchange().counters();
    CounterRows rows{{"frames_in", c.frames_in},
                     {"frames_out", c.frames_out},
                     {"frames_lost", c.frames_lost},
                     {"refused_frames", c.refused_frames()},
                     {"votes_in", c.votes_in},
                     {"votes_out", c.votes_out},
                     {"mwi_in", c.mwi_in},
                     {"mwi_out", c.mwi_out},
                     {"snapshots_received", c.snapshots_received},
                     {"snapshots_incomplete", c.snapshots_incomplete},
                     {"digests_compared", c.digests_compared},
                     {"digests_different", c.digests_different}};
    console::add_refused<Lamplights::Refusal>(rows, lamplights.counters().refused);
    console::add_refused<wire::vote::Refusal>(rows, c.frames_refused);
    rows.emplace_back("refused: nodes announced by who may not", c.nodes_refused);
    rows.emplace_back("refused: votes for a node not announced", c.votes_unannounced);
    rows.emplace_back("refused: votes whose name was missed", c.votes_unnamed);
    rows.emplace_back("refused: votes over the limit of devices", c.votes_over_limit);
    for (std::size_t i = 0; i < c.votes_by_outcome.size(); ++i)
        if (const auto text = refused_text(static_cast<state::VoteOutcome>(i)); !text.empty())
            rows.emplace_back(fmt::format("refused: votes {}", text), c.votes_by_outcome[i]);
    return rows;
}

CounterRows rows_of(const Client& client) {
    const Session& session = client.session();
    CounterRows rows{{"connects", client.connects()},
                     {"stanzas_in", session.counters().stanzas_in},
                     {"unhandled", session.counters().unhandled},
                     {"stray_answers", session.counters().stray_answers},
                     {"bytes_under_way", session.pace().under_way()},
                     {"window", session.pace().window()},
                     {"unsent_bytes", client.unsent_bytes()}};
    console::add_refused<wire::xml::Flaw>(rows, client.refused());
    return rows;
}

Reply show_counters(const XmppBus& bus, const Request& request, std::string_view usage) {
    if (!request.args.empty()) return console::wrong_usage(usage);
    const CounterRows asterisk = rows_of(bus.asterisk_votes().counters());
    const CounterRows lamplights = rows_of(bus.lamplights());
    std::string text = console::text_of("Items of Asterisk servers", asterisk) +
                       console::text_of("Frames of Lamplights", lamplights);
    object clients;
    for (const auto& client : bus.clients()) {
        const CounterRows rows = rows_of(*client);
        text += console::text_of(fmt::format("Client {}", escaped(client->settings().name)), rows);
        clients[client->settings().name] = console::json_of(rows);
    }
    return console::shown(std::move(text), object{{"asterisk", console::json_of(asterisk)},
                                                  {"lamplights", console::json_of(lamplights)},
                                                  {"clients", std::move(clients)}});
}

// --- set debug, reload ---

Reply set_debug(XmppBus& bus, const Request& request, Dialect dialect, std::string_view usage) {
    if (request.args.size() != 1) return console::wrong_usage(usage);
    const bool on = console::same_text(request.args[0], "on");
    if (!on && !console::same_text(request.args[0], "off")) return console::wrong_usage(usage);
    for (const auto& client : bus.clients())
        client->set_debug(on ? Client::Debug::on : Client::Debug::off, dialect);
    return Reply::ok(fmt::format("{} Debugging {}.\n", dialect == Dialect::jabber ? "Jabber" : "XMPP",
                                 on ? "Enabled" : "Disabled"));
}

std::string no_client(const conf::JabberSettings& settings) {
    if (!settings.present) return "No client is left: there is no jabber.conf or xmpp.conf.\n";
    return fmt::format("No client is left: no section of {} names an account.\n", settings.file);
}

Reply reload(XmppBus& bus, const Request& request, Dialect dialect, std::string_view usage) {
    if (!request.args.empty()) return console::wrong_usage(usage);
    bus.host().log().notice("{} asked for a reload of {}", console::name_of(request.asker),
                            bus.settings().file);
    if (const auto done = bus.reload(); !done)
        return Reply::failed(fmt::format("Nothing was changed:\n{}\n", done.error()));
    std::string text = dialect == Dialect::jabber ? "Jabber Reloaded.\n" : "XMPP Reloaded.\n";
    if (bus.clients().empty()) text += no_client(bus.settings());
    return Reply::ok(std::move(text));
}

template <typename Call>
console::Command command(const std::string& words, const std::string& summary, const std::string& usage,
                         Call call) {
    return {.words = words,
            .also = {},
            .summary = summary,
            .usage = usage,
            .run = [call, usage](const Request& request, const Responder& respond) {
                respond(call(request, usage));
            }};
}

}  // namespace

std::vector<console::Command> show_commands(XmppBus& bus) {
    std::vector<console::Command> commands;
    commands.push_back(command(
        "jabber show connected", "Show whether each client is connected",
        "Usage: jabber show connected\n       As jabber show connections, in the words of Asterisk 1.8.0.\n",
        [&bus](const Request& request, std::string_view usage) {
            return show_connections(bus, request, Dialect::jabber, Line::plain, usage);
        }));
    for (const Dialect dialect : {Dialect::jabber, Dialect::xmpp}) {
        const std::string family = dialect == Dialect::jabber ? "jabber" : "xmpp";
        commands.push_back(command(
            family + " show connections", "Show whether each client is connected",
            fmt::format(
                "Usage: {} show connections\n"
                "       Show the clients of jabber.conf or xmpp.conf and where each stands. Why one is not\n"
                "       connected: bus show, or {} doctor.\n",
                family, family),
            [&bus, dialect](const Request& request, std::string_view usage) {
                return show_connections(bus, request, dialect, Line::named, usage);
            }));
        commands.push_back(command(
            family + " show buddies", "Show the buddies of each client and where they are logged in",
            fmt::format("Usage: {} show buddies\n"
                        "       Show who is on the roster of each client, and as what each is logged in.\n",
                        family),
            [&bus, dialect](const Request& request, std::string_view usage) {
                return show_buddies(bus, request, dialect, usage);
            }));
        commands.push_back(command(
            family + " show counters", "Show what came and went over XMPP, and what was refused",
            fmt::format("Usage: {} show counters\n"
                        "       Show what came and went since the module was loaded, and what was refused "
                        "and why.\n",
                        family),
            [&bus](const Request& request, std::string_view usage) {
                return show_counters(bus, request, usage);
            }));
        console::Command debug = command(
            family + " set debug", "Print each stanza on the console",
            fmt::format("Usage: {} set debug on|off\n"
                        "       Print what is sent and received on every client. Secrets are left out.\n",
                        family),
            [&bus, dialect](const Request& request, std::string_view usage) {
                return set_debug(bus, request, dialect, usage);
            });
        debug.complete = [](const std::vector<std::string>& args, std::string_view) {
            return args.empty() ? std::vector<std::string>{"on", "off"} : std::vector<std::string>{};
        };
        commands.push_back(std::move(debug));
        commands.push_back(
            command(family + " reload", "Read jabber.conf or xmpp.conf again",
                    fmt::format("Usage: {} reload\n"
                                "       Read jabber.conf or xmpp.conf again. Clients whose account and "
                                "server are the same stay connected.\n",
                                family),
                    [&bus, dialect](const Request& request, std::string_view usage) {
                        return reload(bus, request, dialect, usage);
                    }));
    }
    return commands;
}

std::vector<std::string> client_names(const XmppBus& bus) {
    std::vector<std::string> names;
    for (const auto& client : bus.clients())
        names.push_back(client->settings().name);
    return names;
}

Reply no_such_client(const std::string& name) {
    return Reply::failed(fmt::format("Unable to find client '{}'!\n", escaped(name)));
}

std::vector<console::Command> commands_of(XmppBus& bus) {
    std::vector<console::Command> commands;
    for (auto part : {show_commands(bus), node_commands(bus), doctor_commands(bus)})
        std::ranges::move(part, std::back_inserter(commands));
    return commands;
}

}  // namespace lamplight::bus::xmpp
