#include "state/mwi.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

namespace lamplight::state {
namespace {

std::uint64_t milliseconds(Time time) {
    return static_cast<std::uint64_t>(std::max<Time::rep>(time.time_since_epoch().count(), 0));
}

struct HeldVote {
    NodeId node{};
    MessageCounts counts;
    bool withdrawn = false;
    bool confirmed = true;  // false between a snapshot's begin and the vote that confirms it
    bool lapsed = false;    // its node went away since it said so, and will say everything when it returns
    Version version{};
    std::uint64_t age = 0;  // milliseconds: higher is newer
    Time since{};
};

bool refuses_old(const HeldVote& held, const MwiVote& vote) {
    return vote.version.exists() && held.version.exists() && vote.version < held.version;
}

/// Who speaks with versions brings a snapshot when it returns; when only its PBX was lost, it brings none.
bool lapses(const HeldVote& held, Cause cause) {
    return held.version.exists() && cause != Cause::pbx_lost;
}

bool says_the_same(const HeldVote& held, const MwiVote& vote) {
    if (vote.kind == VoteKind::withdrawal) return held.withdrawn;
    return !held.withdrawn && held.counts == vote.counts;
}

}  // namespace

std::uint64_t next_mwi_sequence(std::uint64_t last, Time now) {
    return std::max(last + 1, milliseconds(now));
}

class MwiTable::Impl {
public:
    explicit Impl(const MwiLimits& limits) : limits_(limits) {}

    MwiOutcome apply(const MwiVote& vote, Time now, std::vector<MwiChange>& changes) {
        const MwiOutcome outcome = judge_and_apply(vote, now, changes);
        ++counters_[static_cast<std::size_t>(outcome)];
        return outcome;
    }

    void snapshot_begin(NodeId node) {
        if (index_of(node) >= limits_.nodes) return;
        know(node).in_snapshot = true;
        for (auto& [mailbox, entry] : mailboxes_) {
            if (HeldVote* held = find(entry, node)) held->confirmed = false;
        }
    }

    bool snapshot_end(NodeId node, std::vector<MwiChange>& changes) {
        if (index_of(node) >= nodes_.size() || !nodes_[index_of(node)].in_snapshot) return false;
        nodes_[index_of(node)].in_snapshot = false;
        drop(node, Cause::snapshot, changes, [](const HeldVote& held) { return !held.confirmed; });
        return true;
    }

    void follow(std::span<const NodeChange> changed, std::vector<MwiChange>& changes) {
        for (const NodeChange& change : changed) {
            if (index_of(change.node) >= limits_.nodes) continue;
            if (change.cause == Cause::forgotten) {
                forget(change.node, changes);
                continue;
            }
            const bool counts = change.to != Standing::gone;
            NodeMarks& marks = know(change.node);
            if (marks.counts == counts) continue;
            marks.counts = counts;
            if (!counts) marks.in_snapshot = false;
            for (auto& [mailbox, entry] : mailboxes_) {
                HeldVote* held = find(entry, change.node);
                if (held == nullptr) continue;
                held->lapsed = held->lapsed || (!counts && lapses(*held, change.cause));
                update(mailbox, entry, change.node, change.cause, changes);
            }
        }
    }

    void forget(NodeId node, std::vector<MwiChange>& changes) {
        drop(node, Cause::forgotten, changes, [](const HeldVote&) { return true; });
        if (index_of(node) < nodes_.size()) nodes_[index_of(node)] = {};
    }

    std::optional<MessageCounts> aggregate(const Mailbox& mailbox) const {
        const auto found = mailboxes_.find(mailbox);
        return found == mailboxes_.end() ? std::nullopt : found->second.aggregate;
    }

    std::optional<MwiVoteView> newest(const Mailbox& mailbox) const {
        const auto found = mailboxes_.find(mailbox);
        const HeldVote* held = found == mailboxes_.end() ? nullptr : newest_of(found->second);
        return held == nullptr ? std::nullopt : std::optional(view(*held));
    }

    std::optional<MwiVoteView> vote(const Mailbox& mailbox, NodeId node) const {
        const auto found = mailboxes_.find(mailbox);
        if (found == mailboxes_.end()) return std::nullopt;
        const HeldVote* held = find(found->second, node);
        return held == nullptr ? std::nullopt : std::optional(view(*held));
    }

