#include "bus/xmpp/client_settings.hpp"

#include <tuple>

namespace lamplight::bus::xmpp {

namespace {

auto stream_of(const conf::JabberClient& client) {
    return std::tie(client.username, client.resource, client.secret, client.server_host, client.port,
                    client.use_tls, client.use_sasl, client.tls_verify, client.tls_ca, client.tls_certificate,
                    client.tls_private_key, client.tls_mode, client.srv, client.register_account,
                    client.distribute_events, client.pubsub_node, client.collection_nodes,
                    client.pubsub_autocreate);
}

c2s::Account::Tls tls_of(const conf::JabberClient& client) {
    if (!client.use_tls) return c2s::Account::Tls::none;
    return client.tls_mode == conf::JabberClient::TlsMode::direct ? c2s::Account::Tls::direct
                                                                  : c2s::Account::Tls::starttls;
}

/// The pubsub service is asked only where events are distributed.
Nodes::Settings nodes_settings(const conf::JabberClient& client, const Client::Identity& identity) {
    Nodes::Settings settings;
    if (!client.distribute_events) return settings;
    settings.service = client.pubsub_node;
    settings.collection = client.collection_nodes;
    settings.own_node = identity.own_node;
    for (const conf::JabberBuddy& buddy : client.buddies)
        if (const auto jid = c2s::parse_jid(buddy.jid); !jid)
            continue;
        else if (jid->local == "*")
            settings.domains.push_back(jid->domain);
        else
            settings.buddies.push_back(c2s::to_string(jid->bare()));
    return settings;
}

}  // namespace

std::string domain_of(const conf::JabberClient& client) {
    const auto jid = c2s::parse_jid(client.username);
    return jid ? jid->domain : std::string();
}

c2s::Account account_of(const conf::JabberClient& client) {
    c2s::Account account;
    if (const auto jid = c2s::parse_jid(client.username)) account.jid = *jid;
    account.jid.resource = client.resource;
    account.secret = client.secret;
    account.tls = tls_of(client);
    account.verify = client.tls_verify ? c2s::Account::Verify::yes : c2s::Account::Verify::no;
    account.ca_file = client.tls_ca;
    account.certificate = client.tls_certificate;
    account.private_key = client.tls_private_key;
    account.login = client.use_sasl ? c2s::Account::Login::sasl : c2s::Account::Login::legacy;
    account.register_account =
        client.register_account ? c2s::Account::Register::yes : c2s::Account::Register::no;
    account.host = client.server_host;
    account.port = client.port;
    account.srv = client.srv ? c2s::Account::Srv::yes : c2s::Account::Srv::no;
    account.place = conf::to_string(client.use_tls ? client.place : client.usetls_place);
    return account;
}

Session::Settings session_settings(const conf::JabberClient& client, const Client::Identity& identity) {
    Session::Settings settings;
    for (const conf::JabberBuddy& buddy : client.buddies)
        settings.roster.buddies.push_back({buddy.jid, buddy.eid, conf::to_string(buddy.place)});
    settings.roster.autoprune = client.autoprune;
    settings.roster.autoregister = client.autoregister;
    settings.roster.accept = client.auth_policy_accept;
    settings.roster.priority = client.priority;
    settings.roster.status = client.status;
    settings.roster.status_message = client.status_message;
    settings.roster.software = "Lamplight";
    settings.roster.software_version = identity.software_version;
    settings.nodes = nodes_settings(client, identity);
    settings.keepalive =
        client.keepalive ? Session::Settings::Keepalive::yes : Session::Settings::Keepalive::no;
    return settings;
}

bool has_same_stream(const conf::JabberClient& one, const conf::JabberClient& other) {
    return stream_of(one) == stream_of(other);
}

void tell_roster(log::Log& log, const std::string& client, const Roster::News& news) {
    using Kind = Roster::News::Kind;
    switch (news.kind) {
        case Kind::asked:
            return log.verbose(3, "XMPP: client '{}': asked {} for its presence", client, news.jid);
        case Kind::approved:
            return log.verbose(3, "XMPP: client '{}': {} may see our presence", client, news.jid);
        case Kind::refused:
            return log.notice("XMPP: client '{}': {} was refused: {}", client, news.jid, news.text);
        case Kind::pruned:
            return log.notice("XMPP: client '{}': {} was taken out of the roster", client, news.jid);
        case Kind::too_many:
            return log.warning("XMPP: client '{}': {} is passed over: {}", client, news.jid, news.text);
        case Kind::disappeared:
            return log.notice("XMPP: client '{}': {} took its subscription back{}{}", client, news.jid,
                              news.text.empty() ? "" : ": ", news.text);
    }
}

void tell_nodes(log::Log& log, const std::string& client, const Nodes::News& news) {
    using Kind = Nodes::News::Kind;
    switch (news.kind) {
        case Kind::made:
            return log.verbose(2, "XMPP: client '{}': made the PubSub node {}", client, news.node);
        case Kind::configured:
            return log.verbose(2, "XMPP: client '{}': configured the PubSub node {}", client, news.node);
        case Kind::subscribed:
            return log.verbose(3, "XMPP: client '{}': subscribed to the PubSub node {}", client, news.node);
        case Kind::revoked:
            return log.notice("XMPP: client '{}': {}: no buddy any more, and hears it no longer: {}", client,
                              news.node, news.text);
        case Kind::stranger:
            return log.notice(
                "XMPP: client '{}': {}: may use it and is no buddy: {}; xmpp doctor says how to take it away",
                client, news.node, news.text);
        case Kind::trouble:
            return log.warning("XMPP: client '{}': {}{}{}", client, news.node, news.node.empty() ? "" : ": ",
                               news.text);
    }
}

}  // namespace lamplight::bus::xmpp
