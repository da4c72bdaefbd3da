#pragma once

#include "bus/ais/evt/counters.hpp"
#include "bus/ais/evt/event.hpp"
#include "ring/types.hpp"
#include "state/policy.hpp"
#include "state/types.hpp"
#include "wire/bytes.hpp"
#include "wire/evt/frame.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::bus::ais::evt {

enum class ClientId : std::uint32_t {};       ///< what saEvtInitialize(3) gives: a queue of its own
enum class ChannelHandle : std::uint32_t {};  ///< an open of a client
using SubscriptionId = std::uint32_t;         ///< chosen by the client, once a client
using Invocation = std::uint64_t;
enum class FrameId : std::uint64_t {};

/// Limits of a process. Policies: beside each.
struct Settings {
    /// Events that wait for a client; beyond it what has the lowest priority, of that the newest, is dropped
    /// and a lost-event notice stands in front: one until the queue is down to queue_resume again.
    std::size_t queue_limit = 1'000;
    std::size_t queue_resume = 500;
    /// Channels of the cluster, unlinked ones too; at the limit those that nobody has open and nothing is
    /// retained in make room, else a newcomer is refused (no_resources).
    std::size_t max_channels = 1'024;
    /// Retained events; a newcomer is delivered and not retained, and counted.
    std::size_t max_retained = 1'000'000;
    std::size_t max_retained_bytes = 128 * 1024 * 1024;  ///< some 225 MB of memory
    /// What the clients of this process published and the group has not taken: beyond it publish() answers
    /// try_again. One largest event is always taken by an empty queue.
    std::size_t max_outgoing = 4'096;
    std::size_t max_outgoing_bytes = 8 * 1024 * 1024;
    /// Marks of cleared events and unlinked channels; the oldest goes.
    std::size_t max_marks = 65'536;
    state::Duration state_patience = std::chrono::seconds(1);  ///< then the registry is asked for again
    std::string program{};                                     ///< who we are in the hello
    Nanoseconds boot_time = INT64_MIN;                         ///< SA_TIME_UNKNOWN
};

/// What a client finds in its queue.
struct Delivery {
    SubscriptionId subscription = 0;
    ChannelHandle channel{};
    EventPointer event;  ///< id EventId::lost: events before this place were dropped
};
/// What came of open().
struct Opened {
    ClientId client{};
    Invocation invocation = 0;
    ChannelHandle handle{};
    std::optional<Error> error{};  ///< the handle is good when there is none
};

/// Something an operator or the log may want to know.
struct News {
    enum class Kind : std::uint8_t {
        registry_known,  ///< from now on opens are answered; `text`: by whom
        malformed,       ///< a frame was refused; `text`: why. Once a member, reason and minute
        lost,            ///< a client's queue overflowed: a gap began; `text`: how many so far
        not_retained,    ///< a limit keeps events from being retained. Once until there is room again
        other_version,   ///< a member speaks a format that we do not; `member`
        foreign_id,      ///< an event carries an id of another's, or a reserved one; refused. As malformed
    };
    Kind kind{};
    ring::Member member{};
    std::string text{};
};

/// What comes of an input beside frames and deliveries; the caller owns and clears it.
struct Output {
    std::vector<Opened> opened;
    std::vector<ClientId> ready;  ///< clients whose queue is not empty any more
    std::vector<News> news;
    bool opens_changed = false;  ///< who has what open is another than before

    void clear();
};

/// The event service of one process, a member of the group `saEvt`: its own clients, and everything the
/// group knows: channels, who has them open, retained events. Pure: no clock, socket or log; frames in,
/// frames out when there is room.
///
/// Order   Every member acts on frames in the order of the group, own ones when they come back. An open asks
///         by name; what it comes to is decided by that order.
/// State   Each process says what it has open itself (hello). Channels and retained events are handed to who
///         joined or returned by the oldest member that knows them, as a union: ids are unique, and what was
///         unlinked or cleared stays so, whichever side of a partition did it. Two channels of one name, made
///         on two sides, are one for publishers, subscribers and Unlink.
/// Ids     Upper half: a random number drawn by the process, drawn anew while another member has it. Lower
///         half: a count from 1001.
/// Cost    An event: O(clients + subscriptions of the channel in this process) here, O(1) to retain, expire
///         and clear; publish never waits for anybody.
class Service {
public:
    /// `draw` gives random numbers (for the publisher number).
    Service(const Settings& settings, std::function<std::uint32_t()> draw);
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    /// Other queue limits, of clients that are there too: what waits beyond a smaller limit is dropped by the
    /// policy when the next event comes to that queue.
    void configure(std::size_t queue_limit, std::size_t queue_resume);

