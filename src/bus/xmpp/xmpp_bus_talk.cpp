// What clients say to the talks, and what the talks want of clients.
#include "bus/sync/news_text.hpp"
#include "bus/xmpp/xmpp_bus.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lamplight::bus::xmpp {

namespace {

constexpr int stanzas_a_turn = 64;               ///< then others have theirs
constexpr std::size_t most_unsent = 64 * 1024;   ///< beyond that the socket is what is slow
constexpr std::size_t usual_stanza_bytes = 320;  ///< one state, as Asterisk's
constexpr std::size_t ping_bytes = 200;
constexpr std::size_t least_part_bytes = 1'500;  ///< of a snapshot

std::optional<Pace::Urgency> urgency_of(Lamplights::Wants wants) {
    switch (wants) {
        case Lamplights::Wants::nothing:
            break;
        case Lamplights::Wants::bulk:
            return Pace::Urgency::bulk;
        case Lamplights::Wants::fresh:
            return Pace::Urgency::fresh;
        case Lamplights::Wants::ping:
            return Pace::Urgency::ping;
    }
    return std::nullopt;
}

bool distributes(const Client& client) {
    return client.settings().distribute_events;
}

}  // namespace

// --- clients ---

void XmppBus::on_bound(Client& client) {
    if (!distributes(client)) return;
    const conf::JabberClient& settings = client.settings();
    lamplights_.own_jid(client.id(), *client.session().self());
    asterisk_.client_ready(client.id(),
                           {.service = settings.pubsub_node,
                            .collection = settings.collection_nodes,
                            .autocreate = settings.pubsub_autocreate},
                           host_.now(), asterisk_out_);
    set_mark(client);
    settle();
}

/// What our presence says of us: the node only once it can be followed.
void XmppBus::set_mark(Client& client) {
    Mark mark{process_, {}, {}};
    if (client.session().nodes().standing(own_node_) == Nodes::Standing::ready)
        mark = {process_, own_node_, client.settings().pubsub_node};
    client.with_session([&](Session& session, state::Time, Session::Output& out) {
        session.roster().set_mark(mark, out.roster);
    });
}

void XmppBus::on_lost(Client& client) {
    if (!distributes(client)) return;
    const state::Time now = host_.now();
    lamplights_.client_lost(client.id(), now, lamplights_out_);
    lamplights_.own_node_lost(client.id(), now);
    asterisk_.client_lost(client.id(), now, asterisk_out_);
    settle();
}

void XmppBus::on_output(Client& client, Session::Output& out) {
    if (distributes(client)) {
        const state::Time now = host_.now();
        for (const c2s::Jid& jid : out.heard)
            lamplights_.heard_from({client.id(), jid}, now);
        for (const Roster::Event& event : out.roster.events)
            on_roster(client, event);
        for (const Nodes::Event& event : out.nodes.events)
            on_node(client, event);
        for (const auto& [from, iq] : out.iqs)
            lamplights_.receive({client.id(), from}, iq, now, lamplights_out_);
        for (const wire::pubsub::Event& event : out.events)
            on_event(client, event);
        client.session().pace().limit_stanzas(client.session().nodes().stanza_limit());
    }
    settle();
}

void XmppBus::on_roster(Client& client, const Roster::Event& event) {
    using Kind = Roster::Event::Kind;
    const state::Time now = host_.now();
    const Road road{client.id(), event.jid};
    if (event.kind == Kind::gone) {
        lamplights_.road_down(road, Lamplights::Why::unavailable, now, lamplights_out_);
        asterisk_.gone(client.id(), event.jid, now, asterisk_out_);
        if (event.mark || !client.is_bound()) return;
        client.with_session([&](Session& session, state::Time at, Session::Output& out) {
            session.nodes().went(event.jid.bare(), at, out.nodes);
        });
        return;
    }
    client.with_session([&](Session& session, state::Time at, Session::Output& out) {
        session.nodes().admit(event.jid.bare(), at, out.nodes);
    });
    if (event.mark) {
        asterisk_.gone(client.id(), event.jid, now, asterisk_out_);
        lamplights_.road_up(road, *event.mark, now, lamplights_out_);
        return;
    }
    lamplights_.road_down(road, Lamplights::Why::unavailable, now, lamplights_out_);
    asterisk_.came(client.id(), event.jid, event.eid, now, asterisk_out_);
}

