#pragma once

#include "bus/plain/counters.hpp"
#include "bus/plain/settings.hpp"
#include "ring/types.hpp"
#include "state/engine.hpp"
#include "state/mwi.hpp"
#include "wire/bytes.hpp"
#include "wire/event/event.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace lamplight::bus::plain {

enum class MessageId : std::uint64_t {};

/// A message to send; 0 bytes: none now.
struct Taken {
    std::size_t bytes = 0;
    MessageId id{};
};

/// Something an operator or the log may want to know.
struct News {
    enum class Kind : std::uint8_t {
        ping,              ///< `text`: the EID it came from
        discovered,        ///< a member announced itself (see announced_by); `text`: its address
        announced,         ///< we sent our discovery
        dump_begins,       ///< for those who joined; `text`: how many votes
        dump_ended,        ///< `text`: how many messages
        malformed,         ///< a message was refused; `text`: why. Once a member, reason and minute
        name_too_long,     ///< one of our devices does not fit this wire; `text`: its name. Once a device
        shared_node,       ///< a member on our own Corosync node that is no Lamplight; `member`
        shared_node_over,  ///< it is gone
        yields,            ///< `member` speaks with an EID of ours, for which we are silent; `text`: the EID
        yields_no_more,    ///< nobody does any more; `text`: the EID
    };
    Kind kind{};
    ring::Member member;
    std::string text;
};

/// What comes of an input beside messages to send. The caller owns it, publishes `changes` and `mwi`, and
/// clears it.
struct Output {
    state::Changes changes;
    std::vector<state::MwiInput> mwi;  ///< from who may speak for the node; for Host::publish_mwi
    std::vector<News> news;

    void clear();
};

/// The talk with real Asterisk servers in one group: their votes in, ours out, one event a message, as
/// res_corosync speaks (asterisk-facts 3.5, 3.6, 3.11). Pure: no clock, socket or log.
///
/// Speaks only while a member of the group is no Lamplight (`strangers`); Lamplights hear each other in
/// their own group, and what they say here is passed over. A stranger that joins or returns gets a dump of
/// every own vote and count, after `dump_delay`, and after `dump_pause` when there was one lately; changes go
/// ahead of it. After a merge the discovery is sent again too.
///
/// Order of use, one thread: as sync::Exchange. Messages are asked for (take) when there is room in the
/// group, written with the newest votes of that moment: a burst becomes one, nothing queues, nothing is
/// dropped. What is said to be lost waits again.
///
/// Bounds  an own vote waits at most once (8 bytes and 2 bits); members: Limits::senders of the engine.
class Exchange {
public:
    Exchange(state::Engine& engine, const state::MwiTable& mwi, const Settings& settings);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    // --- ourselves ---
    /// Other settings; what was not published before and is now, is dumped.
    void configure(const Settings& settings);
    void set_own_nodes(std::span<const state::Announcement> nodes);
    /// Who we are on the ring now, for the discovery. Empty address: there is none to say, no discovery.
    void set_self(ring::Member self, std::string address);
    void on_changes(const state::Changes& changes);
    /// An own count changed: (own node, mailbox).
    void mwi_changed(state::NodeId node, const state::Mailbox& mailbox);

    // --- members ---
    /// Who of the ring is a Lamplight (in the group `lamplight`). Call before the member events it bears on.
    void set_lamplights(std::span<const ring::Member> lamplights, state::Time now, Output& out);
    void member_came(ring::Member member, std::string label, state::Time now, Output& out);
    void member_returned(ring::Member member, state::Time now, Output& out);
    void member_gone(ring::Member member, state::Departure departure, state::Time now, Output& out);
    /// It hears more of what we say than before: after `dump_delay` everything is said to it once more.
    void member_hears_more(ring::Member member, state::Time now, Output& out);
    /// One message of a member, whole; never one of our own.
    void receive(ring::Member from, wire::Bytes message, state::Time now, Output& out);

    // --- messages to send ---
    /// Somebody listens who understands nothing else.
    bool has_strangers() const;
    bool wants_to_send() const;
    /// Writes the next message into `out` (at least wire::event::max_event_bytes): goodbyes of votes first,
    /// then discovery and ping, changes, the dump. Nothing although wants_to_send(): it looked through many
    /// devices without a vote of ours; call again after other work.
    Taken take(wire::MutableBytes out);
    void delivered(MessageId id);
    void lost(MessageId id);
    /// We are out of the group: nothing waits any more; who joins again is greeted by events.
    void disconnected();
    /// To everybody in the group, Lamplights too: who asks for it wants to see whether the wire works.
    void ping();
    /// `stop`: takes every own vote back, as UNAVAILABLE, before the group is left.
    void say_goodbye();
    /// Everything that say_goodbye() wanted said has been delivered, or there is nobody to hear it.
    bool said_goodbye() const;

    // --- time ---
    std::optional<state::Time> next_deadline() const;
    void on_time(state::Time now, Output& out);

    // --- questions ---
    const Counters& counters() const;
    const Settings& settings() const;
    std::size_t members() const;    ///< that are there and no Lamplights
    std::uint64_t waiting() const;  ///< messages not delivered yet, the rest of a dump estimated by devices
    /// What a member announced; nullptr when nothing.
    const state::Eid* announced_by(ring::Member member) const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::bus::plain
