#pragma once

#include "bus/ais/clm/membership.hpp"
#include "log/log.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <memory>

namespace lamplight::bus::ais {

/// Prints each change of the cluster as aisexec -f did, line by line (clm::aisexec_lines). One with a node
/// whose address is not known yet waits for that, half a second at most, and those behind it with it.
class ClusterLog {
public:
    /// `learn_names` asks for names and addresses; on_described() follows.
    ClusterLog(boost::asio::io_context& loop, log::Log& log, const clm::Membership& membership,
               std::function<void()> learn_names);
    ~ClusterLog();
    ClusterLog(const ClusterLog&) = delete;
    ClusterLog& operator=(const ClusterLog&) = delete;

    void on_transition(const clm::Transition& transition);
    void on_described();

private:
    struct Waiting {
        clm::Transition transition;
        std::chrono::steady_clock::time_point until;
    };
    bool is_described(const clm::Transition& transition) const;
    void print_what_can_be();
    void print(const clm::Transition& transition);

    log::Log& log_;
    const clm::Membership& membership_;
    std::function<void()> learn_names_;
    std::deque<Waiting> waiting_;
    boost::asio::steady_timer timer_;
    /// Handlers in the loop hold it weakly: gone means that this is.
    std::shared_ptr<ClusterLog*> alive_;
};

}  // namespace lamplight::bus::ais
