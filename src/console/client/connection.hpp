#pragma once

#include "console/protocol.hpp"

#include <tl/expected.hpp>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

namespace lamplight::console::client {

/// Why nothing was received.
enum class Failure : std::uint8_t {
    timed_out,
    closed,    ///< the daemon ended the session or itself
    nonsense,  ///< what came is not of the protocol
};
std::string_view to_string(Failure failure);

/// A console's end of a session; blocking, with deadlines. Owns its descriptor.
class Connection {
public:
    using Clock = std::chrono::steady_clock;

    /// Connects and takes the greeting. The error names the socket, what is wrong and what to do.
    static tl::expected<Connection, std::string> open(const std::filesystem::path& socket,
                                                      Clock::time_point deadline);
    Connection(Connection&& other) noexcept;
    Connection& operator=(Connection&& other) noexcept;
    ~Connection();

    const Greeting& greeting() const { return greeting_; }
    /// To wait for with poll(2), when try_receive() gave nothing.
    int descriptor() const { return descriptor_; }

    tl::expected<void, Failure> send(const ClientMessage& message, Clock::time_point deadline) const;
    tl::expected<ServerMessage, Failure> receive(Clock::time_point deadline);
    /// A message that is there already; empty when none is.
    tl::expected<std::optional<ServerMessage>, Failure> try_receive();

private:
    explicit Connection(int descriptor) : descriptor_(descriptor) {}
    tl::expected<void, Failure> read_some();
    std::optional<std::string> take_line();

    int descriptor_ = -1;
    Greeting greeting_;
    std::string in_;
    std::size_t searched_ = 0;  ///< bytes of in_ known to hold no line end
};

}  // namespace lamplight::console::client
