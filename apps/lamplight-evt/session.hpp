#pragma once

#include "bus/ais/evt_group.hpp"
#include "options.hpp"
#include "output.hpp"
#include "ring/worker.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace lamplight::evt_app {

/// One run of the program as a member of the group `saEvt`: in, what the subcommand does, and out again.
class Session {
public:
    /// A subcommand. All calls come on the loop's thread.
    class Command {
    public:
        /// What has to be there before on_ready().
        enum class Needs : std::uint8_t {
            ring,      ///< the group is joined, nodes have names and addresses
            channels,  ///< and the channels of the cluster are known
            opens,     ///< and every member said what it has open, or a second is over
        };
        virtual ~Command() = default;
        virtual Needs needs() const = 0;
        /// Once.
        virtual void on_ready() {}
        virtual void on_output(bus::ais::evt::Output& /*out*/) {}
        /// What was sent may have come back.
        virtual void on_settled() {}
        virtual void on_transition(const bus::ais::clm::Transition& /*transition*/) {}
        /// Corosync was asked for names and addresses, as after each of its changes.
        virtual void on_described() {}
        /// Standard output has room again.
        virtual void on_room() {}
        /// Whether a Corosync that goes away is waited for without an end.
        enum class WhenLost : std::uint8_t { give_up, wait };
        virtual WhenLost when_lost() const { return WhenLost::give_up; }
        /// SIGINT or SIGTERM came: the exit status.
        virtual int on_signal() { return 1; }
        /// What is not done yet, for the error when Corosync does not come back; may be empty.
        virtual std::string unfinished() const { return {}; }
    };
    using Make = std::function<std::unique_ptr<Command>(Session&)>;

    explicit Session(const Common& common);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Until the command ends; gives the exit status.
    int run(const Make& make);

    // --- for commands ---
    boost::asio::io_context& loop() { return loop_; }
    bus::ais::EvtGroup& group() { return group_; }
    bus::ais::evt::Service& service() { return group_.service(); }
    const bus::ais::clm::Membership& membership() const { return group_.membership(); }
    Form form() const { return common_.form; }
    std::chrono::milliseconds wait() const { return common_.wait; }
    Output& output() { return output_; }
    /// `pbx2 pid 4711`, `node 2 pid 4711` when it has no name.
    std::string label(ring::Member member) const;
    /// Asks Corosync for names and addresses; on_described() follows.
    void describe();
    /// Out of the group, everything printed, over.
    void end(int status);
    /// Says why on stderr and ends with status 1.
    void fail(const std::string& why);
    bool is_ending() const { return ending_; }
    /// A line on stderr.
    static void say(const std::string& line);

private:
    bus::ais::EvtGroup::Owner owner_of_group();
    void on_joined();
    void on_lost(const std::string& why);
    void on_output(bus::ais::evt::Output& out);
    void on_settled();
    void on_described(ring::Description description);
    bool is_ready();
    bool is_everybody_known();
    void look_whether_ready();
    void arm_wait();
    std::string what_is_missing() const;
    void await_signal();
    void tell(const bus::ais::evt::News& news) const;
    void stop();

    Common common_;
    boost::asio::io_context loop_{1};
    ring::Worker worker_;
    Output output_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer wait_timer_;
    boost::asio::steady_timer describe_timer_;
    boost::asio::steady_timer opens_timer_;
    boost::asio::steady_timer end_timer_;
    std::unique_ptr<Command> command_;
    bool ready_ = false;
    bool described_ = false;
    bool asking_ = false;     ///< for names
    bool ask_again_ = false;  ///< something changed meanwhile
    int failed_asks_ = 0;     ///< in a row
    bool opens_awaited_ = false;
    bool opens_overdue_ = false;
    bool ending_ = false;
    enum class Ending : std::uint8_t { complete, at_once } how_{};
    int status_ = 0;
    bus::ais::EvtGroup group_;
};

}  // namespace lamplight::evt_app
