#pragma once

#include "bus/xmpp/client.hpp"
#include "bus/xmpp/session.hpp"
#include "c2s/account.hpp"
#include "conf/configuration.hpp"
#include "log/log.hpp"

#include <string>

/// What a section of jabber.conf means to each part of a client, and its news in words.
namespace lamplight::bus::xmpp {

c2s::Account account_of(const conf::JabberClient& client);
Session::Settings session_settings(const conf::JabberClient& client, const Client::Identity& identity);
std::string domain_of(const conf::JabberClient& client);
/// Whether a running stream may stay: account, server and security are the same.
bool has_same_stream(const conf::JabberClient& one, const conf::JabberClient& other);

void tell_roster(log::Log& log, const std::string& client, const Roster::News& news);
void tell_nodes(log::Log& log, const std::string& client, const Nodes::News& news);

}  // namespace lamplight::bus::xmpp
