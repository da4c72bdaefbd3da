#include "bus/ais/evt/roster.hpp"

#include <algorithm>

namespace lamplight::bus::ais::evt {

Peer* Roster::find(ring::Member member) {
    const auto found = peers_.find(member);
    return found == peers_.end() ? nullptr : &found->second;
}

Peer* Roster::find_or_make(ring::Member member) {
    if (Peer* peer = find(member)) return peer;
    if (peers_.size() >= max_peers) return nullptr;
    return &peers_[member];
}

bool Roster::all_said_hello() const {
    return std::ranges::all_of(peers_, [](const auto& entry) {
        const Peer& peer = entry.second;
        return !peer.present || peer.known || peer.mute;
    });
}

bool Roster::asks_for(std::string_view name) const {
    for (const auto& [member, peer] : peers_)
        for (const auto& [handle, open] : peer.opens)
            if (open.channel == ChannelId::none && open.name == name) return true;
    return false;
}

const ring::Member* Roster::surplus() const {
    if (peers_.size() < max_peers) return nullptr;
    for (const auto& [member, peer] : peers_)
        if (!peer.present) return &member;
    return nullptr;
}

}  // namespace lamplight::bus::ais::evt
