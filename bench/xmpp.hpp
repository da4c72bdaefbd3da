#pragma once

#include "bench/script.hpp"

#include <cstdint>

namespace lamplight::bench {

/// `lamplight-bench xmpp`: daemons with res_jabber.so on real XMPP servers (bench/xmpp_bench.py).
struct XmppOptions : RoundsOptions {
    std::uint32_t devices = 10'000;
    std::uint64_t changes = 20'000;       ///< a round, server and way, as fast as they go
    std::uint64_t latency_changes = 150;  ///< a round, server and way, 50 a second
};

inline int run_xmpp(const XmppOptions& options) {
    return run_script("xmpp_bench.py", options,
                      {{"devices", options.devices},
                       {"changes", options.changes},
                       {"latency-changes", options.latency_changes}});
}

}  // namespace lamplight::bench
