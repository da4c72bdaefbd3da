// What goes out: words, items in our own nodes, frames to each; and what became of them.
#include "bus/xmpp/lamplights_impl.hpp"
#include "wire/pubsub/names.hpp"
#include "wire/pubsub/payload.hpp"
#include "wire/pubsub/request.hpp"
#include "wire/vote/frame.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace lamplight::bus::xmpp {

namespace ns = wire::pubsub::ns;
using wire::xml::Element;

namespace {

constexpr std::string_view item_id = "votes";
constexpr std::size_t stanza_overhead =
    512;  ///< around the base64 of a frame: two full JIDs, or service and node

std::size_t frame_budget(std::size_t stanza_bytes) {
    const std::size_t text = stanza_bytes > stanza_overhead ? stanza_bytes - stanza_overhead : 0;
    return std::clamp(text / 4 * 3, wire::vote::min_budget_bytes, wire::vote::max_frame_bytes);
}

Element iq_to(const c2s::Jid& jid, Element content) {
    Element iq("iq", std::string(ns::client));
    iq.set("type", "set").set("to", c2s::to_string(jid)).add(std::move(content));
    return iq;
}

Element following_word(const Mark& mark, bool stands) {
    Element word("following", std::string(ns::frame));
    word.set("node", mark.node).set("service", mark.service);
    if (!stands) word.set("subscription", "none");
    return word;
}

}  // namespace

// --- whether there is something ---

/// The one that has frames under way, so that they stay in order; else one that takes frames, and answers.
std::optional<Road> Lamplights::Impl::best_road(const Process& process) const {
    const auto takes = [&](const Road& road) { return !roads_.at(road).paused_until; };
    if (process.current && !process.frames.empty())
        return takes(*process.current) ? process.current : std::nullopt;
    if (process.current && answers(*process.current)) return process.current;
    auto found = std::ranges::find_if(process.roads, [&](const Road& road) { return answers(road); });
    if (found == process.roads.end()) found = std::ranges::find_if(process.roads, takes);
    return found == process.roads.end() ? std::nullopt : std::optional(*found);
}

/// As far as is known.
bool Lamplights::Impl::answers(const Road& road) const {
    const RoadState& state = roads_.at(road);
    return !state.paused_until && (!state.left || state.heard > *state.left);
}

bool Lamplights::Impl::talks_on(const Road& road, const RoadState& state, Urgency urgency) const {
    if (!state.up) return false;
    const Process& process = processes_.at(state.process);
    if (!process.peer || process.frames.size() >= process.credit) return false;
    const sync::LaneId lane = exchange_.lane_of(*process.peer);
    if (!exchange_.wants_to_send(lane)) return false;
    return exchange_.has_fresh(lane) == (urgency == Urgency::fresh) && best_road(process) == road;
}

bool Lamplights::Impl::ping_is_due(ClientId client) const {
    return std::ranges::any_of(
        roads_, [&](const auto& entry) { return entry.first.client == client && entry.second.ping_wanted; });
}

bool Lamplights::Impl::word_is_due(ClientId client) const {
    return std::ranges::any_of(roads_, [&](const auto& entry) {
        const RoadState& state = entry.second;
        return entry.first.client == client && state.following_wanted && state.up && !state.paused_until;
    });
}

bool Lamplights::Impl::item_is_due(ClientId client) const {
    const auto found = own_.find(client);
    if (found == own_.end() || !found->second.node || found->second.items_under_way >= most_under_way)
        return false;
    if (!found->second.waiting.empty()) return true;
    return !found->second.behind && exchange_.wants_to_send(sync::Exchange::everybody) &&
           has_audience(client);
}

bool Lamplights::Impl::has_audience(ClientId client) const {
    return std::ranges::any_of(
        roads_, [&](const auto& road) { return road.second.up && road.second.follows.contains(client); });
}

Lamplights::Wants Lamplights::Impl::wants_to_send(ClientId client) const {
    if (ping_is_due(client)) return Wants::ping;
    if (word_is_due(client) || kin_is_due(client) || item_is_due(client)) return Wants::fresh;
    Wants wants = Wants::nothing;
    for (const auto& [road, state] : roads_) {
        if (road.client != client) continue;
        if (talks_on(road, state, Urgency::fresh)) return Wants::fresh;
        if (talks_on(road, state, Urgency::bulk)) wants = Wants::bulk;
    }
    return wants;
}

// --- what is said ---

