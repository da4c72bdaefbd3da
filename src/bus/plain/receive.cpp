// What members' messages bring about.
#include "bus/plain/impl.hpp"

#include <algorithm>
#include <variant>

namespace lamplight::bus::plain {

using namespace wire::event;
using ring::Member;

namespace {

/// A header and an EID; what is longer is not decoded to find out that it is passed over.
constexpr std::size_t longest_ping = 14;
/// Between two pings of a member that are news.
constexpr std::chrono::milliseconds ping_pause{100};

}  // namespace

void Exchange::Impl::receive(Member from, wire::Bytes message, Output& out) {
    const auto found = members_.find(from);
    const bool lamplight = found == members_.end() ? lamplights_.contains(from) : found->second.lamplight;
    if (lamplight) {
        ++counters_.from_lamplights;
        return on_lamplights_ping(from, message);
    }
    ++counters_.messages_in;
    if (found == members_.end() || !found->second.sender || !found->second.present) {
        ++counters_.unheard;
        return;
    }
    const auto event = decode(message);
    if (!event) return refused(from, found->second, event.error());
    std::visit([&](const auto& content) { on_event(from, found->second, content, out); }, *event);
}

/// The only thing that a Lamplight says here to its like.
void Exchange::Impl::on_lamplights_ping(Member from, wire::Bytes message) {
    if (message.size() > longest_ping) return;
    const auto event = decode(message);
    const auto* ping = event ? std::get_if<Ping>(&*event) : nullptr;
    if (ping != nullptr) on_ping(from, *ping);
}

void Exchange::Impl::refused(Member from, GroupMember& member, Malformed reason) {
    const auto index = static_cast<std::size_t>(reason);
    ++counters_.malformed[index];
    std::optional<state::Time>& said = member.complained[index];
    if (said && now_ - *said < settings_.complaint_every) return;
    said = now_;
    news_.push_back({News::Kind::malformed, from, std::string(to_string(reason))});
}

std::optional<std::uint16_t> Exchange::Impl::own_place(const state::Eid& eid) const {
    const auto node = engine_.find_node(eid);
    return node ? outgoing_.own().find(*node) : std::nullopt;
}

bool Exchange::Impl::passes_over(GroupMember& member, const state::Eid& eid, Output& out) {
    const auto place = own_place(eid);
    if (!place) return false;
    ++counters_.own_eid;
    if (settings_.duplicate == Duplicate::ignore || !member.duplicates.insert(*place).second) return true;
    engine_.announce(*member.sender, {eid, {}, 0, {}}, now_, out.changes);  // tells the operator
    refresh();
    return true;
}

// --- votes ---

void Exchange::Impl::on_event(Member, GroupMember& member, const DeviceStateChange& event, Output& out) {
    if (passes_over(member, event.eid, out)) return;
    if (!settings_.subscribe.device_state) {
        ++counters_.not_subscribed;
        return;
    }
    const auto node = engine_.intern_node(event.eid, out.changes);
    const auto device = node ? engine_.intern_device(event.device, out.changes) : std::nullopt;
    if (!device) {
        ++counters_.over_limit;
        return;
    }
    ++counters_.votes_in;
    const state::Vote vote{*device,        *node,          event.state, state::VoteKind::state,
                           event.cachable, *member.sender, {}};
    engine_.apply({&vote, 1}, now_, out.changes);
    outgoing_.crossed(*node, *device);
}

void Exchange::Impl::on_event(Member, GroupMember&, const DeviceStateAggregate&, Output&) {
    ++counters_.aggregates;
}

void Exchange::Impl::on_event(Member, GroupMember& member, const Mwi& event, Output& out) {
    if (passes_over(member, event.eid, out)) return;
    if (!settings_.subscribe.mwi) {
        ++counters_.not_subscribed;
        return;
    }
    const auto node = engine_.intern_node(event.eid, out.changes);
    if (!node) {
        ++counters_.over_limit;
        return;
    }
    if (!may_count(member, *node)) {
        ++counters_.unheard;
        return;
    }
    ++counters_.mwi_in;
    const state::Mailbox mailbox{std::string(event.mailbox), std::string(event.context)};
    out.mwi.emplace_back(state::MwiVote{mailbox, *node, event.counts, state::VoteKind::state, {}});
    outgoing_.crossed(*node, mailbox);
}

/// As the engine decides about votes: this bus owns the node, and the sender speaks for it here. What nobody
/// speaks for belongs to the first that does.
bool Exchange::Impl::may_count(GroupMember& member, state::NodeId node) {
    if (engine_.is_guardian(*member.sender)) return true;
    std::optional<state::SenderId> speaker;
    engine_.for_each_member(node, [&](const state::MemberView& view) {
        const bool there =
            view.status == state::MemberStatus::present || view.status == state::MemberStatus::silent;
        if (view.bus == settings_.bus && there) speaker = view.sender;
    });
    if (speaker) return speaker == member.sender && engine_.node(node).owner == settings_.bus;
    const std::optional<state::Bus> owner_bus = engine_.node(node).owner;
    if (owner_bus && owner_bus != settings_.bus) return false;
    const auto claims = [&](const auto& other) { return other.second.mwi_claims.contains(node); };
    const auto owner = std::find_if(members_.begin(), members_.end(), claims);
    if (owner != members_.end()) return &owner->second == &member;
    member.mwi_claims.insert(node);
    return true;
}

/// The counts of nodes that the engine does not know as members do not end by its word.
void Exchange::Impl::drop_counts(GroupMember& member, Output& out) {
    for (const state::NodeId node : member.mwi_claims) {
        out.mwi.emplace_back(state::MwiSnapshotBegin{node});
        out.mwi.emplace_back(state::MwiSnapshotEnd{node});
    }
    member.mwi_claims.clear();
}

// --- words ---

void Exchange::Impl::on_event(Member from, GroupMember&, const Ping& ping, Output&) {
    on_ping(from, ping);
}

/// A person asks now and then; who floods fills no log.
bool Exchange::Impl::may_say_ping(Member from) {
    const auto member = members_.find(from);
    if (member == members_.end()) return false;
    std::optional<state::Time>& said = member->second.ping_said;
    if (said && now_ - *said < ping_pause) return false;
    said = now_;
    return true;
}

void Exchange::Impl::on_ping(Member from, const Ping& ping) {
    if (is_own(ping.eid))
        ++counters_.own_eid;
    else if (!settings_.subscribe.ping)
        ++counters_.not_subscribed;
    else if (may_say_ping(from))
        news_.push_back({News::Kind::ping, from, state::to_string(ping.eid)});
}

void Exchange::Impl::on_event(Member from, GroupMember& member, const ClusterDiscovery& discovery,
                              Output& out) {
    if (discovery.node_id != from.node_id) {
        ++counters_.lying_discoveries;
        return;
    }
    if (!settings_.subscribe.cluster_discovery) {
        ++counters_.not_subscribed;
        return;
    }
    if (is_own(discovery.eid)) {
        ++counters_.own_eid;
        if (std::exchange(member.told_own_eid, true)) return;
        engine_.announce(*member.sender, {discovery.eid, {}, 0, {}}, now_,
                         out.changes);  // tells the operator
        return;
    }
    member.address = discovery.address;
    if (member.eid == discovery.eid) return;
    const bool unknown = !member.eid;
    member.eid = discovery.eid;
    announce(member, out);
    news_.push_back({News::Kind::discovered, from, member.address});
    if (!unknown) return;
    member.wants_discovery = !member.knows_us;
    refresh();
}

void Exchange::Impl::announce(GroupMember& member, Output& out) {
    if (!member.sender) return;
    member.outcome = engine_.announce(*member.sender, {*member.eid, {}, 0, {}}, now_, out.changes);
}

}  // namespace lamplight::bus::plain
