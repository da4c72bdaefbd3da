#include "bus/ais/copies.hpp"

#include <algorithm>
#include <utility>

namespace lamplight::bus::ais {

void Copies::begin(plain::MessageId id, wire::Bytes message, std::vector<evt::ChannelHandle> channels) {
    id_ = id;
    message_.assign(message.begin(), message.end());
    channels_ = std::move(channels);
    channels_.resize(std::min(channels_.size(), max_channels));
    next_ = 0;
    if (channels_.size() > 1) several_[static_cast<std::uint64_t>(id)] = {channels_.size()};
}

Copies::Copy Copies::next() const {
    return {channels_[next_], message_, static_cast<std::uint64_t>(id_) * max_channels + next_};
}

std::optional<plain::MessageId> Copies::delivered(std::uint64_t tag) {
    const std::uint64_t number = number_of(tag);
    const auto several = several_.find(number);
    if (several == several_.end()) return plain::MessageId{number};
    if (--several->second.left > 0) return std::nullopt;
    const bool lost = several->second.lost;
    several_.erase(several);
    return lost ? std::nullopt : std::optional(plain::MessageId{number});
}

std::optional<plain::MessageId> Copies::lost(std::uint64_t tag) {
    const std::uint64_t number = number_of(tag);
    const auto several = several_.find(number);
    if (several == several_.end()) return plain::MessageId{number};
    const bool known = std::exchange(several->second.lost, true);
    if (--several->second.left == 0) several_.erase(several);
    return known ? std::nullopt : std::optional(plain::MessageId{number});
}

void Copies::clear() {
    channels_.clear();
    next_ = 0;
    several_.clear();
}

}  // namespace lamplight::bus::ais
