#pragma once

#include "console/registry.hpp"
#include "log/log.hpp"

#include <boost/asio/io_context.hpp>
#include <tl/expected.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace lamplight::console {

struct ServerOptions {
    std::filesystem::path socket;  ///< `run_dir/NAME.ctl`; the folder is there already
    std::string name;              ///< the daemon's, for the prompt
    std::string version;
    std::string group = "lamplight";
    std::size_t most_sessions = 64;  ///< the newcomer is refused
    std::chrono::milliseconds first_request =
        std::chrono::seconds(30);  ///< who says nothing so long is closed
    std::chrono::milliseconds stuck_reader =
        std::chrono::seconds(60);  ///< who reads nothing so long is closed
};

/// The socket that consoles are connected to (docs/protocol/console.md). On the loop's thread, except that
/// log lines may come from any.
///
/// Bounds: a request's line has 64 KiB at most, a longer one ends the session; a session has one request at a
/// time and the next is not read before the answer is on its way; live log lines beyond 256 KiB unread are
/// dropped, counted and told (`-- 12 lines lost --`), answers never.
class Server {
public:
    static constexpr std::size_t log_bytes = 256 * 1024;

    /// Takes the socket; what is in the way is said, with what to do.
    static tl::expected<std::unique_ptr<Server>, std::string> make(boost::asio::io_context& loop,
                                                                   Registry& registry, log::Log& log,
                                                                   ServerOptions options);
    /// Ends every session and removes the socket.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Takes no new sessions or requests, and calls `done` when every answer due has been handed to the
    /// system, a second later at most.
    void drain(std::function<void()> done);
    std::size_t sessions() const;

private:
    class Impl;
    explicit Server(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace lamplight::console
