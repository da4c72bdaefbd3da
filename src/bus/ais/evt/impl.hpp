#pragma once

#include "bus/ais/evt/clients.hpp"
#include "bus/ais/evt/outgoing.hpp"
#include "bus/ais/evt/publishers.hpp"
#include "bus/ais/evt/registry.hpp"
#include "bus/ais/evt/retained.hpp"
#include "bus/ais/evt/roster.hpp"
#include "bus/ais/evt/service.hpp"
#include "bus/ais/evt/state_walk.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace lamplight::bus::ais::evt {

/// How long who wants a state may gather company, and how long at most the others' hellos are waited for.
inline constexpr state::Duration gather_time = std::chrono::milliseconds(20);
inline constexpr state::Duration longest_gather = std::chrono::milliseconds(200);
inline constexpr state::Duration longest_patience = std::chrono::minutes(1);
inline constexpr state::Duration complaint_period = std::chrono::minutes(1);
inline constexpr std::size_t max_log = 4'096;
/// Places kept free for the events of a state, so that they stand before what came since it began.
inline constexpr Place places_of_a_state = Place{1} << 32U;

/// An event as a member's record tells it.
EventPointer make_received(const wire::evt::Publish& publish, wire::evt::Process from);

/// Parts by what they answer to: group.cpp (members, hello), receive.cpp (records), state_talk.cpp (states),
/// calls.cpp (clients), send.cpp (frames out).
class Service::Impl {
public:
    Impl(const Settings& settings, std::function<std::uint32_t()> draw);

    // --- group.cpp ---
    void joined(ring::Member self, std::span<const ring::Member> there, Moment moment, Output& out);
    void member_came(ring::Member member, Moment moment, Output& out);
    void member_returned(ring::Member member, Moment moment, Output& out);
    void member_gone(ring::Member member, state::Departure departure, Moment moment, Output& out);
    void disconnected(Moment moment, Output& out);
    void on_time(Moment moment, Output& out);
    std::optional<state::Time> next_deadline() const;

    // --- receive.cpp ---
    void receive(ring::Member from, wire::Bytes frame, Moment moment, Output& out);

    // --- send.cpp ---
    bool wants_to_send() const;
    Taken take(wire::MutableBytes out, Moment moment);
    void delivered(FrameId id);
    void lost(FrameId id);

    // --- calls.cpp ---
    void remove_client(ClientId client);
    tl::expected<void, Error> open(ClientId client, std::string_view name, OpenFlags flags,
                                   Invocation invocation, std::optional<state::Time> deadline);
    tl::expected<void, Error> close(ChannelHandle handle);
    tl::expected<void, Error> unlink(ClientId client, std::string_view name);
    tl::expected<EventId, Error> publish(ChannelHandle handle, const Attributes& attributes, wire::Bytes data,
                                         Moment moment);
    tl::expected<std::size_t, Error> write_event(ChannelHandle handle, const Attributes& attributes,
                                                 wire::Bytes data, Moment moment, wire::MutableBytes out);
    tl::expected<void, Error> subscribe(ChannelHandle handle, std::vector<Filter> filters,
                                        SubscriptionId subscription, Moment moment, Output& out);
    tl::expected<void, Error> clear_retention(ChannelHandle handle, EventId id);

    // --- views.cpp ---
    bool has_open(ring::Member member, std::string_view name) const;
    ring::Member owner_of(EventId id) const { return publishers_.member_of(publisher_of(number_of(id))); }
    std::vector<ChannelView> channels() const;
    std::vector<MemberView> members() const;

    Clients& clients() { return clients_; }
    const Counters& counters() const { return counters_; }
    bool in_group() const { return in_group_; }
    bool whole() const { return whole_; }
    std::size_t waiting() const { return outgoing_.records() + pending_.size(); }
    void set_initial_view(std::uint64_t view);

private:
    /// An open that a client waits for.
    struct Pending {
        ClientId client{};
        std::string name;
        OpenFlags flags;
        Invocation invocation = 0;
        std::optional<state::Time> deadline;
        bool asked = false;  ///< the group was
    };
    /// A change of the registry while a state is on its way to us: acted upon again after the state, as those
    /// did who had it.
    struct LogEntry {
        enum class Kind : std::uint8_t { open, unlink } kind{};
        ring::Member member;
        ChannelId proposed{};
        std::string name;
        Place at = 0;
    };
    /// A state that a member is saying.
    struct Incoming {
        std::uint32_t number = 0;
        Place began = 0;
        std::set<ring::Member> targets{};
        bool for_us = false;
        bool we_were_empty = false;
        state::Time heard{};   ///< when its last record came
        Place next_place = 0;  ///< of its events
        std::vector<LogEntry> log{};
    };

    Place tick() { return ++tick_; }
    bool is_self(ring::Member member) const { return member == self_; }

    // --- group.cpp ---
    void arrive(ring::Member member, Peer& peer);
    void end(ring::Member member, Output& out);
    void close_all(Peer& peer, Output& out);
    void expect_answers(Moment moment);
    bool is_owed() const;
    bool owes_whole() const;
    bool is_settled() const { return !is_owed() && !owes_whole(); }
    bool may_open() const;
    /// Who is the oldest of those for whom `counts` says so, ourselves too.
    bool are_oldest(const std::function<bool(const Peer&)>& counts) const;
    void know_registry(std::string by, Output& out);
    /// What follows from any input.
    void consider(Moment moment, Output& out);
    void declare_whole(Output& out);
    void sweep(Output& out);
    void ask_for_opens();
    void hold_opens();
    void end_opens_by(state::Time now, Output& out);
    void on_hello(ring::Member from, Peer& peer, const wire::evt::Hello& hello, Output& out);
    void take_over_opens(Peer& peer, const wire::evt::Hello& hello, Output& out);
    void draw_number();
    void renumber();
    EventId next_event_id();
    ChannelId next_channel_id();

