#include "bus/corosync/ring_names.hpp"

#include <fmt/format.h>

namespace lamplight::bus::corosync {

void RingNames::learn(const ring::RingDescription& description) {
    cluster_ = description.cluster_name;
    nodes_.clear();
    for (const ring::RingNode& node : description.nodes)
        nodes_[node.node_id] = node;
}

std::string RingNames::label(ring::Member member) const {
    const std::string node = name(member.node_id);
    if (node.empty()) return ring::to_string(member);
    return fmt::format("{} pid {}", node, member.pid);
}

std::string RingNames::name(std::uint32_t node_id) const {
    const auto found = nodes_.find(node_id);
    return found == nodes_.end() ? std::string{} : found->second.name;
}

std::string RingNames::address(std::uint32_t node_id) const {
    const auto found = nodes_.find(node_id);
    return found == nodes_.end() ? std::string{} : found->second.address;
}

}  // namespace lamplight::bus::corosync
