#include "bus/ais/evt/registry.hpp"

namespace lamplight::bus::ais::evt {

Channel* Registry::find(ChannelId id) {
    const auto found = channels_.find(id);
    return found == channels_.end() ? nullptr : &found->second;
}

Channel* Registry::living(std::string_view name) {
    const auto found = living_.find(name);
    return found == living_.end() ? nullptr : find(*found->second.begin());
}

std::vector<ChannelId> Registry::together(const Channel& channel) const {
    if (channel.status == Channel::Status::unlinked) return {channel.id};
    const auto& ids = living_.find(channel.name)->second;
    return {ids.begin(), ids.end()};
}

Channel* Registry::find_or_make(ChannelId id, std::string_view name, Place now) {
    if (Channel* channel = find(id)) return channel;
    if (channels_.size() >= max_channels_) return nullptr;
    Channel& channel = channels_[id];
    channel = {.id = id, .name = std::string(name), .made = now};
    if (unlinked_marks_.has(id)) {
        channel.status = Channel::Status::unlinked;
        unlinked_.insert(id);
    } else {
        living_[channel.name].insert(id);
    }
    return &channel;
}

void Registry::bury(Channel& channel) {
    channel.status = Channel::Status::unlinked;
    unlinked_.insert(channel.id);
    unlinked_marks_.add(channel.id, {channel.name});
    const auto found = living_.find(channel.name);
    found->second.erase(channel.id);
    if (found->second.empty()) living_.erase(found);
}

std::size_t Registry::unlink(std::string_view name, Place before) {
    const auto found = living_.find(name);
    if (found == living_.end()) return 0;
    std::size_t count = 0;
    for (const ChannelId id : std::set(found->second)) {
        Channel& channel = channels_.at(id);
        if (channel.made >= before) continue;
        bury(channel);
        ++count;
    }
    return count;
}

void Registry::unlink(ChannelId id, std::string_view name) {
    Channel* channel = find(id);
    if (channel == nullptr) return unlinked_marks_.add(id, {std::string(name)});
    if (channel->status == Channel::Status::living) bury(*channel);
}

std::vector<ChannelId> Registry::forgotten() const {
    std::vector<ChannelId> ids;
    for (const ChannelId id : unlinked_)
        if (channels_.at(id).opens == 0) ids.push_back(id);
    return ids;
}

void Registry::erase(ChannelId id) {
    const auto found = channels_.find(id);
    if (found == channels_.end()) return;
    if (found->second.status == Channel::Status::living) bury(found->second);
    unlinked_.erase(id);
    channels_.erase(found);
}

void Registry::drop_unused(const std::function<bool(ChannelId)>& is_empty) {
    std::erase_if(channels_, [&](const auto& entry) {
        const Channel& channel = entry.second;
        if (channel.status != Channel::Status::living || channel.opens > 0 || !is_empty(channel.id))
            return false;
        const auto found = living_.find(channel.name);
        found->second.erase(channel.id);
        if (found->second.empty()) living_.erase(found);
        return true;
    });
}

void Registry::clear() {
    channels_.clear();
    living_.clear();
    unlinked_.clear();
    unlinked_marks_.clear();
}

}  // namespace lamplight::bus::ais::evt
