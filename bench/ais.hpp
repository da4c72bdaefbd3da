#pragma once

#include "bench/script.hpp"

#include <cstdint>

namespace lamplight::bench {

/// `lamplight-bench ais`: event channels, and daemons with res_ais.so, on real rings (bench/ais_bench.py).
struct AisOptions : RoundsOptions {
    std::uint32_t devices = 20'000;
    std::uint64_t events = 100'000;      ///< a round, as fast as they go
    std::uint64_t latency_events = 300;  ///< a round, 100 a second
};

inline int run_ais(const AisOptions& options) {
    return run_script("ais_bench.py", options,
                      {{"devices", options.devices},
                       {"events", options.events},
                       {"latency-events", options.latency_events}});
}

}  // namespace lamplight::bench
