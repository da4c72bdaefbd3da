#pragma once

#include "conf/configuration.hpp"
#include "conf/options.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace lamplight::conf {

/// Asterisk's two names for the file. They take the same options and differ in some defaults.
enum class JabberFile : std::uint8_t {
    jabber_conf,  ///< 1.6 to 10
    xmpp_conf,    ///< 11 and later
};
/// `jabber.conf`, `xmpp.conf`.
std::string_view to_string(JabberFile file);

inline constexpr std::size_t most_jabber_clients = 64;
inline constexpr std::size_t most_jabber_buddies = 1'024;  ///< of a client

inline constexpr std::string_view jabber_pattern = "*@";  ///< a buddy that begins so stands for a domain's

/// The options of [general] and of a client (asterisk-facts 5.1), with that file's defaults.
const OptionTable<JabberClient>& jabber_table(JabberFile file);

/// The clients of jabber.conf or xmpp.conf, in the file's order: every section but [general] whose `type` is
/// not `component`. What [general] says holds for each that does not say otherwise.
///
/// What keeps a client from ever logging in is an error: no username or secret, addresses that are none, a
/// certificate that cannot be read, two clients of one address. `file` is to be read with Quotes::none: no
/// problem shows a secret. Relative paths start in the file's folder; those of TLS are looked at through
/// `files`.
std::vector<JabberClient> read_jabber_clients(const File& file, JabberFile kind, const FileSource& files,
                                              Problems& problems);

/// Whether all its buddies are patterns: it lets in who asks, and asks nobody.
bool names_nobody(const JabberClient& client);

/// Warns where our own entity ID is said to be a buddy's.
void check_eids(const std::vector<JabberClient>& clients, const state::Eid& own, Problems& problems);

}  // namespace lamplight::conf
