// Roads, the processes they lead to, and whom we follow.
#include "bus/xmpp/lamplights.hpp"

#include "bus/xmpp/lamplights_impl.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lamplight::bus::xmpp {

namespace {

sync::Settings talk_settings(const Lamplights::Settings& settings,
                             std::function<bool(sync::PeerId, const state::Eid&)> may_announce) {
    sync::Settings talk;
    talk.bus = state::Bus::xmpp;
    talk.reach = sync::Settings::Reach::each_and_all;
    talk.catch_up = sync::Settings::CatchUp::difference;
    talk.software = settings.software;
    talk.may_announce = std::move(may_announce);
    return talk;
}

std::string_view to_text(Lamplights::Why why) {
    switch (why) {
        case Lamplights::Why::unavailable:
            return "is not available any more";
        case Lamplights::Why::stream_lost:
            return "cannot be reached: our stream has ended";
        case Lamplights::Why::silent:
            return "cannot be heard any more";
    }
    return {};
}

}  // namespace

void Lamplights::Output::clear() {
    *this = {};
}

Lamplights::Impl::Impl(state::Engine& engine, const state::MwiTable& mwi, Settings settings)
    : engine_(engine),
      settings_(std::move(settings)),
      exchange_(engine, mwi, talk_settings(settings_, [this](sync::PeerId peer, const state::Eid& eid) {
                    return may_announce(peer, eid);
                })) {}

// --- ourselves ---

void Lamplights::Impl::set_ties(std::span<const Tie> ties) {
    ties_.clear();
    for (const Tie& tie : ties)
        ties_[tie.eid].insert(tie.jid.bare());
}

/// One of its accounts must be of those the EID is tied to, or has room for it.
bool Lamplights::Impl::may_announce(sync::PeerId peer, const state::Eid& eid) {
    const Process* const process = process_of(peer);
    if (process == nullptr) return false;
    const auto tied = ties_.find(eid);
    return std::ranges::any_of(process->roads, [&](const Road& road) {
        const c2s::Jid account = road.jid.bare();
        if (tied != ties_.end() && !tied->second.contains(account)) return false;
        std::set<state::Eid>& announced = announced_[account];
        if (announced.size() < most_nodes) announced.insert(eid);
        return announced.contains(eid);
    });
}

void Lamplights::Impl::own_node_ready(ClientId client, NodeName node, state::Time now) {
    own_[client].node = std::move(node);
    exchange_.broadcast_ready();
    refresh_hearing(now);
}

void Lamplights::Impl::own_node_lost(ClientId client, state::Time now) {
    const auto found = own_.find(client);
    if (found == own_.end() || !found->second.node) return;
    found->second = {};
    for (const Item& item : items_)
        item_failed(item.number, client);
    std::erase_if(under_way_, [&](const auto& entry) {
        return entry.second.what == UnderWay::What::item && entry.second.client == client;
    });
    settle_items(now);
    for (auto& [road, state] : roads_)
        state.follows.erase(client);  // who sees the mark without a node and with one again says it anew
    const bool others =
        std::ranges::any_of(own_, [](const auto& own) { return own.second.node.has_value(); });
    if (!others) exchange_.broadcast_lost();
    refresh_hearing(now);
}

// --- roads ---

void Lamplights::Impl::road_up(const Road& road, Mark mark, state::Time now, Output& out) {
    if (mark.process.empty()) return;
    // Who names another's node would be taken for its speaker.
    if (!mark.node.starts_with(own_node_prefix)) mark.node.clear();
    if (mark.node.empty()) mark.service.clear();
    if (mark.process == settings_.process)
        return tell_once(News::Kind::same_process, c2s::to_string(road.jid), c2s::to_string(road.jid), now,
                         out);
    auto known = roads_.find(road);
    // Who is heard as somebody of its own is asked about again when it shows itself anew: perhaps it was
    // unknown there only for a while.
    if (known != roads_.end() && known->second.process != mark.process) {
        road_is_gone(road, Why::unavailable, now, out);
        known = roads_.end();
    }
    if (known == roads_.end()) {
        RoadState fresh;
        fresh.process = mark.process;
        fresh.up = false;
        known = roads_.emplace(road, std::move(fresh)).first;
    }
    const Mark before = std::exchange(known->second.mark, mark);
    if (before.node != mark.node || before.service != mark.service || !known->second.up) {
        follow_mark(road, mark, out);
        unfollow_if_unused(road.client, {before.service, before.node}, out);
    }
    known->second.heard = now;
    if (!known->second.up) admit(road, known->second, now, out);
}

