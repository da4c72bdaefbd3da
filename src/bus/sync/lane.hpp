#pragma once

#include "bus/sync/bits.hpp"
#include "bus/sync/counters.hpp"
#include "bus/sync/own_nodes.hpp"
#include "bus/sync/waiting_votes.hpp"
#include "state/mwi.hpp"
#include "wire/vote/encode.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lamplight::bus::sync {

enum class FrameId : std::uint64_t {};

/// A frame that left a lane.
struct Taken {
    std::size_t bytes = 0;  ///< 0: nothing to send now
    FrameId id{};
    /// Words or changes; not a part of a snapshot alone.
    bool fresh = false;
};

/// What waits to be said to one peer, or on a bus that tells everybody: not a queue of frames but of what
/// they are to be about. Frames are written when the bus has room for one, with the newest votes of that
/// moment; so a slow peer costs two bits a device, 8 bytes a waiting vote and a name a waiting mailbox, and
/// gets fewer, newer votes.
///
/// Overflow policy: nothing can overflow. Each own (node, device) and (node, mailbox) waits at most once,
/// each control frame at most once.
class Lane {
public:
    /// How a vote names its device: by an id once the name was said, or always by the name (frame_table).
    enum class Names : std::uint8_t { once, always };

    Lane(const state::Engine& engine, const state::MwiTable& mwi, OwnNodes& own, Counters& counters,
         const std::string& software, Names names = Names::once)
        : engine_(engine),
          mwi_(mwi),
          own_(own),
          counters_(counters),
          software_(software),
          table_(names == Names::always ? wire::vote::frame_table : wire::vote::frame_table + 1) {}

    // --- what is to be said ---
    /// The vote of our node at `place` has changed. Cost: O(1).
    void vote_changed(std::size_t place, state::DeviceId device);
    /// So have its counts of this mailbox. Cost: O(log waiting).
    void mwi_changed(std::size_t place, const state::Mailbox& mailbox);
    void device_forgotten(state::DeviceId device) { defined_.remove(state::index_of(device)); }
    void say_hello() { hello_wanted_ = true; }
    /// Everything about our node; a running snapshot of it is followed by another.
    void send_snapshot(std::size_t place);
    /// What was running of it is void: its incarnation is another one.
    void restart_snapshot(std::size_t place);
    void send_snapshots_of_all();
    /// Somebody listens who cannot know our name ids: they are defined anew.
    void renew_names();
    void request_hello() { hello_request_ = true; }
    void request_snapshot(const state::Eid& eid);
    /// What of the node is newer than `newest`.
    void request_since(const state::Eid& eid, state::Version newest);
    /// Everything of our node that is newer than that, all its message counts, and then its digest. Cost:
    /// O(devices).
    void answer_since(std::size_t place, state::Version newest);
    void pbx_link_changed(std::size_t place);
    void say_unsupported(std::uint8_t format);
    void say_digests();  ///< of all our nodes
    void say_digest(std::size_t place);
    /// Changes go to the same listeners by that lane too: a digest is said when it is quiet as well.
    /// Nullptr: not any more.
    void also_by(const Lane* other) { beside_ = other; }
    /// Everything that waits or is under way here waits there too.
    void copy_to(Lane& other) const;
    /// The last frame of the lane: with `left` at once, with `restarting` after the votes that wait.
    void say_goodbye(wire::vote::Goodbye::How how) { goodbye_ = how; }

    // --- what is said ---
    /// Whether take() would write a frame, or has to look on for one.
    bool wants_to_send() const;
    /// Whether what it would write is more than a part of a snapshot.
    bool has_fresh() const;
    /// Writes the next frame: answers and hellos, then changes, then snapshots, then digests. While a
    /// snapshot runs, changes get three quarters of a frame; devices and mailboxes that wait get frames in
    /// turn. Nothing, although wants_to_send(): it looked through many devices or mailboxes without a vote of
    /// ours; call again after other work.
    Taken take(wire::MutableBytes out);
    /// What take() gave has reached the others, or on an ordered bus come back; so have all frames before it
    /// that are not said to be lost.
    void delivered(FrameId id);
    /// It has not and will not: its votes and words wait again.
    void lost(FrameId id);
    bool said_goodbye() const { return closed_ && in_flight_.empty(); }

