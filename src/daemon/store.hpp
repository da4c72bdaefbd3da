#pragma once

#include "state/device_state.hpp"
#include "state/types.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lamplight::daemon {

/// Why the store said no. `text` is for people: file, what, why, what to do.
struct StoreError {
    enum class Kind : std::uint8_t {
        in_use,   ///< another living daemon has the file: end it, or take another name
        damaged,  ///< not a database, or a broken one: left as it is
        newer,    ///< written by a later version
        full,     ///< no space: what was committed before is safe
        denied,   ///< permissions, a read-only file system, a missing folder
        removed,  ///< the file is gone from its folder
        failed,   ///< any other error of the disk
    };
    Kind kind{};
    std::string text;
};

/// One own custom state to keep; without a state: to forget.
struct StoreEntry {
    std::string device;
    std::optional<state::DeviceState> state;

    bool operator==(const StoreEntry&) const = default;
};

/// `NAME.db` under state_dir: own custom states and the incarnations of our EIDs, in SQLite with a
/// write-ahead log, synced at each commit. A commit that returned survives SIGKILL and power loss.
///
/// Every function may block on the disk. One thread at a time. The file is held exclusively while open, so
/// that two daemons never speak with one memory; the lock goes with the process.
class Store {
public:
    /// Opens the file, makes it when missing, checks it. Nothing is changed in a file that is damaged or
    /// newer.
    static tl::expected<Store, StoreError> open(const std::filesystem::path& file);
    ~Store();
    Store(Store&&) noexcept;
    Store& operator=(Store&&) noexcept;

    /// Sorted by device. Entries whose state is no longer known are left out.
    tl::expected<std::vector<StoreEntry>, StoreError> read() const;
    /// All of the entries in one transaction, or none.
    tl::expected<void, StoreError> write(std::span<const StoreEntry> entries);

    /// max(stored + 1, at_least), stored before it is returned: no incarnation is ever used twice.
    tl::expected<std::uint64_t, StoreError> next_incarnation(const state::Eid& eid, std::uint64_t at_least);

private:
    class Impl;
    explicit Store(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::daemon
