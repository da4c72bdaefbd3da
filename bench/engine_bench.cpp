#include "bench/benchmarks.hpp"
#include "bench/workload.hpp"
#include "state/huge_memory.hpp"

#include <algorithm>
#include <functional>
#include <span>

namespace lamplight::bench {

namespace {

constexpr std::size_t batch_votes = 4096;

/// One way of handing votes in, and the limit it is held against.
struct Way {
    std::string_view name;
    std::function<void(std::span<state::Vote>)> apply;
    std::function<double()> limit_per_second;
    std::vector<double> per_second{};
    std::vector<double> cpu_ns{};
    std::vector<double> ratio{};
};

/// The votes are made outside the measured time, a batch at a time, as a bus would hand them in.
void run_round(World& world, std::uint32_t votes, Random& random, Way& way,
               const std::function<void(std::span<const state::Vote>)>& prepare) {
    std::vector<state::Vote> batch(batch_votes);
    Elapsed total;
    std::size_t done = 0;
    while (done < votes) {
        for (state::Vote& vote : batch)
            vote = world.random_vote(random);
        prepare(batch);
        const Stopwatch watch;
        way.apply(batch);
        const Elapsed elapsed = watch.elapsed();
        total.cpu_seconds += elapsed.cpu_seconds;
        done += batch.size();
        world.changes.clear();
    }
    const auto count = static_cast<double>(done);
    way.per_second.push_back(count / total.cpu_seconds);
    way.cpu_ns.push_back(total.cpu_seconds * 1e9 / count);
    way.ratio.push_back(way.per_second.back() / way.limit_per_second());
}

/// As much memory as the table has, read at random.
class RandomMemory {
public:
    explicit RandomMemory(std::size_t bytes)
        : words_(bytes / 8), lines_(static_cast<std::uint32_t>(bytes / 64)) {
        Random random(9);
        for (std::size_t line = 0; line < lines_; ++line)
            words_[line * 8] = random.below(lines_);
    }

    /// Three lines a step, asked for ahead: what no batch can beat.
    double steps_ahead_per_second(std::uint32_t steps) {
        Random random(7);
        constexpr std::size_t ahead = 16;
        std::array<std::size_t, 3 * ahead> places{};
        for (std::size_t& place : places)
            place = std::size_t{random.below(lines_)} * 8;
        const Stopwatch watch;
        for (std::uint32_t i = 0; i < steps; ++i) {
            for (std::size_t k = 0; k < 3; ++k) {
                std::size_t& place = places[3 * (i % ahead) + k];
                sum_ += words_[place];
                place = std::size_t{random.below(lines_)} * 8;
                __builtin_prefetch(&words_[place]);
            }
        }
        return steps / watch.elapsed().cpu_seconds;
    }

    /// Two lines a step, the second known only from the first: what a single vote cannot beat (record,
    /// block).
    double dependent_steps_per_second(std::uint32_t steps) {
        Random random(8);
        const Stopwatch watch;
        for (std::uint32_t i = 0; i < steps; ++i) {
            const std::size_t first = std::size_t{(random.below(lines_) + sum_ % 2) % lines_} * 8;
            sum_ += words_[words_[first] * 8];
        }
        return steps / watch.elapsed().cpu_seconds;
    }

private:
    std::vector<std::uint64_t, state::HugeAllocator<std::uint64_t>> words_;
    std::uint32_t lines_;
    std::uint64_t sum_ = 0;
};

void report(const EngineOptions& options, std::uint32_t devices, const Way& way) {
    print(options.output, "engine",
          {{"way", way.name},
           {"devices", devices},
           {"nodes", options.nodes},
           {"votes_per_second", median(way.per_second)},
           {"cpu_ns_per_vote", median(way.cpu_ns)},
           {"ratio_to_random_memory", median(way.ratio)}});
}

/// Answers the CPU time of a vote in a batch.
double run_table(const EngineOptions& options, std::uint32_t devices) {
    World world(devices, options.nodes);
    RandomMemory memory(std::size_t{devices} * options.nodes * 32);
    const std::uint32_t limit_steps = std::min(options.votes, 1'000'000u);
    const auto ahead = [&] { return memory.steps_ahead_per_second(limit_steps); };
    const auto dependent = [&] { return memory.dependent_steps_per_second(limit_steps); };
    std::vector<std::string> names(batch_votes);
    const auto write_names = [&](std::span<const state::Vote> votes) {
        for (std::size_t i = 0; i < votes.size(); ++i)
            names[i] = world.names[state::index_of(votes[i].device)];
    };
    Way batch{"batch_by_id",
              [&](std::span<state::Vote> votes) { world.engine.apply(votes, world.now, world.changes); },
              ahead};
    Way single{"single_by_id",
               [&](std::span<state::Vote> votes) {
                   for (const state::Vote& vote : votes)
                       world.engine.apply({&vote, 1}, world.now, world.changes);
               },
               dependent};
    Way named{"single_by_name",
              [&](std::span<state::Vote> votes) {
                  for (std::size_t i = 0; i < votes.size(); ++i) {
                      votes[i].device = *world.engine.find_device(names[i]);
                      world.engine.apply(votes.subspan(i, 1), world.now, world.changes);
                  }
              },
              dependent};
    Random random(2);
    for (unsigned round = 0; round < options.rounds; ++round)
        for (Way* way : {&batch, &single, &named})
            run_round(world, options.votes, random, *way, write_names);
    for (const Way* way : {&batch, &single, &named})
        report(options, devices, *way);
    return median(batch.cpu_ns);
}

}  // namespace

void run_engine(const EngineOptions& options) {
    const double small = run_table(options, std::min(options.small_devices, options.devices));
    const double large = run_table(options, options.devices);
    print(options.output, "engine", {{"way", "batch_by_id"}, {"cost_ratio_large_to_small", large / small}});
}

}  // namespace lamplight::bench
