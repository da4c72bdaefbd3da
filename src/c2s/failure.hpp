#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lamplight::c2s {

/// Why a stream ended or did not come to be. What to do about it follows from the kind: see `lasting`.
struct Failure {
    enum class Kind : std::uint8_t {
        closed,               ///< by us
        not_found,            ///< no address for the host, or no service by SRV
        unreachable,          ///< refused, no route, no answer in time
        lost,                 ///< the connection ended, or was silent
        ended_by_server,      ///< it closed the stream, with or without a stream error
        conflict,             ///< another client took our resource
        tls_not_offered,      ///< and usetls is not no
        tls_failed,           ///< handshake, certificate or host name
        not_authorized,       ///< account or password
        no_mechanism,         ///< none that we have and may use
        server_not_verified,  ///< its SCRAM signature is wrong or missing: it does not know the password
        registration_refused,
        bad_xml,   ///< or more than the limits allow
        protocol,  ///< a step that is not in the RFC
        bind_refused,
        refused_for_now,  ///< the server cannot tell now whether the password is right
        registered,       ///< the account was made, and the server wants another stream: connect at once
    };
    Kind kind{};
    std::string text;        ///< one line for people: what, why; never a secret
    std::string what_to_do;  ///< may be empty
};
std::string_view to_string(Failure::Kind kind);

/// Whether trying again soon cannot help: the longest back-off is taken from the start, since seven wrong
/// passwords lock an account (seed-systems 7).
bool is_lasting(Failure::Kind kind);

}  // namespace lamplight::c2s
