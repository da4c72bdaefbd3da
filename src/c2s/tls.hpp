#pragma once

#include "c2s/account.hpp"
#include "c2s/failure.hpp"
#include "c2s/stream.hpp"

#include <tl/expected.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace lamplight::c2s {

/// The client's side of TLS between two buffers (OpenSSL 3): no socket. TLS 1.2 at least; the server's name
/// is the domain of the JID (RFC 6120 section 13.7.2), in SNI and in what is verified, whatever host was
/// found.
///
/// After a Failure it is of no use any more; what take_out() still gives is its last words.
/// Cost  make(): with the system's authorities in a hashed folder nothing much, as one file 20 ms.
class Tls {
public:
    static tl::expected<std::unique_ptr<Tls>, Failure> make(const Account& account);
    ~Tls();
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;

    enum class Handshake : std::uint8_t { under_way, done };
    tl::expected<Handshake, Failure> handshake();
    /// What came from the socket.
    void feed(std::string_view ciphertext);
    enum class Read : std::uint8_t { all_read, ended };  ///< ended: the server said so, close_notify
    /// Appends what it says in plain.
    tl::expected<Read, Failure> read(std::string& plain);
    tl::expected<void, Failure> write(std::string_view plain);
    /// Nothing is written any more.
    void shut_down();
    /// Appends what is to go to the socket.
    void take_out(std::string& ciphertext);

    TlsInfo info() const;

private:
    struct Impl;
    explicit Tls(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::c2s
