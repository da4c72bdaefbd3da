#include "bus/group/window.hpp"

#include <xxhash.h>

#include <algorithm>

namespace lamplight::bus::group {

bool Window::has_room() const {
    return under_way_.size() < limits_.messages && bytes_ < limits_.bytes;
}

void Window::sent(wire::Bytes message, std::uint64_t tag) {
    under_way_.push_back({tag, XXH3_64bits(message.data(), message.size()), message.size()});
    bytes_ += message.size();
}

Window::Returned Window::came_back(wire::Bytes message) {
    Returned returned;
    const std::uint64_t hash = XXH3_64bits(message.data(), message.size());
    const auto found = std::find_if(under_way_.begin(), under_way_.end(), [&](const UnderWay& one) {
        return one.hash == hash && one.bytes == message.size();
    });
    if (found == under_way_.end()) return returned;
    returned.known = true;
    returned.tag = found->tag;
    for (auto one = under_way_.begin(); one != found; ++one)
        returned.lost.push_back(one->tag);
    for (auto one = under_way_.begin(); one != std::next(found); ++one)
        bytes_ -= one->bytes;
    under_way_.erase(under_way_.begin(), std::next(found));
    return returned;
}

std::vector<std::uint64_t> Window::clear() {
    std::vector<std::uint64_t> tags;
    for (const UnderWay& one : under_way_)
        tags.push_back(one.tag);
    under_way_.clear();
    bytes_ = 0;
    return tags;
}

}  // namespace lamplight::bus::group
