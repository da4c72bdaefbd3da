#include "bus/xmpp/client.hpp"

#include "bus/xmpp/client_settings.hpp"
#include "wire/pubsub/request.hpp"
#include "wire/xml/write.hpp"

#include <boost/asio/post.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <utility>

namespace lamplight::bus::xmpp {

namespace {

using namespace std::chrono_literals;

std::string clock_time(std::chrono::system_clock::time_point time) {
    return fmt::format("{:%H:%M:%S}", fmt::localtime(std::chrono::system_clock::to_time_t(time)));
}

BackOff::Trouble trouble_of(c2s::Failure::Kind kind) {
    if (kind == c2s::Failure::Kind::registered) return BackOff::Trouble::wants_another;
    return c2s::is_lasting(kind) ? BackOff::Trouble::lasting : BackOff::Trouble::passing;
}

}  // namespace

Client::Client(boost::asio::io_context& loop, log::Log& log, ClientId id, conf::JabberClient settings,
               Dialect dialect, Identity identity, Owner owner)
    : loop_(loop),
      log_(log),
      id_(id),
      settings_(std::move(settings)),
      dialect_(dialect),
      identity_(std::move(identity)),
      owner_(std::move(owner)),
      session_(session_settings(settings_, identity_), domain_of(settings_)),
      random_(std::random_device()()),
      retry_timer_(loop),
      steady_timer_(loop),
      deadline_(loop, [this] { on_time(); }),
      debug_(settings_.debug),
      debug_dialect_(dialect),
      alive_(std::make_shared<Client*>(this)) {}

Client::~Client() {
    alive_.reset();
}

// --- the stream ---

void Client::start() {
    connect();
}

void Client::connect() {
    retry_timer_.cancel();
    rival_check_.reset();
    stream_ = std::make_unique<c2s::Stream>(loop_, account_of(settings_), owner_of_stream());
    stream_->start();
}

c2s::Stream::Owner Client::owner_of_stream() {
    return {.on_state =
                [this](c2s::State state) {
                    log_.debug(1, "XMPP: {}: {}", settings_.name, c2s::to_string(state));
                },
            .on_bound = [this](const c2s::Bound& bound) { on_bound(bound); },
            .on_stanza = [this](const wire::xml::Element& stanza) { on_stanza(stanza); },
            .on_end = [this](const c2s::Failure& failure) { on_end(failure); },
            .on_drained = [this] { set_timer(); },
            .on_traffic = [this](c2s::Stream::Owner::Way way, std::string_view xml) { on_traffic(way, xml); },
            .wants_traffic = [this] { return debug_; },
            .on_line = [this](const c2s::Login::Output::Line& line) { on_line(line); },
            .on_refused = [this](wire::xml::Flaw flaw) { ++refused_[static_cast<std::size_t>(flaw)]; }};
}

void Client::on_bound(const c2s::Bound& bound) {
    ++connects_;
    mechanism_ = bound.mechanism;
    trouble_.clear();
    connected_since_ = std::chrono::system_clock::now();
    log_.notice("XMPP: client '{}' is logged in as {} at {} ({}{})", settings_.name,
                c2s::to_string(bound.jid), peer(), mechanism_,
                tls() ? ", " + tls()->protocol : ", not encrypted");
    said_trouble_.clear();
    steady_timer_.expires_after(BackOff::steady);
    steady_timer_.async_wait([alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        const auto self = alive.lock();
        if (!error && self && (*self)->is_bound()) (*self)->back_off_.succeeded();
    });
    with_session(
        [&](Session& session, state::Time now, Session::Output& out) { session.bound(bound.jid, now, out); });
    owner_.on_bound(*this);
}

void Client::on_stanza(const wire::xml::Element& stanza) {
    with_session(
        [&](Session& session, state::Time now, Session::Output& out) { session.receive(stanza, now, out); });
}

void Client::on_end(const c2s::Failure& failure) {
    stream_lost(failure.text);
    try_later(failure);
}

void Client::stream_lost(const std::string& why) {
    steady_timer_.cancel();
    connected_since_.reset();
    trouble_ = why;
    if (!is_bound()) return;
    Session::Output out;
    session_.stream_lost(owner_.now(), out);
    tell(out);
    owner_.on_output(*this, out);
    owner_.on_lost(*this);
    set_timer();
}

/// The stream that ends calls this: it is let go of in the next turn.
void Client::try_later(const c2s::Failure& failure) {
    using Kind = c2s::Failure::Kind;
    boost::asio::post(loop_, [ended = std::shared_ptr<c2s::Stream>(std::move(stream_))] {});
    if (closing_) return;
    const std::string advice = failure.what_to_do.empty() ? "" : "; " + failure.what_to_do;
    const bool rival = failure.kind == Kind::conflict;
    const auto pause = rival ? back_off_.next_after_rival(owner_.now(), random_())
                             : back_off_.next(trouble_of(failure.kind), random_());
    const std::string said = fmt::format("{}{}", failure.text, advice);
    const auto when = std::chrono::system_clock::now() + pause;
    trouble_ = fmt::format("{}; next try at {}", failure.text, clock_time(when));
    if (pause == pause.zero())
        log_.notice("XMPP: client '{}': {}", settings_.name, said);
    else if (said != std::exchange(said_trouble_, said))
        log_.warning(
            "XMPP: client '{}' is not connected: {}; next try in {:.1f} s, then ever more seldom up to {} s",
            settings_.name, said, std::chrono::duration<double>(pause).count(),
            std::chrono::duration_cast<std::chrono::seconds>(rival ? BackOff::rivals : BackOff::most)
                .count());
    else
        log_.verbose(3, "XMPP: client '{}' is not connected: {}; next try in {:.1f} s", settings_.name, said,
                     std::chrono::duration<double>(pause).count());
    wait_and(pause, rival ? &Client::look_for_rival : &Client::connect);
}

void Client::wait_and(state::Duration pause, void (Client::*what)()) {
    retry_timer_.expires_after(pause);
    retry_timer_.async_wait([alive = std::weak_ptr(alive_), what](boost::system::error_code error) {
        const auto self = alive.lock();
        if (!error && self) (*self->*what)();
    });
}

/// An administrator who ends a session looks like a program that took it: only the latter is still there.
void Client::look_for_rival() {
    rival_check_ = std::make_unique<RivalCheck>(loop_, account_of(settings_),
                                                [this](RivalCheck::Found found) { rival_found(found); });
}

void Client::rival_found(RivalCheck::Found found) {
    rival_check_.reset();
    if (found == RivalCheck::Found::nobody) return connect();
    const auto pause = back_off_.next_after_rival(owner_.now(), random_());
    const std::string said = fmt::format("another program is logged in as {} and is left alone", jid());
    trouble_ = fmt::format("{}; next look at {}", said, clock_time(std::chrono::system_clock::now() + pause));
    if (said != std::exchange(said_trouble_, said))
        log_.warning("XMPP: client '{}' is not connected: {}; looked for again every {} s", settings_.name,
                     said, std::chrono::duration_cast<std::chrono::seconds>(BackOff::rivals).count());
    wait_and(pause, &Client::look_for_rival);
}

void Client::try_now() {
    if (stream_ || closing_) return;
    connect();
}

void Client::configure(const conf::JabberClient& settings) {
    const bool same_stream = has_same_stream(settings_, settings);
    settings_ = settings;
    debug_ = settings_.debug || (debug_ && same_stream);
    said_lines_.clear();
    with_session([&](Session& session, state::Time now, Session::Output& out) {
        session.configure(session_settings(settings_, identity_), now, out);
    });
    if (same_stream) return try_now();
    back_off_ = {};
    said_trouble_.clear();
    if (!stream_) return connect();
    stream_lost("jabber.conf was read again");
    auto old = std::shared_ptr<c2s::Stream>(std::move(stream_));
    old->close([old] {});
    boost::asio::post(loop_, [alive = std::weak_ptr(alive_)] {
        if (const auto self = alive.lock()) (*self)->try_now();
    });
}

void Client::close(std::function<void()> done) {
    closing_ = true;
    retry_timer_.cancel();
    rival_check_.reset();
    steady_timer_.cancel();
    if (!stream_) return boost::asio::post(loop_, std::move(done));
    if (is_bound()) {
        wire::xml::Element gone("presence", "jabber:client");
        gone.set("type", "unavailable");
        stream_->send(gone);
    }
    stream_lost("closing");
    auto old = std::shared_ptr<c2s::Stream>(std::move(stream_));
    old->close([old, done = std::move(done)] { done(); });
}

// --- the session ---

void Client::with_session(const std::function<void(Session&, state::Time, Session::Output&)>& call) {
    Session::Output out;
    call(session_, owner_.now(), out);
    Session::gather(out);
    handle(out);
}

/// The owner may ask for more while it is told: what it brings about is done by its own calls.
void Client::handle(Session::Output& out) {
    send(out.stanzas);
    tell(out);
    if (out.complete) log_.verbose(2, "XMPP: client '{}': the roster is here", settings_.name);
    owner_.on_output(*this, out);
    set_timer();
    if (!out.silent || !stream_) return;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Session::silent_after).count();
    auto old = std::shared_ptr<c2s::Stream>(std::move(stream_));
    old->close([old] {});
    on_end({c2s::Failure::Kind::lost, fmt::format("nothing came from the server for {} s", seconds), {}});
}