/// The road leads somewhere again, or for the first time.
void Lamplights::Impl::road_is_there(const Road& road, RoadState& state, state::Time now, Output& out) {
    state.up = true;
    state.heard = now;
    state.ping_wanted = false;
    state.following_wanted = stands(road.client, state.mark);
    state.pause = {};
    state.paused_until.reset();
    state.refuses_frames = false;
    heard_again_.erase(road);
    out.news.push_back({News::Kind::road_up, c2s::to_string(road.jid)});
    const ProcessId id = state.process;
    if (const auto known = processes_.find(id);
        known != processes_.end() && known->second.said_goodbye && known->second.roads.empty())
        end_process(known, now, out);  // it has said its last word; what comes now is a life of its own
    Process& process = processes_[id];
    if (process.accounts.empty()) process.account = road.jid.bare();
    process.accounts.insert(road.jid.bare());
    process.roads.insert(road);
    if (!process.peer)
        process.peer = exchange_.peer_joined(c2s::to_string(road.jid.bare()), now, out.sync);
    else if (!process.present)
        exchange_.peer_present(*process.peer, now, out.sync);
    process.present = process.peer.has_value();
    refresh_hearing(process, now);
}

void Lamplights::Impl::road_down(const Road& road, Why why, state::Time now, Output& out) {
    if (!roads_.contains(road)) return;
    road_is_gone(road, why, now, out);
}

void Lamplights::Impl::road_is_gone(const Road& road, Why why, state::Time now, Output& out) {
    const auto found = roads_.find(road);
    RoadState& state = found->second;
    heard_again_.erase(road);
    drop_under_way(road);
    const ProcessId id = state.process;
    if (std::exchange(state.up, false))
        out.news.push_back(
            {News::Kind::road_down, c2s::to_string(road.jid) + " " + std::string(to_text(why))});
    // A silent road may be heard again, and what it said of itself holds then; another presence says all
    // anew.
    if (why != Why::silent) roads_.erase(found);
    const auto process = processes_.find(id);
    if (process == processes_.end() || process->second.roads.erase(road) == 0) return;
    settle_frames(process->second);
    if (process->second.current == road) process->second.current.reset();
    if (process->second.roads.empty())
        last_road_gone(process->second, now, out);
    else
        refresh_hearing(process->second, now);
}

/// What was under way there goes again, over another road or when there is one.
void Lamplights::Impl::drop_under_way(const Road& road) {
    for (auto at = under_way_.begin(); at != under_way_.end();) {
        const UnderWay& what = at->second;
        const bool here = what.what != UnderWay::What::item && what.road == road;
        if (here && what.what == UnderWay::What::frame)
            if (const auto process = processes_.find(what.process); process != processes_.end())
                for (Frame& frame : process->second.frames)
                    if (frame.tag == at->first) frame.became = Frame::Became::lost;
        at = here ? under_way_.erase(at) : std::next(at);
    }
    roads_.at(road).ping_wanted = false;
}

void Lamplights::Impl::last_road_gone(Process& process, state::Time now, Output& out) {
    process.present = false;
    process.gone_since = now;
    if (process.peer && !process.said_goodbye)
        exchange_.peer_gone(*process.peer, state::Departure::silent, now, out.sync);
    forget_old(now, out);
}

/// Its roads stay, and may lead to a new one of the same number.
void Lamplights::Impl::end_process(std::map<ProcessId, Process>::iterator process, state::Time now,
                                   Output& out) {
    if (process->second.peer)
        exchange_.peer_gone(*process->second.peer, state::Departure::failed, now, out.sync);
    processes_.erase(process);
}

