#pragma once

#include "bus/xmpp/asterisk_outgoing.hpp"
#include "bus/xmpp/asterisk_votes.hpp"

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace lamplight::bus::xmpp {

/// Lets the same be said again after a minute only. Bounds: `most` keys; a newcomer beyond is not said.
class SaidLately {
public:
    static constexpr state::Duration pause = std::chrono::minutes(1);
    static constexpr std::size_t most = 256;

    bool may_say(const std::string& what, state::Time now) {
        std::erase_if(said_, [&](const auto& entry) { return now - entry.second >= pause; });
        return said_.size() < most && said_.emplace(what, now).second;
    }

private:
    std::map<std::string, state::Time> said_;
};

/// Of those that are: a client that is retired leaves it, as its number does not come again.
using ClientSet = std::set<ClientId>;

/// Who votes with an EID.
struct Speaker {
    std::optional<state::SenderId> sender;         ///< from its first vote on
    std::string service;                           ///< it was heard through first
    ClientSet heard;                               ///< through which clients, on their streams of now
    ClientSet ever;                                ///< and at any time
    std::set<std::pair<ClientId, c2s::Jid>> seen;  ///< logged-in clients of the JID it is tied to
    std::optional<state::Time> believed_until;     ///< its vote came before its presence
    bool present = true;                           ///< as the engine knows it
};

struct AsteriskClient {
    AsteriskClient(AsteriskCommon& common, ClientId id) : outgoing(common, id) {}

    AsteriskVotes::ClientSettings settings;
    std::optional<c2s::Jid> service;
    bool ready = false;
    std::map<c2s::Jid, std::optional<state::Eid>>
        listeners;          ///< buddies' clients that are there, by full JID
    bool untied = false;    ///< an EID that is tied to nobody has been heard here
    bool speaking = false;  ///< its first dump has begun: changes are said
    std::optional<state::Time> dump_at;
    std::optional<state::Time> next_dump_at;  ///< for who came while one was waiting
    AsteriskOutgoing outgoing;
    std::array<std::optional<state::Time>, wire::pubsub::refusal_count> complained;

    bool has_audience() const { return ready && (untied || !listeners.empty()); }
};

/// AsteriskVotes' inside. asterisk_votes.cpp has ourselves, clients, who is there, time; asterisk_receive.cpp
/// what is heard.
class AsteriskVotes::Impl {
public:
    using IsBuddy = std::function<bool(const c2s::Jid&)>;

    Impl(state::Engine& engine, const state::MwiTable& mwi, IsLamplight is_lamplight)
        : engine_(engine), is_lamplight_(std::move(is_lamplight)), common_{engine, mwi, {}, {}, {}, {}, {}} {}

    void set_own_nodes(std::span<const state::Announcement> nodes);
    void set_ties(std::span<const Tie> ties, Output& out);
    void on_changes(const state::Changes& changes);
    void on_mwi_changes(std::span<const state::MwiOwnChange> changes);

    void client_ready(ClientId id, const ClientSettings& settings, Output& out);
    void client_lost(ClientId id, Output& out);
    void client_retired(ClientId id, Output& out);
    void came(ClientId id, const c2s::Jid& jid, std::optional<state::Eid> eid, Output& out);
    void gone(ClientId id, const c2s::Jid& jid, Output& out);
    void receive(ClientId id, const wire::pubsub::Event& event, const IsBuddy& is_buddy, Output& out);

    void say_goodbye();
    bool said_goodbye() const;
    std::optional<state::Time> next_deadline() const;
    void on_time(Output& out);
    void tell(Output& out);

    AsteriskClient& client(ClientId id);
    AsteriskClient* find(ClientId id);
    const AsteriskClient* find(ClientId id) const;
    std::vector<EidView> eids() const;
    std::size_t clients() const { return clients_.size(); }

    state::Engine& engine_;
    IsLamplight is_lamplight_;
    AsteriskCommon common_;

private:
    /// Where an item came from.
    struct Source {
        ClientId id{};
        const wire::pubsub::Event& event;
        std::optional<c2s::Jid> publisher;
    };

    // Who is there.
    std::optional<state::Eid> tied_to(const c2s::Jid& jid) const;
    void know_tie(const state::Eid& eid, const c2s::Jid& jid);
    void refresh_ties();
    void refresh(Speaker& speaker, const state::Eid& eid, Output& out);
    void refresh_all(Output& out);
    void refresh_audience();
    void want_dump(AsteriskClient& client) const;
    void hand_over_lamplights(Output& out);
    bool hand_over(const state::Eid& eid, Speaker& speaker, Output& out);
    void doubt(Output& out);

    // What is heard.
    bool is_service(const AsteriskClient& client, std::string_view from) const;
    void stranger(ClientId id, const std::string& who);
    void refused(ClientId id, const wire::pubsub::Event& event, wire::pubsub::Refusal reason);
    void take_item(ClientId id, const wire::pubsub::Event& event, const wire::pubsub::EventItem& item,
                   const IsBuddy& is_buddy, Output& out);
    void take_from(const Source& source, const state::Eid& eid, const wire::pubsub::Payload& payload,
                   Output& out);
    bool is_own(const state::Eid& eid) const;
    bool may_speak_as(const Source& source, const state::Eid& eid);
    Speaker* hear(const Source& source, const state::Eid& eid, Output& out);
    Speaker* open(const Source& source, const state::Eid& eid, Output& out);
    void apply(const Speaker& speaker, const wire::pubsub::StateItem& item, Output& out);
    void apply(const wire::pubsub::MailboxItem& item, Output& out);

    std::map<ClientId, AsteriskClient> clients_;
    std::map<state::Eid, Speaker> speakers_;
    std::size_t senders_ = 0;
    std::map<state::Eid, c2s::Jid> ties_;
    std::set<c2s::Jid> tied_jids_;  ///< bare
    std::optional<state::Time> next_doubt_;
    bool look_for_lamplights_ = false;
    bool goodbye_ = false;
    SaidLately said_strangers_;
    SaidLately said_wrong_eids_;
    std::vector<News> news_;
};

}  // namespace lamplight::bus::xmpp