    std::uint64_t waiting() const { return changes_.size() + mwi_changes_.size() + in_flight_votes_; }
    /// Nobody listens: forget everything that waits.
    void clear();

private:
    /// What a frame was about, to say it again when it is lost.
    struct InFlight {
        enum class About : std::uint8_t {
            hello,
            request_hello,
            request_snapshot,
            request_since,
            pbx_link,
            unsupported,
            goodbye,
            votes,
            mwi,
            snapshot_edge,
            digests
        };
        FrameId id{};
        About about{};
        state::Eid eid;
        state::Version newest;
        std::uint16_t place = 0;
        std::uint8_t format = 0;
        bool fresh = true;
        std::optional<std::uint16_t> snapshot;  ///< of which own node it carries a part
        std::vector<OwnVote> votes;
        std::vector<OwnMailboxVote> mwi;
        std::vector<std::uint16_t> digests;
        std::size_t vote_count() const { return votes.size() + mwi.size(); }
    };
    struct Snapshot {
        std::size_t place = 0;
        bool begun = false;
        std::uint32_t device = 0;               ///< the next to look at
        std::uint32_t votes = 0;                ///< said since the begin, of devices and mailboxes
        std::optional<state::Mailbox> mailbox;  ///< the last looked at, when the devices are through
        bool mailboxes_done = false;
    };
    enum class Added : std::uint8_t { yes, nothing_there, no_room };

    // Each writes a frame of its kind if one is due, and says in `about` what it is about; 0: none is.
    std::size_t take_goodbye(wire::MutableBytes out, InFlight& about);
    std::size_t take_unsupported(wire::MutableBytes out, InFlight& about);
    std::size_t take_hello(wire::MutableBytes out, InFlight& about);
    std::size_t take_request(wire::MutableBytes out, InFlight& about);
    std::size_t take_pbx_link(wire::MutableBytes out, InFlight& about);
    std::size_t take_snapshot_edge(wire::MutableBytes out, InFlight& about);
    std::size_t take_votes(wire::MutableBytes out, InFlight& about);
    std::size_t take_mwi(wire::MutableBytes out, InFlight& about);
    std::size_t take_digests(wire::MutableBytes out, InFlight& about);
    bool words_wait() const;
    bool goodbye_is_due() const;
    bool quiet() const;
    void fill_with_changes(wire::vote::VotesWriter& writer, std::size_t keep_free, InFlight& about);
    void fill_with_snapshot(wire::vote::VotesWriter& writer, InFlight& about);
    Added add_vote(wire::vote::VotesWriter& writer, std::size_t place, std::uint32_t device, InFlight& about);
    void fill_with_mwi_changes(wire::vote::MwiWriter& writer, std::size_t keep_free, InFlight& about);
    void fill_with_mwi_snapshot(wire::vote::MwiWriter& writer, InFlight& about);
    Added add_mwi(wire::vote::MwiWriter& writer, std::size_t place, const state::Mailbox& mailbox,
                  InFlight& about);
    bool snapshot_of_mailboxes() const;
    bool changes_wait() const { return !changes_.empty() || !mwi_changes_.empty(); }
    void start_hello();
    std::uint32_t bound() const { return engine_.device_bound(); }
    InFlight fresh_record();
    void say_again(const InFlight& frame);

    const state::Engine& engine_;
    const state::MwiTable& mwi_;
    OwnNodes& own_;
    Counters& counters_;
    const std::string& software_;

    // Changes.
    WaitingVotes changes_;
    std::set<OwnMailboxVote> mwi_changes_;
    bool mwi_turn_ = false;  ///< the last frame of votes was about devices

    // Names.
    std::uint32_t table_;
    Bits defined_;

    // Words.
    bool hello_wanted_ = false;
    bool hello_running_ = false;  ///< some of it is said, the rest is not:
    std::size_t hello_next_ = 0;
    std::vector<wire::vote::KnownNode> hello_known_;
    bool hello_request_ = false;
    std::vector<state::Eid> snapshot_requests_;
    std::vector<wire::vote::Since> sinces_;
    std::vector<std::uint16_t> links_changed_;
    std::vector<std::uint8_t> unsupported_;
    std::vector<std::uint16_t> digests_wanted_;
    const Lane* beside_ = nullptr;
    std::optional<wire::vote::Goodbye::How> goodbye_;
    bool closed_ = false;

    // Snapshots.
    std::vector<std::uint16_t> snapshots_wanted_;
    std::optional<Snapshot> snapshot_;

    std::uint64_t frames_ = 0;
    std::deque<InFlight> in_flight_;
    std::uint64_t in_flight_votes_ = 0;
    std::vector<std::vector<OwnVote>> spare_;  ///< of delivered frames, to be used again
};

}  // namespace lamplight::bus::sync
