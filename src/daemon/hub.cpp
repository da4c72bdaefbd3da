#include "daemon/hub.hpp"

#include "console/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <random>
#include <utility>

namespace lamplight::daemon {

namespace {

/// Names come from the network: nobody outside may know how they fall into the table.
std::uint64_t random_seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

void append(state::Changes& to, state::Changes& from) {
    const auto move_all = [](auto& target, auto& source) {
        target.insert(target.end(), std::make_move_iterator(source.begin()),
                      std::make_move_iterator(source.end()));
    };
    move_all(to.aggregates, from.aggregates);
    move_all(to.own_votes, from.own_votes);
    move_all(to.nodes, from.nodes);
    move_all(to.notices, from.notices);
    move_all(to.forgotten, from.forgotten);
    from.clear();
}

}  // namespace

Hub::Hub(const Parts& parts, std::uint64_t incarnation)
    : parts_(parts),
      self_{parts.configuration.eid, parts.configuration.name, incarnation,
            state::Announcement::Speaks::for_itself},
      engine_(parts.configuration.policy, parts.configuration.limits, random_seed()),
      mwi_({.nodes = std::numeric_limits<std::uint16_t>::max()}),  // the engine keeps the limit
      hints_(engine_, parts.configuration.hint_limits, random_seed()),
      chronicle_(parts.log, engine_),
      timer_(parts.loop) {
    engine_.set_vote_trace([this](state::DeviceId device, state::NodeId, state::VoteOutcome outcome,
                                  state::DeviceState before,
                                  state::DeviceState) { trace(device, outcome, before); });
    parts_.custom_states.on_undone([this](const auto& device, auto stored) { undo(device, stored); });
    state::Changes changes;
    own_node_ = engine_.add_own_node(self_, now(), changes);
    publish(changes);
    reload_hints();
    restore();
}

/// Own custom states of the last run, with the new incarnation; no bus is there yet, each announces them
/// once. All in one round: there may be many.
void Hub::restore() {
    state::Changes changes;
    const state::Time time = now();
    parts_.custom_states.for_each([&](const std::string& device, state::DeviceState state) {
        const auto id = engine_.intern_device(device, changes);
        if (id)
            engine_.set_own(own_node_, *id, state, state::Cachable::yes, state::Cause::restored, time,
                            changes);
        else
            parts_.log.warning("Custom state of '{}' is not restored: it is refused by a limit", device);
    });
    publish(changes);
}

void Hub::publish(state::Changes& changes) {
    append(more_, changes);
    if (publishing_) return;  // the round that runs takes it along
    publishing_ = true;
    while (!more_.empty()) {
        std::swap(round_, more_);
        deliver(round_);
        round_.clear();
    }
    publishing_ = false;
    arm();
}

void Hub::deliver(const state::Changes& changes) {
    hint_changes_.clear();
    hints_.follow(changes, hint_changes_, more_);
    mwi_changes_.clear();
    mwi_.follow(changes.nodes, mwi_changes_);
    if (outlets_.changes) outlets_.changes(changes);
    if (!telling_) return;
    chronicle_.tell(changes, now());
    chronicle_.tell(hint_changes_, hints_);
    chronicle_.tell(mwi_changes_);
}

void Hub::publish_mwi(std::vector<state::MwiInput>& inputs) {
    mwi_changes_.clear();
    const state::Time time = now();
    for (const state::MwiInput& input : inputs)
        mwi_.apply(input, time, mwi_changes_);
    inputs.clear();
    if (telling_) chronicle_.tell(mwi_changes_);
}

void Hub::arm() {
    const auto deadline = engine_.next_deadline();
    if (deadline == armed_) return;
    armed_ = deadline;
    timer_.cancel();
    if (!deadline) return;
    timer_.expires_at(clock_.steady(*deadline));
    timer_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        armed_.reset();
        state::Changes changes;
        engine_.on_time(now(), changes);
        publish(changes);
    });
}

std::vector<state::Announcement> Hub::own_nodes() const {
    return {self_};
}

void Hub::raise_incarnation(const state::Eid& eid, std::uint64_t seen) {
    if (eid != self_.eid || seen < self_.incarnation || seen < raising_to_) return;
    raising_to_ = seen + 1;
    parts_.custom_states.next_incarnation(
        eid, raising_to_, [this](tl::expected<std::uint64_t, std::string> stored) {
            if (!stored) parts_.log.error("The new incarnation is not stored: {}", stored.error());
            on_raised(std::max(raising_to_, stored.value_or(0)));
        });
}

void Hub::on_raised(std::uint64_t incarnation) {
    if (incarnation <= self_.incarnation) return;
    parts_.log.notice(
        "Others have heard this server with a later incarnation: ours is {} from now on, everything is "
        "announced again",
        incarnation);
    self_.incarnation = incarnation;
    state::Changes changes;
    engine_.raise_incarnation(own_node_, incarnation - 1, changes);
    if (outlets_.own_nodes_changed) outlets_.own_nodes_changed();
    publish(changes);
    renew_own_mwi();
}