void XmppBus::on_node(Client& client, const Nodes::Event& event) {
    using Role = Nodes::NodeView::Role;
    const state::Time now = host_.now();
    const bool ready = event.kind == Nodes::Event::Kind::ready;
    switch (event.role) {
        case Role::own:
            if (ready)
                lamplights_.own_node_ready(client.id(), client.settings().pubsub_node, event.node, now);
            else
                lamplights_.own_node_lost(client.id(), now);
            return set_mark(client);
        case Role::other: {
            const auto followed = followed_.find({client.id(), event.node});
            if (followed == followed_.end()) return;
            if (ready) return lamplights_.following(client.id(), followed->second, event.node, now);
            return lamplights_.not_following(client.id(), followed->second, event.node, now);
        }
        case Role::asterisk_state:
        case Role::asterisk_mwi:
        case Role::leaf:
            if (ready) return asterisk_.node_ready(client.id(), event.node, now, asterisk_out_);
            return asterisk_.node_failed(client.id(), event.node);
    }
}

/// Asterisk's nodes are those of the service in jabber.conf, as in res_xmpp.
void XmppBus::on_event(Client& client, const wire::pubsub::Event& event) {
    const state::Time now = host_.now();
    if (lamplights_.receive_event(client.id(), event, now, lamplights_out_)) return;
    // ejabberd repeats a node's last item before its owner's presence has come: nothing in it is needed.
    if (event.node.starts_with(own_node_prefix)) return;
    const Roster& roster = client.session().roster();
    asterisk_.receive(
        client.id(), event, [&](const c2s::Jid& jid) { return roster.is_buddy(jid); }, now, asterisk_out_);
}

// --- what comes of inputs ---

/// Hands on what inputs brought about, until there is nothing more: a client that is told to follow a node
/// may bring about more. Must not run inside on_changes.
void XmppBus::settle() {
    if (std::exchange(settling_, true)) return;
    while (settle_lamplights() || settle_asterisk()) {
    }
    settling_ = false;
    set_timer();
    flush_soon();
}

void XmppBus::set_timer() {
    std::optional<state::Time> next = lamplights_.next_deadline();
    if (const auto other = asterisk_.next_deadline(); other && (!next || *other < *next)) next = other;
    timer_.set(next, host_.now());
}

bool XmppBus::settle_lamplights() {
    Lamplights::Output out = std::exchange(lamplights_out_, {});
    bool any = !out.follows.empty() || !out.stanzas.empty() || !out.refused.empty() ||
               !out.unfollowed.empty() || !out.sync.raises.empty();
    for (const Lamplights::News& news : out.news)
        tell(news);
    for (const sync::News& news : out.sync.news)
        tell(news);
    for (auto& [id, stanzas] : out.stanzas)
        if (Client* client = client_of(id)) client->send(stanzas);
    for (const Lamplights::Output::Follow& follow : out.follows)
        obey(follow);
    for (const Lamplights::Output::Refused& refused : out.refused)
        on_refused(refused.client, refused.node, refused.error);
    for (const Lamplights::Output::Unfollowed& unfollowed : out.unfollowed)
        look_again(unfollowed.client, unfollowed.node);
    if (!out.sync.changes.empty()) host_.publish(out.sync.changes), any = true;
    if (!out.sync.mwi.empty()) host_.publish_mwi(out.sync.mwi), any = true;
    for (const sync::Output::Raise& raise : out.sync.raises)
        host_.raise_incarnation(raise.eid, raise.seen);
    return any;
}

void XmppBus::obey(const Lamplights::Output::Follow& follow) {
    Client* const client = client_of(follow.client);
    if (client == nullptr) return;
    const bool wanted = follow.what == Lamplights::Output::Follow::What::follow;
    if (wanted)
        followed_[{follow.client, follow.node}] = follow.service;
    else
        followed_.erase({follow.client, follow.node});
    if (!client->is_bound()) return;
    client->with_session([&](Session& session, state::Time now, Session::Output& out) {
        if (wanted)
            session.nodes().follow(follow.service, follow.node, now, out.nodes);
        else
            session.nodes().unfollow(follow.service, follow.node, now, out.nodes);
    });
}