void Lamplights::Impl::forget(const ProcessId& id, state::Time now, Output& out) {
    const auto found = processes_.find(id);
    if (found == processes_.end()) return;
    end_process(found, now, out);
    std::erase_if(roads_, [&](const auto& road) { return road.second.process == id; });
}

/// Those without a road that will not come back: mostly they have come back as another process.
void Lamplights::Impl::forget_old(state::Time now, Output& out) {
    std::vector<std::pair<state::Time, ProcessId>> gone;
    for (const auto& [id, process] : processes_)
        if (process.roads.empty()) gone.emplace_back(process.gone_since, id);
    std::ranges::sort(gone);
    std::map<c2s::Jid, std::size_t> lives;
    for (auto newest = gone.rbegin(); newest != gone.rend(); ++newest)
        if (++lives[processes_.at(newest->second).account] > most_lives) forget(newest->second, now, out);
    std::erase_if(gone, [&](const auto& one) { return !processes_.contains(one.second); });
    std::size_t too_many = gone.size() > most_gone ? gone.size() - most_gone : 0;
    for (const auto& [since, id] : gone) {
        if (too_many == 0 && now - since < engine_.policy().forget_after) return;
        if (too_many > 0) --too_many;
        forget(id, now, out);
    }
}

void Lamplights::Impl::client_lost(ClientId client, state::Time now, Output& out) {
    own_jids_.erase(client);
    std::vector<Road> lost;
    for (const auto& [road, state] : roads_)
        if (road.client == client) lost.push_back(road);
    for (const Road& road : lost)
        road_down(road, Why::stream_lost, now, out);  // one that is gone may have had others forgotten
    for (auto& [what, followed] : followed_)
        if (what.first == client) followed.stands = false;
    own_node_lost(client, now);
    own_.erase(client);
}

// --- whom we follow, and who follows us ---

void Lamplights::Impl::follow_mark(const Road& road, const Mark& mark, Output& out) {
    if (mark.node.empty() || mark.service.empty()) return;
    Followed& followed = followed_[{road.client, {mark.service, mark.node}}];
    followed.unused_since.reset();
    roads_.at(road).following_wanted = followed.stands;
    if (!followed.stands)
        out.follows.push_back({road.client, mark.service, mark.node, Output::Follow::What::follow});
}

bool Lamplights::Impl::marked(ClientId client, const NodeName& node) const {
    return std::ranges::any_of(roads_, [&](const auto& road) {
        const Mark& mark = road.second.mark;
        return road.first.client == client && mark.node == node.node && mark.service == node.service;
    });
}

void Lamplights::Impl::unfollow_if_unused(ClientId client, const NodeName& node, Output& out) {
    if (marked(client, node) || followed_.erase({client, node}) == 0) return;
    out.follows.push_back({client, node.service, node.node, Output::Follow::What::unfollow});
}

bool Lamplights::Impl::stands(ClientId client, const Mark& mark) const {
    const auto found = followed_.find({client, {mark.service, mark.node}});
    return found != followed_.end() && found->second.stands;
}

/// Who restarts has the same node again; a subscription is given up when nobody has had it for long.
void Lamplights::Impl::unfollow_old(state::Time now, Output& out) {
    std::vector<std::pair<ClientId, NodeName>> old;
    for (auto& [what, followed] : followed_) {
        if (marked(what.first, what.second))
            followed.unused_since.reset();
        else if (!followed.unused_since)
            followed.unused_since = now;
        else if (now - *followed.unused_since >= engine_.policy().forget_after)
            old.push_back(what);
    }
    for (const auto& [client, node] : old)
        unfollow_if_unused(client, node, out);
}

void Lamplights::Impl::subscribed(ClientId client, NodeName node, bool stands, state::Time now) {
    for (auto& [road, state] : roads_)
        if (road.client == client && state.mark.node == node.node && state.mark.service == node.service)
            state.following_wanted = true;
    const auto found = followed_.find({client, std::move(node)});
    if (found == followed_.end()) return;
    found->second.stands = stands;
    found->second.since = now;
}

