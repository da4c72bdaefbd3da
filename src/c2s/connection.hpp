#pragma once

#include "c2s/failure.hpp"
#include "c2s/tls.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <tl/expected.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace lamplight::c2s {

/// One TCP connection, in the clear and then, or from the start, behind TLS: bytes in, bytes out, the end.
/// Everything written in one turn of the loop goes out at once, in as few writes as the socket takes. Kept
/// alive by what it waits for; silent after finish() and close(), which may be called from within a call.
///
/// Bounds  64 KiB read a turn, so that a flood leaves others theirs. What is unsent its owner bounds.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    struct Owner {
        std::function<void(std::string_view)> on_bytes;  ///< in plain
        std::function<void()> on_encrypted;              ///< the handshake is through
        std::function<void()> on_drained;                ///< all that was unsent is with the system
        std::function<void(Failure)> on_end;             ///< once: lost, or TLS failed
    };
    static constexpr std::chrono::milliseconds most_linger{200};

    Connection(boost::asio::io_context& loop, boost::asio::ip::tcp::socket socket, Owner owner);

    void start();
    /// From here on; what is still unsent goes out in the clear before. Only once.
    void encrypt(std::unique_ptr<Tls> tls);
    void write(std::string_view plain);
    std::size_t unsent_bytes() const { return plain_.size() + out_.size() - sent_; }
    const Tls* tls() const { return tls_.get(); }

    /// Writes what is unsent, and that this was all; then `done`, when the other side is at its end, too, so
    /// that it has read our last words, or after most_linger. Not called from within.
    void finish(std::function<void()> done);
    /// At once.
    void close();

private:
    enum class Mode : std::uint8_t { open, finishing, closed };

    void wait_to_read();
    void read();
    void take(std::string_view bytes);
    void take_encrypted(std::string_view bytes);
    void step_handshake();
    void read_plain();
    void flush_later();
    void flush();
    tl::expected<void, Failure> encrypt_unsent();
    void write_out();
    void wait_to_write();
    void shut_down_when_sent();
    void linger();
    void finished();
    void end(Failure failure);
    void lose(std::string why);

    boost::asio::io_context& loop_;
    boost::asio::ip::tcp::socket socket_;
    boost::asio::steady_timer linger_timer_;
    Owner owner_;
    std::function<void()> done_;
    Mode mode_ = Mode::open;
    std::unique_ptr<Tls> tls_;
    bool handshaking_ = false;
    bool flushing_ = false;  ///< waits for room, or its turn
    std::string broken_;     ///< why it takes no more: what it said last is still to be read
    std::string plain_;      ///< to be sent, not encrypted yet
    std::string out_;        ///< to be sent as it is, from sent_ on
    std::size_t sent_ = 0;
};

}  // namespace lamplight::c2s
