#include "bench/xmpp_traffic.hpp"

#include "bench/board.hpp"
#include "c2s/stream.hpp"
#include "wire/pubsub/event.hpp"
#include "wire/pubsub/names.hpp"
#include "wire/pubsub/payload.hpp"
#include "wire/pubsub/request.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace lamplight::bench {

namespace {

using namespace std::chrono_literals;
using wire::xml::Element;
using Clock = std::chrono::steady_clock;
using Role = XmppTraffic::Role;
namespace pubsub = wire::pubsub;
namespace ns = wire::pubsub::ns;

constexpr state::Eid bare_eid{{2, 0, 0, 0x78, 0, 1}};
constexpr std::string_view making = "making",
                           subscribing = "subscribing";  // ids; those of messages are numbers
constexpr auto look_every = 1ms;
constexpr auto ask_again = 100ms;

class Traffic {
public:
    Traffic(const XmppTraffic& order, c2s::Account account, Board board)
        : order_(order),
          board_(std::move(board)),
          timer_(loop_),
          stream_(loop_, std::move(account), owner()) {}

    tl::expected<void, std::string> run();

private:
    bool gives() const { return order_.role == Role::give || order_.role == Role::send; }
    c2s::Stream::Owner owner();
    void prepare();
    void begin();
    void on_stanza(const Element& stanza);
    void on_answer(const Element& iq);
    void on_presence(const Element& presence);
    void ask(Element iq, std::string_view id);
    void show(std::string_view to = {});
    void after(Clock::duration time, void (Traffic::*what)());
    void fail(std::string sentence);
    // --- see, take ---
    void subscribe();
    void subscribed();
    void join_when_visible();
    void see(const Element& message);
    void take(const Element& request);
    // --- give, send ---
    void ready_to_give();
    void wait_for_subscriber();
    void begin_giving(std::string_view to = {});
    void give();
    void give_in_time();
    void give_one();
    void finish();

    XmppTraffic order_;
    Board board_;
    boost::asio::io_context loop_;
    boost::asio::steady_timer timer_;
    c2s::Stream stream_;
    std::optional<std::string> failure_;
    bool shown_ = false;
    bool subscribed_ = false;
    bool visible_ = false;

