#pragma once

#include "bus/plain/counters.hpp"
#include "bus/plain/exchange.hpp"
#include "bus/plain/own_nodes.hpp"
#include "bus/plain/settings.hpp"
#include "bus/plain/walk.hpp"
#include "bus/sync/bits.hpp"
#include "bus/sync/waiting_votes.hpp"
#include "ring/types.hpp"
#include "state/engine.hpp"
#include "state/mwi.hpp"
#include "wire/event/event.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace lamplight::bus::plain {

/// What waits to be said in the group: not messages but what they are to be about. Each is written when the
/// group has room, with the newest vote of that moment.
///
/// Overflow policy: nothing can overflow. Each own (node, device) and (node, mailbox) waits at most once, the
/// dump is a place in the table, and a repair one more for each stranger.
class Outgoing {
public:
    Outgoing(const state::Engine& engine, const state::MwiTable& mwi, const Settings& settings,
             Counters& counters, std::vector<News>& news, const state::Time& now)
        : engine_(engine), mwi_(mwi), settings_(settings), counters_(counters), news_(news), now_(now) {}

    // --- what is to be said ---
    OwnNodes& own() { return own_; }
    const OwnNodes& own() const { return own_; }
    void set_self(ring::Member self, std::string address);
    const std::string& address() const { return address_; }
    /// Our vote, or our count, has changed. Cost: O(1), O(log waiting).
    void vote_changed(std::uint16_t place, std::uint32_t device);
    void mwi_changed(std::uint16_t place, const state::Mailbox& mailbox);
    /// Forgets what was said about names that did not fit: the number will be another device's.
    void device_forgotten(state::DeviceId device) { told_too_long_.remove(state::index_of(device)); }
    /// Those of all own nodes.
    std::uint64_t own_votes() const;
    /// Everything of ours that is published; one that runs goes once more around, from where it is.
    void dump();
    void dump_devices();
    void dump_mailboxes();
    enum class Discovery : std::uint8_t { none, due };
    void set_discovery(Discovery discovery) { discovery_ = discovery; }
    void ping() { ping_ = true; }
    void forget_ping() { ping_ = false; }
    /// It is for Lamplights too: the one word that goes out while nobody listens.
    bool ping_waits() const { return ping_; }
    /// Says on behalf of a stranger who it is, and what we hold of it. What it says of a node whose votes do
    /// not count any more is UNAVAILABLE.
    void repair(ring::Member stranger, const state::Eid& eid, const std::string& address);
    /// It is gone. Whether anything was said on its behalf lately, perhaps after its end: then that is taken
    /// back.
    void end_repair(ring::Member stranger, const state::Eid& eid);
    /// The stranger's own vote came while we repeated an older one perhaps.
    void crossed(state::NodeId node, state::DeviceId device);
    void crossed(state::NodeId node, const state::Mailbox& mailbox);
    /// Whether nothing is said of our node at this place.
    enum class Yields : std::uint8_t { no, yes };
    void set_yields(std::uint16_t place, Yields yields);
    bool yields(std::uint16_t place) const { return place < yields_.size() && yields_[place]; }
    void say_goodbye();
    /// What is ours and waits: a dump will say it.
    void forget_own();
    /// What is not about own votes.
    void forget_words();
    /// Nobody listens. What is under way still reaches who comes before it.
    void clear();
    /// Nor does it: we are out of the group.
    void forget_under_way();

    // --- what is said ---
    bool wants_to_send() const;
    Taken take(wire::MutableBytes out);
    enum class About : std::uint8_t { vote, mwi, discovery, ping, behalf_discovery, behalf_vote, behalf_mwi };
    /// What the message was about.
    std::optional<About> delivered(MessageId id);
    void lost(MessageId id);
    bool said_goodbye() const { return goodbye_ && !goodbye_waits() && in_flight_.empty(); }
    bool saying_goodbye() const { return goodbye_; }
    std::uint64_t waiting() const;

private:
    struct Stranger {
        ring::Member member;
        state::Eid eid;
        std::string address;
    };
    /// `place`: of an own node; on behalf of others their node id.
    struct InFlight {
        MessageId id{};
        About about{};
        std::uint16_t place = 0;
        std::uint32_t device = 0;
        state::Mailbox mailbox;
        std::optional<Stranger> introduced;
    };
    struct Repair {
        Stranger stranger;
        state::NodeId node{};
        bool introduce = false;
        DeviceWalk devices;
        MailboxWalk mailboxes;
    };

