#pragma once

#include "bus/ais/evt/service.hpp"
#include "bus/group/members.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace lamplight::bus::ais {

/// Who of the group `saEvt` has our channels open: they hear what we publish, and we hear them. Lamplights
/// among them. Pure.
///
/// | what happens                          | what it means               |
/// |---------------------------------------|-----------------------------|
/// | opens its first channel of ours       | came                        |
/// | opens one more                        | hears more                  |
/// | closes its last, or we close it       | gone (left)                 |
/// | goes from the group, out of sight     | gone (as it went)           |
/// | is back in sight                      | returned                    |
/// | anything of who has none open         | nothing                     |
///
/// What a process that is out of sight has open stays as it was.
class Audience {
public:
    struct Event {
        enum class Kind : std::uint8_t { came, returned, hears_more, gone } kind{};
        ring::Member member;
        state::Departure departure{};  ///< of gone
        bool operator==(const Event&) const = default;
    };

    /// What follows is appended to `events`.
    void on_member(const group::MemberEvent& event, std::vector<Event>& events);
    /// Who has what open may be another than before (`all`), or our channels are (`ours`: names). A channel
    /// that was unlinked is ours as long as we, `self`, have it open. Cost: O(opens).
    void look(std::span<const std::string> ours, std::span<const evt::Service::ChannelView> all,
              ring::Member self, std::vector<Event>& events);

    bool contains(ring::Member member) const;  ///< and in sight
    std::size_t size() const;                  ///< of those in sight

private:
    using Names = std::set<std::string>;
    struct Entry {
        bool in_sight = true;
        Names open;
    };
    static void tell(ring::Member member, const Names& before, const Names& now, std::vector<Event>& events);
    std::map<ring::Member, Entry> members_;
};

}  // namespace lamplight::bus::ais
