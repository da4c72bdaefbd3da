#pragma once

#include "bus/deadline_timer.hpp"
#include "bus/group/members.hpp"
#include "bus/group/window.hpp"
#include "ring/group.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lamplight::bus::group {

/// A message to send; 0 bytes: none now.
struct Taken {
    std::size_t bytes = 0;
    std::uint64_t tag = 0;
};

/// A talk's place in one group of the ring: joins ring::Group, Members and Window, and moves messages
/// between them and the talk. No decision about votes or members is made here.
///
/// Sending: while the window has room the talk is asked for its next message, which is written at that
/// moment. What Corosync will not take yet is kept, one message, and offered again when one of ours comes
/// back or after 0.5 to 8 ms; nothing is dropped, nothing spins.
class Link {
public:
    struct Owner {
        std::function<bool()> may_connect = {};
        std::function<bool(ring::Member self, const std::vector<ring::Member>& there)> may_join;
        /// We are in the group; the members' events follow.
        std::function<void()> on_joined;
        std::function<void(const MemberEvent&)> on_member;
        /// The ring changed, and the members' events that follow from it were told. May be empty.
        std::function<void(const ring::Totem&)> on_totem = {};
        /// Never one of our own.
        std::function<void(ring::Member from, wire::Bytes message)> on_message;
        std::function<void()> on_turn_end;
        /// Out of the group; events say that everybody is silent, and what was under way was lost.
        std::function<void(const std::string& why)> on_lost;

        std::function<bool()> wants_to_send;
        std::function<Taken(wire::MutableBytes)> take;
        /// The bytes of what on_delivered() tells of next, valid during the call. May be empty.
        std::function<void(std::uint64_t tag, wire::Bytes message)> on_own_message = {};
        std::function<void(std::uint64_t tag)> on_delivered;
        std::function<void(std::uint64_t tag)> on_message_lost;
    };
    struct Settings {
        std::string group;
        Window::Limits window;
        std::size_t messages_a_flush = 64;  ///< before others have their turn
    };
    using Now = std::function<state::Time()>;

    Link(boost::asio::io_context& loop, ring::Worker& worker, Settings settings, Now now, Owner owner);
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    void start() { group_.start(); }
    /// There may be something to send: now, later in this turn of the loop.
    void flush_soon();
    void leave(std::function<void()> done);

    bool joined() const { return members_.in_group() && group_.state() == ring::Group::State::joined; }
    const Members& members() const { return members_; }
    const ring::Group& group() const { return group_; }
    std::size_t under_way() const { return window_.messages() + (kept_.bytes > 0 ? 1 : 0); }
    std::uint64_t try_agains() const { return try_agains_; }  ///< how often Corosync had no room

private:
    using Milliseconds = std::chrono::milliseconds;
    using Microseconds = std::chrono::microseconds;

    ring::Group::Owner owner_of_group();
    void on_membership(const ring::Membership& change);
    void on_totem(const ring::Totem& totem);
    void on_message(ring::Member from, wire::Bytes message);
    void on_turn_end();
    void on_lost(const std::string& why);
    void hand_on();
    void on_time();
    void flush();
    enum class Offered : std::uint8_t { accepted, nothing, refused };
    Offered offer();
    void try_later();

    boost::asio::io_context& loop_;
    Settings settings_;
    Now now_;
    Owner owner_;
    Members members_;
    Window window_;
    ring::Group group_;
    std::vector<MemberEvent> events_;
    std::vector<std::uint8_t> buffer_;
    Taken kept_;  ///< in buffer_, taken from the talk and not accepted yet
    bool flushing_ = false;
    Microseconds back_off_{};
    std::uint64_t try_agains_ = 0;
    boost::asio::steady_timer retry_timer_;
    DeadlineTimer member_timer_;
    /// Handlers in the loop hold it weakly: gone means that the link is.
    std::shared_ptr<Link*> alive_;
};

}  // namespace lamplight::bus::group