void Client::send(Stanzas& stanzas) {
    for (std::size_t i = 0; i < stanzas.size(); ++i)
        session_.pace().sent(0, owner_.now());
    write(stanzas);
}

void Client::write(Stanzas& stanzas) {
    if (stream_ && is_bound())
        for (const wire::xml::Element& stanza : stanzas)
            stream_->send(stanza);
    stanzas.clear();
}

void Client::ask(wire::xml::Element iq, Requests::Handler handler, state::Duration patience) {
    const Pace::Number paced = session_.pace().sent(wire::xml::to_text(iq).size(), owner_.now());
    ask_paced(std::move(iq), paced, std::move(handler), patience);
}

void Client::ask_paced(wire::xml::Element iq, Pace::Number paced, Requests::Handler handler,
                       state::Duration patience) {
    Stanzas out;
    session_.requests().ask(
        std::move(iq),
        [this, paced, handler = std::move(handler)](const Requests::Reply& reply, state::Time at) {
            if (reply.answer != Answer::lost || reply.took >= Requests::usual_patience)
                session_.pace().answered(paced, at);
            handler(reply, at);
        },
        owner_.now(), out, patience);
    write(out);
    set_timer();
}

/// Nobody answers: is it the server, or are they peers that do not?
void Client::ask_server_if_due() {
    const auto due = session_.pace().next_probe();
    const state::Time now = owner_.now();
    if (!is_bound() || !due || *due > now) return;
    wire::xml::Element ping = wire::pubsub::ping(session_.self()->domain);
    const Pace::Number paced = session_.pace().probe_sent(wire::xml::to_text(ping).size(), now);
    ask_paced(std::move(ping), paced, [](const Requests::Reply&, state::Time) {}, Requests::usual_patience);
}

