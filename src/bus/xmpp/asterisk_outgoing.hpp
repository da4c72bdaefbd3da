#pragma once

#include "bus/plain/own_nodes.hpp"
#include "bus/plain/walk.hpp"
#include "bus/sync/bits.hpp"
#include "bus/sync/waiting_votes.hpp"
#include "bus/xmpp/asterisk_votes.hpp"
#include "bus/xmpp/refusals.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::bus::xmpp {

/// What all clients' talk with Asterisks has in common.
struct AsteriskCommon {
    const state::Engine& engine;
    const state::MwiTable& mwi;
    plain::OwnNodes own;
    AsteriskVotes::Counters counters;
    /// Names that were said not to fit this wire.
    sync::Bits told_devices;
    std::set<state::Mailbox> told_mailboxes;
    state::Time now{};  ///< of the last input
};

/// What waits to be published through one client: not stanzas but what they are to be about. Each is written
/// when there is room, with the newest vote of that moment.
///
/// ```
///  changes ──▶ take() ──▶ under way ──▶ accepted: said
///  the dump ─▶   ▲  │                   lost: a change again
///                │  │                   refused, the node is to blame: a change again, the node is closed
///   node_ready() │  ▼                   refused, only this item: parked
///                └ parked (also what waits for its leaf)
/// ```
/// A node is closed until Nodes says that it is ready; what is refused does not go again before that, and
/// Nodes is told of it no more often than Refusals has it. One item that is refused while others are accepted
/// (ejabberd keeps items for their first publisher) is to blame itself, until `most_in_a_row` of them came.
///
/// Overflow policy: nothing can overflow. Each own (node, device) and (node, mailbox) waits at most once, the
/// dump is a place in the table; leaves that are asked for are at most `most_leaves` at a time.
class AsteriskOutgoing {
public:
    static constexpr std::size_t most_leaves = 32;
    static constexpr unsigned most_in_a_row = 8;
    /// Between two words to Nodes, and two tries, of items that are refused while others pass.
    static constexpr state::Duration item_pause = std::chrono::minutes(1);

    AsteriskOutgoing(AsteriskCommon& common, ClientId client) : common_(common), client_(client) {}

    // --- what is to be said ---
    /// A new stream: nothing is known of its nodes.
    void begin(const AsteriskVotes::ClientSettings& settings);
    /// Others on the same stream, of the same service and nodes.
    void configure(const AsteriskVotes::ClientSettings& settings) { settings_ = settings; }
    /// Nobody listens, or the stream is gone: nothing waits, and what is under way is nobody's.
    void forget();
    void node_ready(std::string_view node);
    void node_failed(std::string_view node);
    void vote_changed(std::uint16_t place, std::uint32_t device);
    void mwi_changed(std::uint16_t place, const state::Mailbox& mailbox);
    void devices_forgotten(std::span<const state::DeviceForgotten> devices);
    /// Everything of ours; one that runs goes once more around, from where it is.
    void dump();
    enum class Withdrawals : std::uint8_t { as_waiting, repeated };
    /// Takes every standing vote back, and says nothing else any more. `repeated`: those that were taken back
    /// before are said once more, since somebody may not have heard it.
    void say_goodbye(Withdrawals withdrawals);
    bool said_goodbye() const;

    // --- what is said ---
    AsteriskVotes::Wants wants_to_send() const;
    std::optional<AsteriskVotes::Taken> take();
    void answered(std::uint64_t tag, Answer answer, const wire::xml::Element* error);
    std::uint64_t waiting() const;
    std::uint64_t under_way() const { return in_flight_.size(); }

    // --- what it has to say to its owner ---
    std::optional<state::Time> next_deadline() const;
    void tell(AsteriskVotes::Output& out);

private:
    /// One of Asterisk's two nodes, or in collection mode the collection of that name.
    struct Node {
        bool open = false;
        bool proved = false;    ///< we may publish there: it took something, or Nodes says so after a refusal
        bool reported = false;  ///< Nodes was told of a refusal that may be about an item
        unsigned refused_in_a_row = 0;
        std::uint64_t first_tag = 0;  ///< of those that went since it is open
    };
    enum class About : std::uint8_t { vote, mwi };
    struct InFlight {
        std::uint64_t tag = 0;
        About about{};
        bool with_options = false;
        std::uint16_t place = 0;
        std::uint32_t device = 0;
        state::Mailbox mailbox;
    };
    using Stanza = std::optional<wire::xml::Element>;

