#pragma once

#include "c2s/login.hpp"
#include "c2s/stream.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace lamplight::bus::xmpp {

/// Whether another program is logged in with a resource, found out without taking it away: logs in with one
/// of its own, sends no presence, and asks the full JID for its features (XEP-0030). A program answers; for
/// who is not there the server answers with an error (RFC 6120 section 10.5.3.2).
///
/// What cannot be found out (no login, no answer within `patience`) counts as nobody. `done` is called once,
/// in a turn of the loop, and not after the end of this object.
class RivalCheck {
public:
    enum class Found : std::uint8_t { nobody, somebody };
    static constexpr std::chrono::seconds patience{20};

    /// `account` with the resource in question.
    RivalCheck(boost::asio::io_context& loop, c2s::Account account, std::function<void(Found)> done);

private:
    c2s::Stream::Owner owner();
    void ask();
    void take(const wire::xml::Element& stanza);
    void finish(Found found);

    boost::asio::io_context& loop_;
    const std::string rival_;  ///< full
    std::function<void(Found)> done_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<RivalCheck*> alive_;
    std::unique_ptr<c2s::Stream> stream_;
};

}  // namespace lamplight::bus::xmpp
