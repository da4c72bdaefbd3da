#pragma once

#include "ring/inquiry.hpp"
#include "ring/types.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lamplight::bus::lan {

/// How operators know the members of the ring: by the names in corosync.conf's nodelist.
class RingNames {
public:
    void learn(const ring::RingDescription& description);
    bool known() const { return !nodes_.empty(); }

    /// `pbx2 pid 4711`, `node 2 pid 4711` while the name is unknown.
    std::string label(ring::Member member) const;
    /// Empty when unknown.
    std::string name(std::uint32_t node_id) const;
    std::string address(std::uint32_t node_id) const;
    /// All that are known, by ascending id.
    std::vector<ring::RingNode> nodes() const;
    const std::string& cluster() const { return cluster_; }

private:
    std::string cluster_;
    std::map<std::uint32_t, ring::RingNode> nodes_;
};

}  // namespace lamplight::bus::lan
