#include "sim/checker.hpp"

#include "sim/oracle.hpp"

#include <fmt/format.h>

namespace lamplight::sim {

using state::DeviceState;
using state::ExtensionState;

namespace {

constexpr std::size_t most_failures = 20;

template <typename Key, typename Value>
Value value_or(const std::map<Key, Value>& map, const Key& key, Value otherwise) {
    const auto found = map.find(key);
    return found == map.end() ? otherwise : found->second;
}

}  // namespace

void Checker::fail(std::string what) {
    if (failures_.size() < most_failures) failures_.push_back(std::move(what));
}

void Checker::on_changes(const state::Changes& changes) {
    for (const state::AggregateChange& change : changes.aggregates) {
        const DeviceState before = value_or(announced_, change.device, DeviceState::unknown);
        if (change.from == change.to || change.from != before) {
            fail(fmt::format("device {} is announced to change from {} to {}, but was announced as {}",
                             state::index_of(change.device), config_text(change.from), config_text(change.to),
                             config_text(before)));
        }
        announced_[change.device] = change.to;
    }
    for (const state::DeviceForgotten& forgotten : changes.forgotten) {
        announced_.erase(forgotten.device);
        std::erase_if(versions_, [&](const auto& item) { return item.first.first == forgotten.device; });
    }
}

void Checker::on_changes(const std::vector<state::HintChange>& changes) {
    for (const state::HintChange& change : changes) {
        if (value_or(reported_, change.hint, ExtensionState::removed) != change.from ||
            change.from == change.to) {
            fail(fmt::format("hint {} is reported to change from {} to {} wrongly",
                             state::index_of(change.hint), status_text(change.from), status_text(change.to)));
        }
        reported_[change.hint] = change.to;
        if (change.to == ExtensionState::removed) reported_.erase(change.hint);
    }
}

void Checker::check() {
    seen_.clear();
    engine_.for_each_device([&](state::DeviceId device) { check_device(device); });
    versions_.swap(seen_);
    for (const auto& [device, aggregate] : announced_) {
        if (engine_.aggregate(device) == aggregate) continue;
        fail(fmt::format("{} is {} and was announced as {}", name(device),
                         config_text(engine_.aggregate(device)), config_text(aggregate)));
    }
    hints_.for_each([&](const state::HintView& hint) { check_hint(hint); });
}

void Checker::check_device(state::DeviceId device) {
    std::vector<DeviceState> counting;
    bool any = false;
    engine_.for_each_vote(device, [&](const state::VoteView& vote) {
        any = true;
        if (vote.counts) counting.push_back(vote.state);
        check_version(device, vote);
        check_counting(device, vote);
    });
    const DeviceState aggregate = engine_.aggregate(device);
    const bool right = !counting.empty() ? aggregate == oracle_aggregate(counting)
                       : any             ? aggregate == DeviceState::unavailable
                             : aggregate == DeviceState::unavailable || aggregate == DeviceState::unknown;
    if (!right) fail(fmt::format("{} is {}, the oracle disagrees", name(device), config_text(aggregate)));
    if (!announced_.contains(device) && aggregate != DeviceState::unknown) {
        fail(fmt::format("{} is {} and was never announced", name(device), config_text(aggregate)));
    }
}

void Checker::check_version(state::DeviceId device, const state::VoteView& vote) {
    const auto key = std::pair(device, vote.node);
    const auto before = versions_.find(key);
    seen_[key] = vote.version;
    if (before == versions_.end() || before->second <= vote.version) return;
    fail(fmt::format("{}: the version of {}'s vote went back from {}.{} to {}.{}", name(device),
                     engine_.node(vote.node).name, before->second.incarnation, before->second.sequence,
                     vote.version.incarnation, vote.version.sequence));
}

void Checker::check_counting(state::DeviceId device, const state::VoteView& vote) {
    const state::NodeView node = engine_.node(vote.node);
    const bool must_not = vote.withdrawn || node.standing == state::Standing::gone;
    const bool must = !vote.withdrawn && node.own && !node.pbx_lost;
    if ((must_not && vote.counts) || (must && !vote.counts)) {
        fail(fmt::format("{}: {}'s vote {}", name(device), node.name,
                         vote.counts ? "counts" : "does not count"));
    }
}

void Checker::check_hint(const state::HintView& hint) {
    if (hint.pattern) return;
    std::vector<DeviceState> aggregates;
    for (state::DeviceId device : hint.devices)
        aggregates.push_back(engine_.aggregate(device));
    const int expected = aggregates.empty() ? static_cast<int>(ExtensionState::unavailable)
                                            : oracle_extension_state(oracle_aggregate(aggregates));
    if (static_cast<int>(hint.state) != expected) {
        fail(fmt::format("hint {} is {}, its devices make {}", hint.extension, status_text(hint.state),
                         expected));
    }
    if (value_or(reported_, hint.id, ExtensionState::removed) != hint.state) {
        fail(fmt::format("hint {} is {} and was not reported so", hint.extension, status_text(hint.state)));
    }
}

}  // namespace lamplight::sim
