// What comes: IQs from roads, items in nodes that marks named.
#include "bus/xmpp/lamplights_impl.hpp"
#include "wire/pubsub/names.hpp"
#include "wire/pubsub/payload.hpp"
#include "wire/pubsub/request.hpp"

#include <algorithm>
#include <utility>

namespace lamplight::bus::xmpp {

namespace ns = wire::pubsub::ns;
using wire::xml::Element;

void Lamplights::Impl::heard_from(const Road& road, state::Time now) {
    const auto found = roads_.find(road);
    if (found == roads_.end()) return;
    found->second.heard = now;
    found->second.ping_wanted = false;
    if (!found->second.up && found->second.kin == RoadState::Kin::proven) heard_again_.insert(road);
}

bool Lamplights::Impl::receive(const Road& road, const Element& iq, state::Time now, Output& out) {
    const Element* frame = iq.child("frame", ns::frame);
    const Element* following = iq.child("following", ns::frame);
    const Element* kin = iq.child("kin", ns::frame);
    if (frame == nullptr && following == nullptr && kin == nullptr) return false;
    const auto found = roads_.find(road);
    const auto refuse = [&](std::string_view condition, std::string_view type, int code) {
        out.stanzas[road.client].push_back(wire::pubsub::make_error(iq, condition, type, code));
        return true;
    };
    if (found == roads_.end()) {
        const std::string who = c2s::to_string(road.jid);
        count(Refusal::unmarked);
        tell_once(News::Kind::unexpected, who + " is no Lamplight by its presence", who, now, out);
        return refuse("not-allowed", "cancel", 405);
    }
    if (kin != nullptr) return receive_kin(road, iq, *kin, out), true;
    if (!found->second.up && found->second.kin == RoadState::Kin::proven)
        admit(road, found->second, now, out);
    else
        heard_from(road, now);
    if (!found->second.up) return count(Refusal::unproven), refuse("not-allowed", "cancel", 405);
    if (iq.value_of("type") != "set") return count(Refusal::no_set), refuse("bad-request", "modify", 400);
    if (std::exchange(found->second.refuses_frames, false)) found->second.paused_until.reset();
    if (frame != nullptr)
        receive_frame(road, iq, *frame, now, out);
    else
        receive_following(road, iq, *following, now, out);
    return true;
}

void Lamplights::Impl::receive_frame(const Road& road, const Element& iq, const Element& content,
                                     state::Time now, Output& out) {
    Stanzas& answers = out.stanzas[road.client];
    const Process& process = processes_.at(roads_.at(road).process);
    const auto frame = wire::pubsub::parse_frame(content);
    if (!frame) {
        const std::string who = c2s::to_string(road.jid);
        count(Refusal::bad_frame);
        tell_once(News::Kind::unexpected, who + ": " + std::string(to_string(frame.error())), who, now, out);
        answers.push_back(wire::pubsub::make_error(iq, "bad-request", "modify", 400));
        return;
    }
    if (!process.peer) {
        count(Refusal::no_room);
        answers.push_back(wire::pubsub::make_error(iq, "resource-constraint", "wait", 500));
        return;
    }
    answers.push_back(wire::pubsub::make_result(iq));
    const std::size_t news = out.sync.news.size();
    const std::uint64_t different = exchange_.counters().digests_different;
    exchange_.receive(*process.peer, frame->frame, now, out.sync);
    note_goodbyes(out, news);
    name_refused(out, news, c2s::to_string(road.jid));
    if (exchange_.counters().digests_different > different) follow_anew(process, now, out);
}

/// So that the log says whose it was, also when it has not said who it is, or who others are.
void Lamplights::Impl::name_refused(Output& out, std::size_t from, const std::string& whose) {
    for (std::size_t i = from; i < out.sync.news.size(); ++i)
        if (out.sync.news[i].kind == sync::News::Kind::malformed) out.sync.news[i].text += ", from " + whose;
}

/// What was said in its node did not come, although we are subscribed for long: perhaps we are not. Until
/// that is known again it says everything to us alone.
void Lamplights::Impl::follow_anew(const Process& process, state::Time now, Output& out) {
    using What = Output::Follow::What;
    for (const Road& road : process.roads) {
        RoadState& state = roads_.at(road);
        const auto found = followed_.find({road.client, {state.mark.service, state.mark.node}});
        if (found == followed_.end() || !found->second.stands) continue;
        if (now - found->second.since < trusted_for) continue;
        found->second.stands = false;
        state.following_wanted = true;
        for (const What what : {What::unfollow, What::follow})
            out.follows.push_back({road.client, state.mark.service, state.mark.node, what});
    }
}

void Lamplights::Impl::receive_following(const Road& road, const Element& iq, const Element& following,
                                         state::Time now, Output& out) {
    const NodeName node{std::string(following.value_of("service")), std::string(following.value_of("node"))};
    RoadState& state = roads_.at(road);
    bool ours = false;
    for (const auto& [client, own] : own_) {
        if (own.node != node) continue;
        ours = true;
        if (following.value_of("subscription") != "none")
            state.follows.insert(client);
        else if (state.follows.erase(client) > 0)
            out.unfollowed.push_back({client, node.node});
    }
    if (!ours) count(Refusal::foreign_node);
    out.stanzas[road.client].push_back(ours ? wire::pubsub::make_result(iq)
                                            : wire::pubsub::make_error(iq, "item-not-found", "cancel", 404));
    refresh_hearing(processes_.at(state.process), now);
}

// --- items ---

/// Nobody speaks in a node that is not its own: the mark of a road that is there must name it. Two may name
/// the same, by error or malice; then each is believed of its own nodes, which the talk sees to.
bool Lamplights::Impl::receive_event(ClientId client, const wire::pubsub::Event& event, state::Time now,
                                     Output& out) {
    if (event.node.empty()) return false;
    bool named = false;
    std::set<ProcessId> speakers;
    for (const auto& [road, state] : roads_) {
        if (road.client != client || state.mark.node != event.node || state.mark.service != event.from)
            continue;
        named = true;
        if (state.up) speakers.insert(state.process);
    }
    if (event.kind != wire::pubsub::Event::Kind::items) return named;
    for (const ProcessId& id : speakers)
        for (const wire::pubsub::EventItem& item : event.items)
            receive_item(processes_.at(id), event, item, now, out);
    return named;
}

void Lamplights::Impl::receive_item(Process& process, const wire::pubsub::Event& event,
                                    const wire::pubsub::EventItem& item, state::Time now, Output& out) {
    const std::string where = event.node + " at " + event.from;
    const auto refuse = [&](Refusal reason, const std::string& why) {
        count(reason);
        tell_once(News::Kind::bad_item, where + ": " + why, where, now, out);
    };
    if (!may_publish(process, item.publisher))
        return refuse(Refusal::foreign_publisher, "published by " + item.publisher);
    if (!item.payload) {
        const bool frame = item.payload.error() == wire::pubsub::Refusal::bad_frame;
        return refuse(frame ? Refusal::bad_item : Refusal::item_without_frame,
                      std::string(to_string(item.payload.error())));
    }
    const auto* frame = std::get_if<wire::pubsub::FrameItem>(&*item.payload);
    if (frame == nullptr) return refuse(Refusal::item_without_frame, "no frame");
    if (!process.peer) return count(Refusal::no_room);
    const std::size_t news = out.sync.news.size();
    exchange_.receive_broadcast(*process.peer, frame->frame, now, out.sync);
    name_refused(out, news, where);
}

bool Lamplights::Impl::may_publish(const Process& process, const std::string& publisher) const {
    if (publisher.empty()) return true;
    const auto jid = c2s::parse_jid(publisher);
    return jid && std::ranges::any_of(process.roads,
                                      [&](const Road& road) { return road.jid.bare() == jid->bare(); });
}

// --- questions ---

std::string_view to_string(Lamplights::Refusal refusal) {
    static constexpr std::array<std::string_view, Lamplights::refusal_count> texts = {
        "from no Lamplight by its presence", "from a process that is not proven",
        "an IQ of another type than set",    "no base64 of a frame",
        "an item with no base64 of a frame", "an item without a frame",
        "an item of another publisher",      "about following another's node",
        "about another's account",           "no room for another process"};
    return texts.at(static_cast<std::size_t>(refusal));
}

const Lamplights::Counters& Lamplights::counters() const {
    return impl_->counters();
}

std::vector<Lamplights::PeerView> Lamplights::Impl::peers() const {
    std::vector<PeerView> views;
    for (const auto& [id, process] : processes_) {
        PeerView view;
        view.process = id;
        view.roads.assign(process.roads.begin(), process.roads.end());
        if (const auto best = std::ranges::find(view.roads, process.current); best != view.roads.end())
            std::rotate(view.roads.begin(), best, std::next(best));
        view.present = process.present && !process.said_goodbye;
        if (process.peer) {
            view.follows_our_node = exchange_.hears_broadcast(*process.peer);
            view.nodes = exchange_.nodes_of(*process.peer);
        }
        view.we_follow = std::ranges::any_of(
            process.roads, [&](const Road& road) { return stands(road.client, roads_.at(road).mark); });
        views.push_back(std::move(view));
    }
    return views;
}

}  // namespace lamplight::bus::xmpp
