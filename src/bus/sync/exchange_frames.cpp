// What a peer's frames bring about.
#include "bus/sync/exchange.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace lamplight::bus::sync {

using namespace wire::vote;
using state::AnnounceOutcome;

namespace {

/// Incarnations begin with seconds since 1970 and grow by one. Beyond this nobody has a past, and whoever
/// says so takes the room that those to come need below max_incarnation.
constexpr std::uint64_t latest_believed = std::uint64_t{1} << 48;

}  // namespace

void Exchange::receive(PeerId id, wire::Bytes bytes, state::Time now, Output& out) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    Peer& peer = found->second;
    ++counters_.frames_in;
    if (peer.ended || peer.said_goodbye) return;  // a goodbye is the last word
    const auto frame = decode(bytes);
    if (!frame) return refused(peer, frame.error(), out);
    std::visit([&](const auto& content) { on_frame(peer, content, now, out); }, *frame);
}

void Exchange::refused(Peer& peer, const Malformed& malformed, Output& out) {
    const auto reason = static_cast<std::size_t>(malformed.refusal);
    ++counters_.frames_refused[reason];
    if (malformed.refusal == Refusal::unknown_format &&
        malformed.type != static_cast<std::uint8_t>(Type::unsupported)) {
        if (peer.formats_answered.test(malformed.format)) return;
        peer.formats_answered.set(malformed.format);
        if (Lane* to = lane(lane_of(peer.id))) to->say_unsupported(malformed.format);
        out.news.push_back({News::Kind::unknown_format, peer.id, std::to_string(malformed.format)});
        return;
    }
    if (peer.refusals_said.test(reason)) return;
    peer.refusals_said.set(reason);
    out.news.push_back({News::Kind::malformed, peer.id, std::string(to_string(malformed.refusal))});
}

// --- hello ---

void Exchange::on_frame(Peer& peer, const HelloView& hello, state::Time now, Output& out) {
    bool news = false;
    hello.for_each_node([&](const HelloNode& said) {
        auto node = std::find_if(peer.nodes.begin(), peer.nodes.end(),
                                 [&](const PeerNode& known) { return known.announcement.eid == said.eid; });
        const bool fresh = node == peer.nodes.end();
        if (fresh && peer.nodes.size() >= max_hello_nodes) return;
        if (fresh) node = peer.nodes.insert(peer.nodes.end(), PeerNode{});
        const bool same = !fresh && node->announcement.incarnation == said.incarnation &&
                          node->announcement.name == said.name;
        node->pbx_link_up = said.pbx_link == Link::up;
        // What was refused stays so; saying it again would tell the operator again.
        if (same && node->outcome != AnnounceOutcome::accepted) return;
        const bool for_pbx = said.speaks == Speaks::for_pbx;
        node->announcement = {
            said.eid, std::string(said.name), said.incarnation,
            for_pbx ? state::Announcement::Speaks::for_pbx : state::Announcement::Speaks::for_itself};
        announce(peer, *node, now, out);
        news = news || !same;
    });
    hello.for_each_known([&](const KnownNode& known) { heard_of_us(peer, known, out); });
    peer.hello_asked_at.reset();
    if (peer.missed_votes)
        for (PeerNode& node : peer.nodes)
            if (node.outcome == AnnounceOutcome::accepted) request_snapshot(peer, node, now);
    peer.missed_votes = false;
    if (!news) return heard_again(peer, now);
    std::string text(hello.software);
    for (const PeerNode& node : peer.nodes)
        text += " " + node.announcement.name + " " + state::to_string(node.announcement.eid);
    out.news.push_back({News::Kind::hello, peer.id, std::move(text)});
}

/// A hello that is no news is said by who thinks that we were away; it may hold us for stale.
void Exchange::heard_again(Peer& peer, state::Time now) {
    if (settings_.catch_up != Settings::CatchUp::difference) return;
    if (peer.digests_said_at && now - *peer.digests_said_at < settings_.patience) return;
    say_digests_to(peer, now);
}

void Exchange::announce(Peer& peer, PeerNode& node, state::Time now, Output& out) {
    const std::uint64_t incarnation = node.announcement.incarnation;
    const bool may = !settings_.may_announce || settings_.may_announce(peer.id, node.announcement.eid);
    if (!may || incarnation > latest_believed) return refuse_foreign(peer, node, out);
    node.outcome = engine_.announce(peer.sender, node.announcement, now, out.changes);
    node.id = engine_.find_node(node.announcement.eid);
    if (node.outcome == AnnounceOutcome::accepted) {
        engine_.node_pbx_link(peer.sender, *node.id, node.pbx_link_up, now, out.changes);
        return;
    }
    node.snapshot.reset();
    const bool outdated = node.outcome == AnnounceOutcome::refused && node.id &&
                          engine_.node(*node.id).incarnation > incarnation;
    if (!outdated || node.told_outdated == incarnation) return;
    node.told_outdated = incarnation;
    if (Lane* to = lane(lane_of(peer.id))) to->say_hello();  // with what we know, which it does not
    out.news.push_back({News::Kind::outdated, peer.id, state::to_string(node.announcement.eid)});
}

