#pragma once

#include "bus/xmpp/stanzas.hpp"
#include "c2s/jid.hpp"
#include "state/engine.hpp"
#include "state/mwi.hpp"
#include "wire/pubsub/event.hpp"
#include "wire/pubsub/request.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::bus::xmpp {

/// The talk with Asterisk servers (res_jabber, res_xmpp) over PubSub nodes, for all clients of jabber.conf:
/// their votes in, ours out, one item a publish. Pure. What plain::Exchange is on a ring.
///
/// In   a vote counts for the EID in it (bus xmpp_plain, a sender an EID); refused and counted are those of
/// our own
///      EIDs (that is how our own come back), of EIDs that are Lamplights on any bus, of a publisher that is
///      no buddy where the service names it, and whatever wire::pubsub refuses. An EID tied to a JID (`eid`
///      in jabber.conf) is heard from that JID only where the publisher is named, that JID with no other EID,
///      and it is silent or present as its JID is; since an Asterisk publishes before it sends its presence,
///      a vote is believed for `presence_follows` without it. An untied one cannot be known dead: it is
///      silent while no stream is there that it was heard through, and present again with its next vote.
/// Out  only while an Asterisk may hear it: a buddy is there that is no Lamplight, or an untied one has been
/// heard.
///      When one comes, everything is published once more (a dump), after `dump_delay`, at its pace; changes
///      go ahead of it. Nothing is queued: what waits is a mark, and the newest vote is written when there is
///      room. A withdrawal is UNAVAILABLE. Names beyond 79 bytes, or that XML or Asterisk would read as
///      others, stay here, each said once.
/// A node is published to after node_ready(); a node that refuses waits for the next one. What is refused of
/// one item alone (ejabberd keeps an item for its first publisher) waits for the next change or node_ready().
/// In collection mode node_ready(device_state) is about the collection: leaves are published to behind it.
/// Two clients carry the same events: each has its own marks, so what one server loses the other has.
///
/// Bounds  8 bytes and a bit for a waiting vote and client; `most_eids` senders.
class AsteriskVotes {
public:
    /// The nodes all Asterisks share, in collection mode collections.
    static constexpr std::string_view device_state = "device_state";
    static constexpr std::string_view message_waiting = "message_waiting";

    struct ClientSettings {
        std::string service;
        bool collection = false;  ///< a node a device
        bool autocreate =
            false;  ///< pubsub_autocreate: in collection mode, leaves are made before they are published to
    };
    struct News {
        enum class Kind : std::uint8_t {
            malformed,  ///< an item was refused; `text`: why, from where. Once a client, reason and minute
            stranger,   ///< a publisher that is no buddy; `text`: its JID. Once a JID and minute
            wrong_eid,  ///< an EID tied to another JID, or not the publisher's; `text`: both. Once a minute
            name_too_long,  ///< one of our devices or mailboxes does not fit this wire; `text`: its name.
                            ///< Once each
            heard_first,    ///< an EID's first vote; `text`: the EID and from where
            dump_begins,    ///< `text`: how many votes
            dump_ended,
        } kind{};
        ClientId client{};
        std::string text;
    };
    struct Output {
        state::Changes changes;
        std::vector<state::MwiInput> mwi;
        std::vector<News> news;
        /// Nodes whose publish was refused: for Nodes::publish_refused, before `leaves`. `error` is a copy.
        struct Refused {
            ClientId client{};
            std::string node;
            wire::xml::Element error;
        };
        std::vector<Refused> refused;
        /// Collection mode: leaves that are wanted (Nodes::want_leaf), at most 32 of devices at a time: the
        /// next ones when node_ready() or node_failed() answered for one.
        struct Leaf {
            ClientId client{};
            std::string device;                          ///< or `mailbox@context`
            std::string_view collection = device_state;  ///< it belongs to
        };
        std::vector<Leaf> leaves;
        void clear();
    };
    struct Counters {
        std::uint64_t items_in = 0, states_in = 0, mailboxes_in = 0, own_items = 0;
        std::uint64_t published = 0, publish_refused = 0, publish_lost = 0;
        std::uint64_t from_lamplights = 0, from_strangers = 0, wrong_eid = 0, over_limit = 0, retracts = 0;
        std::array<std::uint64_t, wire::pubsub::refusal_count> refused{};
        std::uint64_t refused_items() const;
    };
    /// Whether the EID is a Lamplight on a bus now: its plain votes are passed over.
    using IsLamplight = std::function<bool(const state::Eid&)>;
    static constexpr std::size_t most_eids = 1'024;
    static constexpr state::Duration dump_delay = std::chrono::milliseconds(500);
    static constexpr state::Duration presence_follows = std::chrono::seconds(5);