    // Each writes a stanza of its kind if there is one, and says in `about` what it is about.
    Stanza take_change(InFlight& about);
    Stanza take_device_change(InFlight& about);
    Stanza take_mwi_change(InFlight& about);
    Stanza take_dump(InFlight& about);
    Stanza take_dumped_device(InFlight& about);
    Stanza take_dumped_mailbox(InFlight& about);
    Stanza write(sync::OwnVote pair, InFlight& about);
    Stanza write(const sync::OwnMailboxVote& pair, InFlight& about);
    void too_long(state::DeviceId device);
    std::uint64_t own_votes() const;
    bool is_withdrawn(sync::OwnVote pair) const;
    bool is_withdrawn(const sync::OwnMailboxVote& pair) const;
    bool passes_over(bool withdrawn) const { return goodbye_ && withdrawn && !repeats_withdrawals_; }
    void end_dump_when_through();

    // What became of it.
    InFlight remove(std::deque<InFlight>::iterator place);
    void accepted(const InFlight& message);
    void refused(const InFlight& message, const wire::xml::Element& error);
    void blame_leaf(const InFlight& message, const wire::xml::Element& error);
    void blame_node(const InFlight& message, std::string_view condition, const wire::xml::Element& error);
    void say_again(const InFlight& message);
    void open(Node& node);
    void unpark_when_due();
    void park(const InFlight& message);
    void park(sync::OwnVote pair);
    void unpark(std::uint32_t device);
    void unpark_votes();
    void unpark_counts();
    std::string node_of(const InFlight& message) const;

    // Leaves, in collection mode.
    bool waits_for_leaf(sync::OwnVote pair);
    void want_leaf(std::uint32_t device);
    enum class LeafIs : std::uint8_t { ready, failed };
    void leaf_answered(std::string_view node, LeafIs what);
    void end_asking(std::uint32_t device);
    void look_after(Refusals::Due due, AsteriskVotes::Output& out);
    void tell_leaves(AsteriskVotes::Output& out);
    bool leaves_are_full() const { return leaves_asked_ + leaf_queue_.size() >= most_leaves; }

    Node& node_for(About about) { return about == About::vote ? states_ : counts_; }
    bool makes_leaves_first() const { return settings_.collection && settings_.autocreate; }
    bool device_changes_wait() const { return states_.open && !changes_.empty(); }
    bool mwi_changes_wait() const { return counts_.open && !mwi_changes_.empty(); }
    bool changes_wait() const { return device_changes_wait() || mwi_changes_wait(); }
    bool device_dump_waits() const {
        return states_.open && dump_devices_.running() && (goodbye_ || !leaves_are_full());
    }
    bool mailbox_dump_waits() const { return counts_.open && dump_mailboxes_.running(); }
    bool dump_waits() const { return device_dump_waits() || mailbox_dump_waits(); }

    AsteriskCommon& common_;
    ClientId client_{};
    AsteriskVotes::ClientSettings settings_;
    Node states_;
    Node counts_;
    bool without_options_ = false;  ///< publish-options were refused
    Refusals refusals_;
    std::optional<state::Time> blamed_item_;  ///< when Nodes was told last of an item that was to blame

    // Changes.
    sync::WaitingVotes changes_;
    std::set<sync::OwnMailboxVote> mwi_changes_;
    std::uint32_t turn_ = 0;

    // What may not go now.
    std::vector<sync::Bits> parked_;  ///< by place
    std::uint64_t parked_count_ = 0;
    std::set<sync::OwnMailboxVote> parked_mwi_;
    std::optional<state::Time> unparked_;   ///< when they were tried last
    std::optional<state::Time> unpark_at_;  ///< a node was ready meanwhile

    // Leaves.
    sync::Bits leaf_ready_;
    sync::Bits leaf_wanted_;  ///< in the queue
    sync::Bits leaf_asked_;   ///< Nodes has not answered yet
    sync::Bits leaf_failed_;
    std::deque<std::uint32_t> leaf_queue_;  ///< wanted, not asked for yet
    std::size_t leaves_asked_ = 0;

    // The dump.
    plain::DeviceWalk dump_devices_;
    std::uint16_t dump_place_ = 0;  ///< the next own node to look at, of the device where the walk stands
    plain::MailboxWalk dump_mailboxes_;
    std::uint16_t dump_mailbox_place_ = 0;
    bool dumping_ = false;
    std::uint64_t dumped_ = 0;

    bool goodbye_ = false;
    bool repeats_withdrawals_ = false;

    std::uint64_t last_tag_ = 0;
    std::deque<InFlight> in_flight_;
    std::vector<AsteriskVotes::News> news_;
};

}  // namespace lamplight::bus::xmpp