void Exchange::refuse_foreign(Peer& peer, PeerNode& node, Output& out) {
    node.outcome = AnnounceOutcome::refused;
    node.snapshot.reset();
    ++counters_.nodes_refused;
    if (!std::exchange(peer.foreign_said, true))
        out.news.push_back({News::Kind::foreign, peer.id, state::to_string(node.announcement.eid)});
}

/// A peer holds a higher incarnation of our node than we do: our counter was lost.
void Exchange::heard_of_us(Peer&, const KnownNode& known, Output& out) {
    const auto place = own_.find(known.eid);
    if (!place || known.incarnation >= latest_believed) return;
    OwnNode& own = own_[*place];
    if (known.incarnation <= own.incarnation || known.incarnation <= own.raise_asked) return;
    own.raise_asked = known.incarnation;
    out.raises.push_back({known.eid, known.incarnation});
}

void Exchange::on_frame(Peer& peer, const PbxLink& link, state::Time now, Output& out) {
    for (PeerNode& node : peer.nodes) {
        if (node.announcement.eid != link.eid) continue;
        node.pbx_link_up = link.link == Link::up;
        if (node.outcome == AnnounceOutcome::accepted)
            engine_.node_pbx_link(peer.sender, *node.id, node.pbx_link_up, now, out.changes);
    }
}

void Exchange::on_frame(Peer& peer, const Goodbye& goodbye, state::Time now, Output& out) {
    const bool left = goodbye.how == Goodbye::How::left;
    peer.said_goodbye = true;
    out.news.push_back({News::Kind::goodbye, peer.id, left ? "left" : "restarting"});
    end_peer(peer, left ? state::Departure::left : state::Departure::restarting, now, out);
    drop_lane_of(peer);
}

void Exchange::on_frame(Peer& peer, const Unsupported& answer, state::Time, Output& out) {
    out.news.push_back({News::Kind::format_refused, peer.id, std::to_string(answer.met)});
}

// --- votes ---

void Exchange::on_frame(Peer& peer, const VotesView& votes, state::Time now, Output& out) {
    if (votes.table != frame_table) peer.names.use(votes.table);
    take_votes(peer, votes, Way::own_lane, now, out);
}

void Exchange::on_frame(Peer& peer, const MwiView& votes, state::Time now, Output& out) {
    take_mwi(peer, votes, Way::own_lane, now, out);
}

void Exchange::take_votes(Peer& peer, const VotesView& votes, Way way, state::Time now, Output& out) {
    batch_.clear();
    counters_.votes_in += votes.count;
    std::optional<state::NodeId> node;
    PeerNode* announced = nullptr;
    std::uint64_t incarnation = 0;
    bool missed_hello = false;
    bool missed_name = false;
    votes.for_each(
        [&](const KnownNode& said) {
            node = node_of(peer, said.eid, announced, out);
            incarnation = said.incarnation;
            missed_hello = missed_hello || (!node && announced == nullptr);
        },
        [&](const VoteEntry& vote) {
            if (way == Way::own_lane && announced != nullptr && announced->snapshot) ++*announced->snapshot;
            if (!node) {
                ++counters_.votes_unannounced;
                if (votes.table != frame_table && !vote.name.empty())
                    peer.names.define_name(vote.name_id, vote.name);
                return;
            }
            const std::uint64_t unnamed = counters_.votes_unnamed;
            const auto device = device_of(peer, vote, votes.table, out);
            if (counters_.votes_unnamed != unnamed) {
                missed_name = true;
                if (announced != nullptr) missed(peer, announced, now, out);
            }
            if (!device) return;
            batch_.push_back({*device,
                              *node,
                              vote.state,
                              vote.kind,
                              vote.cachable,
                              peer.sender,
                              {incarnation, vote.sequence}});
        });
    if (missed_hello) missed(peer, nullptr, now, out);
    if (way == Way::broadcast)
        for (const state::Vote& vote : batch_)
            remember(peer, {now, vote});
    apply_batch(now, out);
}