bool XmppBus::settle_asterisk() {
    AsteriskVotes::Output out = std::exchange(asterisk_out_, {});
    bool any = !out.refused.empty() || !out.leaves.empty();
    for (const AsteriskVotes::News& news : out.news)
        tell(news);
    for (const AsteriskVotes::Output::Refused& refused : out.refused)
        on_refused(refused.client, refused.node, refused.error);
    for (const AsteriskVotes::Output::Leaf& leaf : out.leaves)
        if (Client* client = client_of(leaf.client); client != nullptr && client->is_bound())
            client->with_session([&](Session& session, state::Time now, Session::Output& more) {
                session.nodes().want_leaf(leaf.device, leaf.collection, now, more.nodes);
            });
    if (!out.changes.empty()) host_.publish(out.changes), any = true;
    if (!out.mwi.empty()) host_.publish_mwi(out.mwi), any = true;
    return any;
}

void XmppBus::on_refused(ClientId id, const std::string& node, const wire::xml::Element& error) {
    Client* const client = client_of(id);
    if (client == nullptr || !client->is_bound()) return;
    client->with_session([&](Session& session, state::Time now, Session::Output& out) {
        session.nodes().publish_refused(node, error, now, out.nodes);
    });
}

void XmppBus::look_again(ClientId id, const std::string& node) {
    Client* const client = client_of(id);
    if (client == nullptr || !client->is_bound()) return;
    client->with_session([&](Session& session, state::Time now, Session::Output& out) {
        session.nodes().look_again(node, now, out.nodes);
    });
}

Client* XmppBus::client_of(ClientId id) const {
    const auto found = std::ranges::find(clients_, id, [](const auto& client) { return client->id(); });
    return found == clients_.end() ? nullptr : found->get();
}

void XmppBus::on_time() {
    const state::Time now = host_.now();
    lamplights_.on_time(now, lamplights_out_);
    asterisk_.on_time(now, asterisk_out_);
    settle();
}

// --- sending ---

void XmppBus::flush_soon() {
    if (std::exchange(flushing_, true)) return;
    boost::asio::post(host_.loop(), [alive = std::weak_ptr(alive_)] {
        if (const auto bus = alive.lock()) (*bus)->flush();
    });
}

void XmppBus::flush() {
    flushing_ = false;
    for (const auto& client : clients_) {
        if (!client->is_bound() || !distributes(*client)) continue;
        int left = stanzas_a_turn;
        while (left > 0 && client->unsent_bytes() < most_unsent && send_next(*client))
            --left;
        if (left == 0) flush_soon();
    }
    set_timer();
    finish_goodbye();
}

/// Pings before all, which are few; fresh before bulk, and the talks in turn.
bool XmppBus::send_next(Client& client) {
    if (client.session().pace().has_room(Pace::Urgency::ping, ping_bytes, host_.now()) &&
        send_lamplights(client, Pace::Urgency::ping))
        return true;
    for (const Pace::Urgency urgency : {Pace::Urgency::fresh, Pace::Urgency::bulk}) {
        if (!client.session().pace().has_room(urgency, usual_stanza_bytes, host_.now())) continue;
        lamplights_turn_ = !lamplights_turn_;
        if (lamplights_turn_ ? send_lamplights(client, urgency) || send_asterisk(client, urgency)
                             : send_asterisk(client, urgency) || send_lamplights(client, urgency))
            return true;
    }
    return false;
}

bool XmppBus::send_lamplights(Client& client, Pace::Urgency urgency) {
    const Pace& pace = client.session().pace();
    const state::Time now = host_.now();
    if (urgency_of(lamplights_.wants_to_send(client.id())) != urgency) return false;
    if (urgency == Pace::Urgency::bulk && !pace.has_room(urgency, least_part_bytes, now)) return false;
    auto taken = lamplights_.take(client.id(), std::min(pace.best_stanza_bytes(), pace.room(urgency)), now);
    if (!taken) return false;
    client.ask(
        std::move(taken->iq),
        [this, id = client.id(), tag = taken->tag](const Requests::Reply& reply, state::Time at) {
            lamplights_.answered(id, tag, reply.answer, reply.iq, at, lamplights_out_);
            flush_soon();
        },
        taken->patience.value_or(Requests::usual_patience));
    return true;
}

