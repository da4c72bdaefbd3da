#pragma once

#include "bench/report.hpp"

#include <cstdint>

namespace lamplight::bench {

struct EngineOptions {
    std::uint32_t devices = 1'000'000;
    std::uint32_t small_devices = 10'000;
    std::uint16_t nodes = 16;
    std::uint32_t votes = 4'000'000;  ///< per round
    unsigned rounds = 7;
    Output output = Output::text;
};

/// How many votes a second the engine takes on one core: in batches by interned id, one by one, and by name;
/// in a small and a large table; beside what this machine's memory allows (the same count of cache lines
/// touched at random, asked for ahead), in the same run.
void run_engine(const EngineOptions& options);

struct MemoryOptions {
    std::uint32_t devices = 1'000'000;
    std::uint16_t nodes = 16;
    Output output = Output::text;
};

/// Resident bytes per vote, all told and beyond names and journal.
void run_memory(const MemoryOptions& options);

}  // namespace lamplight::bench
