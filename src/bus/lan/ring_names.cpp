#include "bus/lan/ring_names.hpp"

#include <fmt/format.h>

namespace lamplight::bus::lan {

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

std::vector<ring::RingNode> RingNames::nodes() const {
    std::vector<ring::RingNode> out;
    for (const auto& [id, node] : nodes_)
        out.push_back(node);
    return out;
}

}  // namespace lamplight::bus::lan
