#pragma once

#include "bench/report.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace lamplight::bench {

struct RingOptions {
    unsigned rounds = 7;
    std::uint32_t devices = 100'000;
    std::uint64_t changes = 200'000;      ///< a round and way, as fast as they go
    std::uint64_t latency_changes = 300;  ///< a round and way, 100 a second
    std::vector<std::string> only;        ///< scenarios; empty: all
    bool keep_logs = false;
    Output output = Output::text;
};

/// Daemons on a real ring, held against raw CPG in the same run: hands over to ring_bench.py of the build
/// tree, which runs this program's raw traffic and daemons with bench_generator.so on hosts made of
/// namespaces. Does not come back unless that cannot be started; gives the exit status then.
int run_ring(const RingOptions& options);

}  // namespace lamplight::bench
