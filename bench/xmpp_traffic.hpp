#pragma once

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lamplight::bench {

/// One bare client of an XMPP server, on the stream that daemons have: what they are held against, and the
/// listener that is no Lamplight.
struct XmppTraffic {
    enum class Role : std::uint8_t {
        give,  ///< makes the node, waits for a subscriber, then publishes states
        see,   ///< subscribes, shows itself, and counts states until it is ended
        send,  ///< waits for one of `peers` to show itself, then sends it IQs from full JID to full JID
        take,  ///< shows itself to `peers`, answers their IQs and counts them until it is ended
    } role = Role::see;
    std::string jid;  ///< with the resource
    std::string secret;
    std::string service;
    std::string node;
    std::vector<std::string> peers;  ///< full JIDs
    std::filesystem::path board;
    std::uint64_t messages = 0;
    std::uint64_t per_second = 0;  ///< 0: as fast as they are answered
    std::uint64_t window = 1;      ///< so many may be unanswered
    std::size_t bytes = 0;         ///< of text in each IQ
    bool hears_itself = false;     ///< who publishes is subscribed, too, as every Asterisk is
};

/// Runs until every message is answered (give, send), or for ever (see, take). The failure says what was
/// refused, or how the stream ended.
tl::expected<void, std::string> run_xmpp_traffic(const XmppTraffic& traffic);

}  // namespace lamplight::bench
