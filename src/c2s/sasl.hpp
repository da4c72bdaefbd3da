#pragma once

#include "c2s/account.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::c2s {

/// One SASL exchange (RFC 4422, 6120 section 6), by libgsasl. Texts are bytes, not base64.
class Sasl {
public:
    enum class Refusal : std::uint8_t {
        malformed,            ///< the challenge is none of this mechanism
        too_many_iterations,  ///< SCRAM: more than `most_iterations`, or fewer than `least_iterations`
        server_not_verified,
        library,  ///< libgsasl said no
    };
    virtual ~Sasl() = default;
    virtual std::string_view mechanism() const = 0;
    /// The initial response.
    virtual tl::expected<std::string, Refusal> start() = 0;
    virtual tl::expected<std::string, Refusal> step(std::string_view challenge) = 0;
    /// <success/> came, with its data or none: whether the exchange is complete and, with SCRAM, the server
    /// has proved that it knows the password.
    virtual tl::expected<void, Refusal> succeeded(std::string_view data) = 0;
};
std::string_view to_string(Sasl::Refusal refusal);

/// RFC 7677 wants 4,096 at least; a server that asks for more than this wants our processor.
inline constexpr unsigned least_iterations = 4'096;
inline constexpr unsigned most_iterations = 1'000'000;

/// The strongest first of those both have: EXTERNAL (with a certificate, behind TLS), SCRAM-SHA-512, -256,
/// -1, then DIGEST-MD5 only where there is no TLS, then PLAIN. Without TLS the last two, which give the
/// password away, are there only where nothing stronger is offered. All but EXTERNAL need a secret. Empty:
/// none.
std::vector<std::string> usable_mechanisms(std::span<const std::string> offered, const Account& account,
                                           bool encrypted);

/// Makes the exchange; a mechanism that libgsasl was built without is not made (nullptr). Cost: SCRAM hashes
/// `iterations` times, about 1 µs each, on the loop's thread.
class SaslFactory {
public:
    virtual ~SaslFactory() = default;
    virtual std::unique_ptr<Sasl> make(std::string_view mechanism, const Account& account) = 0;
    /// Of jabber:iq:auth (XEP-0078): SHA-1 of the stream's id and the secret, in hexadecimal. Empty: it
    /// cannot be made.
    virtual std::string legacy_digest(std::string_view stream_id, const Account& account) {
        static_cast<void>(stream_id), static_cast<void>(account);
        return {};
    }
};
std::unique_ptr<SaslFactory> make_gsasl();

}  // namespace lamplight::c2s