void Client::on_time() {
    with_session([](Session& session, state::Time now, Session::Output& out) { session.on_time(now, out); });
    ask_server_if_due();
}

void Client::set_timer() {
    const state::Time now = owner_.now();
    auto due = session_.next_deadline(now);
    if (const auto probe = session_.pace().next_probe(); probe && (!due || *probe < *due)) due = probe;
    deadline_.set(due, now);
}

// --- for people ---

void Client::on_line(const c2s::Login::Output::Line& line) {
    if (!said_lines_.insert(line.text).second) return;
    if (line.level == c2s::Login::Output::Line::Level::warning)
        log_.warning("XMPP: client '{}': {}", settings_.name, line.text);
    else
        log_.notice("XMPP: client '{}': {}", settings_.name, line.text);
}

void Client::set_debug(Debug debug, Dialect dialect) {
    debug_ = debug == Debug::on;
    debug_dialect_ = dialect;
}

/// As res_jabber and res_xmpp print it (asterisk-facts 5.7).
void Client::on_traffic(c2s::Stream::Owner::Way way, std::string_view xml) {
    if (!debug_) return;
    const bool in = way == c2s::Stream::Owner::Way::in;
    log_.bare("");
    if (debug_dialect_ == Dialect::jabber)
        return log_.bare("JABBER: {} {}: {}", settings_.name, in ? "INCOMING" : "OUTGOING", xml);
    log_.bare("<--- XMPP {} '{}' --->", in ? "received from" : "sent to", settings_.name);
    log_.bare("{}", xml);
    log_.bare("<------------->");
}

c2s::State Client::state() const {
    if (!stream_) return c2s::State::disconnected;
    if (!is_bound()) return stream_->state();
    return session_.is_complete() ? c2s::State::connected : c2s::State::retrieving_roster;
}

std::string Client::jid() const {
    return session_.self() ? c2s::to_string(*session_.self()) : settings_.username + "/" + settings_.resource;
}

std::string Client::trouble() const {
    if (is_bound()) return {};
    return trouble_.empty() ? "connecting" : trouble_;
}

void Client::tell(const Session::Output& out) {
    for (const Roster::News& news : out.roster.news)
        tell_roster(log_, settings_.name, news);
    for (const Nodes::News& news : out.nodes.news)
        tell_nodes(log_, settings_.name, news);
}

}  // namespace lamplight::bus::xmpp
