#pragma once

#include "c2s/account.hpp"
#include "c2s/failure.hpp"
#include "c2s/sasl.hpp"
#include "wire/xml/element.hpp"
#include "wire/xml/stream_parser.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::c2s {

/// Where a stream stands; the texts of to_string() are those of `xmpp show connections` (asterisk-facts 5.7).
enum class State : std::uint8_t {
    disconnected,
    connecting,
    waiting_for_tls,  ///< `Waiting to request TLS`
    requested_tls,
    waiting_to_authenticate,
    authenticating,  ///< until the resource is bound
    retrieving_roster,
    connected,
    disconnecting,
};
std::string_view to_string(State state);

/// What a stream is once the login is through.
struct Bound {
    Jid jid;  ///< as the server gave it
    std::vector<wire::xml::Element> features;
    std::string mechanism;    ///< `SCRAM-SHA-256`, `jabber:iq:auth`
    bool registered = false;  ///< the account was created in this very stream
};

/// The way from a connection to a bound resource (RFC 6120 sections 4 to 7, XEP-0078, XEP-0077), as a
/// machine: no socket, no clock. The shell hands in what happens and does what comes out, in this order:
/// `lines` to the log, `send` to the socket, then `act`.
///
/// Starting STARTTLS the shell forgets everything read and not handled (reset of the parser), whatever it
/// was. The account is registered at most once in the life of a Login, after a refused login, and never where
/// that could take over an account that exists: only where SCRAM was refused before a challenge (there is no
/// such account) by a server that offers SCRAM-SHA-256 or -512 or has a data form for it (it is none of those
/// that replace the password of a taken name). registration.hpp says why. Else the failure says how to make
/// the account by hand.
///
/// What a server sends while the session is opened, and is not its answer, is dropped: the resource is bound,
/// and nobody has been told of it. In every other step what is not expected is a failure (protocol).
class Login {
public:
    struct Output {
        enum class Act : std::uint8_t {
            nothing,
            start_tls,       ///< handshake now; then encrypted()
            restart_stream,  ///< reset the parser; our new header is in `send`
            bound,           ///< `bound` is there; stanzas follow
            fail,            ///< `failure` says why; close
        } act = Act::nothing;
        std::string send;
        Bound bound;
        Failure failure;
        /// For the log. A warning is said once an account, not once a connection: the shell remembers.
        struct Line {
            enum class Level : std::uint8_t { notice, warning } level{};
            std::string text;
        };
        std::vector<Line> lines;
    };

    /// Both outlive it.
    Login(const Account& account, SaslFactory& sasl);
    ~Login();
    Login(const Login&) = delete;
    Login& operator=(const Login&) = delete;

    /// The connection is there, with `tls = direct` behind TLS: writes our header.
    Output connected();
    Output encrypted();
    Output opened(const wire::xml::StreamOpened& header);
    Output receive(const wire::xml::Element& element);
    /// The server ended its stream, or the connection ended: fail, with what that means in this step. Tigase
    /// 8 closes the stream instead of refusing a wrong password of jabber:iq:auth.
    Output closed();
    State state() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::c2s