std::optional<Lamplights::Taken> Lamplights::Impl::take(ClientId client, std::size_t budget,
                                                        state::Time now) {
    const std::size_t frame = frame_budget(budget);
    if (auto ping = take_ping(client)) return ping;
    if (auto word = take_word(client)) return word;
    if (auto kin = take_kin(client, now)) return kin;
    if (auto item = take_item(client, frame, now)) return item;
    if (auto fresh = take_frame(client, Urgency::fresh, frame, now)) return fresh;
    return take_frame(client, Urgency::bulk, frame, now);
}

Lamplights::Taken Lamplights::Impl::sent(UnderWay what, Element iq, bool fresh) {
    const std::uint64_t tag = ++last_tag_;
    under_way_.emplace(tag, std::move(what));
    return {std::move(iq), tag, fresh, {}};
}

/// First where the answer decides whether somebody counts as silent.
std::optional<Lamplights::Taken> Lamplights::Impl::take_ping(ClientId client) {
    std::pair<const Road, RoadState>* first = nullptr;
    for (auto& entry : roads_)
        if (entry.first.client == client && entry.second.ping_wanted)
            if (first == nullptr || (entry.second.up && !first->second.up)) first = &entry;
    if (first == nullptr) return std::nullopt;
    first->second.ping_wanted = false;
    Taken ping = sent({UnderWay::What::ping, client, first->first, first->second.process},
                      wire::pubsub::ping(c2s::to_string(first->first.jid)), true);
    ping.patience = settings_.ping_every;
    return ping;
}

std::optional<Lamplights::Taken> Lamplights::Impl::take_word(ClientId client) {
    for (auto& [road, state] : roads_) {
        if (road.client != client) continue;
        if (!state.up || state.paused_until || !std::exchange(state.following_wanted, false)) continue;
        return sent({UnderWay::What::following, client, road, state.process},
                    iq_to(road.jid, following_word(state.mark, stands(client, state.mark))), true);
    }
    return std::nullopt;
}

std::optional<Lamplights::Taken> Lamplights::Impl::take_item(ClientId client, std::size_t budget,
                                                             state::Time now) {
    if (!item_is_due(client)) return std::nullopt;
    OwnClient& own = own_.at(client);
    if (own.waiting.empty() && (!new_item(budget) || own.waiting.empty())) return std::nullopt;
    const std::uint64_t number = own.waiting.front();
    own.waiting.pop_front();
    const auto item = std::ranges::find(items_, number, &Item::number);
    if (own.items_under_way++ == 0) own.asked = now;
    UnderWay what{UnderWay::What::item, client, {}, {}, number};
    return sent(std::move(what),
                wire::pubsub::publish(own.node->service, own.node->node,
                                      wire::pubsub::make_item(item->frame, item_id)),
                true);
}

/// The same frame for every node that somebody follows.
bool Lamplights::Impl::new_item(std::size_t budget) {
    Item item;
    item.frame.resize(budget);
    sync::Taken taken;
    while (taken.bytes == 0 && exchange_.wants_to_send(sync::Exchange::everybody))
        taken = exchange_.take_frame(sync::Exchange::everybody, item.frame);
    if (taken.bytes == 0) return false;
    item.frame.resize(taken.bytes);
    item.id = taken.id;
    item.number = ++last_item_;
    for (auto& [client, own] : own_) {
        if (own.waiting.size() >= most_items_behind) fall_behind(client, own);
        if (!own.node || own.behind || !has_audience(client)) continue;
        own.waiting.push_back(item.number);
        item.open.insert(client);
    }
    items_.push_back(std::move(item));
    return true;
}

std::optional<Lamplights::Taken> Lamplights::Impl::take_frame(ClientId client, Urgency urgency,
                                                              std::size_t budget, state::Time now) {
    std::optional<Road>& last = own_[client].last;
    std::vector<Road> ready;
    for (const auto& [road, state] : roads_)
        if (road.client == client && talks_on(road, state, urgency)) ready.push_back(road);
    if (ready.empty()) return std::nullopt;
    const auto after = last ? std::ranges::upper_bound(ready, *last) : ready.begin();
    std::ranges::rotate(ready, after);
    for (const Road& road : ready) {
        last = road;
        if (auto taken = frame_on(road, budget, now)) return taken;
    }
    return std::nullopt;
}

std::optional<Lamplights::Taken> Lamplights::Impl::frame_on(const Road& road, std::size_t budget,
                                                            state::Time now) {
    const ProcessId& id = roads_.at(road).process;
    Process& process = processes_.at(id);
    const sync::LaneId lane = exchange_.lane_of(*process.peer);
    std::array<std::uint8_t, wire::vote::max_frame_bytes> buffer;
    if (process.credit == 1) budget = wire::vote::min_budget_bytes;
    const wire::MutableBytes room = wire::MutableBytes(buffer).first(budget);
    sync::Taken taken;
    while (taken.bytes == 0 && exchange_.wants_to_send(lane))
        taken = exchange_.take_frame(lane, room);
    if (taken.bytes == 0) return std::nullopt;
    process.current = road;
    Taken stanza = sent({UnderWay::What::frame, road.client, road, id},
                        iq_to(road.jid, wire::pubsub::make_frame(room.first(taken.bytes))), taken.fresh);
    process.frames.push_back({taken.id, stanza.tag, now});
    return stanza;
}

