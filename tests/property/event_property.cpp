#include "wire/event/event.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace lamplight::wire::event {
namespace {

using Buffer = std::vector<std::uint8_t>;

/// 1 to `limit` bytes of any value but NUL.
rc::Gen<std::string> text(int limit) {
    return rc::gen::mapcat(rc::gen::inRange(1, limit + 1), [](int size) {
        return rc::gen::container<std::string>(static_cast<std::size_t>(size), rc::gen::nonZero<char>());
    });
}

state::Eid any_eid() {
    state::Eid eid;
    eid.bytes = *rc::gen::arbitrary<std::array<std::uint8_t, 6>>();
    if (eid.is_zero()) eid.bytes[5] = 1;
    return eid;
}

state::DeviceState any_state() {
    return static_cast<state::DeviceState>(*rc::gen::inRange(0, 9));
}

state::Cachable any_cachable() {
    return *rc::gen::element(state::Cachable::no, state::Cachable::yes);
}

std::uint32_t any_count() {
    return *rc::gen::inRange<std::uint32_t>(0, 0x7fffffff);
}

Dialect any_dialect() {
    using Number = Dialect::CachableElement;
    return {*rc::gen::element(HashRule::modern, HashRule::legacy),
            *rc::gen::element(Number::v1_8, Number::v10, Number::v11)};
}

/// Any event that may be sent; its texts are views into `first` and `second`.
Event any_event(const std::string& first, const std::string& second) {
    switch (*rc::gen::inRange(0, 5)) {
        case 0:
            return DeviceStateChange{first, any_state(), any_cachable(), any_eid()};
        case 1:
            return DeviceStateAggregate{first, any_state(), any_cachable(), any_eid()};
        case 2:
            return Mwi{first, second, {any_count(), any_count()}, any_eid()};
        case 3:
            return Ping{any_eid()};
        default:
            return ClusterDiscovery{*rc::gen::arbitrary<std::uint32_t>(),
                                    std::string_view(first).substr(0, max_address_bytes), any_eid()};
    }
}

RC_GTEST_PROP(EventLaw, WhatIsWrittenIsReadAsTheSameAndNothingIsWrittenBehindIt, ()) {
    const std::string first = *text(max_device_bytes);
    const std::string second = *text(max_mailbox_bytes);
    const Event event = any_event(first, second);
    Buffer out(max_event_bytes + 16, 0xee);
    const std::size_t length = encode(event, any_dialect(), MutableBytes(out).first(max_event_bytes));
    RC_ASSERT(length > 0u && length <= max_event_bytes);
    const Buffer message(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(length));
    const auto again = decode(message);
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == event);
    RC_ASSERT(std::all_of(out.begin() + static_cast<std::ptrdiff_t>(length), out.end(),
                          [](std::uint8_t byte) { return byte == 0xee; }));
}

RC_GTEST_PROP(EventLaw, AnyBytesAreReadOrRefusedAndADamagedMessageIsNotReadBeyondItsEnd, ()) {
    const std::string first = *text(max_device_bytes);
    const std::string second = *text(max_mailbox_bytes);
    Buffer message(max_event_bytes);
    message.resize(encode(any_event(first, second), any_dialect(), message));
    for (int damage = *rc::gen::inRange(1, 6); damage > 0; --damage)
        message[*rc::gen::inRange<std::size_t>(0, message.size())] = *rc::gen::arbitrary<std::uint8_t>();
    if (const auto event = decode(message)) {
        Buffer again(max_event_bytes);
        RC_ASSERT(encode(*event, {}, again) <= max_event_bytes);
    }
    const auto bytes = *rc::gen::arbitrary<Buffer>();
    if (const auto refused = decode(bytes); !refused) RC_ASSERT(to_string(refused.error()) != "?");
}

}  // namespace
}  // namespace lamplight::wire::event
