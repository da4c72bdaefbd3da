#pragma once

#include "bus/xmpp/requests.hpp"
#include "bus/xmpp/stanzas.hpp"
#include "c2s/jid.hpp"
#include "state/types.hpp"
#include "wire/pubsub/event.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::bus::xmpp {

/// The PubSub nodes of one stream: those Asterisks share (`device_state`, `message_waiting`, or a leaf a
/// device in collection mode), our own for Lamplights, and those of other Lamplights. Finds out what the
/// service is and allows, makes and configures what is missing by a form each server takes, subscribes,
/// grants, and says what it could not do and whom to ask for what. Pure.
///
/// | a node      | made when | access    | publish    | items kept | affiliations |
/// |---|---|---|---|---|---|
/// | Asterisk's  | it is not found | whitelist | publishers | no | buddies: owner, as Asterisk grants |
/// | ours        | it is not found | whitelist | publishers | no | buddies: member |
/// | another's   | never     |
///
/// Who is no buddy any more loses affiliation and subscription of our own node: when the buddies are other
/// ones and, since a start forgets who was one, when the node's affiliations are read. Asterisk's nodes are
/// others', too: who may use one and is no buddy here is said, once a stream, and in checks(). Another owner
/// of our node is said as well: we never made one.
///
/// Nothing here unsubscribes, purges or deletes a node of Asterisk's: Asterisks die of the answers
/// (peers-measured F8). One that logs in unsubscribes first, and where it was not subscribed ejabberd answers
/// so that it dies: there buddies are subscribed to Asterisk's nodes of ours before they come. A node that is
/// deleted under us is made again, at most once in `patience`. Not every deletion is told, and ejabberd makes
/// a node of its own of what is published to one that is not there, which nobody hears: who is an owner looks
/// at its nodes every `patience`. What an administrator made keeps its access and publish model: of a node
/// that is there only `persist_items` is changed, and only where we are an owner.
///
/// What could not be done is tried again after 1 s, doubling to 60 s, while the stream lasts.
///
/// Bounds  `most_followed` nodes of others, `most_leaves`, `leaves_at_once` of them being made; what is
/// beyond fails.
class Nodes {
public:
    struct Settings {
        std::string service;   ///< pubsub_node: JID of the service; empty: none, nothing is distributed here
        bool asterisk = true;  ///< Asterisk's nodes are wanted
        bool collection = false;           ///< collection_nodes
        std::string own_node;              ///< `lamplight:` and our EID; empty: none is wanted
        std::vector<std::string> buddies;  ///< bare JIDs that are granted, besides those admitted later
        std::vector<std::string> domains;  ///< whose accounts are buddies, too; each is granted once admitted
    };
    enum class Standing : std::uint8_t {
        unasked,
        asking,
        ready,       ///< we may publish or hear there, as is wanted
        absent,      ///< it is not there, and we may not make it
        forbidden,   ///< it is there, and we may not use it
        no_service,  ///< the JID answers nothing, or is no PubSub service
        gone,        ///< deleted under us
    };
    /// What a subscription or a right to publish came to, with the server's own words.
    struct NodeView {
        std::string name;
        enum class Role : std::uint8_t { asterisk_state, asterisk_mwi, leaf, own, other } role{};
        Standing standing{};
        bool made_here = false;
        bool subscribed = false;
        std::string trouble;  ///< the server's words: `forbidden (auth)`; empty when none
    };
    struct Event {
        enum class Kind : std::uint8_t {
            ready,   ///< the node can be used from now on
            failed,  ///< it cannot, for now
            lost,    ///< it could and cannot any more
        } kind{};
        std::string node;
        NodeView::Role role{};
    };
    struct News {
        enum class Kind : std::uint8_t {
            made,
            configured,
            subscribed,
            revoked,   ///< `text`: whose affiliation
            stranger,  ///< `text`: who may use it and is no buddy
            trouble,   ///< `text`: what is missing, and whom to ask for what. Said once a stream and node
        } kind{};
        std::string node;
        std::string text;
    };
    struct Output {
        Stanzas stanzas;
        std::vector<Event> events;
        std::vector<News> news;
    };
    /// One precondition of `xmpp doctor`.
    struct Check {
        enum class Verdict : std::uint8_t { pass, fail, unknown, warn } verdict{};
        /// `component`, `may create`, `may publish` and `items` once a node, `owners` of a node that
        /// strangers may use, `limits`, `publishers`
        std::string name;
        std::string text;    ///< what was found
        std::string advice;  ///< what to ask for, and how it is written for this server; empty when it passes
    };
    /// Which server it is, from jabber:iq:version and its features: advice and limits depend on it.
    enum class Software : std::uint8_t { unknown, prosody, ejabberd, tigase, openfire, other };
    static constexpr state::Duration patience = std::chrono::seconds(30);
    static constexpr std::size_t most_followed = 1'024;
    static constexpr std::size_t most_leaves = 65'536;
    static constexpr std::size_t leaves_at_once = 8;

    /// `requests` outlives it.
    Nodes(Settings settings, Requests& requests);
    ~Nodes();

    void configure(Settings settings, state::Time now, Output& out);
    void bound(const c2s::Jid& self, state::Time now, Output& out);
    void stream_lost();
    /// A buddy that a pattern admitted, or that became one: it is granted too.
    void admit(const c2s::Jid& bare, state::Time now, Output& out);
    /// A client of a buddy that is no Lamplight has gone: an Asterisk takes its subscriptions along, and
    /// would die of that at its next login on ejabberd.
    void went(const c2s::Jid& bare, state::Time now, Output& out);

    /// Another Lamplight's node: subscribe to it; `service` is where it is.
    void follow(std::string_view service, std::string_view node, state::Time now, Output& out);
    void unfollow(std::string_view service, std::string_view node, state::Time now, Output& out);
    /// Collection mode: the leaf of a device or a mailbox, made in its collection before its first publish.
    /// Ready or failed comes as an event. A leaf stays in the collection it was first wanted in.
    void want_leaf(std::string_view name, std::string_view collection, state::Time now, Output& out);

    /// A publish of ours was refused: finds out why, mends what it can. An event says what came of it.
    void publish_refused(std::string_view node, const wire::xml::Element& error, state::Time now,
                         Output& out);
    /// A node of our service may be gone, or be another of its name: it is looked at now.
    void look_again(std::string_view node, state::Time now, Output& out);
    /// Events about nodes: deleted, configured, subscription.
    void heard(const wire::pubsub::Event& event, state::Time now, Output& out);
    std::optional<state::Time> next_deadline() const;
    void on_time(state::Time now, Output& out);

    /// What answers to its own requests brought about: after each take() and on_time() of the requests. Every
    /// other call with an Output does so, too, and until then next_deadline() is due.
    void settle(Output& out);

    // --- questions ---
    Standing standing(std::string_view node) const;
    std::vector<NodeView> nodes() const;
    std::vector<Check> checks() const;
    Software software() const;
    std::string software_text() const;  ///< `Prosody 0.12.3`; empty while unknown
    /// Stanzas a minute after which this server closes the stream; 0: none known.
    std::uint32_t stanza_limit() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::bus::xmpp
