#include "c2s/connection.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace lamplight::c2s {

namespace {

namespace asio = boost::asio;

constexpr std::size_t piece_bytes = 16 * 1024;
constexpr int pieces_a_turn = 4;
constexpr std::size_t kept_buffer_bytes = 64 * 1024;
// Beyond that the system takes nothing: what waits waits here, where it is counted.
constexpr int unsent_in_system_bytes = 64 * 1024;
constexpr int user_timeout_ms = 30'000;

void set(int socket, int level, int name, int value) {
    (void)::setsockopt(socket, level, name, &value, sizeof value);
}

std::string broken() {
    return fmt::format("the connection broke: {}", std::strerror(errno));
}

void prepare(asio::ip::tcp::socket& socket) {
    boost::system::error_code ignored;
    socket.native_non_blocking(true, ignored);
    const int descriptor = socket.native_handle();
    set(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout_ms);
    set(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, unsent_in_system_bytes);
}

}  // namespace

Connection::Connection(asio::io_context& loop, asio::ip::tcp::socket socket, Owner owner)
    : loop_(loop), socket_(std::move(socket)), linger_timer_(loop), owner_(std::move(owner)) {
    prepare(socket_);
}

void Connection::start() {
    wait_to_read();
}

void Connection::close() {
    if (mode_ == Mode::closed) return;
    mode_ = Mode::closed;
    linger_timer_.cancel();
    boost::system::error_code ignored;
    socket_.close(ignored);
}

void Connection::end(Failure failure) {
    if (mode_ == Mode::closed) return;
    if (mode_ == Mode::finishing) return finished();
    close();
    const auto on_end = owner_.on_end;  // it may drop us
    on_end(std::move(failure));
}

void Connection::lose(std::string why) {
    if (handshaking_) why += " during the TLS handshake";
    end({Failure::Kind::lost, std::move(why), {}});
}

// --- in ---

void Connection::wait_to_read() {
    socket_.async_wait(socket_.wait_read, [self = shared_from_this()](boost::system::error_code error) {
        if (!error && self->mode_ != Mode::closed) self->read();
    });
}

void Connection::read() {
    std::array<char, piece_bytes> buffer;
    for (int pieces = 0; pieces < pieces_a_turn; ++pieces) {
        const ssize_t size = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), 0);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (size == 0) return lose(broken_.empty() ? "the server closed the connection" : broken_);
        if (size < 0) return lose(broken());
        take({buffer.data(), static_cast<std::size_t>(size)});
        if (mode_ == Mode::closed) return;
    }
    wait_to_read();
}

void Connection::take(std::string_view bytes) {
    if (mode_ == Mode::finishing) return;
    if (tls_) return take_encrypted(bytes);
    owner_.on_bytes(bytes);
}

void Connection::take_encrypted(std::string_view bytes) {
    tls_->feed(bytes);
    if (handshaking_) step_handshake();
    if (!handshaking_ && mode_ == Mode::open) read_plain();
}

void Connection::step_handshake() {
    auto step = tls_->handshake();
    tls_->take_out(out_);
    write_out();
    if (!step) return end(std::move(step.error()));
    if (mode_ != Mode::open || *step == Tls::Handshake::under_way) return;
    handshaking_ = false;
    owner_.on_encrypted();
    if (mode_ == Mode::open && !plain_.empty()) flush_later();
}

void Connection::read_plain() {
    std::string plain;
    auto done = tls_->read(plain);
    tls_->take_out(out_);
    if (!plain.empty()) owner_.on_bytes(plain);
    if (mode_ != Mode::open) return;
    if (!done) return end(std::move(done.error()));
    if (*done == Tls::Read::ended) return lose("the server closed the connection");
    write_out();
}

void Connection::encrypt(std::unique_ptr<Tls> tls) {
    flush();
    if (mode_ != Mode::open) return;
    tls_ = std::move(tls);
    handshaking_ = true;
    step_handshake();
}

// --- out ---

void Connection::write(std::string_view plain) {
    if (mode_ != Mode::open) return;
    plain_ += plain;
    flush_later();
}

void Connection::flush_later() {
    if (std::exchange(flushing_, true)) return;
    asio::post(loop_, [self = shared_from_this()] {
        self->flushing_ = false;
        self->flush();
    });
}

void Connection::flush() {
    if (mode_ == Mode::closed || handshaking_) return;
    auto done = encrypt_unsent();
    if (!done) return end(std::move(done.error()));
    write_out();
}

tl::expected<void, Failure> Connection::encrypt_unsent() {
    const std::string plain = std::exchange(plain_, {});
    if (!tls_) {
        out_ += plain;
        return {};
    }
    auto done = tls_->write(plain);
    tls_->take_out(out_);
    return done;
}

void Connection::write_out() {
    if (mode_ == Mode::closed || !broken_.empty()) return;
    const bool had_any = sent_ < out_.size();
    while (sent_ < out_.size()) {
        const ssize_t size =
            ::send(socket_.native_handle(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
        if (size >= 0) {
            sent_ += static_cast<std::size_t>(size);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return wait_to_write();
        } else if (errno != EINTR) {
            broken_ = broken();  // the reader finds the end, behind what the server said last
            break;
        }
    }
    sent_ = 0;
    out_.clear();
    if (out_.capacity() > kept_buffer_bytes) out_.shrink_to_fit();
    if (mode_ == Mode::finishing) return shut_down_when_sent();
    if (had_any && broken_.empty() && !handshaking_ && plain_.empty()) owner_.on_drained();
}

void Connection::wait_to_write() {
    if (std::exchange(flushing_, true)) return;
    socket_.async_wait(socket_.wait_write, [self = shared_from_this()](boost::system::error_code error) {
        self->flushing_ = false;
        if (error || self->mode_ == Mode::closed) return;
        if (self->handshaking_) return self->write_out();
        self->flush();
    });
}

// --- the end ---

void Connection::finish(std::function<void()> done) {
    if (mode_ != Mode::open) return;
    done_ = std::move(done);
    mode_ = Mode::finishing;
    linger();
    if (!handshaking_) (void)encrypt_unsent();
    if (tls_) {
        tls_->shut_down();
        tls_->take_out(out_);
    }
    write_out();
}

void Connection::linger() {
    linger_timer_.expires_after(most_linger);
    linger_timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (!error) self->finished();
    });
}

void Connection::shut_down_when_sent() {
    boost::system::error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

void Connection::finished() {
    if (mode_ == Mode::closed) return;
    close();
    if (const auto done = std::exchange(done_, {})) done();
}

}  // namespace lamplight::c2s
