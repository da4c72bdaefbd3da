#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lamplight::c2s {

/// What a refused login has shown of the account and of the server.
struct Refused {
    std::span<const std::string> offered;  ///< mechanisms, behind TLS if there is TLS
    std::string_view mechanism;            ///< that was refused as not-authorized; `jabber:iq:auth`
    bool challenged = false;               ///< the server sent a challenge before it refused
};

/// Why registration could take over an account that exists: empty when nothing says so. Registered is only
/// where two things hold that do not depend on one another:
///
///   1. There is no such account. SCRAM tells: a server needs the salt of the account for its challenge, and
///      Prosody and ejabberd refuse a name they do not have instead of sending one (not-authorized at once).
///      After a challenge the account exists, or the server hides whether it does.
///   2. The server refuses a name that is taken (XEP-0077: conflict). The servers known not to do so are
///      older than SCRAM-SHA-256 (Tigase 5.1.5 offers PLAIN and ANONYMOUS, answers a taken name with a
///      result and replaces its password); those that offer it were seen to refuse (Tigase 8.1.2, Prosody
///      0.12, ejabberd 23.01).
///
/// Nothing else before the login tells one server from another for certain: forms, features and texts are
/// configuration.
std::string_view why_not_register(const Refused& refused);

}  // namespace lamplight::c2s
