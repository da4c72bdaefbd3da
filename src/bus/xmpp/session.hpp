#pragma once

#include "bus/xmpp/nodes.hpp"
#include "bus/xmpp/pace.hpp"
#include "bus/xmpp/requests.hpp"
#include "bus/xmpp/roster.hpp"
#include "bus/xmpp/stanzas.hpp"
#include "c2s/jid.hpp"
#include "state/types.hpp"
#include "wire/pubsub/event.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lamplight::bus::xmpp {

/// What one client of jabber.conf does on its stream, from bound to lost, and again on the next: its parts
/// (see README), and who of them a stanza is for. Pure.
///
/// The server is asked whether it is there (XEP-0199) when nothing came from it for `ping_every`; when
/// nothing comes for `silent_after`, the stream is to be given up.
class Session {
public:
    struct Settings {
        Roster::Settings roster;
        Nodes::Settings nodes;
        enum class Keepalive : std::uint8_t { no, yes } keepalive = Keepalive::yes;
    };
    struct Output {
        Stanzas stanzas;
        Roster::Output roster;  ///< its stanzas have gone to `stanzas`
        Nodes::Output nodes;    ///< its stanzas have gone to `stanzas`
        std::vector<wire::pubsub::Event> events;
        /// IQs with something of Lamplights in them, and from whom.
        std::vector<std::pair<c2s::Jid, wire::xml::Element>> iqs;
        std::vector<c2s::Jid> heard;  ///< full JIDs that something came from
        bool complete = false;        ///< the roster has come, or will not: the client is `Connected`
        bool silent = false;          ///< the server does not answer: give the stream up
    };
    static constexpr state::Duration ping_every = std::chrono::seconds(5);
    static constexpr state::Duration silent_after = std::chrono::seconds(10);

    Session(Settings settings, std::string domain);

    void configure(Settings settings, state::Time now, Output& out);
    void bound(const c2s::Jid& self, state::Time now, Output& out);
    void stream_lost(state::Time now, Output& out);
    void receive(const wire::xml::Element& stanza, state::Time now, Output& out);
    std::optional<state::Time> next_deadline(state::Time now) const;
    void on_time(state::Time now, Output& out);

    /// What of a call to a part is to be sent goes to `out.stanzas`: after each call of roster() or nodes().
    static void gather(Output& out);

    const std::optional<c2s::Jid>& self() const { return self_; }
    bool is_complete() const { return complete_; }
    Roster& roster() { return roster_; }
    const Roster& roster() const { return roster_; }
    Nodes& nodes() { return nodes_; }
    const Nodes& nodes() const { return nodes_; }
    Requests& requests() { return requests_; }
    Pace& pace() { return pace_; }
    const Pace& pace() const { return pace_; }

    struct Counters {
        std::uint64_t stanzas_in = 0;
        std::uint64_t unhandled = 0;      ///< nobody here wanted it
        std::uint64_t stray_answers = 0;  ///< to no request of ours
    };
    const Counters& counters() const { return counters_; }

private:
    void receive_iq(const wire::xml::Element& iq, const std::optional<c2s::Jid>& from, state::Time now,
                    Output& out);
    void receive_message(const wire::xml::Element& message, state::Time now, Output& out);
    void note_roster(Output& out);
    void ping(state::Time now, Output& out);

    Settings settings_;
    std::string domain_;
    Requests requests_;
    Roster roster_;
    Nodes nodes_;
    Pace pace_;
    Counters counters_;
    std::optional<c2s::Jid> self_;
    bool complete_ = false;
    state::Time heard_{};  ///< when anything came last
    bool ping_under_way_ = false;
};

}  // namespace lamplight::bus::xmpp
