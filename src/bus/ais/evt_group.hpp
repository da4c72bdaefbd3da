#pragma once

#include "bus/ais/clm/membership.hpp"
#include "bus/ais/evt/service.hpp"
#include "bus/deadline_timer.hpp"
#include "bus/group/link.hpp"
#include "ring/inquiry.hpp"
#include "ring/worker.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lamplight::bus::ais {

/// The group `saEvt`: evt::Service and clm::Membership over a group::Link. A shell, used by res_ais.so and by
/// lamplight-evt.
class EvtGroup {
public:
    /// All optional; on the loop's thread.
    struct Owner {
        std::function<bool()> may_connect = {};  ///< as of group::Link
        std::function<void()> on_joined = {};
        std::function<void(const std::string& why)> on_lost = {};
        /// Who came and went in the group; the service knows it already.
        std::function<void(const group::MemberEvent&)> on_member = {};
        /// The ring's membership changed; `membership()` has the new one. Its new nodes may have no address
        /// yet: then on_described() follows.
        std::function<void(const clm::Transition&)> on_transition = {};
        /// Nodes are described anew (learn()).
        std::function<void()> on_described = {};
        /// What came of inputs: opened, ready clients, news, changed opens. At the end of a turn of the loop,
        /// and before the next message when a client is ready: one message holds hundreds of events, a turn
        /// more than a queue, and who takes them at once shall not lose any.
        std::function<void(evt::Output&)> on_output = {};
        /// After on_output(), also when nothing came of the turn: what was sent may have come back, so there
        /// may be room for more.
        std::function<void()> on_settled = {};

        // Frames beside the service's own, for who keeps himself what waits: asked for when the service has
        // none. A taken message is one whole frame (Service::write_event).
        std::function<bool()> wants_to_send = {};
        std::function<group::Taken(wire::MutableBytes)> take = {};
        std::function<void(std::uint64_t tag)> on_delivered = {};
        std::function<void(std::uint64_t tag)> on_message_lost = {};
    };
    using Now = std::function<state::Time()>;

    EvtGroup(boost::asio::io_context& loop, ring::Worker& worker, const evt::Settings& settings, Now now,
             Owner owner);
    ~EvtGroup();
    EvtGroup(const EvtGroup&) = delete;
    EvtGroup& operator=(const EvtGroup&) = delete;

    void start();
    /// After a call into service(): hands on what came of it and sends what waits, later in this turn.
    void settle_soon();
    /// Leaves when what waits in the service or is under way has come back, at most `patience` later.
    void leave(std::chrono::milliseconds patience, std::function<void()> done);

    evt::Service& service() { return service_; }
    const evt::Service& service() const { return service_; }
    const clm::Membership& membership() const { return membership_; }
    const group::Link& link() const { return link_; }
    bool joined() const { return link_.joined(); }
    evt::Moment moment() const;
    /// Names and addresses of nodes, of whoever asked Corosync (ring::describe_ring).
    void learn(const std::vector<ring::RingNode>& nodes);
    /// Output of calls that the owner made himself; handed on by the next settling.
    evt::Output& output() { return out_; }

private:
    group::Link::Owner owner_of_link();
    void on_joined();
    void on_lost(const std::string& why);
    void on_totem(const ring::Totem& totem);
    void on_member(const group::MemberEvent& event);
    void on_frame(ring::Member from, wire::Bytes frame);
    bool wants_to_send() const;
    group::Taken take(wire::MutableBytes out);
    void on_delivered(std::uint64_t tag);
    void on_message_lost(std::uint64_t tag);
    void settle();
    void learn_hellos();
    void hand_on();
    void on_time();
    void finish_leaving();

    boost::asio::io_context& loop_;
    Now now_;
    Owner owner_;
    evt::Service service_;
    clm::Membership membership_;
    evt::Output out_;
    bool settling_ = false;
    DeadlineTimer timer_;
    boost::asio::steady_timer leave_timer_;
    std::function<void()> left_;
    /// Handlers in the loop hold it weakly: gone means that the group is.
    std::shared_ptr<EvtGroup*> alive_;
    group::Link link_;  ///< last: it calls into all of the above
};

}  // namespace lamplight::bus::ais
