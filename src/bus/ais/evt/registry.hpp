#pragma once

#include "bus/ais/evt/event.hpp"
#include "bus/ais/evt/marks.hpp"
#include "bus/ais/evt/retained.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::bus::ais::evt {

struct Channel {
    ChannelId id{};
    std::string name;
    enum class Status : std::uint8_t { living, unlinked } status{};
    Place made = 0;         ///< when it came to be known here
    std::size_t opens = 0;  ///< of all members
};

/// The channels of the group, by id and living ones by name, and marks of those that were unlinked: a channel
/// with a mark is never living again.
///
/// Bounds  max_channels and max_marks of Settings; when it is full, unused ones make room (drop_unused).
/// Cost: O(log channels).
class Registry {
public:
    Registry(std::size_t max_channels, std::size_t max_marks)
        : max_channels_(max_channels), unlinked_marks_(max_marks) {}

    Channel* find(ChannelId id);
    const Channel* find(ChannelId id) const { return const_cast<Registry*>(this)->find(id); }
    /// The living one of this name, of several the one with the lowest id.
    Channel* living(std::string_view name);
    /// All channels that count as one with it: living ones of its name, or itself alone. Ids in order.
    std::vector<ChannelId> together(const Channel& channel) const;

    /// Finds it, or makes it: unlinked when it is marked so. Nothing: there is no room.
    Channel* find_or_make(ChannelId id, std::string_view name, Place now);
    /// Living ones of this name that were there before `before` are found no more. How many.
    std::size_t unlink(std::string_view name, Place before);
    /// This one, whether it is here or not.
    void unlink(ChannelId id, std::string_view name);
    /// Unlinked channels that nobody has open.
    std::vector<ChannelId> forgotten() const;
    void erase(ChannelId id);
    bool is_full() const { return channels_.size() >= max_channels_; }
    /// Makes room: forgets, without a mark, living channels that nobody has open and `is_empty` says nothing
    /// is retained in. Whoever opens one of that name makes it anew.
    void drop_unused(const std::function<bool(ChannelId)>& is_empty);
    void clear();

    const std::map<ChannelId, Channel>& channels() const { return channels_; }
    struct Unlinked {
        std::string name;
    };
    Marks<ChannelId, Unlinked>& unlinked_marks() { return unlinked_marks_; }

private:
    void bury(Channel& channel);

    std::size_t max_channels_;
    std::map<ChannelId, Channel> channels_;
    std::map<std::string, std::set<ChannelId>, std::less<>> living_;
    std::set<ChannelId> unlinked_;
    Marks<ChannelId, Unlinked> unlinked_marks_;
};

}  // namespace lamplight::bus::ais::evt
