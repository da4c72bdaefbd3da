#include "c2s/stream.hpp"

#include "c2s/connection.hpp"
#include "c2s/connector.hpp"
#include "c2s/stream_error.hpp"
#include "c2s/traffic.hpp"
#include "wire/xml/write.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <utility>
#include <vector>

namespace lamplight::c2s {

namespace {

namespace asio = boost::asio;
using wire::xml::Element;
using Act = Login::Output::Act;
using Line = Login::Output::Line;

constexpr std::string_view stream_end = "</stream:stream>";

}  // namespace

class Stream::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(asio::io_context& loop, Account account, Owner owner, std::chrono::milliseconds most_wait)
        : loop_(loop),
          account_(std::move(account)),
          owner_(std::move(owner)),
          most_wait_(most_wait),
          timer_(loop) {}

    void start();
    void send(const Element& stanza);
    void send_keepalive();
    void close(std::function<void()> done);
    /// The Stream is gone: nobody is called, and nothing stays.
    void abandon();

    std::size_t unsent_bytes() const { return connection_ ? connection_->unsent_bytes() : 0; }
    State state() const;
    std::optional<TlsInfo> tls() const;
    std::string peer() const { return phase_ == Phase::over ? std::string() : peer_; }

private:
    enum class Phase : std::uint8_t { idle, connecting, securing, logging_in, bound, ending, over };
    /// What the login did to the stream while an element of it was handled.
    enum class Turn : std::uint8_t { none, restart, tls };

    void connect();
    void take_connection(Connector::Result result);
    void connection_ended(Failure failure);
    Connection::Owner connection_owner();
    void encrypt();
    void encrypted();
    void obey(Login::Output output);
    void act(Login::Output& output);
    void take_bytes(std::string_view bytes);
    void tell_passed_over();
    void take(const wire::xml::Item& item);
    void take(const wire::xml::StreamOpened& header);
    void take(const Element& element);
    void take(const wire::xml::StreamClosed& closed);
    void turn(std::size_t dropped);
    void write(std::string_view text);
    void set_timer();
    void out_of_time();
    void note_state();
    void warn(std::string text);
    void end(Failure failure, std::string_view last_words = stream_end);
    void end_later(Failure failure);
    void over(const Failure& failure);
    void closed();

    bool runs() const { return phase_ < Phase::ending; }
    /// Calls the owner unless it is not to be called any more; it may end us.
    template <typename Call, typename... Arguments>
    void tell(const Call& call, Arguments&&... arguments) {
        if (silent_ || !call) return;
        call(std::forward<Arguments>(arguments)...);
    }
    template <typename Shown>
    void tell_traffic(Owner::Way way, const Shown& shown) {
        if (silent_ || !owner_.on_traffic || (owner_.wants_traffic && !owner_.wants_traffic())) return;
        owner_.on_traffic(way, shown());
    }
    /// For handlers of what belongs to us: nothing happens when we are gone.
    template <typename... Arguments>
    auto mine(void (Impl::*member)(Arguments...)) {
        return [weak = weak_from_this(), member](Arguments... arguments) {
            if (const auto self = weak.lock()) (self.get()->*member)(std::forward<Arguments>(arguments)...);
        };
    }

    asio::io_context& loop_;
    const Account account_;
    const Owner owner_;
    const std::chrono::milliseconds most_wait_;
    asio::steady_timer timer_;
    Phase phase_ = Phase::idle;
    Turn turn_ = Turn::none;
    bool silent_ = false;    ///< close() was called
    bool said_any_ = false;  ///< our header is out
    bool said_end_ = false;  ///< and its end
    State told_ = State::disconnected;
    std::string peer_;
    std::unique_ptr<Connector> connector_;
    std::shared_ptr<Connection> connection_;
    std::unique_ptr<SaslFactory> sasl_;
    std::unique_ptr<Login> login_;
    wire::xml::StreamParser parser_;
    std::array<std::uint64_t, wire::xml::flaw_count> told_passed_over_{};
    std::function<void()> done_;  ///< of close()
};

// --- the connection ---

void Stream::Impl::start() {
    if (phase_ != Phase::idle) return;
    phase_ = Phase::connecting;
    asio::post(loop_, mine(&Impl::connect));
}

void Stream::Impl::connect() {
    if (phase_ != Phase::connecting) return;
    note_state();
    if (phase_ != Phase::connecting) return;
    connector_ = std::make_unique<Connector>(loop_, account_, most_wait_, mine(&Impl::take_connection));
    connector_->start();
}

void Stream::Impl::take_connection(Connector::Result result) {
    connector_.reset();
    if (!result) return over(result.error());
    boost::system::error_code error;
    peer_ = to_string(result->remote_endpoint(error));
    connection_ = std::make_shared<Connection>(loop_, std::move(*result), connection_owner());
    connection_->start();
    sasl_ = make_gsasl();
    login_ = std::make_unique<Login>(account_, *sasl_);
    phase_ = Phase::logging_in;
    set_timer();
    if (account_.tls == Account::Tls::direct) return encrypt();
    obey(login_->connected());
}

