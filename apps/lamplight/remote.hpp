#pragma once

#include "console/client/connection.hpp"
#include "console/protocol.hpp"

#include <tl/expected.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lamplight::app {

/// The daemon a console speaks to: asks one thing at a time, and shows live log lines that come in between.
class Remote {
public:
    /// A line to show at once: a live log line, or what became of the connection.
    using Show = std::function<void(const std::string& line)>;

    Remote(std::filesystem::path socket, std::chrono::milliseconds patience, Show show);

    /// The error says why not and what to do.
    tl::expected<void, std::string> connect();
    bool connected() const { return connection_.has_value(); }
    /// For poll(2); -1 while not connected.
    int descriptor() const { return connection_ ? connection_->descriptor() : -1; }
    const std::string& name() const { return greeting_.name; }
    const std::string& version() const { return greeting_.version; }

    /// Live log lines from now on, also after a reconnection.
    void subscribe();
    /// Runs one command. The error says why there is no answer.
    tl::expected<console::RunAnswer, std::string> run(const std::string& line, bool json);
    std::vector<std::string> complete(const std::string& line);
    /// Shows what has come; afterwards maybe not connected any more.
    void take_news();
    /// One quick attempt to get the lost daemon back; false when it has been away for too long.
    bool try_again();

private:
    template <typename Answer, typename Request>
    tl::expected<Answer, console::client::Failure> ask(Request request, std::chrono::milliseconds patience);
    void show_news(const console::ServerMessage& message);
    void lose();

    std::filesystem::path socket_;
    std::chrono::milliseconds patience_;
    Show show_;
    std::optional<console::client::Connection> connection_;
    console::Greeting greeting_;
    std::uint64_t last_id_ = 0;
    bool subscribed_ = false;
    console::client::Connection::Clock::time_point lost_at_;
};

}  // namespace lamplight::app