/// Own message counts under the new incarnation. Their sequence numbers stay: they are no newer than they
/// were.
void Hub::renew_own_mwi() {
    std::vector<state::MwiVote> votes;
    mwi_.for_each([&](const state::Mailbox& mailbox) {
        const auto held = mwi_.vote(mailbox, own_node_);
        if (!held) return;
        votes.push_back({mailbox,
                         own_node_,
                         held->counts,
                         held->withdrawn ? state::VoteKind::withdrawal : state::VoteKind::state,
                         {self_.incarnation, held->version.sequence}});
    });
    std::vector<state::MwiOwnChange> own;
    mwi_changes_.clear();
    for (const state::MwiVote& vote : votes) {
        mwi_.apply(vote, now(), mwi_changes_);
        own.push_back({own_node_, vote.mailbox});
    }
    if (outlets_.mwi_changes && !own.empty()) outlets_.mwi_changes(own);
}

void Hub::note_file_read(const std::filesystem::path& file) {
    if (std::ranges::find(files_read_, file) == files_read_.end()) files_read_.push_back(file);
}

tl::expected<void, std::string> Hub::vote(std::string_view device, state::DeviceState state,
                                          state::Cause cause) {
    state::Changes changes;
    const auto id = engine_.intern_device(device, changes);
    if (id) engine_.set_own(own_node_, *id, state, state::Cachable::yes, cause, now(), changes);
    publish(changes);
    if (id) return {};
    if (device.size() > engine_.limits().name_bytes)
        return tl::unexpected(fmt::format("a name has at most {} bytes", engine_.limits().name_bytes));
    return tl::unexpected(fmt::format("{} devices are known, which is the limit", engine_.device_count()));
}

void Hub::withdraw(std::string_view device, state::Cause cause) {
    const auto id = engine_.find_device(device);
    if (!id) return;
    state::Changes changes;
    engine_.withdraw_own(own_node_, *id, cause, now(), changes);
    publish(changes);
}

tl::expected<void, std::string> Hub::vote(const state::Mailbox& mailbox, state::MessageCounts counts) {
    switch (apply_own(mailbox, counts, state::VoteKind::state)) {
        case state::MwiOutcome::refused_name:
            return tl::unexpected(std::string("a mailbox and a context have 1 to 255 bytes each"));
        case state::MwiOutcome::refused_limit:
            return tl::unexpected(fmt::format("{} mailboxes are known, which is the limit", mwi_.size()));
        default:
            return {};
    }
}

tl::expected<void, std::string> Hub::withdraw(const state::Mailbox& mailbox) {
    const auto held = mwi_.vote(mailbox, own_node_);
    if (!held || held->withdrawn)
        return tl::unexpected(std::string("this server has no message counts of it"));
    apply_own(mailbox, {}, state::VoteKind::withdrawal);
    return {};
}

/// A repetition is announced too: it makes our counts the newest again.
state::MwiOutcome Hub::apply_own(const state::Mailbox& mailbox, state::MessageCounts counts,
                                 state::VoteKind kind) {
    const state::Time time = now();
    mwi_sequence_ = state::next_mwi_sequence(mwi_sequence_, time);
    mwi_changes_.clear();
    const auto outcome = mwi_.apply({mailbox, own_node_, counts, kind, {self_.incarnation, mwi_sequence_}},
                                    time, mwi_changes_);
    if (outcome != state::MwiOutcome::applied && outcome != state::MwiOutcome::confirmed) return outcome;
    const std::array own{state::MwiOwnChange{own_node_, mailbox}};
    if (outlets_.mwi_changes) outlets_.mwi_changes(own);
    chronicle_.tell(mwi_changes_);
    return outcome;
}

/// The disk did not take a state that was announced: what it holds is in force again, here and with the
/// others.
void Hub::undo(const std::string& device, std::optional<state::DeviceState> stored) {
    if (stored) {
        (void)vote(device, *stored, state::Cause::restored);
        parts_.log.error("{} could not be stored; it is {} again", device, state::config_text(*stored));
    } else {
        withdraw(device, state::Cause::withdrawal);
        parts_.log.error("{} could not be stored; it has no custom state, as before", device);
    }
}

void Hub::reload_policy() {
    engine_.configure(parts_.configuration.policy, parts_.configuration.limits);
}

void Hub::reload_hints() {
    state::Changes changes;
    std::vector<state::HintChange> hint_changes;
    hints_.load(parts_.configuration.hints, hint_changes, changes);
    chronicle_.tell(hint_changes, hints_);
    publish(changes);
}

void Hub::trace(state::DeviceId device, state::VoteOutcome outcome, state::DeviceState before) {
    if (outcome != state::VoteOutcome::applied && outcome != state::VoteOutcome::confirmed) return;
    console::trace_change(parts_.log, engine_, device, before);
}

}  // namespace lamplight::daemon
