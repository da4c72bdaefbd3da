#pragma once

#include "console/protocol.hpp"
#include "console/registry.hpp"
#include "console/server.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace lamplight::console {

/// One console: reads requests one by one, writes answers and live log lines. On the loop's thread.
class Session : public std::enable_shared_from_this<Session> {
public:
    using Socket = boost::asio::local::stream_protocol::socket;

    Session(Socket socket, Registry& registry, const ServerOptions& options,
            std::function<void(Session&)> on_change);

    /// Greets and begins to read.
    void start();
    /// Says why, and ends once that is written.
    void refuse(std::string why);
    void close();

    bool subscribed() const { return subscribed_ && socket_.is_open(); }
    bool open() const { return socket_.is_open(); }
    /// Nothing is being answered or written.
    bool idle() const { return !answering_ && out_.empty(); }

    /// A live line, encoded; dropped and counted when too much waits. Never closes and never logs.
    void send_log(const std::string& encoded);
    void lose_log(std::uint64_t count) { lost_ += count; }
    /// No further request is read.
    void stop_reading() { ending_ = true; }

private:
    struct Outgoing {
        std::string text;
        bool is_log = false;
    };

    void read_next();
    void on_read(const boost::system::error_code& failure, std::size_t bytes);
    void take(std::string_view line);
    void handle(const RunRequest& request);
    void handle(const CompleteRequest& request);
    void handle(const SubscribeRequest& request);
    void answered(const ServerMessage& answer);
    void send(std::string text, bool is_log);
    void tell_lost();
    void write_next();
    void on_written(const boost::system::error_code& failure, std::size_t bytes);
    void go_on();
    void watch(std::chrono::milliseconds patience);

    Socket socket_;
    Registry& registry_;
    const ServerOptions& options_;
    std::function<void(Session&)> on_change_;  ///< subscribed, drained or closed
    boost::asio::steady_timer patience_;
    Asker asker_;

    std::string in_;
    std::deque<Outgoing> out_;
    std::size_t written_ = 0;      ///< of the first one
    std::size_t log_waiting_ = 0;  ///< bytes
    std::uint64_t lost_ = 0;
    bool subscribed_ = false;
    bool spoke_ = false;      ///< a request was understood
    bool answering_ = false;  ///< a command has not answered yet
    bool reading_ = false;
    bool writing_ = false;
    bool ending_ = false;  ///< closes when everything is written
};

/// Who sits at the other end of a local socket, by SO_PEERCRED and the local /etc/passwd, which cannot block.
Asker asker_of(int descriptor);

}  // namespace lamplight::console
