#pragma once

#include "c2s/account.hpp"
#include "c2s/failure.hpp"
#include "c2s/resolver.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <tl/expected.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lamplight::c2s {

/// From an account to a TCP connection: literal addresses as they are; with `srv` and no host the service's
/// hosts by SRV records (RFC 6120 section 3.2.1, XEP-0368), without any record the domain itself; then all
/// addresses of each host in turn, both families, the next one a head start later than the one before or as
/// soon as that one failed (RFC 8305 in its simple form). The first that is there wins, the others are let
/// go.
///
/// Calls once, from the loop; it may be destroyed at any time, also from within the call, and is silent then.
/// Bounds  `patience` for everything; 16 hosts, 16 addresses each.
class Connector {
public:
    using Result = tl::expected<boost::asio::ip::tcp::socket, Failure>;

    static constexpr std::chrono::milliseconds head_start{250};

    Connector(boost::asio::io_context& loop, const Account& account, std::chrono::milliseconds patience,
              std::function<void(Result)> on_done);
    ~Connector();
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;

    void start();

private:
    struct Target {
        std::string host;
        std::uint16_t port = 0;
    };
    using Socket = std::shared_ptr<boost::asio::ip::tcp::socket>;

    void ask_for_service();
    void take_service(Resolver::Services answer);
    void next();
    void resolve(const Target& target);
    void take_addresses(const Target& target, Resolver::Addresses answer);
    void try_address(const boost::asio::ip::tcp::endpoint& endpoint);
    void set_head_start();
    void take_attempt(const Socket& socket, const boost::asio::ip::tcp::endpoint& endpoint,
                      boost::system::error_code error);
    void give_up(std::string_view because);
    void fail(Failure::Kind kind, std::string text, std::string what_to_do);
    void finish(Result result);

    boost::asio::io_context& loop_;
    const Account account_;
    const std::chrono::milliseconds patience_;
    std::function<void(Result)> on_done_;
    Resolver resolver_;
    boost::asio::steady_timer patience_timer_;
    boost::asio::steady_timer head_start_timer_;
    std::deque<Target> targets_;
    std::deque<boost::asio::ip::tcp::endpoint> addresses_;
    std::vector<Socket> attempts_;
    bool resolving_ = false;
    bool had_address_ = false;
    std::vector<std::string> troubles_;  ///< what went wrong so far, a few words each
    std::shared_ptr<Connector*> alive_;
};

/// `192.0.2.1:5222`, `[2001:db8::1]:5222`.
std::string to_string(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace lamplight::c2s
