#pragma once

#include "bench/report.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace lamplight::bench {

/// What the benchmarks on real rings have in common: interleaved rounds, held against raw CPG.
struct RoundsOptions {
    unsigned rounds = 7;
    std::vector<std::string> only;  ///< scenarios; empty: all
    bool keep_logs = false;
    Output output = Output::text;
};

/// A number that a script is told: `--devices 500`.
struct ScriptNumber {
    std::string name;
    std::uint64_t value = 0;
};

/// Hands over to a script of the build tree, which runs this program's traffic and daemons with
/// bench_generator.so on hosts made of namespaces; LAMPLIGHT_BIN tells it where the programs are. Does not
/// come back unless that cannot be started; gives the exit status then.
int run_script(const std::string& name, const RoundsOptions& options,
               const std::vector<ScriptNumber>& numbers);

}  // namespace lamplight::bench
