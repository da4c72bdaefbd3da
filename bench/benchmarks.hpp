#pragma once

#include "bench/report.hpp"

#include <cstdint>

namespace lamplight::bench {

struct EngineOptions {
    std::uint32_t devices = 1'000'000;
    std::uint32_t small_devices = 10'000;
    std::uint16_t nodes = 16;
    std::uint32_t votes = 1'000'000;  ///< per round and way
    unsigned rounds = 7;
    Output output = Output::text;
};

/// How many votes a second of CPU time the engine takes on one core: in batches by interned id, one by one,
/// and by name; in a small and a large table. Each round is held against what this machine's memory allows in
/// the same round: as many cache lines read at random, asked for ahead (batches) or one after the other
/// (single votes).
void run_engine(const EngineOptions& options);

struct MemoryOptions {
    std::uint32_t devices = 1'000'000;
    std::uint16_t nodes = 16;
    Output output = Output::text;
};

/// Resident bytes per vote, all told and beyond names and journal.
void run_memory(const MemoryOptions& options);

}  // namespace lamplight::bench
