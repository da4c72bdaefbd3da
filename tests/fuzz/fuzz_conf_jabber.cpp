// jabber.conf and xmpp.conf: whatever stands in them, what they give is sound, its addresses are those of the
// stream, too, and no problem shows a secret.
#include "c2s/jid.hpp"
#include "conf/jabber_conf.hpp"
#include "conf/memory_files.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

using namespace lamplight;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

bool is_jid(std::string_view text) {
    return c2s::parse_jid(text).has_value();
}

void check(const conf::JabberClient& client) {
    require(client.username.empty() || is_jid(client.username + "/" + client.resource));
    require(!client.resource.empty() && client.port > 0);
    require(client.pubsub_node.empty() || is_jid(client.pubsub_node));
    require(client.priority >= -128 && client.priority <= 127);
    require(client.buddies.size() <= conf::most_jabber_buddies);
    for (const conf::JabberBuddy& buddy : client.buddies)
        require(is_jid(buddy.jid) && (!buddy.eid || !buddy.jid.starts_with("*@")));
    require(client == conf::JabberClient(client));
}

/// A secret that stands nowhere else in the file, and cannot be a part of what problems say of their own.
bool is_telling(std::string_view secret, std::string_view content) {
    return secret.size() >= 8 && secret.find('%') != secret.npos &&
           content.find(secret) == content.rfind(secret);
}

void check_shows_none(std::string_view problem, const std::set<std::string>& secrets) {
    for (const std::string& secret : secrets)
        require(problem.find(secret) == problem.npos);
}

void read(const std::string& content, conf::JabberFile kind) {
    conf::MemoryFiles files;
    const std::string path = "/c/" + std::string(to_string(kind));
    files.put(path, content);
    files.put("/c/a.pem", "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n");
    const conf::File file = conf::read_file(path, "/c", files, conf::Quotes::none);
    conf::Problems problems = file.problems;
    const auto clients = conf::read_jabber_clients(file, kind, files, problems);
    require(clients.size() <= conf::most_jabber_clients);
    std::set<std::string> names;
    std::set<std::string> secrets;
    for (const conf::JabberClient& client : clients) {
        check(client);
        require(names.insert(client.name).second);
        if (is_telling(client.secret, content)) secrets.insert(client.secret);
    }
    require(problems.size() <= 2 * (conf::most_problems + 1));
    for (const conf::Problem& problem : problems) {
        const std::string line = to_string(problem);
        require(!problem.what.empty() && line.find('\n') == std::string::npos);
        check_shows_none(line, secrets);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 65536) return 0;
    const std::string content(reinterpret_cast<const char*>(data), size);
    read(content, conf::JabberFile::jabber_conf);
    read(content, conf::JabberFile::xmpp_conf);
    return 0;
}