    const Mailbox* after(const Mailbox* mailbox) const {
        const auto next = mailbox == nullptr ? mailboxes_.begin() : mailboxes_.upper_bound(*mailbox);
        return next == mailboxes_.end() ? nullptr : &next->first;
    }

    void for_each_vote(const Mailbox& mailbox, const std::function<void(const MwiVoteView&)>& visit) const {
        const auto found = mailboxes_.find(mailbox);
        if (found == mailboxes_.end()) return;
        for (const HeldVote& held : found->second.votes)
            visit(view(held));
    }

    void for_each(const std::function<void(const Mailbox&)>& visit) const {
        for (const auto& [mailbox, entry] : mailboxes_)
            visit(mailbox);
    }

    std::size_t size() const { return mailboxes_.size(); }
    std::uint64_t count(MwiOutcome outcome) const { return counters_[static_cast<std::size_t>(outcome)]; }

private:
    struct Entry {
        std::vector<HeldVote> votes;  // by node id
        std::optional<MessageCounts> aggregate;
    };
    struct NodeMarks {
        bool counts = true;
        bool in_snapshot = false;
    };

    MwiOutcome judge_and_apply(const MwiVote& vote, Time now, std::vector<MwiChange>& changes) {
        const Mailbox& name = vote.mailbox;
        if (name.name.empty() || name.name.size() > limits_.name_bytes ||
            name.context.size() > limits_.name_bytes) {
            return MwiOutcome::refused_name;
        }
        if (index_of(vote.node) >= limits_.nodes) return MwiOutcome::refused_limit;
        auto found = mailboxes_.find(name);
        if (found == mailboxes_.end()) {
            if (mailboxes_.size() >= limits_.mailboxes) return MwiOutcome::refused_limit;
            found = mailboxes_.emplace(name, Entry{}).first;
        }
        Entry& entry = found->second;
        if (HeldVote* held = find(entry, vote.node)) {
            if (refuses_old(*held, vote)) return MwiOutcome::refused_old;
            if (vote.version.exists() && vote.version == held->version) {
                const MwiOutcome outcome = confirm(*held, vote);
                update(name, entry, vote.node, Cause::vote, changes);
                return outcome;
            }
            return replace(name, entry, *held, vote, now, changes);
        }
        HeldVote& held = insert(entry, vote.node);
        held.withdrawn = true;  // as good as none until replaced
        replace(name, entry, held, vote, now, changes);
        return MwiOutcome::applied;
    }

    /// The same version again: a repetition in a snapshot confirms, other counts under an old number are
    /// refused.
    static MwiOutcome confirm(HeldVote& held, const MwiVote& vote) {
        if (!says_the_same(held, vote)) return MwiOutcome::refused_old;
        held.confirmed = true;
        held.lapsed = false;
        return MwiOutcome::confirmed;
    }

    MwiOutcome replace(const Mailbox& name, Entry& entry, HeldVote& held, const MwiVote& vote, Time now,
                       std::vector<MwiChange>& changes) {
        const bool same = says_the_same(held, vote);
        const auto arrival = milliseconds(now);
        held.withdrawn = vote.kind == VoteKind::withdrawal;
        held.counts = held.withdrawn ? MessageCounts{} : vote.counts;
        held.confirmed = true;
        held.lapsed = false;
        held.version = vote.version;
        held.age = vote.version.exists() ? std::min(vote.version.sequence, arrival) : arrival;
        if (!same) held.since = now;
        update(name, entry, vote.node, held.withdrawn ? Cause::withdrawal : Cause::vote, changes);
        return same ? MwiOutcome::confirmed : MwiOutcome::applied;
    }

    template <typename Condition>
    void drop(NodeId node, Cause cause, std::vector<MwiChange>& changes, Condition condition) {
        for (auto it = mailboxes_.begin(); it != mailboxes_.end();) {
            auto& [mailbox, entry] = *it;
            const auto removed = std::erase_if(
                entry.votes, [&](const HeldVote& held) { return held.node == node && condition(held); });
            if (removed != 0) update(mailbox, entry, node, cause, changes);
            it = entry.votes.empty() ? mailboxes_.erase(it) : std::next(it);
        }
    }

    void update(const Mailbox& mailbox, Entry& entry, NodeId node, Cause cause,
                std::vector<MwiChange>& changes) {
        const HeldVote* held = newest_of(entry);
        const auto newest = held == nullptr ? std::nullopt : std::optional(held->counts);
        if (newest == entry.aggregate) return;
        changes.push_back({mailbox, entry.aggregate, newest, node, cause});
        entry.aggregate = newest;
    }

