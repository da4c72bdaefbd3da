#pragma once

#include "ring/types.hpp"
#include "wire/bytes.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace lamplight::ring {

class Worker;

/// What became of a message that was handed to Corosync.
enum class Sent : std::uint8_t {
    accepted,    ///< it comes back to us when everybody has it, unless Corosync dies before
    try_again,   ///< no room now: again after the next message that comes back, or after a millisecond
    not_joined,  ///< there is no connection now
};

/// This process's membership of one group of Corosync's, and the way back into it: connects, joins, calls
/// its owner, and when Corosync dies does so again, every 20 to 50 ms. No decisions.
///
/// Nothing here blocks the loop: what makes a round trip to Corosync (initialize, join, leave, finalize)
/// runs on the Worker. Callbacks of libcpg are taken in slices, at most `messages_a_turn` before others have
/// their turn; whoever joins a group always drains it, because Corosync queues without bound for who does
/// not read (design 8).
class Group {
public:
    /// Calls come on the loop's thread, none from within a call of this class but send() is allowed in all.
    struct Owner {
        /// Whether it is worth trying now; asked before each attempt. Empty: always. Who knows from elsewhere
        /// that Corosync does not answer saves what an attempt costs, a third of a millisecond.
        std::function<bool()> may_connect;
        /// Corosync answers. `there` are the members of the group before we join it; may_join() false keeps
        /// us out and is asked again every second.
        std::function<bool(Member self, const std::vector<Member>& there)> may_join;
        std::function<void(const Membership&)> on_membership;
        std::function<void(const Totem&)> on_totem;
        /// In the order all members see; our own messages too. The bytes are valid during the call.
        std::function<void(Member from, wire::Bytes message)> on_message;
        /// What came in one turn of the loop is through: publish what came of it.
        std::function<void()> on_turn_end;
        /// There is no connection any more; what was accepted and did not come back is lost. Connecting goes
        /// on by itself.
        std::function<void(std::string why)> on_lost;
    };
    enum class State : std::uint8_t {
        connecting,  ///< Corosync does not answer (yet)
        kept_out,    ///< by may_join
        joining,
        joined,  ///< the first on_membership came or comes
        leaving,
        left,
    };
    static constexpr std::size_t messages_a_turn = 512;
    /// Room for the largest event of the AIS event service (64 KiB of data) and what goes with it.
    static constexpr std::size_t max_message_bytes = 72 * 1024 + 512;

    Group(boost::asio::io_context& loop, Worker& worker, std::string name, Owner owner);
    /// Without leave(): others see a process that went down.
    ~Group();
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;

    void start();
    /// Hands one message (at most max_message_bytes) to the group. Does not block. Cost: one copy into
    /// shared memory, about 2 µs.
    Sent send(wire::Bytes message);
    /// Leaves, and calls `done` when our own going was seen, or cannot be seen any more. Not before start().
    void leave(std::function<void()> done);

    State state() const;
    const std::string& name() const;
    /// Who we are in the group; zero before the first connection.
    Member self() const;
    /// Of this state, by std::chrono::steady_clock.
    std::chrono::steady_clock::time_point since() const;
    /// Why we are not joined: `Corosync does not answer (CS_ERR_LIBRARY)`; empty when joined.
    const std::string& trouble() const;

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace lamplight::ring
