#include "bus/ais/audience.hpp"

#include <algorithm>
#include <utility>

namespace lamplight::bus::ais {

void Audience::on_member(const group::MemberEvent& event, std::vector<Event>& events) {
    using Kind = group::MemberEvent::Kind;
    const auto known = members_.find(event.member);
    const bool had_open = known != members_.end() && !known->second.open.empty();
    switch (event.kind) {
        case Kind::came:
            if (had_open) events.push_back({Event::Kind::gone, event.member, state::Departure::failed});
            members_[event.member] = {};
            return;
        case Kind::returned:
            members_[event.member].in_sight = true;
            if (had_open) events.push_back({Event::Kind::returned, event.member, {}});
            return;
        case Kind::gone:
            if (had_open) events.push_back({Event::Kind::gone, event.member, event.departure});
            if (event.departure == state::Departure::silent)
                members_[event.member].in_sight = false;
            else
                members_.erase(event.member);
            return;
    }
}

void Audience::look(std::span<const std::string> ours, std::span<const evt::Service::ChannelView> all,
                    ring::Member self, std::vector<Event>& events) {
    std::map<ring::Member, Names> open;
    for (const evt::Service::ChannelView& channel : all) {
        if (std::ranges::find(ours, channel.name) == ours.end()) continue;
        const bool we_too =
            std::ranges::find(channel.opens, self, &evt::Service::OpenView::member) != channel.opens.end();
        if (channel.unlinked && !we_too) continue;
        for (const evt::Service::OpenView& one : channel.opens)
            open[one.member].insert(channel.name);
    }
    for (auto& [member, entry] : members_) {
        if (!entry.in_sight) continue;
        const Names before = std::exchange(entry.open, std::move(open[member]));
        tell(member, before, entry.open, events);
    }
}

void Audience::tell(ring::Member member, const Names& before, const Names& now, std::vector<Event>& events) {
    const bool more = !std::ranges::includes(before, now);
    if (more && before.empty())
        events.push_back({Event::Kind::came, member, {}});
    else if (more)
        events.push_back({Event::Kind::hears_more, member, {}});
    else if (!before.empty() && now.empty())
        events.push_back({Event::Kind::gone, member, state::Departure::left});
}

bool Audience::contains(ring::Member member) const {
    const auto known = members_.find(member);
    return known != members_.end() && known->second.in_sight && !known->second.open.empty();
}

std::size_t Audience::size() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        members_, [](const auto& entry) { return entry.second.in_sight && !entry.second.open.empty(); }));
}

}  // namespace lamplight::bus::ais
