#include "conf/jabber_conf.hpp"

#include "conf/jid_parts.hpp"
#include "conf/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace lamplight::conf {

namespace {

constexpr std::string_view general = "general";
constexpr std::uint16_t direct_tls_port = 5223;

std::string lower(std::string_view text) {
    std::string low(text);
    for (char& c : low)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return low;
}

bool is_option_name(std::string_view name) {
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
    });
}

const Option* last_of(const Section& section, std::string_view name) {
    const auto found = std::find_if(section.options.rbegin(), section.options.rend(),
                                    [&](const Option& option) { return same_name(option.name, name); });
    return found == section.options.rend() ? nullptr : &*found;
}

/// Whom the server knows: two of the same cannot be logged in.
std::string full_jid(const JabberClient& client) {
    return fmt::format("{}/{}", lower(client.username), client.resource);
}

class ClientsReader {
public:
    ClientsReader(const File& file, JabberFile kind, const FileSource& files, Problems& problems)
        : file_(file), kind_(kind), files_(files), collector_(problems) {
        alone_.names = file.names;
        jabber_table(kind).set_defaults(general_);
    }

    std::vector<JabberClient> read() {
        for (const Section& section : file_.sections)
            if (!section.is_template && same_name(section.name, general)) apply(section, general_);
        for (const Section& section : file_.sections)
            if (!section.is_template && !same_name(section.name, general) && may_be_client(section))
                add(section);
        return std::move(clients_);
    }

private:
    bool may_be_client(const Section& section) {
        return !is_component(section) && is_first_of_name(section) && has_room(section);
    }

    bool is_component(const Section& section) {
        const Option* type = last_of(section, "type");
        if (type == nullptr || !same_name(unquote(type->value), "component")) return false;
        warn(type->where, fmt::format("[{}] is a component", section.name),
             "a component cannot distribute events, the section is passed over",
             "write type = client and give it an account");
        return true;
    }

    bool is_first_of_name(const Section& section) {
        const auto [first, is_new] = names_.try_emplace(lower(section.name), section.where);
        if (is_new) return true;
        warn(section.where, fmt::format("the client [{}] is there already", section.name),
             fmt::format("the one at {} counts", to_string(file_.place(first->second))),
             "give it another name");
        return false;
    }

    bool has_room(const Section& section) {
        if (clients_.size() < most_jabber_clients) return true;
        if (!std::exchange(said_too_many_, true))
            fail(section.where, "there are too many clients",
                 fmt::format("{} have at most {}", to_string(kind_), most_jabber_clients), "remove some");
        return false;
    }

    void add(const Section& section) {
        JabberClient client = general_;
        client.name = section.name;
        client.place = client.usetls_place = file_.place(section.where);
        apply(section, client);
        fill_in(client);
        check_login(section, client);
        check_tls(section, client);
        check_host(section, client);
        check_events(section, client);
        check_buddies(client);
        check_is_alone(section, client);
        check_shares_node(section, client);
        clients_.push_back(std::move(client));
    }

    /// Through the table, without what has no name: a secret may be in it.
    void apply(const Section& section, JabberClient& client) {
        Section known = section;
        known.options.clear();
        for (const Option& option : section.options)
            if (has_name(option)) known.options.push_back(option);
        alone_.sections = {std::move(known)};
        Problems problems;
        jabber_table(kind_).apply(alone_, client, problems);
        for (Problem& problem : problems)
            add(std::move(problem));
    }

    bool has_name(const Option& option) {
        if (is_option_name(option.name)) return true;
        warn(option.where, "what stands before = is no option's name", "the line is passed over",
             "write it as name = value");
        return false;
    }

    void fill_in(JabberClient& client) const {
        if (client.resource.empty())
            client.resource = kind_ == JabberFile::xmpp_conf ? "asterisk-xmpp" : "asterisk";
        if (!client.port_given && client.use_tls && client.tls_mode == JabberClient::TlsMode::direct)
            client.port = direct_tls_port;
        for (std::string JabberClient::* path :
             {&JabberClient::tls_ca, &JabberClient::tls_certificate, &JabberClient::tls_private_key})
            if (!(client.*path).empty()) client.*path = absolute(client.*path);
    }

    std::string absolute(const std::string& path) const {
        const auto folder = std::filesystem::path(file_.names.front()).parent_path();
        return (folder / path).lexically_normal().string();
    }

    void check_login(const Section& section, const JabberClient& client) {
        if (last_of(section, "username") == nullptr)
            fail(section.where, fmt::format("[{}] has no username", section.name),
                 "without an account it cannot log in", "write username = NAME@DOMAIN");
        if (last_of(section, "secret") != nullptr) return;
        if (!may_log_in_by_certificate(client)) {
            fail(section.where, fmt::format("[{}] has no secret", section.name),
                 why_a_secret(section, client), "write secret = PASSWORD");
        } else if (client.register_account) {
            fail(place_of(section, "register_account"), "register_account needs a secret",
                 "an account that is made gets it as its password", "write secret = PASSWORD or remove it");
        }
    }

