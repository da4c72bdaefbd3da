#include "wire/evt/frame.hpp"

#include <algorithm>

namespace lamplight::wire::evt {

bool Hello::operator==(const Hello& other) const {
    return publisher == other.publisher && since == other.since && state == other.state &&
           wants == other.wants && boot_time == other.boot_time && initial_view == other.initial_view &&
           program == other.program && std::ranges::equal(opens, other.opens);
}

bool Publish::operator==(const Publish& other) const {
    return channel == other.channel && id == other.id && priority == other.priority &&
           retention == other.retention && publish_time == other.publish_time &&
           channel_name == other.channel_name && publisher == other.publisher &&
           std::ranges::equal(patterns, other.patterns,
                              [](Bytes a, Bytes b) { return std::ranges::equal(a, b); }) &&
           std::ranges::equal(data, other.data);
}

bool StateBegin::operator==(const StateBegin& other) const {
    return number == other.number && std::ranges::equal(targets, other.targets);
}

}  // namespace lamplight::wire::evt
