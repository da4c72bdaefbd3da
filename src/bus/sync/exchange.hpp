#pragma once

#include "bus/sync/counters.hpp"
#include "bus/sync/lane.hpp"
#include "bus/sync/own_nodes.hpp"
#include "bus/sync/peer.hpp"
#include "state/engine.hpp"
#include "state/mwi.hpp"
#include "wire/bytes.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace lamplight::bus::sync {

enum class LaneId : std::uint32_t {};

struct Settings {
    state::Bus bus{};
    /// Whether what is sent reaches every peer (one lane) or one (a lane for each), or there is a lane for
    /// each and, once broadcast_ready() says so, one for the changes of all who hear it.
    enum class Reach : std::uint8_t { one_peer, everybody, each_and_all } reach = Reach::one_peer;
    /// How a peer that is back after silence is brought up to date: by everything, or, where bytes are dear,
    /// by a digest of each of our nodes, on which it asks for what is newer than what it has, and at last for
    /// everything.
    enum class CatchUp : std::uint8_t { snapshot, difference } catch_up = CatchUp::snapshot;
    state::Duration digest_every = std::chrono::seconds(30);
    /// How long after asking for a snapshot or hello the same is asked again, at the earliest.
    state::Duration patience = std::chrono::seconds(5);
    std::string software = "lamplight";  ///< name and version, for the hello
    /// Whether a peer may speak for a node, asked when it announces it. Empty: everybody for every node.
    std::function<bool(PeerId, const state::Eid&)> may_announce = {};
};

/// Something an operator or the log may want to know.
struct News {
    enum class Kind : std::uint8_t {
        hello,             ///< `text`: what the peer said of itself
        goodbye,           ///< `text`: left, restarting
        malformed,         ///< a frame was refused; `text`: why. Once a peer, reason and digest period
        unknown_format,    ///< the peer spoke a format that is not ours and was told so
        format_refused,    ///< the peer cannot read what we speak
        foreign,           ///< the peer may not speak for a node it announced; `text`: its EID. Once a peer
                           ///< and digest period
        outdated,          ///< the peer announced an incarnation older than the one known, and is told so
        votes_missed,      ///< names or a hello were missed, or a snapshot had a hole: asked again
        digest_different,  ///< what is known of a node is not what the node says; `text`: its EID
        newer_asked,       ///< asked for what is newer than what is held of it; `text`: its EID
    };
    Kind kind{};
    PeerId peer{};
    std::string text;
};

/// What comes of an input beside frames to send. The caller owns it, hands `changes` to Host::publish, then
/// `mwi` to Host::publish_mwi, the raises to Host::raise_incarnation, and clears it.
struct Output {
    struct Raise {
        state::Eid eid;
        std::uint64_t seen = 0;
    };
    state::Changes changes;
    std::vector<Raise> raises;  ///< a peer knows a higher incarnation of our node
    std::vector<News> news;
    std::vector<state::MwiInput> mwi;  ///< from who may speak for the node; for Host::publish_mwi

    void clear();
};

/// The talk between Lamplights on one bus: hellos, snapshots, digests, repairs, goodbyes. Pure: no clock,
/// socket, thread or log; the shell tells it who is there and what came, and takes frames when it has room
/// for them.
///
/// Order of use, one thread: inputs append to an Output; the shell publishes it in the same turn of its loop,
/// which brings the changes back through on_changes() (its own included); then it sends what the lanes want
/// to say.
///
/// Bounds  peers: Limits::senders of the engine; a lane: see Lane; a peer: its names (4 bytes an id, at most
///         4,194,304) and its nodes (max_hello_nodes).
class Exchange {
public:
    /// Both outlive it. The engine it feeds; the table it reads our own counts from, what it heard of others'
    /// is in Output::mwi.
    Exchange(state::Engine& engine, const state::MwiTable& mwi, Settings settings);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    // --- ourselves ---
    /// Our nodes (known to the engine as own). Call at first and whenever they say something new; who is
    /// missing is kept.
    void set_own_nodes(std::span<const state::Announcement> nodes);
    /// Follows the engine, whoever changed it.
    void on_changes(const state::Changes& changes);
    /// Follows the table of message counts.
    void on_mwi_changes(std::span<const state::MwiOwnChange> changes);