    std::vector<Element> stanzas_;  ///< of `give` two for each device, its states in turn
    std::uint64_t given_ = 0;
    std::uint64_t answered_ = 0;
    bool giving_ = false;
    Clock::time_point due_;
    std::int64_t cpu_before_ = 0;
};

c2s::Stream::Owner Traffic::owner() {
    c2s::Stream::Owner out;
    out.on_bound = [this](const c2s::Bound&) { begin(); };
    out.on_stanza = [this](const Element& stanza) { on_stanza(stanza); };
    out.on_end = [this](const c2s::Failure& failure) { fail(failure.text); };
    out.wants_traffic = [] { return false; };
    return out;
}

tl::expected<void, std::string> Traffic::run() {
    prepare();
    if (order_.role == Role::take) board_.head().seer_joined_ns = now_ns();  // its login is part of it
    stream_.start();
    loop_.run();
    if (failure_) return tl::unexpected(*failure_);
    return {};
}

void Traffic::fail(std::string sentence) {
    failure_ = std::move(sentence);
    loop_.stop();
}

void Traffic::after(Clock::duration time, void (Traffic::*what)()) {
    timer_.expires_after(time);
    timer_.async_wait([this, what](boost::system::error_code error) {
        if (!error) (this->*what)();
    });
}

void Traffic::ask(Element iq, std::string_view id) {
    iq.set("id", std::string(id));
    stream_.send(iq);
}

/// Messages are made before time counts.
void Traffic::prepare() {
    if (order_.role == Role::send) {
        Element iq("iq", std::string(ns::client));
        iq.set("type", "set");
        iq.add("frame", std::string(ns::frame)).add_text(std::string(order_.bytes, 'x'));
        stanzas_.push_back(std::move(iq));
    }
    if (order_.role != Role::give) return;
    for (std::uint32_t device = 0; device < board_.devices(); ++device)
        for (const auto state : {state::DeviceState::inuse, state::DeviceState::not_inuse})
            stanzas_.push_back(
                pubsub::publish(order_.service, order_.node,
                                pubsub::make_item(pubsub::StateItem{device_name(device), bare_eid, state})));
}

void Traffic::begin() {
    switch (order_.role) {
        case Role::give:
            return ask(
                pubsub::create(order_.service, order_.node, {.access = pubsub::NodeForm::Access::open}),
                making);
        case Role::see:
            return subscribe();
        case Role::send:
            board_.head().giver_ready_ns = now_ns();
            return;
        case Role::take:
            for (const std::string& peer : order_.peers)
                show(peer);
            return;
    }
}

void Traffic::show(std::string_view to) {
    Element presence("presence", std::string(ns::client));
    if (!to.empty()) presence.set("to", std::string(to));
    stream_.send(presence);
}

// --- what comes ---

void Traffic::on_stanza(const Element& stanza) {
    if (stanza.name == "message") return see(stanza);
    if (stanza.name == "presence") return on_presence(stanza);
    const std::string_view type = stanza.value_of("type");
    if (type == "get" || type == "set") return take(stanza);
    on_answer(stanza);
}

void Traffic::on_presence(const Element& presence) {
    const std::string from(presence.value_of("from"));
    if (from == order_.jid && !std::exchange(visible_, true)) return join_when_visible();
    if (order_.role == Role::send && !giving_ && std::ranges::find(order_.peers, from) != order_.peers.end())
        return begin_giving(from);
    if (presence.value_of("type") != "subscribe") return;
    for (const char* type : {"subscribed", "subscribe"}) {
        Element answer("presence", std::string(ns::client));
        stream_.send(answer.set("to", from).set("type", type));
    }
}

void Traffic::on_answer(const Element& iq) {
    const bool refused = iq.value_of("type") == "error";
    const std::string_view id = iq.value_of("id");
    if (id == subscribing) {
        if (!refused) return gives() ? ready_to_give() : subscribed();
        if (!std::exchange(shown_, true)) show();
        return after(ask_again, &Traffic::subscribe);
    }
    if (id == making) {
        if (refused && !pubsub::parse_error(iq).is("conflict"))
            return fail(fmt::format("{} is not made: {}", order_.node, pubsub::parse_error(iq).condition));
        return order_.hears_itself ? subscribe() : ready_to_give();
    }
    if (!giving_) return;
    if (refused) return fail(fmt::format("refused: {}", pubsub::parse_error(iq).condition));
    if (++answered_ == order_.messages) return finish();
    if (order_.per_second == 0) give();
}

// --- see, take ---

/// Who may not yet is let in by the node's owner once it has seen us.
void Traffic::subscribe() {
    const auto jid = c2s::parse_jid(order_.jid);
    ask(pubsub::subscribe(order_.service, order_.node, c2s::to_string(jid->bare())), subscribing);
}

void Traffic::subscribed() {
    subscribed_ = true;
    if (!std::exchange(shown_, true)) return show();
    join_when_visible();
}

/// A server delivers to who has shown itself: it has noticed that when our presence comes back to us.
void Traffic::join_when_visible() {
    if (subscribed_ && visible_ && order_.role == Role::see) board_.head().seer_joined_ns = now_ns();
}

void Traffic::see(const Element& message) {
    const auto event = pubsub::parse_event(message);
    if (gives() || !event || event->node != order_.node) return;
    const std::int64_t now = now_ns();
    for (const pubsub::EventItem& item : event->items) {
        if (!item.payload) continue;
        const auto* state = std::get_if<pubsub::StateItem>(&*item.payload);
        if (state == nullptr) continue;
        if (const auto device = device_index(state->device))
            board_.see(*device, static_cast<std::uint32_t>(state->state), now);
    }
}

void Traffic::take(const Element& request) {
    if (request.child("frame", ns::frame) == nullptr)
        return stream_.send(pubsub::make_error(request, "feature-not-implemented", "cancel", 501));
    stream_.send(pubsub::make_result(request));
    board_.take_event(now_ns());
}

// --- give, send ---

void Traffic::ready_to_give() {
    if (order_.hears_itself) show();
    board_.head().giver_ready_ns = now_ns();
    wait_for_subscriber();
}

void Traffic::wait_for_subscriber() {
    if (board_.head().seer_joined_ns == 0) return after(look_every, &Traffic::wait_for_subscriber);
    begin_giving();
}

void Traffic::begin_giving(std::string_view to) {
    giving_ = true;
    cpu_before_ = cpu_ns();
    due_ = Clock::now();
    for (Element& stanza : stanzas_)
        if (!to.empty()) stanza.set("to", std::string(to));
    if (order_.per_second == 0) return give();
    give_in_time();
}

void Traffic::give() {
    while (given_ < order_.messages && given_ - answered_ < order_.window)
        give_one();
}

void Traffic::give_in_time() {
    if (given_ == order_.messages) return;
    give_one();
    due_ += std::chrono::nanoseconds(1s) / order_.per_second;
    after(due_ - Clock::now(), &Traffic::give_in_time);
}

void Traffic::give_one() {
    const std::uint64_t device = given_ % board_.devices();
    const std::uint64_t turn = given_ / board_.devices() % 2;
    Element& stanza = order_.role == Role::give ? stanzas_[device * 2 + turn] : stanzas_.front();
    stanza.set("id", std::to_string(given_++));
    if (order_.role == Role::give) board_.give(static_cast<std::uint32_t>(device), now_ns());
    stream_.send(stanza);
}

void Traffic::finish() {
    board_.head().giver_cpu_ns = cpu_ns() - cpu_before_;
    stream_.close([this] { loop_.stop(); });
}

}  // namespace

tl::expected<void, std::string> run_xmpp_traffic(const XmppTraffic& order) {
    c2s::Account account;
    const auto jid = c2s::parse_jid(order.jid);
    if (!jid || jid->local.empty() || jid->is_bare())
        return tl::unexpected(fmt::format("{} is no full JID of an account", order.jid));
    account.jid = *jid;
    account.secret = order.secret;
    account.tls = c2s::Account::Tls::none;
    auto board = Board::open(order.board);
    if (!board) return tl::unexpected(board.error());
    return Traffic(order, std::move(account), std::move(*board)).run();
}

}  // namespace lamplight::bench
