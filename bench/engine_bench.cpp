#include "bench/benchmarks.hpp"
#include "bench/workload.hpp"
#include "state/huge_memory.hpp"

#include <algorithm>
#include <functional>
#include <span>

namespace lamplight::bench {

namespace {

constexpr std::size_t batch_votes = 4096;

struct Rate {
    std::vector<double> per_second;
    std::vector<double> cpu_ns;

    void add(const Elapsed& elapsed, std::size_t votes) {
        const auto count = static_cast<double>(votes);
        per_second.push_back(count / elapsed.wall_seconds);
        cpu_ns.push_back(elapsed.cpu_seconds * 1e9 / count);
    }
};

/// The votes are made outside the measured time, a batch at a time, as a bus would hand them in.
Rate measure(
    World& world, const EngineOptions& options, std::uint64_t seed,
    const std::function<void(std::span<state::Vote>)>& apply,
    const std::function<void(std::span<const state::Vote>)>& prepare = [](auto) {}) {
    Rate rate;
    Random random(seed);
    std::vector<state::Vote> batch(batch_votes);
    for (unsigned round = 0; round < options.rounds; ++round) {
        Elapsed total;
        std::size_t done = 0;
        while (done < options.votes) {
            for (state::Vote& vote : batch)
                vote = world.random_vote(random);
            prepare(batch);
            const Stopwatch watch;
            apply(batch);
            const Elapsed elapsed = watch.elapsed();
            total.wall_seconds += elapsed.wall_seconds;
            total.cpu_seconds += elapsed.cpu_seconds;
            done += batch.size();
            world.changes.clear();
        }
        rate.add(total, done);
    }
    return rate;
}

/// Three cache lines a step at random places of as much memory as the table has, asked for ahead: what no
/// table that is larger than the caches can beat.
double random_steps_per_second(std::size_t bytes, std::uint32_t steps) {
    std::vector<std::uint64_t, state::HugeAllocator<std::uint64_t>> memory(bytes / 8, 1);
    Random random(7);
    constexpr std::size_t ahead = 16;
    std::array<std::size_t, 3 * ahead> places{};
    const auto lines = static_cast<std::uint32_t>(memory.size() / 8);
    for (std::size_t& place : places)
        place = std::size_t{random.below(lines)} * 8;
    const Stopwatch watch;
    for (std::uint32_t i = 0; i < steps; ++i) {
        for (std::size_t k = 0; k < 3; ++k) {
            std::size_t& place = places[3 * (i % ahead) + k];
            memory[place] += i;
            place = std::size_t{random.below(lines)} * 8;
            __builtin_prefetch(&memory[place], 1);
        }
    }
    return steps / watch.elapsed().wall_seconds;
}

void report(const EngineOptions& options, std::uint32_t devices, std::string_view way, const Rate& rate,
            double limit) {
    boost::json::object fields{{"way", way},
                               {"devices", devices},
                               {"nodes", options.nodes},
                               {"votes_per_second", median(rate.per_second)},
                               {"cpu_ns_per_vote", median(rate.cpu_ns)}};
    if (limit > 0) fields["ratio_to_random_memory"] = median(rate.per_second) / limit;
    print(options.output, "engine", fields);
}

}  // namespace

void run_engine(const EngineOptions& options) {
    Rate batch_rates[2];
    const std::uint32_t sizes[2] = {std::min(options.small_devices, options.devices), options.devices};
    for (int size = 0; size < 2; ++size) {
        World world(sizes[size], options.nodes);
        const std::size_t table_bytes = std::size_t{sizes[size]} * options.nodes * 32;
        const double limit = random_steps_per_second(table_bytes, options.votes);
        const auto apply_batch = [&](std::span<state::Vote> votes) {
            world.engine.apply(votes, world.now, world.changes);
        };
        const auto apply_single = [&](std::span<state::Vote> votes) {
            for (const state::Vote& vote : votes)
                world.engine.apply({&vote, 1}, world.now, world.changes);
        };
        std::vector<std::string> names(batch_votes);
        const auto write_names = [&](std::span<const state::Vote> votes) {
            for (std::size_t i = 0; i < votes.size(); ++i)
                names[i] = world.names[state::index_of(votes[i].device)];
        };
        const auto apply_named = [&](std::span<state::Vote> votes) {
            for (std::size_t i = 0; i < votes.size(); ++i) {
                votes[i].device = *world.engine.find_device(names[i]);
                world.engine.apply(votes.subspan(i, 1), world.now, world.changes);
            }
        };
        batch_rates[size] = measure(world, options, 2, apply_batch);
        report(options, sizes[size], "batch_by_id", batch_rates[size], limit);
        report(options, sizes[size], "single_by_id", measure(world, options, 3, apply_single), limit);
        report(options, sizes[size], "single_by_name", measure(world, options, 4, apply_named, write_names),
               limit);
    }
    print(options.output, "engine",
          {{"way", "batch_by_id"},
           {"cost_ratio_large_to_small", median(batch_rates[1].cpu_ns) / median(batch_rates[0].cpu_ns)}});
}

}  // namespace lamplight::bench
