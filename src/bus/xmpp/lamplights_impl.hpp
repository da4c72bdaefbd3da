#pragma once

#include "bus/xmpp/lamplights.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lamplight::bus::xmpp {

/// What Lamplights holds. lamplights.cpp: roads, and whom we follow; lamplights_say.cpp: what is sent and
/// what became of it; lamplights_hear.cpp: what comes; lamplights_kin.cpp: which accounts are one process's.
class Lamplights::Impl {
public:
    Impl(state::Engine& engine, const state::MwiTable& mwi, Settings settings);

    static constexpr std::size_t most_under_way = 4;  ///< frames to one process, frames on one own node
    /// A road without an answer for so long, and an own node, is left for another that has one.
    static constexpr state::Duration road_patience = std::chrono::milliseconds(800);
    static constexpr std::size_t most_items_behind = 32;  ///< items a client may be behind another
    /// Processes without a road; the oldest is forgotten. As many as there may be nodes.
    static constexpr std::size_t most_gone = 1'024;
    static constexpr std::size_t most_lives = 8;  ///< of these of one account
    static constexpr std::size_t most_said = 256;
    static constexpr state::Duration said_once = std::chrono::minutes(1);
    static constexpr state::Duration trusted_for = std::chrono::seconds(30);  ///< a subscription that stands
    static constexpr state::Duration first_pause = std::chrono::seconds(1);
    static constexpr state::Duration longest_pause = std::chrono::seconds(30);

    using ProcessId = std::string;
    struct NodeName {
        std::string service, node;
        auto operator<=>(const NodeName&) const = default;
    };

    /// What is known of a road, also while it is silent: presence is said once, and is not said again.
    struct RoadState {
        ProcessId process;
        Mark mark;
        std::set<ClientId> follows;  ///< whose node it follows, by what it says
        state::Time heard{};
        state::Time pinged{};     ///< when the last ping was wanted
        state::Duration pause{};  ///< after a refusal
        std::optional<state::Time> paused_until;
        std::optional<state::Time> left;  ///< for another road, which holds until something is heard again
        bool up = true;
        bool ping_wanted = false;
        bool following_wanted = false;  ///< it is to be told whether we follow its node
        bool refuses_frames = false;    ///< until it speaks to us: then it has what it missed, and listens
        enum class Kin : std::uint8_t { proven, unproven } kin{};  ///< whether it is its process's
        bool kin_wanted = false;                                   ///< that is to be asked
    };
    struct Frame {
        sync::FrameId id{};
        std::uint64_t tag = 0;
        state::Time sent{};
        enum class Became : std::uint8_t { unknown, delivered, lost } became{};
    };
    struct Process {
        std::optional<sync::PeerId> peer;
        bool present = false;
        bool said_goodbye = false;
        c2s::Jid account;             ///< that it was seen with first
        std::set<c2s::Jid> accounts;  ///< bare; that one, and those that it said are its own
        std::set<Road> roads;         ///< those that are up
        std::optional<Road> current;
        std::deque<Frame> frames;  ///< under way, or waiting for one before them
        /// How many that may be: one, and one more for each that is answered; so who answers nothing gets
        /// little.
        std::size_t credit = 1;
        state::Time gone_since{};
    };
    struct OwnClient {
        std::optional<NodeName> node;       ///< ready to be published to
        std::deque<std::uint64_t> waiting;  ///< items, by number
        std::size_t items_under_way = 0;
        state::Time asked{};  ///< when the first of those was sent, or one before them answered
        bool behind = false;
        std::optional<Road> last;  ///< whose turn was last
    };
    /// A frame of the broadcast, on its way to all own nodes.
    struct Item {
        std::uint64_t number = 0;
        sync::FrameId id{};
        std::vector<std::uint8_t> frame;
        std::set<ClientId> open;  ///< that have not answered yet, or not been asked
        std::set<ClientId> reached;
        std::set<ClientId> failed;
        bool reported = false;  ///< to the exchange
    };
    struct UnderWay {
        enum class What : std::uint8_t { frame, item, ping, following, kin } what{};
        ClientId client{};
        Road road;  ///< of kin: what is asked about
        ProcessId process;
        std::uint64_t item = 0;
        Road way{};           ///< of kin: who is asked
        state::Time asked{};  ///< of kin
    };
    struct Followed {
        bool stands = false;
        state::Time since{};  ///< that it stands
        std::optional<state::Time> unused_since;
    };

    // --- ourselves ---
    void set_ties(std::span<const Tie> ties);
    void own_jid(ClientId client, c2s::Jid jid);
    void own_node_ready(ClientId client, NodeName node, state::Time now);
    void own_node_lost(ClientId client, state::Time now);

    // --- roads ---
    void road_up(const Road& road, Mark mark, state::Time now, Output& out);
    void road_down(const Road& road, Why why, state::Time now, Output& out);
    void client_lost(ClientId client, state::Time now, Output& out);
    void subscribed(ClientId client, NodeName node, bool stands, state::Time now);

    // --- what is heard ---
    bool receive(const Road& road, const wire::xml::Element& iq, state::Time now, Output& out);
    void heard_from(const Road& road, state::Time now);
    bool receive_event(ClientId client, const wire::pubsub::Event& event, state::Time now, Output& out);

    // --- what is said ---
    Wants wants_to_send(ClientId client) const;
    std::optional<Taken> take(ClientId client, std::size_t budget, state::Time now);
    void answered(ClientId client, std::uint64_t tag, Answer answer, const wire::xml::Element* error,
                  state::Time now, Output& out);
    bool said_goodbye() const;

    std::optional<state::Time> next_deadline() const;
    void on_time(state::Time now, Output& out);

    std::vector<PeerView> peers() const;
    const Counters& counters() const { return counters_; }

