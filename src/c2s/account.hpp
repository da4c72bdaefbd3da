#pragma once

#include "c2s/jid.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace lamplight::c2s {

/// Who logs in, where and how: one section of jabber.conf, as a stream needs it.
struct Account {
    Jid jid;             ///< with the resource to ask for
    std::string secret;  ///< never in a log, an answer or a dump

    enum class Tls : std::uint8_t {
        none,      ///< `usetls = no`: in the clear, whatever the server offers
        starttls,  ///< required: without the offer there is no login
        direct,    ///< from the first byte (XEP-0368)
    } tls = Tls::starttls;
    enum class Verify : std::uint8_t { no, yes } verify = Verify::yes;  ///< chain and host name
    std::string ca_file;                                                ///< empty: the system's
    std::string certificate;  ///< PEM with the chain, for EXTERNAL; empty: none
    std::string private_key;  ///< PEM; empty: in `certificate`

    enum class Login : std::uint8_t {
        sasl,
        legacy,  ///< `usesasl = no`: jabber:iq:auth (XEP-0078)
    } login = Login::sasl;
    enum class Register : std::uint8_t { no, yes } register_account = Register::no;

    std::string host;  ///< empty: by SRV records of the domain, then the domain itself
    std::uint16_t port = 5222;
    enum class Srv : std::uint8_t { no, yes } srv = Srv::no;

    std::string place;  ///< of `usetls`, or of the section: for warnings, `jabber.conf:14`
};

}  // namespace lamplight::c2s
