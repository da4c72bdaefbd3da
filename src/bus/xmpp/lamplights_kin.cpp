// Whether two accounts are of one process. A number in a presence is seen by whoever sees the presence, so
// that it alone proves nothing: one of the accounts that are the process's already is asked about the other.
#include "bus/xmpp/lamplights_impl.hpp"
#include "wire/pubsub/names.hpp"
#include "wire/pubsub/request.hpp"

#include <algorithm>
#include <utility>

namespace lamplight::bus::xmpp {

namespace ns = wire::pubsub::ns;
using wire::xml::Element;

void Lamplights::Impl::own_jid(ClientId client, c2s::Jid jid) {
    own_jids_[client] = std::move(jid);
}

/// The road leads to the process it names if nothing speaks against it; else that is asked first.
void Lamplights::Impl::admit(const Road& road, RoadState& state, state::Time now, Output& out) {
    const auto process = processes_.find(state.process);
    const bool of_it = process == processes_.end() || process->second.accounts.contains(road.jid.bare());
    const bool ended = !of_it && process->second.roads.empty();
    if (ended) end_process(process, now, out);  // there is nobody to ask: a life of its own
    state.kin = of_it || ended ? RoadState::Kin::proven : RoadState::Kin::unproven;
    state.kin_wanted = state.kin == RoadState::Kin::unproven;
    if (!state.kin_wanted) road_is_there(road, state, now, out);
}

/// Who was to be asked is gone.
bool Lamplights::Impl::is_orphan(const RoadState& state) const {
    if (state.kin != RoadState::Kin::unproven) return false;
    const auto process = processes_.find(state.process);
    return process == processes_.end() || process->second.roads.empty();
}

void Lamplights::Impl::admit_orphans(state::Time now, Output& out) {
    std::vector<Road> orphans;
    for (const auto& [road, state] : roads_)
        if (is_orphan(state)) orphans.push_back(road);
    for (const Road& road : orphans)
        if (const auto found = roads_.find(road); found != roads_.end()) admit(road, found->second, now, out);
}

/// By which road of this client the process of that one can be asked.
std::optional<Road> Lamplights::Impl::way_to_ask(ClientId client, const RoadState& about) const {
    const auto process = processes_.find(about.process);
    if (!about.kin_wanted || about.paused_until || process == processes_.end()) return std::nullopt;
    for (const Road& road : process->second.roads)
        if (road.client == client && !roads_.at(road).paused_until) return road;
    return std::nullopt;
}

bool Lamplights::Impl::kin_is_due(ClientId client) const {
    return std::ranges::any_of(roads_,
                               [&](const auto& road) { return way_to_ask(client, road.second).has_value(); });
}

std::optional<Lamplights::Taken> Lamplights::Impl::take_kin(ClientId client, state::Time now) {
    for (auto& [road, state] : roads_) {
        const auto way = way_to_ask(client, state);
        if (!way) continue;
        state.kin_wanted = false;
        Element iq("iq", std::string(ns::client));
        iq.set("type", "get").set("to", c2s::to_string(way->jid));
        iq.add("kin", std::string(ns::frame)).set("jid", c2s::to_string(road.jid));
        Taken taken =
            sent({UnderWay::What::kin, client, road, state.process, 0, *way, now}, std::move(iq), true);
        taken.patience = settings_.silent_after;
        return taken;
    }
    return std::nullopt;
}

/// Who was asked has been there since, and says nothing about it.
bool Lamplights::Impl::is_evaded(const UnderWay& kin, state::Time now) const {
    const auto way = roads_.find(kin.way);
    return way != roads_.end() && way->second.up && way->second.heard > kin.asked &&
           now - kin.asked >= settings_.silent_after;
}

/// One that is not kin has a number that another has, too, and is heard as somebody of its own. So is one
/// about whom the other will say nothing: else who copies a number first could shut its owner out. A question
/// that was lost on its way tells neither.
void Lamplights::Impl::kin_answered(const UnderWay& kin, Answer answer, state::Time now, Output& out) {
    const auto found = roads_.find(kin.road);
    if (found == roads_.end() || found->second.kin != RoadState::Kin::unproven) return;
    RoadState& state = found->second;
    const c2s::Jid account = kin.road.jid.bare();
    const auto process = processes_.find(state.process);
    if (process == processes_.end()) return admit(kin.road, state, now, out);
    if (answer == Answer::accepted) {
        process->second.accounts.insert(account);
    } else if (answer == Answer::refused || is_evaded(kin, now)) {
        const std::string who = c2s::to_string(kin.road.jid);
        tell_once(News::Kind::no_kin, who, who, now, out);
        state.process += " " + c2s::to_string(account);
    } else {
        state.kin_wanted = true;
        return pause(state, now);
    }
    admit(kin.road, state, now, out);
}

void Lamplights::Impl::receive_kin(const Road& road, const Element& iq, const Element& kin, Output& out) {
    const auto asked = c2s::parse_jid(kin.value_of("jid"));
    const bool ours =
        asked && std::ranges::any_of(own_jids_, [&](const auto& own) { return own.second == *asked; });
    if (!ours) count(Refusal::foreign_jid);
    out.stanzas[road.client].push_back(ours ? wire::pubsub::make_result(iq)
                                            : wire::pubsub::make_error(iq, "item-not-found", "cancel", 404));
}

}  // namespace lamplight::bus::xmpp
