#include "console/client/connection.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace lamplight::console::client {

namespace {

using Clock = Connection::Clock;

/// Waits until the descriptor is ready; false when the deadline passed first.
bool wait_for(int descriptor, short events, Clock::time_point deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd wanted{descriptor, events, 0};
        const int ready = ::poll(&wanted, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return true;  // the next call says what is wrong
        if (left <= 0) return false;
    }
}

std::string cannot_connect(const std::filesystem::path& socket, int error) {
    constexpr std::string_view start = "Start it with 'systemctl start lamplightd' or 'lamplightd -C FILE'.";
    const auto path = socket.string();
    switch (error) {
        case ENOENT:
            return fmt::format("No daemon is running: there is no socket {}. {}", path, start);
        case ECONNREFUSED:
            return fmt::format("No daemon is running: whoever made the socket {} is gone. {}", path, start);
        case EACCES:
            return fmt::format("You may not use the socket {}: become root or a member of its group.", path);
        case EAGAIN:
            return fmt::format("The daemon at {} is too busy to answer. Try again.", path);
        default:
            return fmt::format("Cannot connect to {}: {}", path, std::generic_category().message(error));
    }
}

std::string no_greeting(const std::filesystem::path& socket, Failure failure) {
    switch (failure) {
        case Failure::timed_out:
            return fmt::format("The daemon at {} does not answer.", socket.string());
        case Failure::closed:
            return fmt::format("The daemon at {} closed the connection.", socket.string());
        case Failure::nonsense:
            return fmt::format("Whoever listens at {} is no Lamplight daemon.", socket.string());
    }
    return {};
}

}  // namespace

std::string_view to_string(Failure failure) {
    switch (failure) {
        case Failure::timed_out:
            return "timed out";
        case Failure::closed:
            return "closed";
        case Failure::nonsense:
            return "nonsense";
    }
    return "closed";
}

tl::expected<Connection, std::string> Connection::open(const std::filesystem::path& socket,
                                                       Clock::time_point deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.native().size() >= sizeof address.sun_path)
        return tl::unexpected(cannot_connect(socket, ENAMETOOLONG));
    std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
    Connection connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (connection.descriptor_ < 0) return tl::unexpected(cannot_connect(socket, errno));
    if (::connect(connection.descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return tl::unexpected(cannot_connect(socket, errno));
    auto first = connection.receive(deadline);
    if (!first) return tl::unexpected(no_greeting(socket, first.error()));
    if (const auto* refusal = std::get_if<Refusal>(&*first))
        return tl::unexpected(fmt::format("The daemon at {} says: {}.", socket.string(), refusal->why));
    const auto* greeting = std::get_if<Greeting>(&*first);
    if (greeting == nullptr) return tl::unexpected(no_greeting(socket, Failure::nonsense));
    if (greeting->protocol != protocol_version)
        return tl::unexpected(
            fmt::format("The daemon at {} is version {}, whose console speaks another protocol "
                        "({}, this is {}): use its own 'lamplight'.",
                        socket.string(), greeting->version, greeting->protocol, protocol_version));
    connection.greeting_ = *greeting;
    return connection;
}

Connection::Connection(Connection&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      greeting_(std::move(other.greeting_)),
      in_(std::move(other.in_)),
      searched_(other.searched_) {}

Connection& Connection::operator=(Connection&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(greeting_, other.greeting_);
    std::swap(in_, other.in_);
    std::swap(searched_, other.searched_);
    return *this;
}

Connection::~Connection() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

tl::expected<void, Failure> Connection::send(const ClientMessage& message, Clock::time_point deadline) const {
    const std::string line = encode(message);
    std::string_view rest = line;
    while (!rest.empty()) {
        const auto sent = ::send(descriptor_, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno != EAGAIN && errno != EINTR) {
            return tl::unexpected(Failure::closed);
        } else if (!wait_for(descriptor_, POLLOUT, deadline)) {
            return tl::unexpected(Failure::timed_out);
        }
    }
    return {};
}

tl::expected<ServerMessage, Failure> Connection::receive(Clock::time_point deadline) {
    for (;;) {
        auto message = try_receive();
        if (!message) return tl::unexpected(message.error());
        if (*message) return std::move(**message);
        if (!wait_for(descriptor_, POLLIN, deadline)) return tl::unexpected(Failure::timed_out);
    }
}

tl::expected<std::optional<ServerMessage>, Failure> Connection::try_receive() {
    for (;;) {
        if (const auto line = take_line()) {
            auto message = parse_server_message(*line);
            if (!message) return tl::unexpected(Failure::nonsense);
            return std::optional(std::move(*message));
        }
        if (in_.size() > answer_bytes) return tl::unexpected(Failure::nonsense);
        const std::size_t before = in_.size();
        if (const auto read = read_some(); !read) return tl::unexpected(read.error());
        if (in_.size() == before) return std::optional<ServerMessage>();
    }
}

/// Takes what is there; nothing at all is no failure.
tl::expected<void, Failure> Connection::read_some() {
    std::array<char, 64 * 1024> space;
    const auto size = ::recv(descriptor_, space.data(), space.size(), 0);
    if (size > 0) in_.append(space.data(), static_cast<std::size_t>(size));
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return tl::unexpected(Failure::closed);
    return {};
}

std::optional<std::string> Connection::take_line() {
    const auto end = in_.find('\n', searched_);
    if (end == std::string::npos) {
        searched_ = in_.size();
        return std::nullopt;
    }
    std::string line = in_.substr(0, end);
    in_.erase(0, end + 1);
    searched_ = 0;
    return line;
}

}  // namespace lamplight::console::client
