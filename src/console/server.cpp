#include "console/server.hpp"

#include "console/control_socket.hpp"
#include "console/protocol.hpp"
#include "console/session.hpp"
#include "log/line.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>
#include <vector>

namespace lamplight::console {

class Server::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(boost::asio::io_context& loop, Registry& registry, log::Log& log, ServerOptions options,
         ControlSocket socket)
        : loop_(loop),
          registry_(registry),
          log_(log),
          options_(std::move(options)),
          socket_(std::move(socket)),
          acceptor_(loop, boost::asio::local::stream_protocol(), socket_.take_descriptor()),
          pause_(loop),
          drain_end_(loop) {}

    void accept() {
        acceptor_.async_accept(
            [weak = weak_from_this()](const boost::system::error_code& failure, Session::Socket socket) {
                if (const auto self = weak.lock()) self->on_accept(failure, std::move(socket));
            });
    }

    void stop() {
        stop_listening();
        if (ear_) log_.detach(*std::exchange(ear_, std::nullopt));
        const auto sessions = std::exchange(sessions_, {});
        for (const auto& session : sessions)
            session->close();
    }

    void drain(std::function<void()> done) {
        stop_listening();
        drained_ = std::move(done);
        for (const auto& session : sessions_)
            session->stop_reading();
        drain_end_.expires_after(std::chrono::seconds(1));
        drain_end_.async_wait([weak = weak_from_this()](const boost::system::error_code& failure) {
            const auto self = weak.lock();
            if (self && !failure) self->end_drain();
        });
        boost::asio::post(loop_, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->look_at_drain();
        });
    }

    std::size_t sessions() const { return sessions_.size(); }

private:
    void stop_listening() {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        pause_.cancel();
    }

    void on_accept(const boost::system::error_code& failure, Session::Socket socket) {
        if (!acceptor_.is_open()) return;
        if (failure) return pause_accepting(failure);
        const auto session = std::make_shared<Session>(std::move(socket), registry_, options_,
                                                       [weak = weak_from_this()](Session& changed) {
                                                           if (const auto self = weak.lock())
                                                               self->on_change(changed);
                                                       });
        sessions_.push_back(session);
        accept_complained_ = false;
        if (sessions_.size() > options_.most_sessions) {
            session->refuse("too many consoles are connected already");
        } else {
            session->start();
        }
        // Beyond the refused ones waiting for their word, nobody is let in.
        if (sessions_.size() < options_.most_sessions + 16)
            accept();
        else
            paused_full_ = true;
    }

    /// No descriptors left, most likely: said once, tried again in a while.
    void pause_accepting(const boost::system::error_code& failure) {
        if (!std::exchange(accept_complained_, true))
            log_.warning("No console can be let in: {}", failure.message());
        pause_.expires_after(std::chrono::seconds(1));
        pause_.async_wait([weak = weak_from_this()](const boost::system::error_code& ended) {
            const auto self = weak.lock();
            if (self && !ended && self->acceptor_.is_open()) self->accept();
        });
    }

    void on_change(Session& changed) {
        if (!changed.open()) {
            std::erase_if(sessions_, [&](const auto& session) { return session.get() == &changed; });
            if (std::exchange(paused_full_, false) && acceptor_.is_open()) accept();
        }
        listen_or_not();
        look_at_drain();
    }

    void listen_or_not() {
        const bool wanted = std::any_of(sessions_.begin(), sessions_.end(),
                                        [](const auto& session) { return session->subscribed(); });
        if (wanted && !ear_) {
            // The listener may outlive this object by one line: it holds what it touches.
            ear_ = log_.attach(
                [weak = weak_from_this(), state = ear_state_, executor = loop_.get_executor(),
                 &log = log_](const log::Record& record) { hear(weak, state, executor, log, record); });
        } else if (!wanted && ear_) {
            log_.detach(*std::exchange(ear_, std::nullopt));
        }
    }

    /// What waits between other threads and the loop.
    struct EarState {
        static constexpr int most_waiting = 4096;
        std::atomic<int> waiting = 0;
        std::atomic<std::uint64_t> lost = 0;
    };

    /// On any thread: hands the line to the loop; inline when this is the loop's.
    static void hear(const std::weak_ptr<Impl>& weak, const std::shared_ptr<EarState>& state,
                     const boost::asio::io_context::executor_type& executor, const log::Log& log,
                     const log::Record& record) {
        if (state->waiting >= EarState::most_waiting) {
            ++state->lost;
            return;
        }
        ++state->waiting;
        auto line = encode(ServerMessage(
            LogLine{std::string(to_string(record.level)), log::console_line(record, log.date_format())}));
        boost::asio::dispatch(executor, [weak, state, line = std::move(line)] {
            --state->waiting;
            if (const auto self = weak.lock()) self->spread(line, state->lost.exchange(0));
        });
    }

    void spread(const std::string& line, std::uint64_t lost) {
        for (const auto& session : sessions_) {
            if (lost != 0 && session->subscribed()) session->lose_log(lost);
            session->send_log(line);
        }
    }

    void look_at_drain() {
        if (!drained_) return;
        const bool idle = std::all_of(sessions_.begin(), sessions_.end(),
                                      [](const auto& session) { return session->idle(); });
        if (idle) end_drain();
    }

    void end_drain() {
        drain_end_.cancel();
        if (drained_) boost::asio::post(loop_, std::exchange(drained_, nullptr));
    }

    boost::asio::io_context& loop_;
    Registry& registry_;
    log::Log& log_;
    const ServerOptions options_;
    ControlSocket socket_;
    boost::asio::local::stream_protocol::acceptor acceptor_;
    boost::asio::steady_timer pause_;
    boost::asio::steady_timer drain_end_;
    std::vector<std::shared_ptr<Session>> sessions_;
    std::shared_ptr<EarState> ear_state_ = std::make_shared<EarState>();
    std::optional<log::ListenerId> ear_;
    std::function<void()> drained_;
    bool accept_complained_ = false;
    bool paused_full_ = false;
};

tl::expected<std::unique_ptr<Server>, std::string> Server::make(boost::asio::io_context& loop,
                                                                Registry& registry, log::Log& log,
                                                                ServerOptions options) {
    auto socket = ControlSocket::open(options.socket, options.group);
    if (!socket) return tl::unexpected(socket.error());
    auto impl = std::make_shared<Impl>(loop, registry, log, std::move(options), std::move(*socket));
    impl->accept();
    return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() {
    impl_->stop();
}
void Server::drain(std::function<void()> done) {
    impl_->drain(std::move(done));
}
std::size_t Server::sessions() const {
    return impl_->sessions();
}

}  // namespace lamplight::console
