#pragma once

#include "c2s/account.hpp"
#include "wire/xml/element.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// What a client says from its header to its resource, byte for byte as Asterisk's library writes it. Pure.
namespace lamplight::c2s {

inline constexpr std::string_view tls_ns = "urn:ietf:params:xml:ns:xmpp-tls";
inline constexpr std::string_view sasl_ns = "urn:ietf:params:xml:ns:xmpp-sasl";
inline constexpr std::string_view bind_ns = "urn:ietf:params:xml:ns:xmpp-bind";
inline constexpr std::string_view session_ns = "urn:ietf:params:xml:ns:xmpp-session";
inline constexpr std::string_view stanza_errors_ns = "urn:ietf:params:xml:ns:xmpp-stanzas";
inline constexpr std::string_view client_ns = "jabber:client";
inline constexpr std::string_view legacy_ns = "jabber:iq:auth";
inline constexpr std::string_view legacy_feature_ns = "http://jabber.org/features/iq-auth";
inline constexpr std::string_view register_ns = "jabber:iq:register";

/// The ids of our requests; one is open at a time.
inline constexpr std::string_view bind_id = "aaaaa";
inline constexpr std::string_view session_id = "auth";
inline constexpr std::string_view legacy_fields_id = "fields";
inline constexpr std::string_view legacy_login_id = "aaaaa";
inline constexpr std::string_view register_form_id = "form";
inline constexpr std::string_view register_id = "register";

std::string stream_header(const Account& account);
std::string starttls();
/// No initial response, or one, which may be empty (RFC 6120 section 6.4.2: `=`).
std::string sasl_auth(std::string_view mechanism, const std::optional<std::string>& initial);
std::string sasl_response(std::string_view bytes);
std::string sasl_abort();
std::string bind_request(const Account& account);
std::string session_request();
std::string legacy_fields_request(const Account& account);
/// `field` is digest or password.
std::string legacy_login_request(const Account& account, std::string_view field, std::string_view value);
std::string register_form_request();
std::string register_request(const Account& account);

/// The bytes in a SASL element's text: `=` and nothing are empty. Nothing when it is not base64, or long.
inline constexpr std::size_t most_sasl_bytes = std::size_t{16} * 1024;
std::optional<std::string> sasl_bytes(const wire::xml::Element& element);

/// The condition of an error, of a SASL failure or of a TLS failure: the first child of `ns` but <text/>.
std::string condition_of(const wire::xml::Element& error, std::string_view ns);
/// `condition (the server's words)`, in one line; words that hold the secret are left out.
std::string told(const wire::xml::Element& error, std::string_view ns, const Account& account);

}  // namespace lamplight::c2s
