// A message from an Asterisk: decode() must refuse or describe it, and what it describes is written again in
// every dialect and read as the same, unless it is longer than what is sent.
#include "wire/event/event.hpp"

#include <array>
#include <cstdlib>

using namespace lamplight::wire;
using namespace lamplight::wire::event;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

bool fits(const DeviceStateChange& event) {
    return event.device.size() <= max_device_bytes;
}
bool fits(const DeviceStateAggregate& event) {
    return event.device.size() <= max_device_bytes;
}
bool fits(const Mwi& event) {
    return event.mailbox.size() <= max_mailbox_bytes && event.context.size() <= max_mailbox_bytes;
}
bool fits(const Ping&) {
    return true;
}
bool fits(const ClusterDiscovery& event) {
    return event.address.size() <= max_address_bytes;
}

void check(const Event& event, const Dialect& dialect) {
    std::array<std::uint8_t, max_event_bytes> out{};
    const std::size_t length = encode(event, dialect, out);
    require((length != 0) == std::visit([](const auto& kind) { return fits(kind); }, event));
    if (length == 0) return;
    const auto again = decode(Bytes(out).first(length));
    require(again.has_value() && *again == event);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto event = decode({data, size});
    if (!event) {
        require(to_string(event.error()) != "?");
        return 0;
    }
    for (const auto cachable :
         {Dialect::CachableElement::v1_8, Dialect::CachableElement::v10, Dialect::CachableElement::v11}) {
        check(*event, {HashRule::modern, cachable});
        check(*event, {HashRule::legacy, cachable});
    }
    return 0;
}
