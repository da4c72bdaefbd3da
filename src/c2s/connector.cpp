#include "c2s/connector.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <random>
#include <utility>

namespace lamplight::c2s {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t most_troubles = 4;  // of which is told

std::uint32_t by_chance(std::uint32_t most) {
    std::random_device source;
    return std::uniform_int_distribution<std::uint32_t>(0, most)(source);
}

/// `[::1]` is `::1`.
std::string without_brackets(const std::string& host) {
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') return host.substr(1, host.size() - 2);
    return host;
}

/// Families take turns, beginning with that of the best one (RFC 8305 section 4).
Resolver::Addresses::value_type take_turns(const Resolver::Addresses::value_type& addresses) {
    std::deque<asio::ip::address> same;
    std::deque<asio::ip::address> other;
    for (const asio::ip::address& one : addresses)
        (one.is_v6() == addresses.front().is_v6() ? same : other).push_back(one);
    Resolver::Addresses::value_type out;
    while (!same.empty() || !other.empty()) {
        for (auto* const family : {&same, &other}) {
            if (family->empty()) continue;
            out.push_back(family->front());
            family->pop_front();
        }
    }
    return out;
}

std::string seconds_text(std::chrono::milliseconds time) {
    return fmt::format("{:g} s", std::chrono::duration<double>(time).count());
}

}  // namespace

std::string to_string(const tcp::endpoint& endpoint) {
    const asio::ip::address address = endpoint.address();
    return fmt::format(fmt::runtime(address.is_v6() ? "[{}]:{}" : "{}:{}"), address.to_string(),
                       endpoint.port());
}

Connector::Connector(asio::io_context& loop, const Account& account, std::chrono::milliseconds patience,
                     std::function<void(Result)> on_done)
    : loop_(loop),
      account_(account),
      patience_(patience),
      on_done_(std::move(on_done)),
      resolver_(loop),
      patience_timer_(loop),
      head_start_timer_(loop),
      alive_(std::make_shared<Connector*>(this)) {}

Connector::~Connector() {
    alive_.reset();
}

void Connector::start() {
    patience_timer_.expires_after(patience_);
    patience_timer_.async_wait([alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        const auto self = alive.lock();
        if (!error && self)
            (*self)->give_up(fmt::format("no answer in {}", seconds_text((*self)->patience_)));
    });
    if (account_.host.empty() && account_.srv == Account::Srv::yes) return ask_for_service();
    targets_.push_back({account_.host.empty() ? account_.jid.domain : account_.host, account_.port});
    next();
}

void Connector::ask_for_service() {
    const char* const service = account_.tls == Account::Tls::direct ? "_xmpps-client" : "_xmpp-client";
    resolving_ = true;
    resolver_.services(fmt::format("{}._tcp.{}", service, account_.jid.domain),
                       [alive = std::weak_ptr(alive_)](Resolver::Services answer) {
                           if (const auto self = alive.lock()) (*self)->take_service(std::move(answer));
                       });
}

void Connector::take_service(Resolver::Services answer) {
    resolving_ = false;
    if (answer && says_no_service(*answer))
        return fail(
            Failure::Kind::not_found,
            fmt::format("{} says by its SRV record that it has no such XMPP service", account_.jid.domain),
            "name the server by serverhost, or set srv = no");
    if (answer)
        for (Srv& record : in_order(std::move(*answer), by_chance))
            targets_.push_back({std::move(record.target), record.port});
    else if (answer.error().kind == LookupFailure::Kind::no_answer)
        troubles_.push_back(fmt::format("SRV records of {}: {}", account_.jid.domain, answer.error().text));
    if (targets_.empty()) targets_.push_back({account_.jid.domain, account_.port});
    next();
}

/// The next address of this host; with none left the next host; with none left and nothing under way the end.
void Connector::next() {
    if (!addresses_.empty()) {
        const tcp::endpoint endpoint = addresses_.front();
        addresses_.pop_front();
        return try_address(endpoint);
    }
    if (resolving_) return;
    if (!targets_.empty()) {
        const Target target = std::move(targets_.front());
        targets_.pop_front();
        return resolve(target);
    }
    if (attempts_.empty()) give_up({});
}

void Connector::resolve(const Target& target) {
    boost::system::error_code no_literal;
    const auto literal = asio::ip::make_address(without_brackets(target.host), no_literal);
    resolving_ = true;
    if (no_literal)
        return resolver_.addresses(target.host,
                                   [alive = std::weak_ptr(alive_), target](Resolver::Addresses answer) {
                                       if (const auto self = alive.lock())
                                           (*self)->take_addresses(target, std::move(answer));
                                   });
    asio::post(loop_, [alive = std::weak_ptr(alive_), target, literal] {
        if (const auto self = alive.lock()) (*self)->take_addresses(target, std::vector{literal});
    });
}

void Connector::take_addresses(const Target& target, Resolver::Addresses answer) {
    resolving_ = false;
    if (answer)
        for (const asio::ip::address& address : take_turns(*answer))
            addresses_.emplace_back(address, target.port);
    else
        troubles_.push_back(fmt::format("{}: {}", target.host, answer.error().text));
    next();
}

void Connector::try_address(const tcp::endpoint& endpoint) {
    had_address_ = true;
    auto socket = std::make_shared<tcp::socket>(loop_);
    attempts_.push_back(socket);
    socket->async_connect(endpoint, [alive = std::weak_ptr(alive_), weak = std::weak_ptr(socket),
                                     endpoint](boost::system::error_code error) {
        const auto self = alive.lock();
        const auto tried = weak.lock();
        if (self && tried) (*self)->take_attempt(tried, endpoint, error);
    });
    set_head_start();
}

void Connector::set_head_start() {
    if (addresses_.empty() && targets_.empty()) return;
    head_start_timer_.expires_after(head_start);
    head_start_timer_.async_wait([alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        const auto self = alive.lock();
        if (!error && self) (*self)->next();
    });
}

void Connector::take_attempt(const Socket& socket, const tcp::endpoint& endpoint,
                             boost::system::error_code error) {
    std::erase(attempts_, socket);
    if (!error) return finish(std::move(*socket));
    troubles_.push_back(fmt::format("{}: {}", to_string(endpoint), error.message()));
    head_start_timer_.cancel();
    next();
}

void Connector::give_up(std::string_view because) {
    std::vector<std::string> words = troubles_;
    if (words.size() > most_troubles) words.resize(most_troubles);
    if (!because.empty()) words.emplace_back(because);
    const std::string host = account_.host.empty() ? account_.jid.domain : account_.host;
    const std::string text = fmt::format("{}", fmt::join(words, "; "));
    if (had_address_)
        return fail(Failure::Kind::unreachable, fmt::format("cannot connect to {}: {}", host, text), {});
    fail(Failure::Kind::not_found, fmt::format("there is no address of {}: {}", host, text),
         "check serverhost, /etc/hosts and the name server");
}

void Connector::fail(Failure::Kind kind, std::string text, std::string what_to_do) {
    finish(tl::unexpected(Failure{kind, std::move(text), std::move(what_to_do)}));
}

void Connector::finish(Result result) {
    alive_.reset();
    attempts_.clear();
    patience_timer_.cancel();
    head_start_timer_.cancel();
    const auto on_done = std::exchange(on_done_, {});  // it may destroy us
    on_done(std::move(result));
}

}  // namespace lamplight::c2s