bool XmppBus::send_asterisk(Client& client, Pace::Urgency urgency) {
    const AsteriskVotes::Wants wants = asterisk_.wants_to_send(client.id());
    if (wants != (urgency == Pace::Urgency::fresh ? AsteriskVotes::Wants::fresh : AsteriskVotes::Wants::bulk))
        return false;
    auto taken = asterisk_.take(client.id(), host_.now());
    if (!taken) {
        flush_soon();  // it looked through many devices
        return false;
    }
    client.ask(std::move(taken->iq),
               [this, id = client.id(), tag = taken->tag](const Requests::Reply& reply, state::Time now) {
                   asterisk_.answered(id, tag, reply.answer, reply.iq, now, asterisk_out_);
                   flush_soon();
               });
    return true;
}

// --- for the log ---

std::string XmppBus::label_of(sync::PeerId peer) const {
    constexpr std::size_t most_named = 4;
    const std::vector<sync::PeerNode>& nodes = lamplights_.exchange().nodes_of(peer);
    std::string label;
    for (std::size_t i = 0; i < std::min(nodes.size(), most_named); ++i)
        label += (label.empty() ? "" : ", ") + nodes[i].announcement.name;
    if (nodes.size() > most_named) label += fmt::format(" and {} more", nodes.size() - most_named);
    return label.empty() ? "a peer" : label;
}

void XmppBus::tell(const sync::News& news) {
    const std::string text = sync::to_text(news, label_of(news.peer));
    switch (sync::weight_of(news.kind)) {
        case sync::Weight::talk:
            return log_.verbose(3, "XMPP: {}", text);
        case sync::Weight::notice:
            return log_.notice("XMPP: {}", text);
        case sync::Weight::warning:
            return log_.warning("XMPP: {}", text);
    }
}

void XmppBus::tell(const Lamplights::News& news) {
    using Kind = Lamplights::News::Kind;
    switch (news.kind) {
        case Kind::road_up:
            return log_.verbose(2, "XMPP: {} is a Lamplight", news.text);
        case Kind::road_down:
            return log_.verbose(2, "XMPP: {}", news.text);
        case Kind::same_process:
            return log_.warning("XMPP: {} has our own process number: it is passed over", news.text);
        case Kind::no_kin:
            return log_.warning("XMPP: {} has a process number that is another's: it is heard by itself",
                                news.text);
        case Kind::unexpected:
            return log_.warning("XMPP: something for Lamplights was refused: {}", news.text);
        case Kind::bad_item:
            return log_.warning("XMPP: an item was refused: {}", news.text);
    }
}

void XmppBus::tell(const AsteriskVotes::News& news) {
    using Kind = AsteriskVotes::News::Kind;
    const Client* const client = client_of(news.client);
    const std::string name = client == nullptr ? "?" : client->settings().name;
    switch (news.kind) {
        case Kind::malformed:
            return log_.warning("XMPP: client '{}': an item was refused: {}", name, news.text);
        case Kind::stranger:
            return log_.warning("XMPP: client '{}': an item of {} was refused: it is no buddy", name,
                                news.text);
        case Kind::wrong_eid:
            return log_.warning("XMPP: client '{}': an item was refused: {}", name, news.text);
        case Kind::name_too_long:
            return log_.warning("XMPP: '{}' is too long for Asterisk servers: they do not hear of it",
                                news.text);
        case Kind::heard_first:
            return log_.verbose(2, "XMPP: client '{}': first state of {}", name, news.text);
        case Kind::dump_begins:
            return log_.verbose(3, "XMPP: client '{}': publishing {} votes for Asterisk servers", name,
                                news.text);
        case Kind::dump_ended:
            return log_.verbose(3, "XMPP: client '{}': all votes are published", name);
    }
}

}  // namespace lamplight::bus::xmpp
