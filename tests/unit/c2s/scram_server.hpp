#pragma once

#include "wire/bytes.hpp"
#include "wire/pubsub/base64.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// The server's side of SCRAM (RFC 5802, 7677), written from the RFC.
namespace lamplight::c2s::test {

inline std::string to_base64(std::string_view bytes) {
    return wire::pubsub::encode_base64(wire::bytes_of(bytes));
}
inline std::string from_base64(std::string_view text) {
    const auto bytes = wire::pubsub::decode_base64(text, 100'000);
    return bytes ? std::string(bytes->begin(), bytes->end()) : std::string("(not base64)");
}

struct ScramServer {
    enum class Hash { sha1, sha256 } hash = Hash::sha256;
    std::string password = "secret";
    std::string salt = "0123456789abcdef";
    unsigned iterations = 4'096;
    std::string nonce = "3rfcNHYJY1ZVvWVs7j";  ///< the server's part

    std::string client_first_bare = {};
    std::string server_first = {};

    /// To `n,,n=user,r=nonce`.
    std::string first(std::string_view client_first) {
        client_first_bare = client_first.substr(3);
        server_first = "r=" + client_first_bare.substr(client_first_bare.find(",r=") + 3) + nonce +
                       ",s=" + to_base64(salt) + ",i=" + std::to_string(iterations);
        return server_first;
    }
    /// `v=…`, when the client's proof is right.
    std::optional<std::string> final(std::string_view client_final) const {
        const auto proof = client_final.find(",p=");
        const std::string messages =
            client_first_bare + "," + server_first + "," + std::string(client_final.substr(0, proof));
        const std::string salted = salted_password();
        const std::string client_key = mac(salted, "Client Key");
        std::string expected = mac(digest(client_key), messages);
        for (std::size_t i = 0; i < expected.size(); ++i)
            expected[i] = static_cast<char>(expected[i] ^ client_key[i]);
        if (client_final.substr(proof + 3) != to_base64(expected)) return std::nullopt;
        return "v=" + to_base64(mac(mac(salted, "Server Key"), messages));
    }

    const EVP_MD* md() const { return hash == Hash::sha1 ? EVP_sha1() : EVP_sha256(); }
    std::string salted_password() const {
        std::string out(static_cast<std::size_t>(EVP_MD_get_size(md())), '\0');
        PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                          reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                          static_cast<int>(iterations), md(), static_cast<int>(out.size()),
                          reinterpret_cast<unsigned char*>(out.data()));
        return out;
    }
    std::string mac(std::string_view key, std::string_view text) const {
        unsigned char out[EVP_MAX_MD_SIZE];
        unsigned length = 0;
        HMAC(md(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &length);
        return {reinterpret_cast<const char*>(out), length};
    }
    std::string digest(std::string_view text) const {
        unsigned char out[EVP_MAX_MD_SIZE];
        unsigned length = 0;
        EVP_Digest(text.data(), text.size(), out, &length, md(), nullptr);
        return {reinterpret_cast<const char*>(out), length};
    }
};

}  // namespace lamplight::c2s::test
