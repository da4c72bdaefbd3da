#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lamplight::sim {

/// A run that the seed alone decides.
struct RandomRun {
    std::uint64_t seed = 1;
    unsigned nodes = 4;  ///< 1 to 64
    unsigned steps = 200;
};

struct RandomOutcome {
    std::vector<std::string> failures;  ///< empty: nothing was found
    std::vector<std::string> story;     ///< what was done, with virtual times
    std::vector<std::string> trace;     ///< what the nodes told before the failure
};

/// Votes, withdrawals, deaths, restarts, lost disks, cuts and merges in an order that the seed draws. The
/// checkers look after every step; now and then it is quiet for the stated time, and then nodes that see each
/// other must agree: on each other's votes after 2 s, on every aggregate after the holds.
RandomOutcome run_random(const RandomRun& run);

/// The command that does it again.
std::string replay_line(const RandomRun& run);

}  // namespace lamplight::sim
