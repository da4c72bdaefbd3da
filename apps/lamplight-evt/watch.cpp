#include "watch.hpp"

#include "node_json.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <utility>

namespace lamplight::evt_app {

namespace {

namespace json = boost::json;
namespace clm = bus::ais::clm;

constexpr std::size_t most_waiting = 1'000;

json::array nodes_json(const std::vector<clm::NodeId>& ids, const clm::Membership& membership) {
    json::array out;
    for (const clm::NodeId id : ids)
        out.push_back(brief_json(membership.known_node(id)));
    return out;
}

std::string json_line(const clm::Transition& transition, bus::ais::evt::Nanoseconds wall,
                      const clm::Membership& membership) {
    return json::serialize(json::object{{"time", json_time(wall)},
                                        {"view", transition.view},
                                        {"before", nodes_json(transition.before, membership)},
                                        {"left", nodes_json(transition.left, membership)},
                                        {"joined", nodes_json(transition.joined, membership)},
                                        {"members", nodes_json(transition.members, membership)}}) +
           "\n";
}

}  // namespace

void Watch::on_transition(const clm::Transition& transition) {
    if (unprinted_.size() == most_waiting) {
        unprinted_.pop_front();
        described_ -= described_ > 0 ? 1 : 0;
        ++dropped_;
    }
    unprinted_.push_back({session_.group().moment().wall, transition});
    session_.describe();
}

void Watch::on_described() {
    described_ = unprinted_.size();
    print_described();
}

void Watch::print_described() {
    for (; described_ > 0 && session_.output().has_room(); --described_) {
        if (const auto dropped = std::exchange(dropped_, 0); dropped > 0)
            Session::say(fmt::format("{} changes were not printed: nobody read them", dropped));
        print(unprinted_.front());
        unprinted_.pop_front();
    }
}

void Watch::print(const Seen& seen) {
    if (session_.form() == Form::json)
        return session_.output().write(json_line(seen.transition, seen.wall, session_.membership()));
    std::string text;
    for (const std::string& line : clm::aisexec_lines(seen.transition, session_.membership()))
        text += fmt::format("{} corosync {}\n", log_time(seen.wall), line);
    session_.output().write(text);
}

}  // namespace lamplight::evt_app
