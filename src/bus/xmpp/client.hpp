#pragma once

#include "bus/deadline_timer.hpp"
#include "bus/xmpp/back_off.hpp"
#include "bus/xmpp/rival_check.hpp"
#include "bus/xmpp/session.hpp"
#include "bus/xmpp/stanzas.hpp"
#include "c2s/stream.hpp"
#include "conf/configuration.hpp"
#include "log/log.hpp"
#include "state/types.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>

namespace lamplight::bus::xmpp {

/// One section of jabber.conf at work: keeps a stream up, with back-off, and runs a Session on it. A shell;
/// what comes of its inputs goes to its owner. On the loop's thread.
class Client {
public:
    /// Which family of commands and files the operator speaks: the forms of dumps differ.
    enum class Dialect : std::uint8_t { jabber, xmpp };
    /// None may destroy the client.
    struct Owner {
        std::function<state::Time()> now;
        std::function<void(Client&)> on_bound;
        std::function<void(Client&)> on_lost;
        /// Something of the session is to be looked at; its stanzas have been sent.
        std::function<void(Client&, Session::Output&)> on_output;
    };
    struct Identity {
        std::string own_node;          ///< name of our own PubSub node
        std::string software_version;  ///< for jabber:iq:version
    };

    Client(boost::asio::io_context& loop, log::Log& log, ClientId id, conf::JabberClient settings,
           Dialect dialect, Identity identity, Owner owner);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void start();
    /// Other settings of the same name: what only the session needs is changed on the running stream, else
    /// there is a new one.
    void configure(const conf::JabberClient& settings);
    /// Presence unavailable and the end of the stream; `done` at most 300 ms later.
    void close(std::function<void()> done);

    // --- for the talks ---
    bool is_bound() const { return session_.self().has_value(); }
    /// Sends at once; only while bound. Clears them.
    void send(Stanzas& stanzas);
    /// Sends an IQ whose answer is waited for, and counts it to the pace.
    void ask(wire::xml::Element iq, Requests::Handler handler,
             state::Duration patience = Requests::usual_patience);
    /// Lets `call` work on the session, then does what came of it.
    void with_session(const std::function<void(Session&, state::Time, Session::Output&)>& call);
    Session& session() { return session_; }
    const Session& session() const { return session_; }
    std::size_t unsent_bytes() const { return stream_ ? stream_->unsent_bytes() : 0; }

    // --- for commands and status ---
    ClientId id() const { return id_; }
    const conf::JabberClient& settings() const { return settings_; }
    /// `Connected` when the roster has come.
    c2s::State state() const;
    std::string jid() const;  ///< as the server gave it, else as configured; always with a resource
    /// Why it is not connected and when it tries again; empty when it is.
    std::string trouble() const;
    std::optional<c2s::TlsInfo> tls() const { return stream_ ? stream_->tls() : std::nullopt; }
    std::string peer() const { return stream_ ? stream_->peer() : std::string(); }
    const std::string& mechanism() const { return mechanism_; }
    std::uint64_t connects() const { return connects_; }
    /// Stanzas passed over and streams ended, by what was wrong with them.
    const std::array<std::uint64_t, wire::xml::flaw_count>& refused() const { return refused_; }
    std::optional<std::chrono::system_clock::time_point> connected_since() const { return connected_since_; }
    enum class Debug : std::uint8_t { off, on };
    void set_debug(Debug debug, Dialect dialect);
    /// Tries again now, whatever the back-off says.
    void try_now();

private:
    c2s::Stream::Owner owner_of_stream();
    void connect();
    void on_bound(const c2s::Bound& bound);
    void on_stanza(const wire::xml::Element& stanza);
    void on_end(const c2s::Failure& failure);
    void on_line(const c2s::Login::Output::Line& line);
    void on_traffic(c2s::Stream::Owner::Way way, std::string_view xml);
    void stream_lost(const std::string& why);
    void try_later(const c2s::Failure& failure);
    void wait_and(state::Duration pause, void (Client::*what)());
    void look_for_rival();
    void rival_found(RivalCheck::Found found);
    void on_time();
    void ask_server_if_due();
    void set_timer();
    void handle(Session::Output& out);
    void write(Stanzas& stanzas);
    void ask_paced(wire::xml::Element iq, Pace::Number paced, Requests::Handler handler,
                   state::Duration patience);
    void tell(const Session::Output& out);

    boost::asio::io_context& loop_;
    log::Log& log_;
    const ClientId id_;
    conf::JabberClient settings_;
    Dialect dialect_;
    Identity identity_;
    Owner owner_;
    Session session_;
    std::unique_ptr<c2s::Stream> stream_;
    std::unique_ptr<RivalCheck> rival_check_;  ///< under way
    BackOff back_off_;
    std::minstd_rand random_;
    boost::asio::steady_timer retry_timer_;
    boost::asio::steady_timer steady_timer_;  ///< the stream has been up for a while
    DeadlineTimer deadline_;
    bool debug_ = false;
    Dialect debug_dialect_{};
    bool closing_ = false;
    std::string mechanism_;
    std::uint64_t connects_ = 0;
    std::array<std::uint64_t, wire::xml::flaw_count> refused_{};
    std::optional<std::chrono::system_clock::time_point> connected_since_;
    std::string trouble_;       ///< of the last stream; empty while connected
    std::string said_trouble_;  ///< in the log, so that the same is not said at every try
    std::set<std::string> said_lines_;
    std::shared_ptr<Client*> alive_;
};

}  // namespace lamplight::bus::xmpp
