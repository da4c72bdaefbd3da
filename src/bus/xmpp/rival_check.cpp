#include "bus/xmpp/rival_check.hpp"

#include "c2s/jid.hpp"
#include "wire/pubsub/request.hpp"
#include "wire/xml/element.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace lamplight::bus::xmpp {

namespace {

constexpr std::string_view id = "rival";

c2s::Account with_another_resource(c2s::Account account) {
    account.jid.resource += "-looks";
    return account;
}

}  // namespace

RivalCheck::RivalCheck(boost::asio::io_context& loop, c2s::Account account, std::function<void(Found)> done)
    : loop_(loop),
      rival_(c2s::to_string(account.jid)),
      done_(std::move(done)),
      timer_(loop),
      alive_(std::make_shared<RivalCheck*>(this)),
      stream_(std::make_unique<c2s::Stream>(loop, with_another_resource(std::move(account)), owner())) {
    timer_.expires_after(patience);
    timer_.async_wait([alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        const auto self = alive.lock();
        if (!error && self) (*self)->finish(Found::nobody);
    });
    stream_->start();
}

c2s::Stream::Owner RivalCheck::owner() {
    return {.on_bound = [this](const c2s::Bound&) { ask(); },
            .on_stanza = [this](const wire::xml::Element& stanza) { take(stanza); },
            .on_end = [this](const c2s::Failure&) { finish(Found::nobody); },
            .wants_traffic = [] { return false; }};
}

void RivalCheck::ask() {
    wire::xml::Element iq = wire::pubsub::disco_info(rival_);
    stream_->send(iq.set("id", std::string(id)));
}

void RivalCheck::take(const wire::xml::Element& stanza) {
    if (stanza.name != "iq" || stanza.value_of("id") != id) return;
    const std::string_view type = stanza.value_of("type");
    if (type == "result") return finish(Found::somebody);
    if (type == "error") finish(Found::nobody);
}

/// The stream may be what calls this: it is let go of in a later turn.
void RivalCheck::finish(Found found) {
    if (!done_) return;
    timer_.cancel();
    auto old = std::shared_ptr<c2s::Stream>(std::move(stream_));
    if (old) old->close([old] {});
    boost::asio::post(loop_,
                      [alive = std::weak_ptr(alive_), done = std::exchange(done_, nullptr), found, old] {
                          if (alive.lock()) done(found);
                      });
}

}  // namespace lamplight::bus::xmpp
