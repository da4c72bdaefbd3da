#pragma once

#include "c2s/account.hpp"
#include "c2s/failure.hpp"
#include "c2s/login.hpp"
#include "wire/xml/element.hpp"
#include "wire/xml/stream_parser.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace lamplight::c2s {

/// What an operator may ask of an encrypted stream.
struct TlsInfo {
    std::string protocol;  ///< `TLSv1.3`
    std::string cipher;
    std::chrono::system_clock::time_point certificate_end;  ///< of the server's own certificate
    bool verified = false;
};

/// One connection of one account, from the name lookup to its end; made anew for the next try. Everything on
/// the loop's thread; nothing blocks. After close() or on_end() its owner is not called any more; it may be
/// destroyed at any time, also from within a call. Nobody is called from within start(), send() or close().
///
/// When we end it, the server is told why, and has 200 ms to read that before on_end().
///
/// Bounds  unsent bytes: who sends looks at unsent_bytes(); beyond `most_unsent` the stream ends as lost. A
///         connect, a handshake and a login take at most `patience` each. More than `Limits` of the parser
///         ends the stream, until the server knows us; then the stanza is passed over, since it may be
///         anybody's who may write to us. 64 KiB are read a turn of the loop.
class Stream {
public:
    struct Owner {
        std::function<void(State)> on_state = {};
        std::function<void(const Bound&)> on_bound;
        std::function<void(const wire::xml::Element&)> on_stanza;
        /// Once, at the end, unless close() was called.
        std::function<void(const Failure&)> on_end;
        /// Everything that was unsent has gone to the system.
        std::function<void()> on_drained = {};
        /// For `set debug on`: whole stanzas, secrets replaced by `***`.
        enum class Way : std::uint8_t { in, out };
        std::function<void(Way, std::string_view xml)> on_traffic = {};
        /// Whether on_traffic is wanted now, asked before anything is made for it; empty: always.
        std::function<bool()> wants_traffic = {};
        std::function<void(const Login::Output::Line&)> on_line = {};
        /// What of the server's stream was not taken: a stanza that was passed over, or, before on_end(),
        /// what ended it.
        std::function<void(wire::xml::Flaw)> on_refused = {};
    };
    static constexpr std::size_t most_unsent = 4 * 1024 * 1024;
    static constexpr std::chrono::seconds patience{15};

    /// `most_wait` in place of `patience`.
    Stream(boost::asio::io_context& loop, Account account, Owner owner,
           std::chrono::milliseconds most_wait = patience);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    void start();
    /// Only while bound; else nothing happens. What is sent in one turn of the loop is written at its end, at
    /// once, where the socket takes it.
    void send(const wire::xml::Element& stanza);
    /// White space between stanzas.
    void send_keepalive();
    std::size_t unsent_bytes() const;
    /// Says </stream:stream> if it can, and lets go; at most 200 ms, then `done` (which may be empty), never
    /// from within. Who destroys the stream before does not hear of it.
    void close(std::function<void()> done = {});

    State state() const;
    std::optional<TlsInfo> tls() const;
    /// The address we are connected to, `[2001:db8::1]:5222`; empty when not.
    std::string peer() const;

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace lamplight::c2s