void Lamplights::Impl::refresh_hearing(state::Time now) {
    for (auto& [id, process] : processes_)
        refresh_hearing(process, now);
}

bool Lamplights::Impl::follows_us(const Process& process) const {
    return std::ranges::any_of(process.roads, [&](const Road& road) {
        return std::ranges::any_of(roads_.at(road).follows, [&](ClientId client) {
            const auto own = own_.find(client);
            return own != own_.end() && own->second.node && !own->second.behind;
        });
    });
}

/// A process hears the broadcast while one of its roads follows a node of ours that can be published to.
void Lamplights::Impl::refresh_hearing(Process& process, state::Time now) {
    if (!process.peer || !process.present) return;
    if (follows_us(process))
        exchange_.peer_hears_broadcast(*process.peer);
    else
        exchange_.peer_misses_broadcast(*process.peer, now);
}

// --- small things ---

Lamplights::Impl::Process* Lamplights::Impl::process_of(sync::PeerId peer) {
    const auto found =
        std::ranges::find_if(processes_, [&](const auto& process) { return process.second.peer == peer; });
    return found == processes_.end() ? nullptr : &found->second;
}

/// A goodbye among the news of the talk, from there on.
void Lamplights::Impl::note_goodbyes(Output& out, std::size_t from) {
    for (std::size_t i = from; i < out.sync.news.size(); ++i)
        if (out.sync.news[i].kind == sync::News::Kind::goodbye)
            if (Process* process = process_of(out.sync.news[i].peer)) process->said_goodbye = true;
}

void Lamplights::Impl::tell_once(News::Kind kind, std::string text, std::string about, state::Time now,
                                 Output& out) {
    std::erase_if(said_, [&](const auto& said) { return now - said.second >= said_once; });
    about += static_cast<char>('0' + static_cast<int>(kind));
    if (said_.size() >= most_said || !said_.emplace(std::move(about), now).second) return;
    out.news.push_back({kind, std::move(text)});
}

// --- time ---

/// Silent ones are asked too, less often: nothing else tells that they are back.
state::Time Lamplights::Impl::next_ping(const RoadState& state) const {
    return std::max(state.heard, state.pinged) + (state.up ? settings_.ping_every : 2 * settings_.ping_every);
}

std::optional<state::Time> Lamplights::Impl::next_deadline() const {
    std::optional<state::Time> next = exchange_.next_deadline();
    const auto sooner = [&](state::Time time) {
        if (!next || time < *next) next = time;
    };
    for (const auto& [road, state] : roads_) {
        if (state.kin == RoadState::Kin::unproven) {
            if (is_orphan(state)) return state::Time{};
            if (state.paused_until) sooner(*state.paused_until);
            continue;
        }
        if (state.up) sooner(state.heard + settings_.silent_after);
        if (!state.ping_wanted) sooner(next_ping(state));
        if (state.paused_until) sooner(*state.paused_until);
    }
    for (const auto& [id, process] : processes_)
        if (const auto leave = leaves_road_at(process)) sooner(*leave);
    for (const auto& [client, own] : own_)
        if (const auto leave = leaves_node_at(client, own)) sooner(*leave);
    if (!heard_again_.empty()) return state::Time{};
    return next;
}

void Lamplights::Impl::on_time(state::Time now, Output& out) {
    if (exchange_.next_deadline() && *exchange_.next_deadline() <= now) {
        exchange_.on_time(now, out.sync);
        forget_old(now, out);
        unfollow_old(now, out);
    }
    for (const Road& road : std::exchange(heard_again_, {}))
        if (const auto found = roads_.find(road); found != roads_.end() && !found->second.up)
            admit(road, found->second, now, out);
    admit_orphans(now, out);
    std::vector<Road> silent;
    for (auto& [road, state] : roads_) {
        if (state.paused_until && *state.paused_until <= now) state.paused_until.reset();
        if (state.kin == RoadState::Kin::unproven) continue;
        if (state.up && now - state.heard >= settings_.silent_after) silent.push_back(road);
        if (next_ping(state) > now) continue;
        state.ping_wanted = true;
        state.pinged = now;
    }
    for (const Road& road : silent)
        road_is_gone(road, Why::silent, now, out);
    leave_nodes(now);
    leave_roads(now);
}

