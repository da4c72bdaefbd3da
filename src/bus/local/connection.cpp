#include "bus/local/connection.hpp"

#include <boost/asio/post.hpp>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace lamplight::bus::local {

namespace {

// What one connection may do before others have their turn.
constexpr int frames_read_a_turn = 16;
constexpr int frames_written_a_turn = 32;

}  // namespace

Connection::Connection(boost::asio::io_context& loop, FileDescriptor socket, Owner owner)
    : loop_(loop), socket_(loop), owner_(std::move(owner)), out_(wire::vote::max_frame_bytes) {
    boost::system::error_code error;
    socket_.assign(socket.get(), error);
    if (!error) (void)socket.release();
}

void Connection::start() {
    if (socket_.is_open()) return wait_to_read();
    boost::asio::post(loop_,
                      [self = shared_from_this()] { self->end("the loop takes no more descriptors"); });
}

void Connection::close() {
    if (closed_) return;
    closed_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
}

void Connection::end(std::string why) {
    if (closed_) return;
    close();
    const auto on_end = owner_.on_end;  // it may drop us
    on_end(std::move(why));
}

void Connection::wait_to_read() {
    socket_.async_wait(socket_.wait_read, [self = shared_from_this()](boost::system::error_code error) {
        if (!error && !self->closed_) self->read();
    });
}

void Connection::read() {
    std::array<std::uint8_t, wire::vote::max_received_bytes + 1> buffer;  // one more, to see what is too long
    for (int frames = 0; frames < frames_read_a_turn; ++frames) {
        const ssize_t size = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), 0);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (size < 0 && errno == ECONNRESET)
            continue;  // it went without reading us; what it said is still there
        if (size <= 0) {
            const std::string why = size == 0 ? "end of file" : std::strerror(errno);
            owner_.on_turn_end();
            return end(why);
        }
        owner_.on_frame(wire::Bytes(buffer).first(static_cast<std::size_t>(size)));
        if (closed_) return;
    }
    owner_.on_turn_end();
    if (!closed_) wait_to_read();
}

void Connection::send() {
    if (closed_ || writing_ || deaf_ || !socket_.is_open()) return;
    write();
}

void Connection::write() {
    for (int frames = 0; frames < frames_written_a_turn; ++frames) {
        if (taken_.bytes == 0) taken_ = owner_.take(out_);
        if (taken_.bytes == 0) {
            if (owner_.wants_to_send()) write_later();
            return;
        }
        const Sent sent = write_frame();
        if (sent == Sent::no_room) return wait_to_write();
        if (sent == Sent::peer_gone) {
            deaf_ = true;  // the reader finds the end, after a goodbye perhaps
            return;
        }
        if (sent == Sent::failed) return end(std::strerror(errno));
        const sync::FrameId id = taken_.id;
        taken_ = {};
        owner_.on_sent(id);
        if (closed_) return;
    }
    write_later();
}

void Connection::write_later() {
    writing_ = true;
    boost::asio::post(loop_, [self = shared_from_this()] {
        self->writing_ = false;
        if (!self->closed_) self->write();
    });
}

Connection::Sent Connection::write_frame() {
    for (;;) {
        if (::send(socket_.native_handle(), out_.data(), taken_.bytes, MSG_NOSIGNAL) >= 0) return Sent::yes;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return Sent::no_room;
        if (errno == EPIPE || errno == ECONNRESET) return Sent::peer_gone;
        if (errno != EINTR) return Sent::failed;
    }
}

void Connection::wait_to_write() {
    writing_ = true;
    socket_.async_wait(socket_.wait_write, [self = shared_from_this()](boost::system::error_code error) {
        self->writing_ = false;
        if (!error && !self->closed_) self->write();
    });
}

}  // namespace lamplight::bus::local