/// The node when this peer may speak for it; `announced`: as what the peer announced it, if it did.
std::optional<state::NodeId> Exchange::node_of(Peer& peer, const state::Eid& eid, PeerNode*& announced,
                                               Output& out) {
    const auto found = std::find_if(peer.nodes.begin(), peer.nodes.end(),
                                    [&](const PeerNode& node) { return node.announcement.eid == eid; });
    announced = found == peer.nodes.end() ? nullptr : &*found;
    if (announced != nullptr && announced->outcome == AnnounceOutcome::accepted) return announced->id;
    if (engine_.is_guardian(peer.sender)) return engine_.intern_node(eid, out.changes);
    return std::nullopt;
}

std::optional<state::DeviceId> Exchange::device_of(Peer& peer, const VoteEntry& vote, std::uint32_t table,
                                                   Output& out) {
    if (table == frame_table) {
        const auto device = engine_.intern_device(vote.name, out.changes);
        counters_.votes_over_limit += !device;
        return device;
    }
    NameTable::Entry entry{NameTable::Meaning::named, {}, nullptr};
    std::string_view name = vote.name;
    if (name.empty()) {
        entry = peer.names.find(vote.name_id);
        if (entry.name != nullptr) name = *entry.name;
    }
    switch (entry.meaning) {
        case NameTable::Meaning::device:
            return entry.device;
        case NameTable::Meaning::unknown:
            ++counters_.votes_unnamed;
            return std::nullopt;
        case NameTable::Meaning::refused:
            ++counters_.votes_over_limit;
            return std::nullopt;
        case NameTable::Meaning::named:
            break;
    }
    const auto device = engine_.intern_device(name, out.changes);
    if (device) {
        peer.names.define(vote.name_id, *device);
    } else {
        peer.names.define_refused(vote.name_id);
        ++counters_.votes_over_limit;
    }
    return device;
}

void Exchange::apply_batch(state::Time now, Output& out) {
    if (batch_.empty()) return;
    outcomes_.resize(batch_.size());
    engine_.apply(batch_, now, out.changes, outcomes_.data());
    for (const state::VoteOutcome outcome : outcomes_)
        ++counters_.votes_by_outcome[static_cast<std::size_t>(outcome)];
}

void Exchange::take_mwi(Peer& peer, const MwiView& votes, Way way, state::Time now, Output& out) {
    PeerNode* announced = nullptr;
    std::optional<state::NodeId> node;
    std::uint64_t incarnation = 0;
    bool missed_hello = false;
    counters_.mwi_in += votes.count;
    votes.for_each(
        [&](const KnownNode& said) {
            node = node_of(peer, said.eid, announced, out);
            incarnation = said.incarnation;
            missed_hello = missed_hello || (!node && announced == nullptr);
            if (node && announced != nullptr && !owned_here(*announced)) node.reset();
        },
        [&](const MwiEntry& vote) {
            if (way == Way::own_lane && announced != nullptr && announced->snapshot) ++*announced->snapshot;
            if (!node) return;
            const state::MwiVote counts{{std::string(vote.mailbox), std::string(vote.context)},
                                        *node,
                                        {vote.new_messages, vote.old_messages},
                                        vote.kind,
                                        {incarnation, vote.sequence}};
            if (way == Way::broadcast) remember(peer, {now, counts});
            out.mwi.emplace_back(counts);
        });
    if (missed_hello) missed(peer, nullptr, now, out);
}

// --- snapshots and digests ---

void Exchange::on_frame(Peer& peer, const SnapshotBegin& begin, state::Time now, Output& out) {
    PeerNode* announced = nullptr;
    const auto node = node_of(peer, begin.eid, announced, out);
    if (!node && announced == nullptr) return missed(peer, nullptr, now, out);
    if (!node || announced == nullptr) return;  // a guardian's knowledge of others is never complete
    announced->snapshot = 0;
    engine_.snapshot_begin(peer.sender, *node, now, out.changes);
    if (owned_here(*announced)) out.mwi.emplace_back(std::in_place_type<state::MwiSnapshotBegin>, *node);
    repeat_what_overtook(peer, *node, now, out);
}

void Exchange::on_frame(Peer& peer, const SnapshotEnd& end, state::Time now, Output& out) {
    PeerNode* announced = nullptr;
    const auto node = node_of(peer, end.eid, announced, out);
    if (!node || announced == nullptr || !announced->snapshot) return;
    const std::uint32_t votes = *announced->snapshot;
    announced->snapshot.reset();
    announced->asked_at.reset();
    if (votes != end.votes) {
        // To end it would drop what was only missed.
        ++counters_.snapshots_incomplete;
        return missed(peer, announced, now, out);
    }
    if (!engine_.snapshot_end(peer.sender, *node, now, out.changes)) return;
    out.mwi.emplace_back(std::in_place_type<state::MwiSnapshotEnd>, *node);
    announced->resumes.reset();
    announced->was_silent = false;
    ++counters_.snapshots_received;
}

