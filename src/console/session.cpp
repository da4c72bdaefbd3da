#include "console/session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <utility>

namespace lamplight::console {

namespace {

std::string login_name(uid_t uid) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/etc/passwd", "re"), &std::fclose);
    std::array<char, 4096> space{};
    passwd entry{};
    passwd* found = nullptr;
    while (file && ::fgetpwent_r(file.get(), &entry, space.data(), space.size(), &found) == 0) {
        if (found->pw_uid == uid) return found->pw_name;
    }
    return fmt::format("uid {}", uid);
}

}  // namespace

Asker asker_of(int descriptor) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {"unknown", 0, 0};
    return {login_name(peer.uid), peer.pid, peer.uid};
}

Session::Session(Socket socket, Registry& registry, const ServerOptions& options,
                 std::function<void(Session&)> on_change)
    : socket_(std::move(socket)),
      registry_(registry),
      options_(options),
      on_change_(std::move(on_change)),
      patience_(socket_.get_executor()),
      asker_(asker_of(socket_.native_handle())) {}

void Session::start() {
    send(encode(ServerMessage(Greeting{protocol_version, options_.name, options_.version})), false);
    read_next();
}

void Session::refuse(std::string why) {
    ending_ = true;
    send(encode(ServerMessage(Refusal{std::move(why)})), false);
}

void Session::close() {
    if (!socket_.is_open()) return;
    boost::system::error_code ignored;
    patience_.cancel();
    socket_.close(ignored);
    on_change_(*this);
}

void Session::read_next() {
    if (reading_ || answering_ || ending_ || !socket_.is_open()) return;
    reading_ = true;
    boost::asio::async_read_until(
        socket_, boost::asio::dynamic_buffer(in_, request_bytes), '\n',
        [self = shared_from_this()](const boost::system::error_code& failure, std::size_t bytes) {
            self->on_read(failure, bytes);
        });
}

void Session::on_read(const boost::system::error_code& failure, std::size_t bytes) {
    reading_ = false;
    if (!socket_.is_open()) return;
    if (failure == boost::asio::error::not_found)
        return refuse(fmt::format("a line is longer than {} bytes", request_bytes));
    if (failure) {
        // The other end says nothing more; what it asked before is still answered.
        ending_ = true;
        if (failure == boost::asio::error::eof) return go_on();
        return close();
    }
    const std::string line = in_.substr(0, bytes - 1);
    in_.erase(0, bytes);
    take(line);
}

void Session::take(std::string_view line) {
    if (ending_) return;
    const auto message = parse_client_message(line);
    if (!message) return refuse(message.error());
    spoke_ = true;
    if (!writing_) patience_.cancel();
    std::visit([this](const auto& request) { handle(request); }, *message);
}

void Session::handle(const RunRequest& request) {
    answering_ = true;
    registry_.run(
        request.line, request.json, asker_, [weak = weak_from_this(), id = request.id](Reply reply) {
            if (const auto self = weak.lock())
                self->answered(RunAnswer{id, reply.status, std::move(reply.text), std::move(reply.json)});
        });
}

void Session::handle(const CompleteRequest& request) {
    answered(CompleteAnswer{request.id, registry_.complete(request.line)});
}

void Session::handle(const SubscribeRequest& request) {
    subscribed_ = request.on;
    // Listening begins before the answer is out: who has it misses no line from then on.
    on_change_(*this);
    answered(SubscribeAnswer{request.id, request.on});
}

void Session::answered(const ServerMessage& answer) {
    answering_ = false;
    send(encode(answer), false);
}

void Session::send(std::string text, bool is_log) {
    if (!socket_.is_open()) return;
    if (is_log) log_waiting_ += text.size();
    out_.push_back({std::move(text), is_log});
    if (!writing_) write_next();
}

void Session::send_log(const std::string& encoded) {
    if (!subscribed()) return;
    if (log_waiting_ + encoded.size() > Server::log_bytes) {
        ++lost_;
        return;
    }
    tell_lost();
    send(encoded, true);
}

void Session::tell_lost() {
    if (lost_ == 0) return;
    send(encode(ServerMessage(LostLines{std::exchange(lost_, 0)})), true);
}

void Session::write_next() {
    writing_ = true;
    watch(options_.stuck_reader);
    const std::string& text = out_.front().text;
    socket_.async_write_some(
        boost::asio::buffer(text.data() + written_, text.size() - written_),
        [self = shared_from_this()](const boost::system::error_code& failure, std::size_t bytes) {
            self->on_written(failure, bytes);
        });
}

void Session::on_written(const boost::system::error_code& failure, std::size_t bytes) {
    writing_ = false;
    if (failure) return close();
    written_ += bytes;
    if (written_ == out_.front().text.size()) {
        if (out_.front().is_log) log_waiting_ -= written_;
        out_.pop_front();
        written_ = 0;
    }
    if (out_.empty()) tell_lost();
    go_on();
}

/// After something ended: write more, close, or read the next request.
void Session::go_on() {
    if (writing_ || !socket_.is_open()) return;
    if (!out_.empty()) return write_next();
    patience_.cancel();
    if (ending_ && !answering_) return close();
    if (!spoke_) watch(options_.first_request);
    on_change_(*this);
    read_next();
}

/// Closes the session unless this is called again, or the timer cancelled, in time.
void Session::watch(std::chrono::milliseconds patience) {
    patience_.expires_after(patience);
    patience_.async_wait([weak = weak_from_this()](const boost::system::error_code& failure) {
        const auto self = weak.lock();
        if (!failure && self) self->close();
    });
}

}  // namespace lamplight::console
