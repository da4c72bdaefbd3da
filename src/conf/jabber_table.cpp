#include "conf/jabber_conf.hpp"
#include "conf/jid_parts.hpp"
#include "conf/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lamplight::conf {

namespace {

using Row = OptionRow<JabberClient>;
using Setter = std::string (*)(JabberClient&, const Value&);

constexpr std::string_view general = "general";
constexpr std::string_view since = "0.1.0";

// --- setters ---

template <auto Member>
std::string set_flag(JabberClient& client, const Value& value) {
    client.*Member = value.flag;
    return {};
}

template <auto Member>
std::string set_text(JabberClient& client, const Value& value) {
    client.*Member = value.text;
    return {};
}

std::string set_username(JabberClient& client, const Value& value) {
    const JidParts jid = split_jid(value.text);
    if (!jid.has_local) return "it is an account with its domain, NAME@DOMAIN or NAME@DOMAIN/RESOURCE";
    if (std::string why = refuse_jid(jid); !why.empty()) return why;
    client.username = fmt::format("{}@{}", jid.local, jid.domain);
    client.resource = jid.resource;
    return {};
}

bool is_in_no_host(unsigned char c) {
    return c <= ' ' || c == 0x7f ||
           std::string_view("/@[]\"'<>&").find(static_cast<char>(c)) != std::string_view::npos;
}

/// A name, an IPv4 or IPv6 address; the latter also in brackets.
std::string set_server_host(JabberClient& client, const Value& value) {
    std::string_view host = value.text;
    if (host.starts_with('[') && host.ends_with(']')) {
        host.remove_prefix(1);
        host.remove_suffix(1);
    } else if (std::count(host.begin(), host.end(), ':') == 1) {
        return "it is a host without a port, that has an option of its own";
    }
    if (host.empty() || std::any_of(host.begin(), host.end(), is_in_no_host))
        return "it is a host's name or address";
    client.server_host = host;
    return {};
}

std::string set_port(JabberClient& client, const Value& value) {
    client.port = static_cast<std::uint16_t>(value.number);
    client.port_given = true;
    return {};
}

std::string set_pubsub_node(JabberClient& client, const Value& value) {
    const JidParts jid = split_jid(value.text);
    if (std::string why = refuse_jid(jid); !why.empty()) return why;
    if (jid.has_resource) return "it is the address of the PubSub service, without a node";
    client.pubsub_node = value.text;
    return {};
}

std::string set_use_tls(JabberClient& client, const Value& value) {
    client.use_tls = value.flag;
    client.usetls_place = value.place;
    return {};
}

std::string set_tls_mode(JabberClient& client, const Value& value) {
    client.tls_mode =
        value.text == "direct" ? JabberClient::TlsMode::direct : JabberClient::TlsMode::starttls;
    return {};
}

/// Whatever is not `accept` denies, as in Asterisk.
std::string set_auth_policy(JabberClient& client, const Value& value) {
    client.auth_policy_accept = same_name(value.text, "accept");
    if (client.auth_policy_accept || same_name(value.text, "deny")) return {};
    return "it takes accept or deny, and whatever else stands there denies";
}

std::string set_priority(JabberClient& client, const Value& value) {
    client.priority = static_cast<std::int32_t>(value.number);
    return {};
}

std::string set_status_message(JabberClient& client, const Value& value) {
    if (!is_xml_text(value.text)) return "it is no text that XMPP can send";
    client.status_message = value.text;
    return {};
}

std::string refuse_pattern(const JidParts& jid) {
    if (jid.has_resource) return "a pattern has no resource: write *@DOMAIN";
    if (jid.domain.find('*') != jid.domain.npos) return "a pattern stands for the accounts of one domain";
    return refuse_jid(jid);
}

std::string add_buddy(JabberClient& client, const Value& value) {
    if (client.buddies.size() >= most_jabber_buddies)
        return fmt::format("a client has at most {} buddies", most_jabber_buddies);
    const JidParts jid = split_jid(value.text);
    std::string why = value.text.starts_with(jabber_pattern) ? refuse_pattern(jid) : refuse_jid(jid);
    if (why.empty()) client.buddies.push_back({value.text, std::nullopt, value.place, {}});
    return why;
}

bool is_same_account(std::string_view one, std::string_view other) {
    return same_name(one.substr(0, one.find('/')), other.substr(0, other.find('/')));
}

std::string tie_eid(JabberClient& client, const Value& value) {
    if (client.buddies.empty()) return "it belongs to the buddy on a line before it, and there is none";
    JabberBuddy& buddy = client.buddies.back();
    if (buddy.jid.starts_with(jabber_pattern))
        return fmt::format("{} stands for many accounts: give the server a buddy of its own", buddy.jid);
    if (buddy.eid) return fmt::format("{} has one already", buddy.jid);
    const auto owner = std::ranges::find(client.buddies, std::optional(value.eid), &JabberBuddy::eid);
    if (owner != client.buddies.end() && !is_same_account(owner->jid, buddy.jid))
        return fmt::format("{} has it, and two servers never have the same", owner->jid);
    buddy.eid = value.eid;
    buddy.eid_place = value.place;
    return {};
}

// --- the table ---

template <auto Member>
Row flag(std::string_view section, std::string_view name, std::string_view fallback, std::string_view summary,
         std::string_view help = {}) {
    return {{.section = section,
             .name = name,
             .type = ValueType::boolean,
             .fallback = fallback,
             .summary = summary,
             .help = help,
             .since = since},
            set_flag<Member>};
}

Row text(ValueType type, std::string_view name, std::string_view example, std::string_view summary,
         std::string_view help, Setter set) {
    return {{.section = any_section,
             .name = name,
             .type = type,
             .example = example,
             .summary = summary,
             .help = help,
             .since = since},
            set};
}

/// As `row`, but a value that does not fit keeps the daemon from starting.
Row needed(Row row) {
    row.info.bad_value = BadValue::error;
    return row;
}

Row auth_policy_row(std::string_view section) {
    return {{.section = section,
             .name = "auth_policy",
             .fallback = "accept",
             .summary = "Whether buddies may see that this server is there",
             .help = "accept or deny. Who is no buddy is never let in.",
             .since = since},
            set_auth_policy};
}

/// Options that a client takes from [general] unless it has them itself.
std::vector<Row> shared_rows(std::string_view section) {
    return {flag<&JabberClient::debug>(section, "debug", "no", "Shows each stanza on the console",
                                       "As jabber set debug on does. Secrets are left out."),
            flag<&JabberClient::autoprune>(section, "autoprune", "no",
                                           "Takes who is no buddy here out of the account's roster"),
            flag<&JabberClient::autoregister>(section, "autoregister", "yes",
                                              "Asks each buddy to let us see when it is there"),
            auth_policy_row(section)};
}

std::vector<Row> general_rows() {
    std::vector<Row> rows = shared_rows(general);
    rows.push_back(flag<&JabberClient::collection_nodes>(
        general, "collection_nodes", "no", "What is said to Asterisk servers goes to a node for each device",
        "The nodes are in collections (XEP-0248), which Tigase has; Prosody and ejabberd do not deliver from "
        "them. All servers must say the same."));
    rows.push_back(flag<&JabberClient::pubsub_autocreate>(
        general, "pubsub_autocreate", "no",
        "With collection_nodes, makes a device's node before its first state",
        "Nodes that are shared are made when they are missing, whatever stands here."));
    return rows;
}

Row server_host_row(JabberFile file) {
    return text(ValueType::text, "serverhost", "xmpp.example.org",
                "The host to connect to, by name or address; the domain of username if it is missing",
                file == JabberFile::xmpp_conf ? "Asterisk does not take a client without it." : "",
                set_server_host);
}

std::vector<Row> account_rows(JabberFile file) {
    return {
        {{.section = any_section,
          .name = "type",
          .type = ValueType::choice,
          .fallback = "client",
          .summary = "What the section stands for",
          .help = "A component cannot distribute events: its section is passed over.",
          .since = since,
          .choices = {"client", "component"}},
         nullptr},
        needed(text(ValueType::text, "username", "server1@example.org/astvoip1", "The account to log in with",
                    file == JabberFile::xmpp_conf ? "Without a resource it is asterisk-xmpp."
                                                  : "Without a resource it is asterisk.",
                    set_username)),
        needed(text(ValueType::text, "secret", "PASSWORD", "The account's password",
                    "Not needed with tls_certificate. A semicolon in it is written \\;.",
                    set_text<&JabberClient::secret>)),
        server_host_row(file),
        {{.section = any_section,
          .name = "port",
          .type = ValueType::integer,
          .example = "5222",
          .summary = "The port to connect to",
          .help = "If it is missing 5222, and 5223 with tls_mode = direct.",
          .since = since,
          .least = 1,
          .most = 65'535},
         set_port},
        flag<&JabberClient::srv>(any_section, "srv", "no", "Whether the domain's SRV records name the host",
                                 "Only where serverhost is missing."),
        flag<&JabberClient::register_account>(any_section, "register_account", "no",
                                              "Makes the account where it does not exist",
                                              "By in-band registration (XEP-0077), if the server offers "
                                              "that, once after a refused login. Not where "
                                              "the server does not show that the name is free, or may "
                                              "replace the password of one that is taken.")};
}

std::vector<Row> security_rows() {
    return {{{.section = any_section,
              .name = "usetls",
              .type = ValueType::boolean,
              .fallback = "yes",
              .summary = "Whether the connection is encrypted",
              .help = "If it is to be and the server does not offer it, there is no login.",
              .since = since},
             set_use_tls},
            {{.section = any_section,
              .name = "tls_mode",
              .type = ValueType::choice,
              .fallback = "starttls",
              .summary = "How encryption begins",
              .help = "starttls after the server offered it, direct from the first byte (XEP-0368).",
              .since = since,
              .choices = {"starttls", "direct"}},
             set_tls_mode},
            flag<&JabberClient::tls_verify>(any_section, "tls_verify", "yes",
                                            "Whether the server's certificate is checked",
                                            "Its chain, its end, and that it names the domain of username."),
            text(ValueType::path, "tls_ca", "/etc/lamplight/xmpp-ca.pem",
                 "The authorities that are trusted; those of the system if it is missing", "A file in PEM.",
                 set_text<&JabberClient::tls_ca>),
            text(ValueType::path, "tls_certificate", "/etc/lamplight/server1.pem",
                 "Our own certificate, to log in with instead of a password (SASL EXTERNAL)",
                 "A file in PEM, with the chain behind it.", set_text<&JabberClient::tls_certificate>),
            text(ValueType::path, "tls_private_key", "/etc/lamplight/server1.key",
                 "The private key of tls_certificate, if it is not in the same file",
                 "A file in PEM, not encrypted.", set_text<&JabberClient::tls_private_key>),
            flag<&JabberClient::use_sasl>(
                any_section, "usesasl", "yes", "Logs in by SASL",
                "The strongest of SCRAM-SHA-512, -256, -1, DIGEST-MD5 (where nothing is "
                "encrypted) and PLAIN that the server offers. no: jabber:iq:auth "
                "(XEP-0078), which few servers have, and without TLS only where there is no SCRAM.")};
}

std::vector<Row> event_rows() {
    return {
        flag<&JabberClient::distribute_events>(
            any_section, "distribute_events", "no",
            "Exchanges device state and message counts by this client",
            "Needs pubsub_node. Several clients may: losing one loses nothing."),
        needed(text(ValueType::text, "pubsub_node", "pubsub.example.org",
                    "The address of the server's PubSub service", "Not of a node in it.", set_pubsub_node)),
        needed(
            {{.section = any_section,
              .name = "buddy",
              .example = "server2@example.org/astvoip2",
              .summary = "Another server's account, with its resource or without",
              .help = "Each line adds one. *@example.org lets in every account of that domain that asks, and "
                      "asks none: of two servers, one has to name the other.",
              .since = since,
              .repeat = Repeat::many},
             add_buddy}),
        {{.section = any_section,
          .name = "eid",
          .type = ValueType::eid,
          .example = "02:00:00:78:00:02",
          .summary = "The entity ID of the server that is the buddy on the line before",
          .help = "Then its states count only while that buddy is there, and nobody else speaks for that ID, "
                  "Lamplights neither. Lamplights say theirs themselves and need none; with one, theirs "
                  "cannot be "
                  "taken while they are away.",
          .since = since,
          .repeat = Repeat::many},
         tie_eid}};
}

std::vector<Row> presence_rows(JabberFile file) {
    return {{{.section = any_section,
              .name = "priority",
              .type = ValueType::integer,
              .fallback = file == JabberFile::xmpp_conf ? "1" : "0",
              .summary = "Priority of the presence",
              .help = "With a negative one some servers deliver no events.",
              .since = since,
              .least = -128,
              .most = 127},
             set_priority},
            {{.section = any_section,
              .name = "status",
              .type = ValueType::choice,
              .fallback = "available",
              .summary = "How this server shows itself to its buddies",
              .since = since,
              .choices = {"available", "online", "chat", "chatty", "away", "xa", "xaway", "dnd", "invisible",
                          "unavailable"}},
             set_text<&JabberClient::status>},
            {{.section = any_section,
              .name = "statusmessage",
              .fallback = "Online and Available",
              .summary = "The text beside it",
              .since = since},
             set_status_message},
            flag<&JabberClient::keepalive>(any_section, "keepalive", "yes",
                                           "Asks a server that is quiet whether it is there (XEP-0199)")};
}

void append(std::vector<Row>& rows, std::vector<Row> more) {
    std::move(more.begin(), more.end(), std::back_inserter(rows));
}

OptionTable<JabberClient> make_table(JabberFile file) {
    std::vector<Row> rows = general_rows();
    append(rows, account_rows(file));
    append(rows, security_rows());
    append(rows, event_rows());
    append(rows, presence_rows(file));
    append(rows, shared_rows(any_section));
    add_ignored(rows, any_section,
                "timeout context sendtodialplan forceoldssl refresh_token oauth_clientid oauth_secret");
    using enum SectionInfo::Content;
    return {to_string(file),
            Owner::asterisk,
            {{general, options, "For every client that does not say otherwise."},
             {any_section, options,
              "A client, an account that logs in; the commands know it by the section's name. There may be "
              "several.",
              "asterisk"}},
            std::move(rows)};
}

}  // namespace

std::string_view to_string(JabberFile file) {
    return file == JabberFile::xmpp_conf ? "xmpp.conf" : "jabber.conf";
}

const OptionTable<JabberClient>& jabber_table(JabberFile file) {
    static const OptionTable<JabberClient> jabber = make_table(JabberFile::jabber_conf);
    static const OptionTable<JabberClient> xmpp = make_table(JabberFile::xmpp_conf);
    return file == JabberFile::xmpp_conf ? xmpp : jabber;
}

}  // namespace lamplight::conf
