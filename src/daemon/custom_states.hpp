#pragma once

#include "daemon/store.hpp"

#include <boost/asio/io_context.hpp>
#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::daemon {

/// Own custom states, kept on disk while the loop goes on.
///
/// Lives on the loop's thread; the disk is written by a worker of its own, one commit at a time. What is set
/// while a commit runs waits for the next one, the newest value of each device only; each caller is answered
/// after the commit that holds its value or a newer one.
///
/// A commit that fails (the disk is full) is answered with its error, and the value that was announced in the
/// meantime is undone: `on_undone` gives the stored one back, so that this daemon, its peers and its next
/// start agree.
class CustomStates {
public:
    /// Called on the loop's thread, exactly once. An error's text is for people.
    using Done = std::function<void(tl::expected<void, std::string>)>;
    /// The device's state in force again; empty: it has none.
    using Undone = std::function<void(const std::string& device, std::optional<state::DeviceState> stored)>;

    /// Callers that wait for a commit at once; more are refused with an error, and their values not set.
    static constexpr std::size_t most_waiting = 65'536;

    /// Reads what the store holds (blocks: at start only).
    static tl::expected<std::unique_ptr<CustomStates>, StoreError> make(boost::asio::io_context& loop,
                                                                        Store store);
    /// Waits for the running commit and writes what still waits; callers not yet answered are dropped.
    ~CustomStates();
    CustomStates(const CustomStates&) = delete;
    CustomStates& operator=(const CustomStates&) = delete;

    void on_undone(Undone undone);

    /// Keeps a state. `done` is not called from inside.
    void set(const std::string& device, state::DeviceState state, Done done);
    /// Forgets a state; one that is not there is an error.
    void erase(const std::string& device, Done done);
    /// A higher incarnation, committed before `done` gets it; with an error when it could not be stored.
    void next_incarnation(const state::Eid& eid, std::uint64_t at_least,
                          std::function<void(tl::expected<std::uint64_t, std::string>)> done);
    /// Nothing waits for the disk.
    bool is_idle() const { return !busy_ && waiting_.empty(); }

    /// Empty when there is none; values still on their way to the disk count.
    std::optional<state::DeviceState> find(std::string_view device) const;
    /// Sorted by device.
    void for_each(const std::function<void(const std::string&, state::DeviceState)>& visit) const;

private:
    struct Held {
        std::optional<state::DeviceState> stored;  ///< what the disk holds
        std::optional<state::DeviceState> wanted;  ///< what counts, if the disk takes it
    };
    class Worker;

    CustomStates(boost::asio::io_context& loop, Store store, const std::vector<StoreEntry>& entries);
    void want(const std::string& device, std::optional<state::DeviceState> state, Done done);
    void commit_next();
    void on_committed(const std::vector<StoreEntry>& batch, const tl::expected<void, StoreError>& result);
    void settle(const StoreEntry& entry, bool committed);

    boost::asio::io_context& loop_;
    std::map<std::string, Held, std::less<>> held_;
    std::map<std::string, std::optional<state::DeviceState>, std::less<>> waiting_;  ///< for the next commit
    std::vector<Done> waiters_;                                                      ///< for the next commit
    std::vector<Done> committing_;                                                   ///< for the running one
    bool busy_ = false;
    Undone undone_;
    std::shared_ptr<const int> alive_ = std::make_shared<const int>();
    std::unique_ptr<Worker> worker_;
};

}  // namespace lamplight::daemon