    // --- peers ---
    /// Somebody can be heard from now on (a connection is up, a process joined the group): we say hello and a
    /// snapshot. Empty when the engine takes no more senders. `label` names it for operators.
    std::optional<PeerId> peer_joined(std::string label, state::Time now, Output& out);
    /// What became of it. left and failed end the peer and its lane; restarting and silent keep it for
    /// peer_present or the end. A failure after a goodbye is only the end of the connection.
    void peer_gone(PeerId peer, state::Departure departure, state::Time now, Output& out);
    /// It is back after silence: we greet it as if it had joined.
    void peer_present(PeerId peer, state::Time now, Output& out);
    /// One frame from a peer, whole. Whatever it holds is counted and otherwise harmless.
    void receive(PeerId peer, wire::Bytes frame, state::Time now, Output& out);

    // --- one lane for all (Reach::each_and_all) ---
    // Its frames (LaneId everybody) are votes and message counts only, in table 0: each vote brings its name,
    // so that a frame needs none before it. They may overtake, and be overtaken by, frames of a peer's own
    // lane: versions decide.
    /// From now on changes for peers that hear the broadcast go out there, and no more on their own lanes.
    void broadcast_ready();
    /// It cannot be used: what waits or is under way there goes onto the lanes of those who heard it.
    void broadcast_lost();
    /// The peer says that it hears it.
    void peer_hears_broadcast(PeerId peer);
    /// It does not any more: it gets what it may have missed by its own lane.
    void peer_misses_broadcast(PeerId peer, state::Time now);
    bool hears_broadcast(PeerId peer) const;
    /// A frame that came that way. Other types than votes and message counts are refused.
    void receive_broadcast(PeerId peer, wire::Bytes frame, state::Time now, Output& out);

    // --- frames to send ---
    /// On a bus that reaches everybody: the one lane, whoever asks.
    LaneId lane_of(PeerId peer) const;
    /// The lane of a bus that reaches everybody, or the broadcast of one that reaches each and all.
    static constexpr LaneId everybody{0};
    bool wants_to_send(LaneId lane) const;
    /// Whether what it wants to send is more than a part of a snapshot.
    bool has_fresh(LaneId lane) const;
    /// Writes the next frame into `out` (at least min_budget_bytes, at most max_frame_bytes are used). See
    /// Lane::take.
    Taken take_frame(LaneId lane, wire::MutableBytes out);
    void frame_delivered(LaneId lane, FrameId frame);
    void frame_lost(LaneId lane, FrameId frame);
    /// The last frame of each lane.
    void say_goodbye(wire::vote::Goodbye::How how);
    /// Whether it was delivered on this lane.
    bool said_goodbye(LaneId lane) const;

    // --- time ---
    /// When on_time is due.
    std::optional<state::Time> next_deadline() const { return next_digest_; }
    void on_time(state::Time now, Output& out);

    // --- questions ---
    const Counters& counters() const { return counters_; }
    /// Peers that are there now.
    std::size_t peers() const;
    /// The nodes that a peer announced, with what became of it.
    const std::vector<PeerNode>& nodes_of(PeerId peer) const;
    std::uint64_t waiting() const;

private:
    void greet(LaneId lane, state::Time now);
    void welcome_back(Peer& peer, state::Time now);
    void say_digests_to(Peer& peer, state::Time now);
    void remember_where_it_stopped(Peer& peer);
    void request_since(Peer& peer, PeerNode& node);
    void ask_for_newer(Peer& peer, PeerNode& node, Output& out);
    void follow_moved(const state::NodeChange& change);
    void heard_again(Peer& peer, state::Time now);
    void is_the_same(Peer& peer, PeerNode& node, state::Time now, Output& out);

