#pragma once

#include "bench/mapped_file.hpp"

#include <tl/expected.hpp>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lamplight::bench {

/// CLOCK_MONOTONIC, the same in every process of this machine.
std::int64_t now_ns();
/// Processor time of this process.
std::int64_t cpu_ns();

/// `SIP/001234`: ten bytes, so that Asterisk's event about it has 49 as its `Custom:abc` has.
inline constexpr std::uint32_t most_devices = 1'000'000;
std::string device_name(std::uint32_t index);
/// The device's number; empty when the name is no such one.
std::optional<std::uint32_t> device_index(std::string_view name);

/// What is counted of the changes of a ring's benchmark, in a file that the process that gives them, the one
/// that sees them and the script share. Every number is written by one of them only.
///
/// Layout  sixteen 64-bit numbers (Head), a Slot for each device, most_samples 32-bit nanoseconds; in the
///         machine's byte order. bench/ring_rounds.py makes the file, filled with zeros but for
///         Head::devices.
class Board {
public:
    static constexpr std::uint64_t most_samples = 65'536;

    struct Head {
        std::atomic<std::uint64_t> devices;
        std::atomic<std::uint64_t> given;
        std::atomic<std::uint64_t> seen;
        std::atomic<std::int64_t> giver_ready_ns;  ///< it is in the group, its votes are set
        std::atomic<std::int64_t> seer_joined_ns;  ///< its first configuration change
        std::atomic<std::int64_t> first_given_ns;
        std::atomic<std::int64_t> last_seen_ns;
        std::atomic<std::uint64_t> samples;        ///< how many latencies there are
        std::atomic<std::uint64_t> wants_samples;  ///< set by the script
        std::atomic<std::int64_t> giver_cpu_ns;    ///< of a giver of its own, from the first to the last
        std::atomic<std::uint64_t> events;         ///< of a channel, whatever was in them
        std::atomic<std::int64_t> last_event_ns;
        std::atomic<std::uint64_t> lost;   ///< how often the seer heard that events were
        std::atomic<std::uint64_t> bytes;  ///< of the message that carries one event alone
        std::atomic<std::uint64_t> spare[2];
    };

    static tl::expected<Board, std::string> open(const std::filesystem::path& file);

    std::uint32_t devices() const { return static_cast<std::uint32_t>(slots_.size()); }
    Head& head() { return *head_; }

    // --- the giver ---
    /// Whether the last change of this device has been seen, so that another one cannot be taken for it.
    bool is_free(std::uint32_t device) const;
    /// A change of this device is given now.
    void give(std::uint32_t device, std::int64_t now);
    /// What was seen up to now was asked for by nobody: giving begins.
    void begin();

    // --- the seer ---
    /// The device is in this state now. A repetition of its last state is no change. Gives whether it is one.
    bool see(std::uint32_t device, std::uint32_t state, std::int64_t now);
    /// An event came; see() is said beside it.
    void take_event(std::int64_t now);
    /// Events were lost before this one.
    void lose();

private:
    struct Slot {
        std::atomic<std::int64_t> given_ns;
        std::atomic<std::uint32_t> given;
        std::atomic<std::uint32_t> seen;
        std::atomic<std::uint32_t> state;  ///< plus one; 0: never seen
        std::uint32_t spare;
    };

    Board(MappedFile file, std::size_t devices);
    void sample(std::int64_t nanoseconds);

    MappedFile file_;
    Head* head_ = nullptr;
    std::span<Slot> slots_;
    std::atomic<std::uint32_t>* samples_ = nullptr;
};

}  // namespace lamplight::bench
