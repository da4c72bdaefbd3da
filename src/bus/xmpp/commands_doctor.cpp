// jabber|xmpp doctor: every precondition, with what to do where it does not hold
#include "bus/xmpp/commands.hpp"
#include "conf/jabber_conf.hpp"
#include "console/escaped.hpp"
#include "console/texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace lamplight::bus::xmpp {

namespace {

using boost::json::array;
using boost::json::object;
using console::escaped;
using console::Reply;
using console::Request;
using console::Responder;
using Check = Nodes::Check;
using Verdict = Check::Verdict;

constexpr std::string_view verdict_texts[] = {"pass", "fail", "unknown", "warn"};
constexpr std::chrono::days soon{30};

std::string_view text_of(Verdict verdict) {
    return verdict_texts[static_cast<std::size_t>(verdict)];
}

Check connection_check(const Client& client) {
    if (!client.is_bound()) return {Verdict::fail, "connected", client.trouble(), {}};
    const auto tls = client.tls();
    return {Verdict::pass,
            "connected",
            fmt::format("as {} at {}, {}{}", client.jid(), client.peer(), client.mechanism(),
                        tls ? ", " + tls->protocol : ""),
            {}};
}

Check certificate_check(const Client& client) {
    const auto tls = client.tls();
    if (!tls)
        return {client.is_bound() ? Verdict::warn : Verdict::unknown, "certificate",
                client.is_bound() ? "the stream is not encrypted" : "not connected",
                client.is_bound() ? "usetls = yes, where the server offers it" : ""};
    const auto now = std::chrono::system_clock::now();
    const auto days = std::chrono::duration_cast<std::chrono::days>(tls->certificate_end - now).count();
    const std::string end = console::json_time(tls->certificate_end).substr(0, 10);
    if (!tls->verified)
        return {Verdict::warn, "certificate", fmt::format("not verified, ends {}", end),
                "tls_verify = yes, with tls_ca"};
    if (tls->certificate_end - now < soon)
        return {Verdict::warn, "certificate", fmt::format("ends {}, in {} days", end, days),
                "the administrator of the XMPP server has to renew it"};
    return {Verdict::pass, "certificate", fmt::format("verified, ends {}", end), {}};
}

/// Two servers that know each other by a pattern only never meet: neither asks.
std::optional<Check> pattern_check(const Client& client) {
    const auto buddies = client.session().roster().buddies();
    const bool alone = std::ranges::none_of(buddies, [](const Buddy* b) { return !b->resources.empty(); });
    if (!client.is_bound() || !alone || !conf::names_nobody(client.settings())) return std::nullopt;
    const std::string& pattern = client.settings().buddies.front().jid;
    return Check{Verdict::warn, "buddies",
                 fmt::format("nobody is there, and {} asks nobody, it lets in who asks", pattern),
                 fmt::format("write buddy = NAME{} for another server, here or there", pattern.substr(1))};
}

Check audience_check(const XmppBus& bus) {
    std::size_t alone = 0;
    std::size_t items = 0;
    for (const Lamplights::PeerView& peer : bus.lamplights().peers())
        if (peer.present) ++(peer.follows_our_node ? items : alone);
    if (alone > 0)
        return {Verdict::warn, "lamplights",
                fmt::format("changes go to {} of {} each by itself", alone, alone + items),
                "a node of our own, or their subscription to it, is missing: see above"};
    return {Verdict::pass,
            "lamplights",
            items == 0 ? std::string("none is there") : fmt::format("our node is followed by {}", items),
            {}};
}

Check tied_check(const XmppBus& bus) {
    std::string untied;
    for (const AsteriskVotes::EidView& view : bus.asterisk_votes().eids())
        if (!view.tied) untied += (untied.empty() ? "" : ", ") + state::to_string(view.eid);
    if (untied.empty())
        return {Verdict::pass, "dead servers", "every Asterisk that was heard is tied to a buddy", {}};
    return {Verdict::warn, "dead servers", fmt::format("cannot be known dead: {}", untied),
            "write eid = … after its buddy in jabber.conf"};
}

void add(std::string& text, array& json, const Check& check, bool& failed) {
    failed = failed || check.verdict == Verdict::fail;
    text += fmt::format("  {:<8}{:<16}{}\n", text_of(check.verdict), check.name, escaped(check.text));
    std::string_view rest = check.advice;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        text += fmt::format("{:26}{}\n", "", escaped(rest.substr(0, end)));
        rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
    }
    json.push_back(object{{"verdict", text_of(check.verdict)},
                          {"name", check.name},
                          {"text", check.text},
                          {"advice", check.advice}});
}

Reply doctor(const XmppBus& bus, const Request& request, std::string_view usage) {
    if (request.args.size() > 1) return console::wrong_usage(usage);
    if (!request.args.empty() && bus.find_client(request.args[0]) == nullptr)
        return no_such_client(request.args[0]);
    std::string text;
    array clients;
    bool failed = false;
    for (const auto& client : bus.clients()) {
        if (!request.args.empty() && bus.find_client(request.args[0]) != client.get()) continue;
        const std::string software = client->session().nodes().software_text();
        text += fmt::format("Client {}: {}{}\n", escaped(client->settings().name), escaped(client->jid()),
                            software.empty() ? "" : ", server " + escaped(software));
        array checks;
        add(text, checks, connection_check(*client), failed);
        add(text, checks, certificate_check(*client), failed);
        if (const auto check = pattern_check(*client)) add(text, checks, *check, failed);
        if (client->settings().distribute_events)
            for (const Check& check : client->session().nodes().checks())
                add(text, checks, check, failed);
        clients.push_back(object{{"client", client->settings().name},
                                 {"jid", client->jid()},
                                 {"server", software},
                                 {"checks", std::move(checks)}});
    }
    array all;
    text += "All clients\n";
    add(text, all, audience_check(bus), failed);
    add(text, all, tied_check(bus), failed);
    Reply reply =
        console::shown(std::move(text), object{{"clients", std::move(clients)}, {"checks", std::move(all)}});
    reply.status = failed ? 1 : 0;
    return reply;
}

}  // namespace

std::vector<console::Command> doctor_commands(XmppBus& bus) {
    std::vector<console::Command> commands;
    for (const std::string_view family : {"jabber", "xmpp"}) {
        std::string usage = fmt::format(
            "Usage: {} doctor [<client>]\n"
            "       Show each precondition of shared device states over XMPP: whether it holds, what\n"
            "       was found, and what to ask the server's administrator for. Fails when one does not.\n",
            family);
        commands.push_back(
            {.words = fmt::format("{} doctor", family),
             .also = {},
             .summary = "Show what is missing for shared device states",
             .usage = usage,
             .run = [&bus, usage](const Request& request,
                                  const Responder& respond) { respond(doctor(bus, request, usage)); },
             .complete =
                 [&bus](const std::vector<std::string>& args, std::string_view) {
                     return args.empty() ? client_names(bus) : std::vector<std::string>{};
                 }});
    }
    return commands;
}

}  // namespace lamplight::bus::xmpp