    bool hears(const Peer& peer) const;
    void stop_hearing(Peer& peer);
    void join_lanes(const Peer& peer);
    void say_lately_broadcast(Lane& to) const;
    template <typename Do>
    bool for_each_lane_of_changes(Do&& action);
    void say_change(std::size_t place, state::DeviceId device);
    void say_change(std::size_t place, const state::Mailbox& mailbox);
    static void remember(Peer& peer, Overtaking vote);
    void repeat_what_overtook(Peer& peer, state::NodeId node, state::Time now, Output& out);
    enum class Way : std::uint8_t { own_lane, broadcast };
    void take_votes(Peer& peer, const wire::vote::VotesView& votes, Way way, state::Time now, Output& out);
    void take_mwi(Peer& peer, const wire::vote::MwiView& votes, Way way, state::Time now, Output& out);
    Lane* lane(LaneId id);
    const Lane* lane(LaneId id) const;
    Lane& lane_to(const Peer& peer);
    template <typename Do>
    void for_each_lane(Do&& action);
    std::unique_ptr<Lane> make_lane();
    void drop_lane_of(const Peer& peer);

    void refresh_own(std::size_t place, const state::NodeView& node);
    void end_peer(Peer& peer, state::Departure departure, state::Time now, Output& out);
    void offer_nodes_of(const Peer& gone, state::Time now, Output& out);

    void refused(Peer& peer, const wire::vote::Malformed& malformed, Output& out);
    void on_frame(Peer& peer, const wire::vote::HelloView& hello, state::Time now, Output& out);
    void on_frame(Peer& peer, const wire::vote::VotesView& votes, state::Time now, Output& out);
    void on_frame(Peer& peer, const wire::vote::MwiView& votes, state::Time now, Output& out);
    void on_frame(Peer& peer, const wire::vote::SnapshotBegin& begin, state::Time now, Output& out);
    void on_frame(Peer& peer, const wire::vote::SnapshotEnd& end, state::Time now, Output& out);
    void on_frame(Peer& peer, const wire::vote::DigestView& digests, state::Time now, Output& out);
    void on_frame(Peer& peer, const wire::vote::Request& request, state::Time now, Output& out);
    void on_frame(Peer& peer, const wire::vote::Since& since, state::Time now, Output& out);
    void on_frame(Peer& peer, const wire::vote::Goodbye& goodbye, state::Time now, Output& out);
    void on_frame(Peer& peer, const wire::vote::PbxLink& link, state::Time now, Output& out);
    void on_frame(Peer& peer, const wire::vote::Unsupported& answer, state::Time now, Output& out);

    void announce(Peer& peer, PeerNode& node, state::Time now, Output& out);
    void refuse_foreign(Peer& peer, PeerNode& node, Output& out);
    void heard_of_us(Peer& peer, const wire::vote::KnownNode& known, Output& out);
    std::optional<state::NodeId> node_of(Peer& peer, const state::Eid& eid, PeerNode*& announced,
                                         Output& out);
    std::optional<state::DeviceId> device_of(Peer& peer, const wire::vote::VoteEntry& vote,
                                             std::uint32_t table, Output& out);
    void apply_batch(state::Time now, Output& out);
    void compare(Peer& peer, PeerNode& node, const wire::vote::DigestEntry& digest, state::Time now,
                 Output& out);
    bool owned_here(const PeerNode& node) const;
    void missed(Peer& peer, PeerNode* node, state::Time now, Output& out);
    void request_snapshot(Peer& peer, PeerNode& node, state::Time now);
    void follow_forgotten(const std::vector<state::DeviceForgotten>& forgotten);

    state::Engine& engine_;
    const state::MwiTable& mwi_;
    Settings settings_;
    Counters counters_;
    OwnNodes own_;
    std::map<PeerId, Peer> peers_;
    std::uint32_t last_peer_ = 0;
    std::unique_ptr<Lane> everybody_;
    std::map<LaneId, std::unique_ptr<Lane>> lanes_;
    std::unique_ptr<Lane> broadcast_;
    bool broadcast_ready_ = false;
    /// Counts that went by the broadcast since the last digests: no digest tells who missed them.
    std::set<std::pair<std::size_t, state::Mailbox>> lately_;
    std::optional<state::Time> next_digest_;
    std::optional<wire::vote::Goodbye::How> goodbye_;
    std::vector<state::Vote> batch_;
    std::vector<state::VoteOutcome> outcomes_;
};

}  // namespace lamplight::bus::sync
