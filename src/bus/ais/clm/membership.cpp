#include "bus/ais/clm/membership.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace lamplight::bus::ais::clm {

namespace {

/// Nodes that are remembered: twice what a ring may have.
constexpr std::size_t most_nodes = 1'024;
/// OpenAIS' measure: totem counts four for each ring.
constexpr std::uint64_t sequences_a_view = 4;

std::vector<NodeId> sorted(std::span<const NodeId> nodes) {
    std::vector<NodeId> ids(nodes.begin(), nodes.end());
    std::ranges::sort(ids);
    const auto again = std::ranges::unique(ids);
    ids.erase(again.begin(), again.end());
    return ids;
}

std::vector<NodeId> without(const std::vector<NodeId>& all, const std::vector<NodeId>& those) {
    std::vector<NodeId> rest;
    std::ranges::set_difference(all, those, std::back_inserter(rest));
    return rest;
}

bool contains(const std::vector<NodeId>& ids, NodeId id) {
    return std::ranges::binary_search(ids, id);
}

std::string shown_name(NodeId id, const ring::RingNode& description) {
    if (!description.name.empty()) return description.name;
    return description.address.empty() ? fmt::format("node {}", id) : description.address;
}

}  // namespace

// --- the ring ---

std::optional<Transition> Membership::on_ring(std::uint64_t ring_sequence, std::span<const NodeId> nodes) {
    std::vector<NodeId> now = sorted(nodes);
    const bool same_ring = ring_sequence == ring_sequence_;
    if (has_view_ && same_ring && now == members_) return std::nullopt;

    Transition transition;
    transition.view = ring_sequence / sequences_a_view;
    transition.before = has_view_ ? members_ : before_loss_;
    transition.left = without(transition.before, now);
    transition.joined = without(now, transition.before);
    transition.members = now;
    const bool back_unchanged = !has_view_ && same_ring && now == before_loss_;
    note_joined(transition, same_ring);

    members_ = std::move(now);
    before_loss_.clear();
    ring_sequence_ = ring_sequence;
    view_ = transition.view;
    has_view_ = true;
    forget_old(transition);
    if (back_unchanged) return std::nullopt;
    return transition;
}

/// Whom we saw coming joined in this view. At the first look, and after a loss, others may have been there
/// before; but with another ring than before the loss our own Corosync is a new one.
void Membership::note_joined(const Transition& transition, bool same_ring) {
    const std::uint64_t order = ++joinings_;
    for (const NodeId id : transition.joined) {
        Known& node = nodes_[id];
        node.seen = order;
        node.boot_time = time_unknown;
        node.initial_view = has_view_ ? transition.view : 0;
    }
    if (!has_view_ && !same_ring && contains(transition.before, self_))
        nodes_[self_].initial_view = transition.view;
}

/// Ids may be made of addresses that come and go: the longest gone is forgotten first.
void Membership::forget_old(const Transition& transition) {
    while (nodes_.size() > most_nodes) {
        auto oldest = nodes_.end();
        for (auto node = nodes_.begin(); node != nodes_.end(); ++node) {
            if (contains(members_, node->first) || contains(transition.left, node->first)) continue;
            if (oldest == nodes_.end() || node->second.seen < oldest->second.seen) oldest = node;
        }
        if (oldest == nodes_.end()) return;
        nodes_.erase(oldest);
    }
}

void Membership::on_lost() {
    if (!has_view_) return;
    before_loss_ = std::move(members_);
    members_.clear();
    has_view_ = false;
    view_ = 0;
}

void Membership::set_self(NodeId self) {
    self_ = self;
}

// --- what is said of nodes ---

std::vector<NodeId> Membership::describe(std::span<const ring::RingNode> nodes) {
    std::vector<NodeId> changed;
    for (const ring::RingNode& node : nodes) {
        if (!nodes_.contains(node.node_id) && nodes_.size() >= most_nodes) continue;
        ring::RingNode& known = nodes_[node.node_id].description;
        const std::string name = shown_name(node.node_id, known);
        const std::string address = known.address;
        known.node_id = node.node_id;
        known.name = node.name;
        // Corosync knows no address of a node that is not there.
        if (!node.address.empty()) known.address = node.address;
        if (shown_name(node.node_id, known) != name || known.address != address)
            changed.push_back(node.node_id);
    }
    return sorted(changed);
}

void Membership::on_hello(NodeId node, Nanoseconds boot_time, std::uint64_t initial_view) {
    const auto known = nodes_.find(node);
    if (known == nodes_.end()) return;
    if (boot_time != time_unknown) known->second.boot_time = boot_time;
    if (initial_view != 0) known->second.initial_view = initial_view;
}

// --- questions ---

bool Membership::known() const {
    return has_view_;
}

std::uint64_t Membership::view() const {
    return view_;
}

NodeId Membership::self() const {
    return self_;
}

std::uint64_t Membership::own_initial_view() const {
    const auto own = nodes_.find(self_);
    return own == nodes_.end() ? 0 : own->second.initial_view;
}

std::vector<NodeId> Membership::in_order(const std::vector<NodeId>& ids) const {
    std::vector<NodeId> ordered = ids;
    const auto place = [this](NodeId id) {
        const auto known = nodes_.find(id);
        return known == nodes_.end() ? 0 : known->second.seen;
    };
    std::ranges::sort(ordered, [&](NodeId a, NodeId b) {
        if ((a == self_) != (b == self_)) return a == self_;
        return std::pair(place(a), a) < std::pair(place(b), b);
    });
    return ordered;
}

std::vector<Node> Membership::members() const {
    std::vector<Node> nodes;
    for (const NodeId id : in_order(members_))
        nodes.push_back(known_node(id));
    return nodes;
}

tl::expected<Node, Error> Membership::node(NodeId id) const {
    if (!has_view_) return tl::unexpected(Error::unavailable);
    const NodeId asked = id == local_node ? self_ : id;
    if (!contains(members_, asked)) return tl::unexpected(Error::not_exist);
    return known_node(asked);
}

Node Membership::known_node(NodeId id) const {
    Node node;
    node.id = id;
    node.member = contains(members_, id);
    const auto found = nodes_.find(id);
    const Known& known = found == nodes_.end() ? Known{} : found->second;
    node.address = known.description.address;
    node.name = shown_name(id, known.description);
    node.boot_time = known.boot_time;
    node.initial_view = known.initial_view;
    return node;
}

// --- tracking ---

tl::expected<std::vector<Notification>, Error> Membership::notifications(const Transition& transition,
                                                                         std::uint8_t flags) const {
    const bool all = (flags & Track::changes) != 0;
    const bool only_changed = (flags & Track::changes_only) != 0;
    if (all == only_changed || (flags & ~(Track::current | Track::changes | Track::changes_only)) != 0)
        return tl::unexpected(Error::bad_flags);
    std::vector<Notification> told;
    const auto tell = [&](NodeId id, Change change) {
        told.push_back({known_node(id), change});
        told.back().node.member = change != Change::left;
    };
    for (const NodeId id : in_order(transition.members)) {
        const bool joined = contains(transition.joined, id);
        if (all || joined) tell(id, joined ? Change::joined : Change::none);
    }
    for (const NodeId id : transition.left)
        tell(id, Change::left);
    return told;
}

std::vector<Notification> Membership::notifications(std::span<const NodeId> reconfigured) const {
    std::vector<Notification> told;
    for (Node& node : members()) {
        const bool changed = std::ranges::find(reconfigured, node.id) != reconfigured.end();
        told.push_back({std::move(node), changed ? Change::reconfigured : Change::none});
    }
    return told;
}

}  // namespace lamplight::bus::ais::clm