    state::Engine& engine_;
    Settings settings_;
    sync::Exchange exchange_;
    std::map<Road, RoadState> roads_;

private:
    // lamplights.cpp
    void road_is_there(const Road& road, RoadState& state, state::Time now, Output& out);
    void road_is_gone(const Road& road, Why why, state::Time now, Output& out);
    void last_road_gone(Process& process, state::Time now, Output& out);
    void end_process(std::map<ProcessId, Process>::iterator process, state::Time now, Output& out);
    void forget(const ProcessId& id, state::Time now, Output& out);
    void forget_old(state::Time now, Output& out);
    void drop_under_way(const Road& road);
    void refresh_hearing(state::Time now);
    void refresh_hearing(Process& process, state::Time now);
    bool follows_us(const Process& process) const;
    void follow_mark(const Road& road, const Mark& mark, Output& out);
    void unfollow_if_unused(ClientId client, const NodeName& node, Output& out);
    void unfollow_old(state::Time now, Output& out);
    bool stands(ClientId client, const Mark& mark) const;
    state::Time next_ping(const RoadState& state) const;
    bool marked(ClientId client, const NodeName& node) const;
    void tell_once(News::Kind kind, std::string text, std::string about, state::Time now, Output& out);
    void note_goodbyes(Output& out, std::size_t from);
    Process* process_of(sync::PeerId peer);
    bool may_announce(sync::PeerId peer, const state::Eid& eid);

    // lamplights_say.cpp
    enum class Urgency : std::uint8_t { bulk, fresh };
    std::optional<Road> best_road(const Process& process) const;
    bool answers(const Road& road) const;
    std::optional<state::Time> leaves_road_at(const Process& process) const;
    void leave_roads(state::Time now);
    void leave_road(Process& process, state::Time now);
    bool ping_is_due(ClientId client) const;
    bool is_better_reached_without(ClientId client, const Process& process) const;
    std::optional<state::Time> leaves_node_at(ClientId client, const OwnClient& own) const;
    void leave_nodes(state::Time now);
    bool talks_on(const Road& road, const RoadState& state, Urgency urgency) const;
    bool word_is_due(ClientId client) const;
    bool item_is_due(ClientId client) const;
    std::optional<Taken> take_ping(ClientId client);
    std::optional<Taken> take_word(ClientId client);
    std::optional<Taken> take_item(ClientId client, std::size_t budget, state::Time now);
    std::optional<Taken> take_frame(ClientId client, Urgency urgency, std::size_t budget, state::Time now);
    std::optional<Taken> frame_on(const Road& road, std::size_t budget, state::Time now);
    bool new_item(std::size_t budget);
    bool has_audience(ClientId client) const;
    Taken sent(UnderWay what, wire::xml::Element iq, bool fresh);
    void frame_answered(const UnderWay& frame, std::uint64_t tag, Answer answer, state::Time now);
    void item_answered(const UnderWay& item, Answer answer, const wire::xml::Element* error, state::Time now,
                       Output& out);
    void word_answered(const UnderWay& word, Answer answer, const wire::xml::Element* error, state::Time now);
    void settle_frames(Process& process);
    void settle_items(state::Time now);
    void item_failed(std::uint64_t number, ClientId client);
    void catch_up_who_missed(const Item& item, state::Time now);
    void fall_behind(ClientId client, OwnClient& own);
    static void pause(RoadState& state, state::Time now);

    // lamplights_kin.cpp
    void admit(const Road& road, RoadState& state, state::Time now, Output& out);
    bool is_orphan(const RoadState& state) const;
    void admit_orphans(state::Time now, Output& out);
    std::optional<Road> way_to_ask(ClientId client, const RoadState& about) const;
    bool kin_is_due(ClientId client) const;
    std::optional<Taken> take_kin(ClientId client, state::Time now);
    bool is_evaded(const UnderWay& kin, state::Time now) const;
    void kin_answered(const UnderWay& kin, Answer answer, state::Time now, Output& out);
    void receive_kin(const Road& road, const wire::xml::Element& iq, const wire::xml::Element& kin,
                     Output& out);

    // lamplights_hear.cpp
    void receive_frame(const Road& road, const wire::xml::Element& iq, const wire::xml::Element& frame,
                       state::Time now, Output& out);
    void receive_following(const Road& road, const wire::xml::Element& iq,
                           const wire::xml::Element& following, state::Time now, Output& out);
    void receive_item(Process& process, const wire::pubsub::Event& event, const wire::pubsub::EventItem& item,
                      state::Time now, Output& out);
    void follow_anew(const Process& process, state::Time now, Output& out);
    void count(Refusal reason) { ++counters_.refused[static_cast<std::size_t>(reason)]; }
    static void name_refused(Output& out, std::size_t from, const std::string& whose);
    bool may_publish(const Process& process, const std::string& publisher) const;

    Counters counters_;
    std::map<ProcessId, Process> processes_;
    std::map<ClientId, OwnClient> own_;
    std::map<std::pair<ClientId, NodeName>, Followed> followed_;
    std::deque<Item> items_;
    std::uint64_t last_item_ = 0;
    std::map<std::uint64_t, UnderWay> under_way_;
    std::uint64_t last_tag_ = 0;
    bool fell_behind_ = false;    ///< a client did, and who hears it is not told yet
    std::set<Road> heard_again_;  ///< silent ones, to be up at the next on_time()
    std::map<std::string, state::Time> said_;
    std::map<state::Eid, std::set<c2s::Jid>> ties_;       ///< bare
    std::map<c2s::Jid, std::set<state::Eid>> announced_;  ///< by accounts
    std::map<ClientId, c2s::Jid> own_jids_;               ///< full
};

}  // namespace lamplight::bus::xmpp
