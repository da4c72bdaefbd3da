#pragma once

#include "bench/mapped_file.hpp"

#include <tl/expected.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace lamplight::bench {

/// What daemons of a ring that all give and all see note in one file. Each has a part of its own, which
/// nobody else writes; so a change that four have seen is noted four times, by those who saw it.
///
/// Layout  Head, a Part for each daemon; in the machine's byte order. bench/ais_bench.py makes the file,
///         filled with zeros but for `parts`, `devices` and `round`.
class Crowd {
public:
    static constexpr std::uint64_t most_parts = 8;

    struct Head {
        std::atomic<std::uint64_t> parts;
        std::atomic<std::uint64_t> devices;
        std::atomic<std::uint64_t> round;  ///< last states of one round are not those of the next
        std::atomic<std::uint64_t> go;     ///< set by the script when everybody is ready
        std::atomic<std::uint64_t> spare[4];
    };
    struct Part {
        std::atomic<std::uint64_t> eid;    ///< of the daemon's node; 0: not ready
        std::atomic<std::uint64_t> given;  ///< changes of its own votes
        std::atomic<std::int64_t> first_given_ns;
        std::atomic<std::int64_t> last_given_ns;
        std::array<std::atomic<std::uint64_t>, most_parts>
            seen;                               ///< devices whose last vote of that part it holds
        std::atomic<std::int64_t> all_seen_ns;  ///< it holds the last votes of all
        std::atomic<std::uint64_t> aggregates;  ///< a hash of all devices' when all_seen_ns is set everywhere
        std::atomic<std::uint64_t> done;
        std::atomic<std::uint64_t> spare;
    };

    static tl::expected<Crowd, std::string> open(const std::filesystem::path& file);

    Head& head() const { return *reinterpret_cast<Head*>(file_.memory()); }
    std::span<Part> parts() const {
        return {reinterpret_cast<Part*>(file_.memory() + sizeof(Head)), head().parts.load()};
    }
    std::uint32_t devices() const { return static_cast<std::uint32_t>(head().devices.load()); }

private:
    explicit Crowd(MappedFile file) : file_(std::move(file)) {}

    MappedFile file_;
};

}  // namespace lamplight::bench