    // Each writes a message of its kind if there is one, and says in `about` what it is about; 0: there is
    // none, or not yet.
    std::size_t take_goodbye(wire::MutableBytes out, InFlight& about);
    std::size_t take_word(wire::MutableBytes out, InFlight& about);
    std::size_t take_change(wire::MutableBytes out, InFlight& about);
    std::size_t take_device_change(wire::MutableBytes out, InFlight& about);
    std::size_t take_mwi_change(wire::MutableBytes out, InFlight& about);
    std::size_t take_walk(wire::MutableBytes out, InFlight& about);
    std::size_t take_dump(wire::MutableBytes out, InFlight& about);
    std::size_t take_dumped_device(wire::MutableBytes out, InFlight& about);
    std::size_t take_dumped_mailbox(wire::MutableBytes out, InFlight& about);
    std::size_t take_repair(wire::MutableBytes out, InFlight& about);
    std::size_t take_repair_of(Repair& repair, wire::MutableBytes out, InFlight& about);
    std::size_t take_crossed(wire::MutableBytes out, InFlight& about);

    std::size_t write_own(sync::OwnVote pair, wire::MutableBytes out, InFlight& about);
    std::size_t write_own(std::uint16_t place, const state::Mailbox& mailbox, wire::MutableBytes out,
                          InFlight& about);
    std::size_t write_behalf(state::NodeId node, state::DeviceId device, wire::MutableBytes out,
                             InFlight& about);
    std::size_t write_behalf(state::NodeId node, const state::Mailbox& mailbox, wire::MutableBytes out,
                             InFlight& about);
    std::size_t write(const wire::event::Event& event, wire::MutableBytes out) const {
        return wire::event::encode(event, settings_.dialect, out);
    }
    void too_long(state::DeviceId device);
    bool is_withdrawn(sync::OwnVote pair) const;
    bool is_withdrawn(std::uint16_t place, const state::Mailbox& mailbox) const;
    bool passes_over_withdrawals() const { return goodbye_ && !repeats_withdrawals_; }

    bool changes_wait() const { return !changes_.empty() || !mwi_changes_.empty(); }
    bool walks() const { return dump_devices_.running() || dump_mailboxes_.running() || repairs_wait(); }
    bool repairs_wait() const { return !repairs_.empty() || !crossed_.empty() || !crossed_mwi_.empty(); }
    bool goodbye_waits() const { return changes_wait() || walks(); }
    bool discovery_due() const {
        return discovery_ == Discovery::due && discoveries_under_way_ == 0 && !own_.empty() &&
               !address_.empty();
    }
    void begin_dump();
    void end_dump_when_through();
    void walk_of(Repair& repair) const;
    void drop_repair(ring::Member stranger);
    std::deque<InFlight>::iterator under_way(MessageId id);
    InFlight remove(const std::deque<InFlight>::iterator& place);
    void say_again(const InFlight& message);

    const state::Engine& engine_;
    const state::MwiTable& mwi_;
    const Settings& settings_;
    Counters& counters_;
    std::vector<News>& news_;
    const state::Time& now_;
    OwnNodes own_;
    std::vector<bool> yields_;  ///< by place
    ring::Member self_;
    std::string address_;

    // Changes.
    sync::WaitingVotes changes_;
    std::set<sync::OwnMailboxVote> mwi_changes_;
    std::uint32_t turn_ = 0;

    // The dump.
    DeviceWalk dump_devices_;
    std::uint16_t dump_place_ = 0;  ///< the next own node to look at, of the device where the walk stands
    MailboxWalk dump_mailboxes_;
    std::uint16_t dump_mailbox_place_ = 0;
    bool dumping_ = false;
    std::uint64_t dumped_ = 0;  ///< messages

    // Words.
    Discovery discovery_ = Discovery::none;
    std::uint32_t discoveries_under_way_ = 0;
    bool ping_ = false;
    bool goodbye_ = false;
    bool repeats_withdrawals_ = false;  ///< the goodbye: somebody may not have heard them

    // On behalf of others.
    std::deque<Repair> repairs_;
    std::set<std::pair<state::NodeId, state::DeviceId>> crossed_;
    std::set<std::pair<state::NodeId, state::Mailbox>> crossed_mwi_;
    std::uint32_t behalf_under_way_ = 0;
    std::map<ring::Member, state::Time> spoken_for_;  ///< when last, of strangers that are there

    sync::Bits told_too_long_;
    std::set<state::Mailbox> told_too_long_mailboxes_;

    std::uint64_t messages_ = 0;
    std::deque<InFlight> in_flight_;
};

}  // namespace lamplight::bus::plain
