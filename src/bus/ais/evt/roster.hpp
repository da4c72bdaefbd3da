#pragma once

#include "bus/ais/evt/event.hpp"
#include "bus/ais/evt/retained.hpp"
#include "ring/types.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lamplight::bus::ais::evt {

/// What a member has open. Channel none: asked for in a part of the group whose channels we did not know; its
/// next hello says what came of it.
struct MemberOpen {
    ChannelId channel{};
    OpenFlags flags;
    std::string name;
};

/// A process of the group, we ourselves too.
struct Peer {
    bool present = false;
    bool known = false;    ///< said hello since it came or returned
    bool mute = false;     ///< speaks a format that we do not
    bool whole = false;    ///< knows all channels, as it says or because it was told
    bool wanting = false;  ///< wants a state
    std::optional<state::Time> wanting_since{};
    /// What one may know and the other not, since it came or returned: ended by a state, or by there being
    /// nothing to tell.
    bool owes_us = true;
    bool we_owe = true;
    Place came = 0;
    Place hello = 0;  ///< when it last said hello
    std::uint32_t publisher = 0;
    std::uint64_t since = 0;
    std::uint64_t initial_view = 0;
    Nanoseconds boot_time = wire::evt::time_unknown;
    std::string program;
    std::map<std::uint32_t, MemberOpen> opens;

    /// Present without a break since we know the same channels.
    bool in_step() const { return present && !owes_us && !we_owe; }
};

/// The members of the group that are present, and silent ones, whose opens stand until they return or are
/// gone.
///
/// Overflow policy: beyond max_peers the newcomer is not listened to; silent ones make room first.
class Roster {
public:
    static constexpr std::size_t max_present = wire::evt::max_targets;
    static constexpr std::size_t max_peers = 4 * max_present;

    Peer* find(ring::Member member);
    const Peer* find(ring::Member member) const { return const_cast<Roster*>(this)->find(member); }
    /// Makes it known if there is room.
    Peer* find_or_make(ring::Member member);
    void erase(ring::Member member) { peers_.erase(member); }
    const std::map<ring::Member, Peer>& peers() const { return peers_; }
    std::map<ring::Member, Peer>& peers() { return peers_; }

    /// All that are present have said hello, or will not.
    bool all_said_hello() const;
    /// Whether somebody asked for a channel of this name and we do not know which it got.
    bool asks_for(std::string_view name) const;
    /// A silent one, when there are too many to keep; the caller ends it.
    const ring::Member* surplus() const;

private:
    std::map<ring::Member, Peer> peers_;
};

}  // namespace lamplight::bus::ais::evt
