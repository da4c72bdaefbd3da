#pragma once

#include "wire/xml/element.hpp"

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

/// Registering must never take over an account that exists, and a server need not refuse a name that is
/// taken: Tigase 5.1.5 answers with a result and replaces the password. So an account is made only where two
/// things hold that do not depend on one another; nothing else before the login tells one server from another
/// for certain, since features and texts are configuration.
///
///   1. There is no such account. SCRAM tells: a server needs the salt of the account for its challenge, and
///      refuses a name that it does not have instead of sending one (not-authorized at once; seen with
///      Prosody 0.12). After a challenge the account exists, or the server hides whether it does. PLAIN and
///      jabber:iq:auth are refused alike for a wrong password and for an unknown name.
///   2. The server is none of those that were seen to replace passwords: it offers SCRAM-SHA-256 or -512, or
///      its registration has a data form (XEP-0077 section 4). Tigase 5.1.5 offers PLAIN and ANONYMOUS and
///      asks for name, password and address without a form; Tigase 8.1.2 and Prosody 0.12 have the one or the
///      other, and answer conflict.
///
/// Both: why not, or nothing. The first is asked after the refusal, the second when the form is there.
std::string_view why_not_missing(const Refused& refused);
std::string_view why_not_safe(const Refused& refused, const wire::xml::Element& form);

}  // namespace lamplight::c2s
