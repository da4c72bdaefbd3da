#pragma once

#include "wire/bytes.hpp"

#include <cstdint>
#include <deque>
#include <vector>

namespace lamplight::bus::group {

/// Messages that Corosync accepted and that have not come back. Accepted is not delivered (design 8): only
/// what comes back to its sender has an order and reached who is in the group with us. The window bounds what
/// is under way, so that a change waits behind kilobytes and not behind what a flood would queue.
///
/// Messages are recognised by their length and hash, in order: when one comes back, those sent before it
/// that did not are lost.
class Window {
public:
    struct Limits {
        std::size_t messages = 16;
        std::size_t bytes = 64 * 1024;
    };
    explicit Window(const Limits& limits) : limits_(limits) {}

    bool has_room() const;
    /// Corosync accepted it. `tag` is the caller's name for it.
    void sent(wire::Bytes message, std::uint64_t tag);
    /// What came back.
    struct Returned {
        bool known = false;  ///< it is one of ours under way
        std::uint64_t tag = 0;
        std::vector<std::uint64_t> lost;  ///< sent before it and never to come
    };
    Returned came_back(wire::Bytes message);
    /// The connection is lost: everything under way is. In order.
    std::vector<std::uint64_t> clear();

    bool empty() const { return under_way_.empty(); }
    std::size_t messages() const { return under_way_.size(); }
    std::size_t bytes() const { return bytes_; }

private:
    struct UnderWay {
        std::uint64_t tag = 0;
        std::uint64_t hash = 0;
        std::size_t bytes = 0;
    };
    Limits limits_;
    std::deque<UnderWay> under_way_;
    std::size_t bytes_ = 0;
};

}  // namespace lamplight::bus::group
