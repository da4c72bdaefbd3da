#include "console/verdict.hpp"

#include "console/texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace lamplight::console {

namespace {

using state::VoteView;

/// The counting votes of others, longest standing first.
std::vector<VoteView> votes_of_others(const state::Engine& engine, state::DeviceId device) {
    std::vector<VoteView> votes;
    engine.for_each_vote(device, [&](const VoteView& vote) {
        if (vote.counts && !engine.node(vote.node).own) votes.push_back(vote);
    });
    std::sort(votes.begin(), votes.end(), [](const VoteView& left, const VoteView& right) {
        return std::pair(left.since, left.node) < std::pair(right.since, right.node);
    });
    return votes;
}

/// Who decides: those who say the aggregate itself; else (RINGINUSE out of RINGING and INUSE) those who are
/// no less than `own`.
std::vector<VoteView> deciding(std::vector<VoteView> votes, state::DeviceState aggregate,
                               state::DeviceState own) {
    auto same = votes;
    std::erase_if(same, [&](const VoteView& vote) { return vote.state != aggregate; });
    if (!same.empty()) return same;
    std::erase_if(votes, [&](const VoteView& vote) { return state::join(vote.state, own) == own; });
    return votes;
}

std::string says(const state::Engine& engine, const DaemonControl& control, const VoteView& vote,
                 state::DeviceState aggregate) {
    const auto since = clock_text(control.wall(vote.since), control.wall(control.now()));
    return fmt::format("{} says {} since {}{}", name_of(engine.node(vote.node)),
                       vote.state == aggregate ? "so" : config_text(vote.state), since,
                       vote.stale ? " (stale: it is away)" : "");
}

}  // namespace

std::string aggregate_line(const state::Engine& engine, const DaemonControl& control, std::string_view device,
                           state::DeviceState own, state::DeviceState before) {
    constexpr std::size_t most = 3;
    const auto id = engine.find_device(device);
    if (!id) return {};
    const auto aggregate = engine.aggregate(*id);
    if (aggregate == own) return {};
    std::string text =
        fmt::format("aggregate {} {}", aggregate == before ? "stays" : "is", config_text(aggregate));
    const auto votes = deciding(votes_of_others(engine, *id), aggregate, own);
    for (std::size_t i = 0; i < std::min(votes.size(), most); ++i)
        text += fmt::format("{} {}", i == 0 ? ":" : ",", says(engine, control, votes[i], aggregate));
    if (votes.size() > most) text += fmt::format(" and {} more", votes.size() - most);
    return text + '\n';
}

}  // namespace lamplight::console
