#pragma once

#include "bus/sync/exchange.hpp"
#include "bus/xmpp/roster.hpp"
#include "bus/xmpp/stanzas.hpp"
#include "c2s/jid.hpp"
#include "state/engine.hpp"
#include "state/mwi.hpp"
#include "wire/pubsub/event.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::bus::xmpp {

/// What the name of a Lamplight's own PubSub node begins with; its EID follows.
inline constexpr std::string_view own_node_prefix = "lamplight:";

/// The way to another Lamplight: one of its logged-in clients, seen by one of ours.
struct Road {
    ClientId client{};
    c2s::Jid jid;  ///< full
    auto operator<=>(const Road&) const = default;
};

/// The talk with other Lamplights over all clients of jabber.conf: sync::Exchange, whose peers are processes,
/// each reached by one or several roads. Pure.
///
/// | what                             | how it goes |
/// |---|---|
/// | hello, snapshots, digests, repairs | IQ from full JID to full JID over the peer's best road; the result
/// says that it was taken | | changes                          | an item in our own node, on every client
/// that has one, for all peers that follow it | | changes, to who cannot follow    | IQ, as above | | "I
/// follow your node"             | <following xmlns='urn:lamplight:votes:1' node='…'/> in an IQ, when the
/// subscription stands | | is it there?                     | XEP-0199 ping on each road every `ping_every`
/// unless something else came from there |
///
/// A peer is gone when its last road is: silently (stale for silent_hold) unless it said goodbye before. What
/// was under way on a lost road is said again on another, at once.
///
/// A frame from a road counts for that road's process only; an item in a node counts for the process whose
/// mark named the node and service, so nobody speaks in another's name.
class Lamplights {
public:
    struct News {
        enum class Kind : std::uint8_t {
            road_up,       ///< `text`: client and JID
            road_down,     ///< `text`: and why
            same_process,  ///< our own process number from elsewhere: passed over
            no_kin,        ///< another's process number, who does not know it: heard as somebody of its own
            unexpected,    ///< a frame from who is no Lamplight by its presence; once a JID and minute
            bad_item,      ///< an item in a Lamplight's node that is no frame; once a node and minute
        } kind{};
        std::string text;
    };
    struct Output {
        sync::Output sync;
        std::vector<News> news;
        /// Nodes to be followed or not any more (Nodes::follow).
        struct Follow {
            ClientId client{};
            std::string service, node;
            enum class What : std::uint8_t { follow, unfollow } what{};
        };
        std::vector<Follow> follows;
        /// Our own node refused an item: for Nodes::publish_refused. It is not used until own_node_ready().
        struct Refused {
            ClientId client{};
            std::string node;
            wire::xml::Element error;
        };
        std::vector<Refused> refused;
        /// Somebody does not follow our node any more: for Nodes::look_again, for it may be gone.
        struct Unfollowed {
            ClientId client{};
            std::string node;
        };
        std::vector<Unfollowed> unfollowed;
        /// Answers to IQs, to be sent on that client's stream at once.
        std::map<ClientId, Stanzas> stanzas;
        void clear();
    };
    /// Why something for Lamplights went no further; what a frame says is refused by sync::Exchange.
    enum class Refusal : std::uint8_t {
        unmarked,   ///< from who is no Lamplight by its presence
        unproven,   ///< from who has not shown that it is of the process that it names
        no_set,     ///< an IQ of another type
        bad_frame,  ///< not base64, or longer than a frame: in an IQ
        bad_item,   ///< the same in an item
        item_without_frame,
        foreign_publisher,  ///< an item that another than the node's owner published
        foreign_node,       ///< about following a node that is not ours
        foreign_jid,        ///< about an account that is not ours
        no_room,            ///< for another process
    };
    static constexpr std::size_t refusal_count = 10;
    struct Counters {
        std::array<std::uint64_t, refusal_count> refused{};
    };
    struct Settings {
        std::string software;
        std::string process;  ///< of our Mark
        state::Duration ping_every = std::chrono::seconds(5);
        state::Duration silent_after = std::chrono::seconds(10);
    };

    Lamplights(state::Engine& engine, const state::MwiTable& mwi, Settings settings);
    ~Lamplights();

    // --- ourselves ---
    void set_own_nodes(std::span<const state::Announcement> nodes);
    /// For these EIDs nobody but their accounts speaks. What is announced already stays until it is announced
    /// again. An account may announce `most_nodes` EIDs, tied or not, as long as the daemon runs.
    void set_ties(std::span<const Tie> ties);
    static constexpr std::size_t most_nodes = 64;
    void on_changes(const state::Changes& changes);
    void on_mwi_changes(std::span<const state::MwiOwnChange> changes);
    /// Who we are there; another asks it about us when it sees two accounts of one process.
    void own_jid(ClientId client, c2s::Jid full);
    /// Our own node on this client can be published to, or cannot.
    void own_node_ready(ClientId client, std::string service, std::string node, state::Time now);
    void own_node_lost(ClientId client, state::Time now);

    // --- roads ---
    /// Presence of a buddy with a mark: it came, or the mark is another one.
    void road_up(const Road& road, const Mark& mark, state::Time now, Output& out);
    enum class Why : std::uint8_t { unavailable, stream_lost, silent };
    void road_down(const Road& road, Why why, state::Time now, Output& out);
    void client_lost(ClientId client, state::Time now, Output& out);  ///< all of its roads
    /// Our subscription to another's node stands, or does not any more.
    void following(ClientId client, std::string_view service, std::string_view node, state::Time now);
    void not_following(ClientId client, std::string_view service, std::string_view node, state::Time now);

    // --- what is heard ---
    /// An IQ of type set or get with something of ours in it (frame, following): answers it. False: it is
    /// none.
    bool receive(const Road& road, const wire::xml::Element& iq, state::Time now, Output& out);
    /// Anything else that came from there: it is alive.
    void heard_from(const Road& road, state::Time now);
    /// An event of a node that a mark named; false when none did.
    bool receive_event(ClientId client, const wire::pubsub::Event& event, state::Time now, Output& out);

    // --- what is said ---
    struct Taken {
        wire::xml::Element iq;  ///< without id and from
        std::uint64_t tag = 0;
        bool fresh = false;                       ///< changes, words, pings; not a part of a snapshot
        std::optional<state::Duration> patience;  ///< how long its answer is waited for; nothing: as usual
    };
    enum class Wants : std::uint8_t { nothing, bulk, fresh, ping };
    Wants wants_to_send(ClientId client) const;
    /// `budget`: bytes the stanza may have; below the least frame it is the least frame.
    std::optional<Taken> take(ClientId client, std::size_t budget, state::Time now);
    void answered(ClientId client, std::uint64_t tag, Answer answer, const wire::xml::Element* error,
                  state::Time now, Output& out);
    void say_goodbye(wire::vote::Goodbye::How how);
    bool said_goodbye() const;  ///< every peer has it, or cannot

    std::optional<state::Time> next_deadline() const;
    void on_time(state::Time now, Output& out);

    // --- questions ---
    /// A Lamplight is there, answers, and is of the process that it names or heard by itself.
    bool is_up(const Road& road) const;
    struct PeerView {
        std::string process;
        std::vector<Road> roads;  ///< the best first
        bool present = false;
        bool follows_our_node = false;  ///< changes reach it as items; else each is sent to it alone
        bool we_follow = false;
        std::vector<sync::PeerNode> nodes;
    };
    std::vector<PeerView> peers() const;
    const sync::Exchange& exchange() const;
    const Counters& counters() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

std::string_view to_string(Lamplights::Refusal refusal);  ///< for counters

}  // namespace lamplight::bus::xmpp