    // --- the group (from group::Link) ---
    /// We are in it, again perhaps, with `there` beside us. Alone we know all there is to know. Opens that
    /// stood before are said again; what waited goes out.
    void joined(ring::Member self, std::span<const ring::Member> there, Moment moment, Output& out);
    /// What our node's view was when it joined the ring, for the hello; 0 unknown.
    void set_initial_view(std::uint64_t view);
    void member_came(ring::Member member, Moment moment, Output& out);
    void member_returned(ring::Member member, Moment moment, Output& out);
    /// What it had open is closed; `silent`: kept until it returns or is gone.
    void member_gone(ring::Member member, state::Departure departure, Moment moment, Output& out);
    /// One frame of a member, our own too, as it comes back from the group.
    void receive(ring::Member from, wire::Bytes frame, Moment moment, Output& out);
    void disconnected(Moment moment, Output& out);

    // --- frames to send ---
    struct Taken {
        std::size_t bytes = 0;  ///< 0: none now
        FrameId id{};
    };
    bool wants_to_send() const;
    /// Writes the next frame into `out` (at least wire::evt::max_frame_bytes).
    Taken take(wire::MutableBytes out, Moment moment);
    void delivered(FrameId id);
    void lost(FrameId id);  ///< goes out again

    // --- clients: what saEvt…(3) of the same name does ---
    ClientId add_client();
    void remove_client(ClientId client);  ///< closes what it has open

    /// Answered through Output::opened, by `deadline` at the latest (timeout). At once: bad_flags,
    /// name_too_long, invalid_param (empty name), no_resources.
    tl::expected<void, Error> open(ClientId client, std::string_view name, OpenFlags flags,
                                   Invocation invocation, std::optional<state::Time> deadline, Moment moment);
    tl::expected<void, Error> close(ChannelHandle handle);
    /// Nobody finds the channel by its name any more; who has it open keeps it, and its retained events live
    /// until the last one closes it.
    tl::expected<void, Error> unlink(ClientId client, std::string_view name);
    /// Queued, in order; try_again when the queue is full, access without OpenFlags::publisher, too_big,
    /// invalid_param (priority, negative retention, too many or too long patterns: too_big).
    tl::expected<EventId, Error> publish(ChannelHandle handle, const Attributes& attributes, wire::Bytes data,
                                         Moment moment);
    /// The same without the queue, for who asks for room himself and keeps what is lost: one frame with one
    /// event, written into `out`; gives its bytes.
    tl::expected<std::size_t, Error> write_event(ChannelHandle handle, const Attributes& attributes,
                                                 wire::Bytes data, Moment moment, wire::MutableBytes out);
    /// Every retained event that matches is delivered too, oldest first. access, exist, invalid_param.
    tl::expected<void, Error> subscribe(ChannelHandle handle, std::vector<Filter> filters,
                                        SubscriptionId subscription, Moment moment, Output& out);
    /// What is queued for it and for no other of the handle's is not delivered any more.
    tl::expected<void, Error> unsubscribe(ChannelHandle handle, SubscriptionId subscription);
    /// invalid_param for reserved ids, not_exist when nothing of that id is retained in the channel.
    tl::expected<void, Error> clear_retention(ChannelHandle handle, EventId id);

    /// The next for this client: highest priority first, of one priority in the order of the group. An event
    /// comes once a handle, however many of its subscriptions match: for the newest of them.
    std::optional<Delivery> next(ClientId client, Moment moment);
    bool has_next(ClientId client) const;

    // --- time ---
    std::optional<state::Time> next_deadline() const;
    void on_time(Moment moment, Output& out);

    // --- questions ---
    bool in_group() const;
    bool knows_registry() const;
    std::size_t waiting() const;  ///< frames' records that the group has not given back
    const Counters& counters() const;
    /// Whether `member` has a channel of this name open, unlinked ones not counted.
    bool has_open(ring::Member member, std::string_view name) const;
    /// Whose id this is, also of events that others handed to us (Event::from is not known then); zero when
    /// nobody said so yet. It may be gone.
    ring::Member owner_of(EventId id) const;
    struct OpenView {
        ring::Member member;
        OpenFlags flags;
    };
    struct ChannelView {
        ChannelId id{};
        std::string name;
        bool unlinked = false;
        std::vector<OpenView> opens;
        std::size_t retained = 0;
        std::size_t retained_bytes = 0;
    };
    std::vector<ChannelView> channels() const;  ///< by name
    struct MemberView {
        ring::Member member;
        bool known = false;  ///< it said hello
        std::string program;
        Nanoseconds boot_time = INT64_MIN;
        std::uint64_t initial_view = 0;
        std::size_t opens = 0;
    };
    std::vector<MemberView> members() const;  ///< present ones, ourselves too

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::bus::ais::evt