    /// Engine and table outlive it.
    AsteriskVotes(state::Engine& engine, const state::MwiTable& mwi, IsLamplight is_lamplight);
    ~AsteriskVotes();

    // --- ourselves ---
    void set_own_nodes(std::span<const state::Announcement> nodes);
    void on_changes(const state::Changes& changes);
    void on_mwi_changes(std::span<const state::MwiOwnChange> changes);

    // --- clients ---
    void client_ready(ClientId client, const ClientSettings& settings, state::Time now, Output& out);
    /// The stream is lost: what was under way waits again; its buddies are out of sight.
    void client_lost(ClientId client, state::Time now, Output& out);
    /// Its section is gone, and its stream: nothing is kept of it. Nothing else is called for it afterwards
    /// but what answers its last stanzas, which is passed over.
    void client_retired(ClientId client, state::Time now, Output& out);
    /// `Nodes` says that this node can be published to, or not. Leaves in collection mode, too.
    void node_ready(ClientId client, std::string_view node, state::Time now, Output& out);
    void node_failed(ClientId client, std::string_view node);

    // --- who is there: buddies' clients that are no Lamplights ---
    /// Those of jabber.conf, of all clients, in place of those before. Who does not call it has the ties that
    /// came() names, from then on.
    void set_ties(std::span<const Tie> ties, state::Time now, Output& out);
    /// A client that is there already is no news, but for another `eid`.
    void came(ClientId client, const c2s::Jid& jid, std::optional<state::Eid> eid, state::Time now,
              Output& out);
    void gone(ClientId client, const c2s::Jid& jid, state::Time now, Output& out);

    // --- what is heard ---
    /// `is_buddy`: whether a named publisher is believed.
    void receive(ClientId client, const wire::pubsub::Event& event,
                 const std::function<bool(const c2s::Jid&)>& is_buddy, state::Time now, Output& out);

    // --- what is said ---
    struct Taken {
        wire::xml::Element iq;  ///< without id and from
        std::uint64_t tag = 0;
        bool fresh = false;  ///< a change, not part of a dump
    };
    enum class Wants : std::uint8_t { nothing, bulk, fresh };
    Wants wants_to_send(ClientId client) const;
    /// Empty although it wanted to: it looked through many devices without a vote of ours; call again after
    /// other work.
    std::optional<Taken> take(ClientId client, state::Time now);
    /// `error`: of refused.
    void answered(ClientId client, std::uint64_t tag, Answer answer, const wire::xml::Element* error,
                  state::Time now, Output& out);
    /// `stop`: takes every own vote back, as UNAVAILABLE; said_goodbye() when it is through, or nobody hears
    /// it.
    void say_goodbye();
    bool said_goodbye() const;

    std::optional<state::Time> next_deadline() const;
    void on_time(state::Time now, Output& out);

    // --- questions ---
    const Counters& counters() const;
    std::uint64_t waiting(ClientId client) const;
    bool has_audience(ClientId client) const;
    struct EidView {
        state::Eid eid;
        std::string from;  ///< JID it is tied to, or the service it was heard through
        bool tied = false;
        bool present = true;
    };
    std::vector<EidView> eids() const;
    std::size_t clients() const;  ///< that something is kept of

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::bus::xmpp
