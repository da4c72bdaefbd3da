#pragma once

#include "ring/types.hpp"

#include <tl/expected.hpp>

#include <functional>
#include <string>
#include <vector>

namespace lamplight::ring {

class Worker;

/// A failed call into Corosync's libraries.
struct Failure {
    int code = 0;      ///< cs_error_t
    std::string text;  ///< `CS_ERR_LIBRARY (2)`
};

/// Every process in every group of the ring, in the order Corosync gives (cpg_iteration_initialize(3)):
/// what `corosync show members` prints. Answers on the loop's thread; never blocks it.
using Occupants = tl::expected<std::vector<Occupant>, Failure>;
void list_occupants(Worker& worker, std::function<void(Occupants)> done);

/// The nodes of corosync.conf's nodelist and their addresses (cmap_overview(3), corosync_cfg_get_node_addrs).
struct RingDescription {
    std::string cluster_name;  ///< totem.cluster_name
    std::vector<RingNode> nodes;
};
using Description = tl::expected<RingDescription, Failure>;
void describe_ring(Worker& worker, std::function<void(Description)> done);

}  // namespace lamplight::ring
