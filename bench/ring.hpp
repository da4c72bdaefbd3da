#pragma once

#include "bench/script.hpp"

#include <cstdint>

namespace lamplight::bench {

/// `lamplight-bench ring`: daemons on a real ring (bench/ring_bench.py).
struct RingOptions : RoundsOptions {
    std::uint32_t devices = 100'000;
    std::uint64_t changes = 200'000;      ///< a round and way, as fast as they go
    std::uint64_t latency_changes = 300;  ///< a round and way, 100 a second
};

inline int run_ring(const RingOptions& options) {
    return run_script("ring_bench.py", options,
                      {{"devices", options.devices},
                       {"changes", options.changes},
                       {"latency-changes", options.latency_changes}});
}

}  // namespace lamplight::bench