    static bool may_log_in_by_certificate(const JabberClient& client) {
        return !client.tls_certificate.empty() && client.use_tls && client.use_sasl;
    }

    static std::string why_a_secret(const Section& section, const JabberClient& client) {
        if (last_of(section, "refresh_token") != nullptr)
            return "Lamplight has no login by OAuth, only by password or certificate";
        if (!client.tls_certificate.empty())
            return "a certificate is enough only with usetls = yes and usesasl = yes";
        return "it cannot log in without one, unless tls_certificate names a certificate";
    }

    void check_tls(const Section& section, const JabberClient& client) {
        const Option* old = last_of(section, "forceoldssl");
        if (old != nullptr && parse_bool(unquote(old->value)).value_or(false))
            warn(old->where, "forceoldssl = yes does nothing", "in Asterisk it does not either",
                 "write tls_mode = direct if the server wants TLS from the first byte");
        if (!client.use_tls) {
            check_no_tls(section);
            return;
        }
        if (!client.tls_private_key.empty() && client.tls_certificate.empty())
            warn(place_of(section, "tls_private_key"), "tls_private_key has no certificate",
                 "it counts with tls_certificate only", "name both or none");
        check_files(section, client);
    }

    void check_no_tls(const Section& section) {
        for (const char* name : {"tls_mode", "tls_ca", "tls_certificate", "tls_private_key"})
            if (const Option* option = last_of(section, name); option != nullptr)
                warn(option->where, fmt::format("{} does nothing", name),
                     "usetls = no: the connection is not encrypted", "remove one of them");
    }

    void check_files(const Section& section, const JabberClient& client) {
        check_pem(section, "tls_ca", client.tls_ca, "CERTIFICATE");
        check_pem(section, "tls_certificate", client.tls_certificate, "CERTIFICATE");
        if (client.tls_certificate.empty()) return;
        if (client.tls_private_key.empty())
            check_pem(section, "tls_certificate", client.tls_certificate, "PRIVATE KEY");
        else
            check_pem(section, "tls_private_key", client.tls_private_key, "PRIVATE KEY");
    }

    /// Says only whether the file is of use; TLS has the last word.
    void check_pem(const Section& section, std::string_view option, const std::string& path,
                   std::string_view kind) {
        if (path.empty()) return;
        const auto content = files_.read(path);
        const std::string what = fmt::format("{} = {} is of no use", option, path);
        if (!content)
            return fail(place_of(section, option), what, content.error().why,
                        "correct the name, or let the daemon's user read it");
        if (content->find(fmt::format("{}-----", kind)) == std::string::npos)
            return fail(place_of(section, option), what, fmt::format("it holds no {} in PEM", lower(kind)),
                        "name a file that does");
        if (kind == "PRIVATE KEY" && content->find("ENCRYPTED") != std::string::npos)
            fail(place_of(section, option), what, "the private key is encrypted",
                 "take the password off with openssl pkey");
    }

    void check_host(const Section& section, const JabberClient& client) {
        if (client.username.empty()) return;
        const bool has_host = last_of(section, "serverhost") != nullptr;
        if (client.srv && has_host)
            warn(place_of(section, "srv"), "srv = yes does nothing", "serverhost names the host already",
                 "remove one of them");
        if (kind_ == JabberFile::xmpp_conf && !has_host && !client.srv)
            warn(section.where, fmt::format("[{}] has no serverhost", section.name),
                 fmt::format("Asterisk does not take it so, Lamplight connects to {}", domain_of(client)),
                 fmt::format("write serverhost = {}", domain_of(client)));
    }

    void check_events(const Section& section, const JabberClient& client) {
        if (!client.distribute_events) return;
        const Where where = place_of(section, "distribute_events");
        if (client.pubsub_node.empty() && !client.username.empty())
            warn(where, "distribute_events = yes has no pubsub_node",
                 "it is not known which service distributes them, so none are",
                 fmt::format("write pubsub_node = pubsub.{}, or as the server calls its PubSub service",
                             domain_of(client)));
        if (split_jid(client.pubsub_node).has_local)
            warn(place_of(section, "pubsub_node"),
                 fmt::format("pubsub_node = {} is an account", client.pubsub_node),
                 "servers share nodes of a service, which has none",
                 fmt::format("write pubsub_node = pubsub.{}, or as the server calls its PubSub service",
                             domain_of(client)));
        if (client.status == "invisible" || client.status == "unavailable")
            warn(place_of(section, "status"), fmt::format("status = {} hides this server", client.status),
                 "a server delivers no events to who is not there", "write status = available");
    }

    void check_buddies(const JabberClient& client) {
        for (const JabberBuddy& buddy : client.buddies)
            if (!client.username.empty() && same_name(bare(buddy.jid), client.username))
                add({Severity::warning, buddy.place, fmt::format("buddy = {} is passed over", buddy.jid),
                     fmt::format("[{}] logs in with that account itself", client.name),
                     "give each server an account of its own"});
        if (client.distribute_events && names_nobody(client))
            add({Severity::warning, client.buddies.front().place,
                 fmt::format("[{}] names no other server", client.name),
                 fmt::format("{} lets in who asks, and asks nobody: two servers of which neither names the "
                             "other never meet",
                             client.buddies.front().jid),
                 fmt::format("write buddy = NAME@{}, here or there", domain_of(client))});
    }