Connection::Owner Stream::Impl::connection_owner() {
    return {.on_bytes = mine(&Impl::take_bytes),
            .on_encrypted = mine(&Impl::encrypted),
            .on_drained =
                [weak = weak_from_this()] {
                    const auto self = weak.lock();
                    if (self && self->phase_ == Phase::bound) self->tell(self->owner_.on_drained);
                },
            .on_end = mine(&Impl::connection_ended)};
}

void Stream::Impl::encrypt() {
    if (account_.verify == Account::Verify::no)
        warn(
            fmt::format("{}: the certificate of {} is not checked: whoever is between us and the server can "
                        "read and change everything (tls_verify = no)",
                        account_.place, account_.jid.domain));
    if (!runs()) return;
    auto tls = Tls::make(account_);
    if (!tls) return end(std::move(tls.error()));
    phase_ = Phase::securing;
    set_timer();
    connection_->encrypt(std::move(*tls));
}

void Stream::Impl::encrypted() {
    phase_ = Phase::logging_in;
    set_timer();
    obey(account_.tls == Account::Tls::direct ? login_->connected() : login_->encrypted());
}

// --- the login ---

/// While logging in it may mean more than that; where it does not, the connection's words tell more.
void Stream::Impl::connection_ended(Failure failure) {
    if (phase_ == Phase::logging_in && failure.kind == Failure::Kind::lost) {
        Login::Output output = login_->closed();
        for (const Line& line : output.lines)
            tell(owner_.on_line, line);
        if (output.failure.kind != Failure::Kind::ended_by_server) failure = std::move(output.failure);
    }
    over(failure);
}

void Stream::Impl::obey(Login::Output output) {
    for (const Line& line : output.lines) {
        tell(owner_.on_line, line);
        if (!runs()) return;
    }
    if (!output.send.empty()) write(output.send);
    if (runs()) note_state();
    if (runs()) act(output);
}

void Stream::Impl::act(Login::Output& output) {
    switch (output.act) {
        case Act::nothing:
            return;
        case Act::start_tls:
            turn_ = Turn::tls;
            return;
        case Act::restart_stream:
            turn_ = Turn::restart;
            return;
        case Act::bound:
            phase_ = Phase::bound;
            parser_.pass_over_excess();
            timer_.cancel();
            note_state();
            return tell(owner_.on_bound, output.bound);
        case Act::fail:
            return end(std::move(output.failure));
    }
}

// --- in ---

void Stream::Impl::take_bytes(std::string_view bytes) {
    std::vector<wire::xml::Item> items;
    const auto read = parser_.feed(bytes, items);
    tell_passed_over();
    if (!runs()) return;
    for (std::size_t i = 0; i < items.size(); ++i) {
        take(items[i]);
        if (!runs()) return;
        if (turn_ == Turn::none) continue;
        const bool is_more = parser_.in_the_middle() || !read;
        return turn(items.size() - i - 1 + (is_more ? 1 : 0));
    }
    if (read) return;
    tell(owner_.on_refused, read.error());
    if (runs()) end(failure_of(read.error()), words_for(read.error()));
}

void Stream::Impl::tell_passed_over() {
    const auto& counts = parser_.passed_over();
    for (std::size_t i = 0; i < counts.size(); ++i)
        while (runs() && told_passed_over_[i] < counts[i]) {
            ++told_passed_over_[i];
            const auto flaw = static_cast<wire::xml::Flaw>(i);
            warn(fmt::format("a stanza from {} was passed over: {}", peer_, to_string(flaw)));
            if (runs()) tell(owner_.on_refused, flaw);
        }
}

/// What was read of the old stream and not handled is nobody's; the next byte begins another one.
void Stream::Impl::turn(std::size_t dropped) {
    parser_.reset();
    if (std::exchange(turn_, Turn::none) == Turn::restart) return parser_.pass_over_excess();
    if (dropped > 0)
        warn(fmt::format(
            "{}: {} came in the clear behind the server's consent to TLS, and was dropped: somebody "
            "between us and {} may be writing into the connection",
            account_.place, dropped == 1 ? "an element" : fmt::format("{} elements", dropped), peer_));
    if (runs()) encrypt();
}

void Stream::Impl::take(const wire::xml::Item& item) {
    std::visit([this](const auto& one) { take(one); }, item);
}

void Stream::Impl::take(const wire::xml::StreamOpened& header) {
    tell_traffic(Owner::Way::in, [&] { return shown(header); });
    if (phase_ == Phase::logging_in) obey(login_->opened(header));
}

void Stream::Impl::take(const Element& element) {
    tell_traffic(Owner::Way::in, [&] { return shown(element); });
    if (phase_ == Phase::logging_in) return obey(login_->receive(element));
    if (phase_ != Phase::bound) return;
    if (is_stream_error(element)) return end(failure_of(element));
    tell(owner_.on_stanza, element);
}

void Stream::Impl::take(const wire::xml::StreamClosed& /*closed*/) {
    tell_traffic(Owner::Way::in, [] { return std::string(stream_end); });
    if (phase_ == Phase::logging_in) return obey(login_->closed());
    if (runs()) end({Failure::Kind::ended_by_server, "the server closed the stream", {}});
}

