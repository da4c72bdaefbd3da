#pragma once

#include "bus/plain/dump_pace.hpp"
#include "bus/plain/exchange.hpp"
#include "bus/plain/outgoing.hpp"

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lamplight::bus::plain {

/// A process in the group.
struct GroupMember {
    std::string label;
    bool present = true;
    bool lamplight = false;
    std::optional<state::SenderId> sender;  ///< of a stranger that the engine took

    // What it announced.
    std::optional<state::Eid> eid;
    std::string address;
    state::AnnounceOutcome outcome = state::AnnounceOutcome::refused;
    bool told_own_eid = false;

    // What a stranger is still to get.
    std::optional<state::Time> greet_at;  ///< and is not greeted before
    bool greeted = false;
    bool wants_discovery = false;
    bool knows_us = false;  ///< our discovery reached it
    bool shared_node_told = false;
    std::optional<state::Time> ping_said;

    std::array<std::optional<state::Time>, wire::event::malformed_count> complained;
    std::set<state::NodeId> mwi_claims;  ///< nodes that nobody else speaks for
    std::set<std::uint16_t> duplicates;  ///< places of own nodes that it speaks for

    bool is_stranger() const { return present && !lamplight; }
};

/// Exchange's inside. exchange.cpp has ourselves, members and sending; receive.cpp what messages bring about.
class Exchange::Impl {
public:
    Impl(state::Engine& engine, const state::MwiTable& mwi, const Settings& settings)
        : engine_(engine), settings_(settings), outgoing_(engine, mwi, settings_, counters_, news_, now_) {}

    void configure(const Settings& settings);
    void set_own_nodes(std::span<const state::Announcement> nodes);
    void set_self(ring::Member self, std::string address);
    void on_changes(const state::Changes& changes);
    void mwi_changed(state::NodeId node, const state::Mailbox& mailbox);

    void set_lamplights(std::span<const ring::Member> lamplights, Output& out);
    void came(ring::Member id, std::string label, Output& out);
    void returned(ring::Member id, Output& out);
    void gone(ring::Member id, state::Departure departure, Output& out);
    void hears_more(ring::Member id);
    void receive(ring::Member from, wire::Bytes message, Output& out);

    bool may_speak() const { return outgoing_.saying_goodbye() ? strangers_ > 0 : listeners_ > 0; }
    void delivered(MessageId id);
    void lost(MessageId id);
    void disconnected();
    void say_goodbye();
    std::optional<state::Time> next_deadline() const;
    void on_time(Output& out);
    void tell(Output& out);

    state::Engine& engine_;
    Settings settings_;
    Counters counters_;
    std::vector<News> news_;  ///< what came about without an Output
    state::Time now_{};       ///< of the last input
    Outgoing outgoing_;
    ring::Member self_;
    std::set<ring::Member> lamplights_;
    std::map<ring::Member, GroupMember> members_;
    std::size_t strangers_ = 0;
    std::size_t listeners_ = 0;  ///< strangers that are greeted
    DumpPace pace_;
    std::optional<state::Time> dump_at_;  ///< somebody waits for one

private:
    void become_stranger(GroupMember& member, Output& out);
    void become_lamplight(ring::Member id, GroupMember& member, Output& out);
    void end_stranger(ring::Member id, GroupMember& member, state::Departure departure, Output& out);
    void end_shared_node(ring::Member id, GroupMember& member);
    bool shares_node() const;
    void heal_node(ring::Member gone);
    bool is_lowest_lamplight() const;
    void offer(const state::Eid& eid, Output& out);
    void refresh();
    void refresh_yields();
    /// The next dump waits: what nobody hears now is kept for who comes.
    bool keeps_changes() const { return listeners_ > 0 || pace_.earliest() > now_; }
    void want_dump();
    void begin_due_dump();

    void on_lamplights_ping(ring::Member from, wire::Bytes message);
    void on_ping(ring::Member from, const wire::event::Ping& ping);
    bool may_say_ping(ring::Member from);
    void announce(GroupMember& member, Output& out);
    void drop_counts(GroupMember& member, Output& out);
    std::optional<std::uint16_t> own_place(const state::Eid& eid) const;
    bool is_own(const state::Eid& eid) const { return own_place(eid).has_value(); }
    /// Whether the vote was one with an EID of ours: it does not count.
    bool passes_over(GroupMember& member, const state::Eid& eid, Output& out);
    bool may_count(GroupMember& member, state::NodeId node);
    void refused(ring::Member from, GroupMember& member, wire::event::Malformed reason);
    void on_event(ring::Member from, GroupMember& member, const wire::event::DeviceStateChange& vote,
                  Output& out);
    void on_event(ring::Member from, GroupMember& member, const wire::event::DeviceStateAggregate& aggregate,
                  Output& out);
    void on_event(ring::Member from, GroupMember& member, const wire::event::Mwi& counts, Output& out);
    void on_event(ring::Member from, GroupMember& member, const wire::event::Ping& ping, Output& out);
    void on_event(ring::Member from, GroupMember& member, const wire::event::ClusterDiscovery& discovery,
                  Output& out);
};

}  // namespace lamplight::bus::plain
