#include "bus/ais/cluster_log.hpp"

#include <algorithm>
#include <utility>

namespace lamplight::bus::ais {

namespace {

using namespace std::chrono_literals;

constexpr auto patience = 500ms;

}  // namespace

ClusterLog::ClusterLog(boost::asio::io_context& loop, log::Log& log, const clm::Membership& membership,
                       std::function<void()> learn_names)
    : log_(log),
      membership_(membership),
      learn_names_(std::move(learn_names)),
      timer_(loop),
      alive_(std::make_shared<ClusterLog*>(this)) {}

ClusterLog::~ClusterLog() {
    alive_.reset();
}

void ClusterLog::on_transition(const clm::Transition& transition) {
    waiting_.push_back({transition, std::chrono::steady_clock::now() + patience});
    if (!is_described(transition)) learn_names_();
    print_what_can_be();
}

void ClusterLog::on_described() {
    print_what_can_be();
}

bool ClusterLog::is_described(const clm::Transition& transition) const {
    const auto known = [this](clm::NodeId node) { return !membership_.known_node(node).address.empty(); };
    return std::ranges::all_of(transition.before, known) && std::ranges::all_of(transition.members, known);
}

void ClusterLog::print_what_can_be() {
    const auto now = std::chrono::steady_clock::now();
    while (!waiting_.empty()) {
        const Waiting& first = waiting_.front();
        if (first.until > now && !is_described(first.transition)) break;
        print(first.transition);
        waiting_.pop_front();
    }
    timer_.cancel();
    if (waiting_.empty()) return;
    timer_.expires_at(waiting_.front().until);
    timer_.async_wait([alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        const auto self = alive.lock();
        if (!error && self) (*self)->print_what_can_be();
    });
}

void ClusterLog::print(const clm::Transition& transition) {
    for (const std::string& line : clm::aisexec_lines(transition, membership_))
        log_.bare("corosync {}", line);
}

}  // namespace lamplight::bus::ais
