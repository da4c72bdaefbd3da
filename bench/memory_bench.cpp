#include "bench/benchmarks.hpp"
#include "bench/workload.hpp"

namespace lamplight::bench {

void run_memory(const MemoryOptions& options) {
    const std::size_t empty = resident_bytes();
    const World world(options.devices, options.nodes);
    const std::size_t full = resident_bytes();
    const auto votes = static_cast<double>(options.devices) * options.nodes;
    // The workload's own tables are not the engine's: names twice, and the ids.
    std::size_t own =
        world.devices.capacity() * sizeof(state::DeviceId) + world.names.capacity() * sizeof(std::string);
    std::size_t names = 0;
    for (const std::string& name : world.names) {
        if (name.capacity() > 15) own += name.capacity() + 17;
        names += (name.size() / 16 + 1) * 16;
    }
    const auto journal = std::size_t{world.engine.limits().journal_entries} * 24;
    const auto index = static_cast<double>(options.devices) * 2 * 5;  // flat set of ids at its lowest load
    const double engine = static_cast<double>(full - empty - own);
    print(options.output, "memory",
          {{"devices", options.devices},
           {"nodes", options.nodes},
           {"resident_bytes", full - empty},
           {"bytes_per_vote", engine / votes},
           {"bytes_per_vote_without_names_and_journal",
            (engine - static_cast<double>(names) - static_cast<double>(journal) - index) / votes},
           {"bytes_per_name", (static_cast<double>(names) + index) / options.devices}});
}

}  // namespace lamplight::bench