// --- out ---

void Stream::Impl::write(std::string_view text) {
    said_any_ = true;
    said_end_ = said_end_ || text.ends_with(stream_end);
    connection_->write(text);
    tell_traffic(Owner::Way::out, [&] { return shown_text(text); });
}

void Stream::Impl::send(const Element& stanza) {
    if (phase_ != Phase::bound || unsent_bytes() > most_unsent) return;
    connection_->write(wire::xml::to_text(stanza));
    tell_traffic(Owner::Way::out, [&] { return shown(stanza); });
    if (unsent_bytes() > most_unsent)
        end_later({Failure::Kind::lost,
                   fmt::format("the server takes nothing: {} MiB are unsent", most_unsent / (1024 * 1024)),
                   {}});
}

void Stream::Impl::send_keepalive() {
    if (phase_ == Phase::bound) connection_->write(" ");
}

// --- time ---

void Stream::Impl::set_timer() {
    timer_.expires_after(most_wait_);
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
        const auto self = weak.lock();
        if (!error && self && self->runs()) self->out_of_time();
    });
}

void Stream::Impl::out_of_time() {
    const double seconds = std::chrono::duration<double>(most_wait_).count();
    const std::string step = phase_ == Phase::securing ? "the TLS handshake" : "the login";
    end({Failure::Kind::lost,
         fmt::format("{} did not finish {} within {:g} s ({})", peer_, step, seconds, to_string(state())),
         {}});
}

// --- state, and the end ---

State Stream::Impl::state() const {
    switch (phase_) {
        case Phase::idle:
        case Phase::over:
            return State::disconnected;
        case Phase::connecting:
            return State::connecting;
        case Phase::ending:
            return State::disconnecting;
        case Phase::securing:
        case Phase::logging_in:
        case Phase::bound:
            break;
    }
    return login_->state();
}

void Stream::Impl::note_state() {
    const State now = state();
    if (std::exchange(told_, now) != now) tell(owner_.on_state, now);
}

void Stream::Impl::warn(std::string text) {
    tell(owner_.on_line, Line{.level = Line::Level::warning, .text = std::move(text)});
}

/// We end it: the server is told, then the owner.
void Stream::Impl::end(Failure failure, std::string_view last_words) {
    if (!runs()) return;
    if (phase_ != Phase::securing && said_any_ && !said_end_) write(last_words);
    if (!runs()) return;
    phase_ = Phase::ending;
    timer_.cancel();
    if (!connection_) return over(failure);
    connection_->finish([weak = weak_from_this(), failure = std::move(failure)] {
        if (const auto self = weak.lock()) self->over(failure);
    });
    note_state();
}

void Stream::Impl::end_later(Failure failure) {
    asio::post(loop_, [weak = weak_from_this(), failure = std::move(failure)] {
        if (const auto self = weak.lock()) self->end(failure);
    });
}

void Stream::Impl::over(const Failure& failure) {
    if (phase_ == Phase::over) return;
    phase_ = Phase::over;
    timer_.cancel();
    if (connection_) connection_->close();
    note_state();
    tell(owner_.on_end, failure);
    silent_ = true;
    closed();
}

void Stream::Impl::close(std::function<void()> done) {
    silent_ = true;
    if (phase_ == Phase::over || phase_ == Phase::idle) {
        phase_ = Phase::over;
        done_ = std::move(done);
        return asio::post(loop_, mine(&Impl::closed));
    }
    done_ = std::move(done);
    if (connection_) return end({});
    connector_.reset();
    end_later({});
}

void Stream::Impl::closed() {
    if (const auto done = std::exchange(done_, {})) done();
}

void Stream::Impl::abandon() {
    silent_ = true;
    phase_ = Phase::over;
    done_ = {};
    timer_.cancel();
    connector_.reset();
    if (connection_) connection_->close();
}

std::optional<TlsInfo> Stream::Impl::tls() const {
    const bool is_encrypted = phase_ == Phase::logging_in || phase_ == Phase::bound;
    if (!is_encrypted || !connection_->tls()) return std::nullopt;
    return connection_->tls()->info();
}

// --- what others see ---

Stream::Stream(asio::io_context& loop, Account account, Owner owner, std::chrono::milliseconds most_wait)
    : impl_(std::make_shared<Impl>(loop, std::move(account), std::move(owner), most_wait)) {}

Stream::~Stream() {
    impl_->abandon();
}

void Stream::start() {
    impl_->start();
}
void Stream::send(const Element& stanza) {
    impl_->send(stanza);
}
void Stream::send_keepalive() {
    impl_->send_keepalive();
}
std::size_t Stream::unsent_bytes() const {
    return impl_->unsent_bytes();
}
void Stream::close(std::function<void()> done) {
    impl_->close(std::move(done));
}
State Stream::state() const {
    return impl_->state();
}
std::optional<TlsInfo> Stream::tls() const {
    return impl_->tls();
}
std::string Stream::peer() const {
    return impl_->peer();
}

}  // namespace lamplight::c2s