bool Lamplights::Impl::said_goodbye() const {
    return std::ranges::all_of(processes_, [&](const auto& entry) {
        const Process& process = entry.second;
        return process.roads.empty() || !process.peer || process.said_goodbye ||
               exchange_.said_goodbye(exchange_.lane_of(*process.peer));
    });
}

// --- what became of it ---

void Lamplights::Impl::answered(ClientId, std::uint64_t tag, Answer answer, const Element* error,
                                state::Time now, Output& out) {
    const auto found = under_way_.find(tag);
    if (found == under_way_.end()) return;
    const UnderWay what = found->second;
    under_way_.erase(found);
    switch (what.what) {
        case UnderWay::What::frame:
            return frame_answered(what, tag, answer, now);
        case UnderWay::What::item:
            return item_answered(what, answer, error, now, out);
        case UnderWay::What::kin:
            return kin_answered(what, answer, now, out);
        case UnderWay::What::ping:
        case UnderWay::What::following:
            return word_answered(what, answer, error, now);
    }
}

/// Who refuses is asked again, ever less often.
void Lamplights::Impl::pause(RoadState& state, state::Time now) {
    state.pause = std::clamp(state.pause * 2, first_pause, longest_pause);
    state.paused_until = now + state.pause;
}

void Lamplights::Impl::frame_answered(const UnderWay& frame, std::uint64_t tag, Answer answer,
                                      state::Time now) {
    RoadState& state = roads_.at(frame.road);
    const bool accepted = answer == Answer::accepted;
    if (accepted) {
        state.pause = {};
        heard_from(frame.road, now);
    } else if (!state.paused_until) {
        state.refuses_frames = answer == Answer::refused;
        pause(state, now);
    }
    Process& process = processes_.at(frame.process);
    for (Frame& sent : process.frames)
        if (sent.tag == tag) sent.became = accepted ? Frame::Became::delivered : Frame::Became::lost;
    settle_frames(process);
}

/// The lane takes a delivery for that of all before it, so those are told in order.
void Lamplights::Impl::settle_frames(Process& process) {
    if (!process.peer) return;
    const sync::LaneId lane = exchange_.lane_of(*process.peer);
    std::erase_if(process.frames, [&](const Frame& frame) {
        if (frame.became != Frame::Became::lost) return false;
        exchange_.frame_lost(lane, frame.id);
        process.credit = 1;
        return true;
    });
    while (!process.frames.empty() && process.frames.front().became == Frame::Became::delivered) {
        exchange_.frame_delivered(lane, process.frames.front().id);
        process.frames.pop_front();
        process.credit = std::min(process.credit + 1, most_under_way);
    }
}

// --- roads that do not answer ---

/// When there is another that may: that a road is silent is known after `silent_after` only, and a change
/// does not wait for that.
std::optional<state::Time> Lamplights::Impl::leaves_road_at(const Process& process) const {
    if (!process.current || process.frames.empty()) return std::nullopt;
    const bool another = std::ranges::any_of(
        process.roads, [&](const Road& road) { return road != process.current && answers(road); });
    if (!another) return std::nullopt;
    return std::max(process.frames.front().sent, roads_.at(*process.current).heard) + road_patience;
}

void Lamplights::Impl::leave_roads(state::Time now) {
    for (auto& [id, process] : processes_)
        if (const auto at = leaves_road_at(process); at && *at <= now) leave_road(process, now);
}

/// It hears changes as items of that client's node alone, and another client has a road to it.
bool Lamplights::Impl::is_better_reached_without(ClientId client, const Process& process) const {
    bool follows = false;
    bool another = false;
    for (const Road& road : process.roads) {
        another = another || (road.client != client && answers(road));
        for (const ClientId followed : roads_.at(road).follows) {
            follows = follows || followed == client;
            const auto own = own_.find(followed);
            if (followed != client && own != own_.end() && own->second.node && !own->second.behind)
                return false;
        }
    }
    return process.peer && follows && another;
}

/// An own node whose service does not answer holds nobody up who can be told by itself on another road.
std::optional<state::Time> Lamplights::Impl::leaves_node_at(ClientId client, const OwnClient& own) const {
    if (!own.node || own.behind || own.items_under_way == 0) return std::nullopt;
    const bool any = std::ranges::any_of(
        processes_, [&](const auto& process) { return is_better_reached_without(client, process.second); });
    return any ? std::optional(own.asked + road_patience) : std::nullopt;
}