void Exchange::on_frame(Peer& peer, const DigestView& digests, state::Time now, Output& out) {
    digests.for_each([&](const DigestEntry& digest) {
        PeerNode* announced = nullptr;
        const auto node = node_of(peer, digest.eid, announced, out);
        if (!node && announced == nullptr) return missed(peer, nullptr, now, out);
        if (node && announced != nullptr) compare(peer, *announced, digest, now, out);
    });
}

/// Another bus's votes of the node count, not this one's, when it is not owned here.
bool Exchange::owned_here(const PeerNode& node) const {
    return engine_.node(*node.id).owner == settings_.bus;
}

void Exchange::compare(Peer& peer, PeerNode& node, const DigestEntry& digest, state::Time now, Output& out) {
    if (node.snapshot || !owned_here(node)) return;
    if (node.asked_at && now - *node.asked_at < settings_.patience) return;
    ++counters_.digests_compared;
    if (engine_.digest(*node.id) == state::Digest{digest.votes, digest.hash}) {
        node.differences = 0;
        node.look_away = 0;
        return is_the_same(peer, node, now, out);
    }
    ++counters_.digests_different;
    if (settings_.catch_up == Settings::CatchUp::difference && !node.since_asked && node.differences == 0)
        return ask_for_newer(peer, node, out);
    if (node.look_away > 0) {
        --node.look_away;
        return;
    }
    constexpr std::uint32_t most_often_doubled = 5;
    node.look_away = (1u << std::min(node.differences, most_often_doubled)) - 1;
    ++node.differences;
    out.news.push_back({News::Kind::digest_different, peer.id, state::to_string(digest.eid)});
    request_snapshot(peer, node, now);
}

void Exchange::is_the_same(Peer& peer, PeerNode& node, state::Time now, Output& out) {
    if (settings_.catch_up != Settings::CatchUp::difference) return;
    counters_.nodes_confirmed += engine_.confirm(peer.sender, *node.id, now, out.changes);
    node.since_asked = false;
    node.resumes.reset();
    if (node.was_silent) ask_for_newer(peer, node, out);  // for the message counts
}

/// Once until a digest is the same: what this does not mend, a snapshot does.
void Exchange::request_since(Peer& peer, PeerNode& node) {
    const state::Version newest = node.resumes.value_or(engine_.newest_version(*node.id));
    node.since_asked = true;
    node.was_silent = false;
    if (Lane* to = lane(lane_of(peer.id))) to->request_since(node.announcement.eid, newest);
}

void Exchange::ask_for_newer(Peer& peer, PeerNode& node, Output& out) {
    out.news.push_back({News::Kind::newer_asked, peer.id, state::to_string(node.announcement.eid)});
    request_since(peer, node);
}

void Exchange::on_frame(Peer& peer, const Since& since, state::Time, Output&) {
    const auto place = own_.find(since.eid);
    Lane* to = lane(lane_of(peer.id));
    if (place && to != nullptr) to->answer_since(*place, since.newest);
}

/// Something was not understood because something before it was missed: asks for it, not more often than
/// patience allows.
void Exchange::missed(Peer& peer, PeerNode* node, state::Time now, Output& out) {
    std::optional<state::Time>& asked_at = node != nullptr ? node->asked_at : peer.hello_asked_at;
    if (asked_at && now - *asked_at < settings_.patience) return;
    out.news.push_back({News::Kind::votes_missed, peer.id,
                        node != nullptr ? state::to_string(node->announcement.eid) : std::string()});
    if (node != nullptr) return request_snapshot(peer, *node, now);
    asked_at = now;
    peer.missed_votes = true;
    if (Lane* to = lane(lane_of(peer.id))) to->request_hello();
}

void Exchange::request_snapshot(Peer& peer, PeerNode& node, state::Time now) {
    if (node.asked_at && now - *node.asked_at < settings_.patience) return;
    node.asked_at = now;
    if (Lane* to = lane(lane_of(peer.id))) to->request_snapshot(node.announcement.eid);
}

void Exchange::on_frame(Peer& peer, const Request& request, state::Time, Output&) {
    Lane* to = lane(lane_of(peer.id));
    if (to == nullptr) return;
    if (request.what == Request::What::hello) return to->say_hello();
    const auto place = own_.find(request.eid);
    if (!place) return;  // on a bus that reaches everybody: somebody else's
    to->renew_names();
    to->send_snapshot(*place);
}

}  // namespace lamplight::bus::sync