    static std::string_view bare(std::string_view jid) { return jid.substr(0, jid.find('/')); }

    void check_is_alone(const Section& section, const JabberClient& client) {
        if (client.username.empty()) return;
        const auto [first, is_new] = jids_.try_emplace(full_jid(client), section.name);
        if (is_new) return;
        fail(place_of(section, "username"),
             fmt::format("[{}] and [{}] are both {}/{}", first->second, section.name, client.username,
                         client.resource),
             "each would throw the other out", "give one of them another resource or account");
    }

    /// What an account may do with the nodes of a service it may do with all of its logins.
    void check_shares_node(const Section& section, const JabberClient& client) {
        const auto shares = [&](const JabberClient& other) {
            return !client.username.empty() && client.distribute_events && other.distribute_events &&
                   same_name(client.username, other.username) &&
                   same_name(client.pubsub_node, other.pubsub_node);
        };
        const auto other = std::ranges::find_if(clients_, shares);
        if (other == clients_.end() || (knows_all_of(client, *other) && knows_all_of(*other, client))) return;
        warn(place_of(section, "username"),
             fmt::format("[{}] and [{}] are both {} with other buddies", other->name, section.name,
                         client.username),
             "they have one node, and each takes from it whom it does not know",
             "give both the same buddies, or one of them another account");
    }

    static bool knows_all_of(const JabberClient& one, const JabberClient& other) {
        return std::ranges::all_of(other.buddies, [&](const JabberBuddy& buddy) {
            return std::ranges::any_of(one.buddies, [&](const JabberBuddy& known) {
                return same_name(bare(known.jid), bare(buddy.jid));
            });
        });
    }

    static std::string domain_of(const JabberClient& client) {
        return std::string(split_jid(client.username).domain);
    }

    /// Of the option that counts, else of the section.
    Where place_of(const Section& section, std::string_view option) const {
        const Option* found = last_of(section, option);
        return found != nullptr ? found->where : section.where;
    }

    void fail(Where where, std::string what, std::string why, std::string what_to_do) {
        say(Severity::error, where, std::move(what), std::move(why), std::move(what_to_do));
    }
    void warn(Where where, std::string what, std::string why, std::string what_to_do) {
        say(Severity::warning, where, std::move(what), std::move(why), std::move(what_to_do));
    }
    void say(Severity severity, Where where, std::string what, std::string why, std::string what_to_do) {
        add({severity, file_.place(where), std::move(what), std::move(why), std::move(what_to_do)});
    }
    /// Once: several sections may inherit one line.
    void add(Problem problem) {
        if (said_.insert(to_string(problem)).second) collector_.add(std::move(problem));
    }

    const File& file_;
    const JabberFile kind_;
    const FileSource& files_;
    Collector collector_;
    JabberClient general_;
    File alone_;  ///< a file with one section, for the table
    std::map<std::string, Where> names_;
    std::map<std::string, std::string> jids_;  ///< and the section that has it
    std::set<std::string> said_;
    bool said_too_many_ = false;
    std::vector<JabberClient> clients_;
};

auto all_of(const JabberClient& client) {
    return std::tie(client.name, client.username, client.resource, client.secret, client.server_host,
                    client.port, client.port_given, client.pubsub_node, client.distribute_events,
                    client.use_tls, client.use_sasl, client.keepalive, client.tls_verify, client.tls_ca,
                    client.tls_certificate, client.tls_private_key, client.tls_mode, client.srv,
                    client.register_account, client.debug, client.autoprune, client.autoregister,
                    client.auth_policy_accept, client.collection_nodes, client.pubsub_autocreate,
                    client.priority, client.status, client.status_message, client.buddies);
}

}  // namespace

bool JabberClient::operator==(const JabberClient& other) const {
    return all_of(*this) == all_of(other);
}

bool names_nobody(const JabberClient& client) {
    return !client.buddies.empty() && std::ranges::all_of(client.buddies, [](const JabberBuddy& buddy) {
        return buddy.jid.starts_with(jabber_pattern);
    });
}

void check_eids(const std::vector<JabberClient>& clients, const state::Eid& own, Problems& problems) {
    Collector collector(problems);
    for (const JabberClient& client : clients)
        for (const JabberBuddy& buddy : client.buddies)
            if (buddy.eid == own)
                collector.add({Severity::warning, buddy.eid_place,
                               fmt::format("eid = {} is our own", to_string(own)),
                               fmt::format("it cannot be that of {}", buddy.jid),
                               "write what core show settings says on that server, or give one of them "
                               "another entity ID"});
}

std::vector<JabberClient> read_jabber_clients(const File& file, JabberFile kind, const FileSource& files,
                                              Problems& problems) {
    return ClientsReader(file, kind, files, problems).read();
}

}  // namespace lamplight::conf
