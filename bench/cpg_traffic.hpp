#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

namespace lamplight::bench {

/// One process of raw CPG traffic: what a ring of Lamplights is held against, and the listener that is no
/// Lamplight. Its messages are Asterisk's event about one device, made longer by zeros where asked.
struct CpgTraffic {
    enum class Role : std::uint8_t {
        give,  ///< waits for a second member, then sends; again and again while Corosync says TRY_AGAIN
        see,   ///< counts what comes, until it is ended
    } role = Role::see;
    std::string group;
    std::filesystem::path board;
    std::uint64_t messages = 0;
    std::uint64_t per_second = 0;  ///< 0: as fast as Corosync takes them
    std::uint64_t window = 0;      ///< so many may be under way; 0: as many as Corosync takes
    std::size_t bytes = 49;        ///< of a message, 49 to 4096
};

/// Runs until every message has come back (give), or for ever (see). The failure says which call and why.
tl::expected<void, std::string> run_cpg_traffic(const CpgTraffic& traffic);

}  // namespace lamplight::bench
