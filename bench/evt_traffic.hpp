#pragma once

#include <tl/expected.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace lamplight::bench {

/// One process with an event channel open: evt::Service and its shell, without a daemon around them. Events
/// are what res_ais publishes: Asterisk's event about one device, one pattern, the lowest priority.
struct EvtTraffic {
    enum class Role : std::uint8_t {
        give,  ///< waits until another process has the channel open, then publishes
        see,   ///< subscribes to events of devices and counts them, until it is ended
    } role = Role::see;
    enum class Way : std::uint8_t {
        queue,  ///< through the service's queue: a frame carries as many as wait
        apart,  ///< each in a frame of its own, when there is room, as res_ais sends; not per_second
    } way = Way::queue;
    std::string channel;
    std::filesystem::path board;
    std::uint64_t events = 0;
    std::uint64_t per_second = 0;       ///< 0: as fast as the service takes them
    std::chrono::seconds retention{0};  ///< of events given
};

/// Runs until every event has come back (give), or for ever (see). The failure says what was refused and why.
tl::expected<void, std::string> run_evt_traffic(const EvtTraffic& traffic);

}  // namespace lamplight::bench