    const HeldVote* newest_of(const Entry& entry) const {
        const HeldVote* newest = nullptr;
        for (const HeldVote& held : entry.votes) {
            if (!counts(held)) continue;
            if (!newest || std::tie(newest->age, newest->counts) < std::tie(held.age, held.counts))
                newest = &held;
        }
        return newest;
    }

    bool counts(const HeldVote& held) const {
        const auto index = index_of(held.node);
        return !held.withdrawn && !held.lapsed && (index >= nodes_.size() || nodes_[index].counts);
    }

    MwiVoteView view(const HeldVote& held) const {
        return {held.node, held.counts, held.withdrawn, counts(held), held.version, held.since};
    }

    template <typename SomeEntry>
    static auto find(SomeEntry& entry, NodeId node) -> decltype(entry.votes.data()) {
        const auto found = std::ranges::lower_bound(entry.votes, node, {}, &HeldVote::node);
        return found != entry.votes.end() && found->node == node ? &*found : nullptr;
    }

    static HeldVote& insert(Entry& entry, NodeId node) {
        const auto place = std::ranges::lower_bound(entry.votes, node, {}, &HeldVote::node);
        HeldVote vote;
        vote.node = node;
        return *entry.votes.insert(place, vote);
    }

    NodeMarks& know(NodeId node) {
        if (index_of(node) >= nodes_.size()) nodes_.resize(std::size_t{index_of(node)} + 1);
        return nodes_[index_of(node)];
    }

    MwiLimits limits_;
    std::map<Mailbox, Entry> mailboxes_;
    std::vector<NodeMarks> nodes_;  // by node id, grown when something is said of one
    std::array<std::uint64_t, mwi_outcome_count> counters_{};
};

MwiTable::MwiTable(const MwiLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
MwiTable::~MwiTable() = default;
MwiTable::MwiTable(MwiTable&&) noexcept = default;
MwiTable& MwiTable::operator=(MwiTable&&) noexcept = default;

MwiOutcome MwiTable::apply(const MwiVote& vote, Time now, std::vector<MwiChange>& changes) {
    return impl_->apply(vote, now, changes);
}
void MwiTable::apply(const MwiInput& input, Time now, std::vector<MwiChange>& changes) {
    if (const auto* vote = std::get_if<MwiVote>(&input)) impl_->apply(*vote, now, changes);
    if (const auto* begin = std::get_if<MwiSnapshotBegin>(&input)) impl_->snapshot_begin(begin->node);
    if (const auto* end = std::get_if<MwiSnapshotEnd>(&input)) (void)impl_->snapshot_end(end->node, changes);
}
void MwiTable::snapshot_begin(NodeId node) {
    impl_->snapshot_begin(node);
}
bool MwiTable::snapshot_end(NodeId node, std::vector<MwiChange>& changes) {
    return impl_->snapshot_end(node, changes);
}
void MwiTable::follow(std::span<const NodeChange> nodes, std::vector<MwiChange>& changes) {
    impl_->follow(nodes, changes);
}
void MwiTable::forget(NodeId node, std::vector<MwiChange>& changes) {
    impl_->forget(node, changes);
}
std::optional<MessageCounts> MwiTable::aggregate(const Mailbox& mailbox) const {
    return impl_->aggregate(mailbox);
}
std::optional<MwiVoteView> MwiTable::newest(const Mailbox& mailbox) const {
    return impl_->newest(mailbox);
}
std::optional<MwiVoteView> MwiTable::vote(const Mailbox& mailbox, NodeId node) const {
    return impl_->vote(mailbox, node);
}
const Mailbox* MwiTable::after(const Mailbox* mailbox) const {
    return impl_->after(mailbox);
}
void MwiTable::for_each_vote(const Mailbox& mailbox,
                             const std::function<void(const MwiVoteView&)>& visit) const {
    impl_->for_each_vote(mailbox, visit);
}
void MwiTable::for_each(const std::function<void(const Mailbox&)>& visit) const {
    impl_->for_each(visit);
}
std::size_t MwiTable::size() const {
    return impl_->size();
}
std::uint64_t MwiTable::count(MwiOutcome outcome) const {
    return impl_->count(outcome);
}

}  // namespace lamplight::state