// --- the public face ---

Lamplights::Lamplights(state::Engine& engine, const state::MwiTable& mwi, Settings settings)
    : impl_(std::make_unique<Impl>(engine, mwi, std::move(settings))) {}
Lamplights::~Lamplights() = default;

void Lamplights::set_own_nodes(std::span<const state::Announcement> nodes) {
    impl_->exchange_.set_own_nodes(nodes);
}
void Lamplights::set_ties(std::span<const Tie> ties) {
    impl_->set_ties(ties);
}
void Lamplights::own_jid(ClientId client, c2s::Jid full) {
    impl_->own_jid(client, std::move(full));
}
void Lamplights::on_changes(const state::Changes& changes) {
    impl_->exchange_.on_changes(changes);
}
void Lamplights::on_mwi_changes(std::span<const state::MwiOwnChange> changes) {
    impl_->exchange_.on_mwi_changes(changes);
}
void Lamplights::own_node_ready(ClientId client, std::string service, std::string node, state::Time now) {
    impl_->own_node_ready(client, {std::move(service), std::move(node)}, now);
}
void Lamplights::own_node_lost(ClientId client, state::Time now) {
    impl_->own_node_lost(client, now);
}
void Lamplights::road_up(const Road& road, const Mark& mark, state::Time now, Output& out) {
    impl_->road_up(road, mark, now, out);
}
void Lamplights::road_down(const Road& road, Why why, state::Time now, Output& out) {
    impl_->road_down(road, why, now, out);
}
void Lamplights::client_lost(ClientId client, state::Time now, Output& out) {
    impl_->client_lost(client, now, out);
}
void Lamplights::following(ClientId client, std::string_view service, std::string_view node,
                           state::Time now) {
    impl_->subscribed(client, {std::string(service), std::string(node)}, true, now);
}
void Lamplights::not_following(ClientId client, std::string_view service, std::string_view node,
                               state::Time now) {
    impl_->subscribed(client, {std::string(service), std::string(node)}, false, now);
}
bool Lamplights::receive(const Road& road, const wire::xml::Element& iq, state::Time now, Output& out) {
    return impl_->receive(road, iq, now, out);
}
void Lamplights::heard_from(const Road& road, state::Time now) {
    impl_->heard_from(road, now);
}
bool Lamplights::receive_event(ClientId client, const wire::pubsub::Event& event, state::Time now,
                               Output& out) {
    return impl_->receive_event(client, event, now, out);
}
Lamplights::Wants Lamplights::wants_to_send(ClientId client) const {
    return impl_->wants_to_send(client);
}
std::optional<Lamplights::Taken> Lamplights::take(ClientId client, std::size_t budget, state::Time now) {
    return impl_->take(client, budget, now);
}
void Lamplights::answered(ClientId client, std::uint64_t tag, Answer answer, const wire::xml::Element* error,
                          state::Time now, Output& out) {
    impl_->answered(client, tag, answer, error, now, out);
}
void Lamplights::say_goodbye(wire::vote::Goodbye::How how) {
    impl_->exchange_.say_goodbye(how);
}
bool Lamplights::said_goodbye() const {
    return impl_->said_goodbye();
}
std::optional<state::Time> Lamplights::next_deadline() const {
    return impl_->next_deadline();
}
void Lamplights::on_time(state::Time now, Output& out) {
    impl_->on_time(now, out);
}
bool Lamplights::is_up(const Road& road) const {
    const auto found = impl_->roads_.find(road);
    return found != impl_->roads_.end() && found->second.up;
}
std::vector<Lamplights::PeerView> Lamplights::peers() const {
    return impl_->peers();
}
const sync::Exchange& Lamplights::exchange() const {
    return impl_->exchange_;
}

}  // namespace lamplight::bus::xmpp