    // --- receive.cpp ---
    bool on_record(ring::Member from, const wire::evt::Record& record, Moment moment, Output& out);
    void act(ring::Member from, Peer& peer, const wire::evt::Hello& hello, Moment moment, Output& out);
    void act(ring::Member from, Peer& peer, const wire::evt::Open& open, Moment moment, Output& out);
    void act(ring::Member from, Peer& peer, const wire::evt::Close& close, Moment moment, Output& out);
    void act(ring::Member from, Peer& peer, const wire::evt::Unlink& unlink, Moment moment, Output& out);
    void act(ring::Member from, Peer& peer, const wire::evt::Publish& publish, Moment moment, Output& out);
    void act(ring::Member from, Peer& peer, const wire::evt::Clear& clear, Moment moment, Output& out);
    void act(ring::Member from, Peer& peer, const wire::evt::Unknown& unknown, Moment moment, Output& out);
    tl::expected<Channel*, Error> find_for(ring::Member from, const Peer& peer, const wire::evt::Open& open);
    void answer(const wire::evt::Open& open, const tl::expected<Channel*, Error>& result, Output& out);
    bool may_publish(const Peer& peer, ChannelId channel, std::string_view name) const;
    void retain(const EventPointer& event, state::Time end, Place place, Output& out);
    enum class Complaint : std::uint8_t { foreign_id = wire::evt::malformed_count };
    void complain(ring::Member from, std::uint8_t what, News::Kind kind, std::string text, state::Time now,
                  Output& out);
    void refuse_id(ring::Member from, std::uint64_t id, Moment moment, Output& out);

    // --- state_talk.cpp ---
    void act(ring::Member from, Peer& peer, const wire::evt::StateBegin& begin, Moment moment, Output& out);
    void act(ring::Member from, Peer& peer, const wire::evt::StateChannel& channel, Moment moment,
             Output& out);
    void act(ring::Member from, Peer& peer, const wire::evt::StateEvent& event, Moment moment, Output& out);
    void act(ring::Member from, Peer& peer, const wire::evt::StateCleared& cleared, Moment moment,
             Output& out);
    void act(ring::Member from, Peer& peer, const wire::evt::StateEnd& end, Moment moment, Output& out);
    Incoming* incoming_for_us(ring::Member from);
    bool is_first_state() const;
    void forget_hearsay(Place now);
    void our_state_began();
    void our_state_ended();
    void taken_over(ring::Member from, const Incoming& state, Output& out);
    void replay_log(const Incoming& state);
    void log_change(const LogEntry& entry);
    void consider_state(Moment moment);
    std::vector<wire::evt::Process> debtors() const;
    bool hellos_are_fresh() const;
    bool is_told(ring::Member member, state::Time now) const;
    std::optional<state::Time> next_vain() const;
    void hear_state(ring::Member from, state::Time now);
    bool waits_in_vain(ring::Member member, const Peer& peer, state::Time now) const;

    // --- send.cpp ---
    bool hello_waits() const { return hello_due_ && outgoing_.opens_under_way() == 0; }
    bool state_waits() const { return walk_ && walk_->has_frame(); }
    std::size_t write_hello(wire::MutableBytes out);
    void hello_soon() { hello_due_ = in_group_; }
    void renumber_overtaken();

    // --- calls.cpp ---
    tl::expected<Event, Error> make_event(ChannelHandle handle, const Attributes& attributes,
                                          wire::Bytes data, Moment moment);

    Settings settings_;
    std::function<std::uint32_t()> draw_;
    Counters counters_;
    Registry registry_;
    RetainedEvents retained_;
    Roster roster_;
    Publishers publishers_;
    Clients clients_;
    Outgoing outgoing_;
    Place tick_ = 0;

    // Ourselves.
    ring::Member self_;
    bool in_group_ = false;
    bool whole_ = false;
    std::uint64_t since_ = 0;
    std::uint64_t initial_view_ = 0;
    std::uint32_t publisher_ = 0;
    std::uint32_t last_event_ = static_cast<std::uint32_t>(wire::evt::last_reserved_event_id);
    std::uint32_t last_channel_ = 0;
    std::uint32_t last_handle_ = 0;
    std::map<std::uint32_t, Pending> pending_;  ///< by handle

    // What we say.
    bool hello_due_ = false;
    std::optional<FrameId> hello_under_way_;
    bool opens_since_hello_ = false;  ///< answered since we last wrote a hello, which tells who could not see
    std::uint64_t last_frame_ = 0;
    EventId last_back_{};  ///< the newest of our events that came back
    std::optional<StateWalk> walk_;
    std::set<FrameId> walk_frames_;
    std::uint32_t last_state_ = 0;
    bool state_turn_ = false;  ///< the next frame is one of the state's, if both wait

    // States.
    std::map<ring::Member, Incoming> incoming_;
    std::optional<state::Time> gathering_since_;
    std::optional<state::Time> gather_until_;
    std::optional<state::Time> ask_at_;
    state::Duration patience_{};
    bool patience_over_ = false;
    bool sweep_due_ = false;

    std::map<std::pair<ring::Member, std::uint8_t>, state::Time> complaints_;
    std::size_t refused_weight_ = 0;  ///< of the largest not retained since we said so; 0: all are
};

}  // namespace lamplight::bus::ais::evt