void Lamplights::Impl::leave_nodes(state::Time now) {
    for (auto& [client, own] : own_) {
        const auto at = leaves_node_at(client, own);
        if (!at || *at > now) continue;
        for (auto& [road, state] : roads_)
            if (road.client == client && state.heard <= own.asked) state.left = now;
        fall_behind(client, own);
    }
    if (std::exchange(fell_behind_, false)) refresh_hearing(now);
}

/// What is under way there is said again, on another.
void Lamplights::Impl::leave_road(Process& process, state::Time now) {
    roads_.at(*process.current).left = now;
    for (Frame& frame : process.frames) {
        if (frame.became != Frame::Became::unknown) continue;
        frame.became = Frame::Became::lost;
        under_way_.erase(frame.tag);
    }
    settle_frames(process);
    process.current.reset();
}

void Lamplights::Impl::word_answered(const UnderWay& word, Answer answer, const Element* error,
                                     state::Time now) {
    if (answer == Answer::accepted) return heard_from(word.road, now);
    if (word.what == UnderWay::What::following) {
        RoadState& state = roads_.at(word.road);
        state.following_wanted = true;
        if (!state.paused_until) pause(state, now);
        return;
    }
    // A client that does not know pings says so itself; other errors are its server's.
    if (answer == Answer::refused && error != nullptr &&
        wire::pubsub::parse_error(*error).is("feature-not-implemented"))
        heard_from(word.road, now);
}

// --- items ---

void Lamplights::Impl::item_answered(const UnderWay& what, Answer answer, const Element* error,
                                     state::Time now, Output& out) {
    OwnClient& own = own_[what.client];
    if (own.items_under_way > 0) --own.items_under_way;
    own.asked = now;
    const auto item = std::ranges::find(items_, what.item, &Item::number);
    if (item != items_.end() && answer == Answer::accepted && item->open.erase(what.client) > 0)
        item->reached.insert(what.client);
    else
        item_failed(what.item, what.client);
    if (own.behind && own.items_under_way == 0) {
        own.behind = false;
        fell_behind_ = true;
    }
    if (answer == Answer::refused && own.node) {
        // Until somebody has looked after it, changes go to each.
        if (error != nullptr) out.refused.push_back({what.client, own.node->node, *error});
        return own_node_lost(what.client, now);
    }
    settle_items(now);
}

void Lamplights::Impl::item_failed(std::uint64_t number, ClientId client) {
    const auto item = std::ranges::find(items_, number, &Item::number);
    if (item != items_.end() && item->open.erase(client) > 0) item->failed.insert(client);
}

void Lamplights::Impl::settle_items(state::Time now) {
    bool in_order = true;
    for (Item& item : items_) {
        if (!item.reported && !item.reached.empty() && in_order) {
            exchange_.frame_delivered(sync::Exchange::everybody, item.id);
            item.reported = true;
        }
        if (!item.reported && item.reached.empty() && item.open.empty()) {
            exchange_.frame_lost(sync::Exchange::everybody, item.id);
            item.reported = true;
            item.failed.clear();  // it is said again to all
        }
        in_order = in_order && item.reported;
    }
    for (const Item& item : items_)
        if (item.reported && item.open.empty()) catch_up_who_missed(item, now);
    std::erase_if(items_, [](const Item& item) { return item.reported && item.open.empty(); });
    if (std::exchange(fell_behind_, false)) refresh_hearing(now);
}

/// It came to one of our nodes and not to another: who follows only that one has missed it.
void Lamplights::Impl::catch_up_who_missed(const Item& item, state::Time now) {
    if (item.failed.empty()) return;
    for (auto& [id, process] : processes_) {
        bool reached = false;
        bool failed = false;
        for (const Road& road : process.roads)
            for (const ClientId client : roads_.at(road).follows) {
                reached = reached || item.reached.contains(client);
                failed = failed || item.failed.contains(client);
            }
        if (reached || !failed || !process.peer) continue;
        exchange_.peer_misses_broadcast(*process.peer, now);
        refresh_hearing(process, now);
    }
}

/// What waits for it is given up; who follows nothing else is told alone until it has caught up.
void Lamplights::Impl::fall_behind(ClientId client, OwnClient& own) {
    own.behind = own.items_under_way > 0;
    fell_behind_ = true;
    for (const std::uint64_t number : std::exchange(own.waiting, {}))
        item_failed(number, client);
}

}  // namespace lamplight::bus::xmpp
