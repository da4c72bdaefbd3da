#pragma once

#include "c2s/srv.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <tl/expected.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lamplight::c2s {

/// Why a name gave nothing.
struct LookupFailure {
    enum class Kind : std::uint8_t {
        no_such_name,  ///< it does not exist, or has nothing of the kind asked for
        no_answer,     ///< the name servers could not be asked, or did not know
    } kind{};
    std::string text;  ///< in the words of the library
};

/// Names to addresses, and services to hosts, in the loop: c-ares reads /etc/hosts, /etc/resolv.conf and of
/// /etc/nsswitch.conf whether files or the name servers come first. Made anew for each connection, so that a
/// changed file counts at the next one. No thread: what is under way ends with this object, at once, and
/// nobody is called any more.
///
/// One question at a time; the answer is called from the loop, never from within the question.
/// Bounds  a name server is given 2 s, twice; 16 addresses a name.
class Resolver {
public:
    using Services = tl::expected<std::vector<Srv>, LookupFailure>;
    using Addresses = tl::expected<std::vector<boost::asio::ip::address>, LookupFailure>;

    explicit Resolver(boost::asio::io_context& loop);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// `name` is whole: `_xmpp-client._tcp.example.org`. In the order of the answer.
    void services(const std::string& name, std::function<void(Services)> on_answer);
    /// Both families, the better ones first (RFC 6724).
    void addresses(const std::string& host, std::function<void(Addresses)> on_answer);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::c2s
