#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lamplight::state {

/// The engine's clock: milliseconds that never run backwards, given to the engine as arguments and never read
/// by it. The daemon anchors it to the wall clock at start, the simulator starts it at zero.
struct EngineClock {
    using rep = std::int64_t;
    using period = std::milli;
    using duration = std::chrono::duration<rep, period>;
    using time_point = std::chrono::time_point<EngineClock, duration>;
    static constexpr bool is_steady = true;
};
using Time = EngineClock::time_point;
using Duration = EngineClock::duration;

/// A node's entity identifier, six bytes (asterisk-facts 2). All zero means "none".
struct Eid {
    std::array<std::uint8_t, 6> bytes{};

    constexpr auto operator<=>(const Eid&) const = default;
    constexpr bool is_zero() const { return *this == Eid{}; }
};

/// `xx:xx:xx:xx:xx:xx`, lower-case hex.
std::string to_string(const Eid& eid);

/// Reads six groups of one or two hex digits separated by colons, either case. Anything before, between or
/// after them is refused (Asterisk ignores what follows; a typing error in an identity must not pass in
/// silence).
std::optional<Eid> parse_eid(std::string_view text);

/// Orders the votes of one node: a restart raises the incarnation, each vote the sequence number.
/// An incarnation of 0 says that the wire carries no versions; order is then arrival.
struct Version {
    std::uint64_t incarnation = 0;
    std::uint64_t sequence = 0;

    constexpr auto operator<=>(const Version&) const = default;
    constexpr bool exists() const { return incarnation != 0; }
};

/// Names are interned once; wires and tables then speak in these numbers. They are valid in one engine only.
enum class DeviceId : std::uint32_t {};
enum class NodeId : std::uint16_t {};
/// A connection of a bus that can speak for nodes: a socket peer, a (Corosync node, pid), a JID.
enum class SenderId : std::uint32_t {};

template <typename Id>
constexpr auto index_of(Id id) {
    return static_cast<std::underlying_type_t<Id>>(id);
}

/// The roads a vote can take, nearest first; `own` is this daemon itself (console, API, PBX link).
/// corosync and ais are our own group `lamplight` on the ring, the *_plain ones Asterisk's wire on the same
/// ring or the same XMPP server.
enum class Bus : std::uint8_t { own, local, corosync, ais, corosync_plain, ais_plain, xmpp, xmpp_plain };
inline constexpr std::size_t bus_count = 8;

/// `own`, `local`, `corosync`, `ais`, `asterisk` (both plain wires of a ring), `xmpp` (both wires).
std::string_view to_string(Bus bus);

/// Whether votes on this bus carry versions and snapshots (our own frame) or neither (Asterisk's wire).
constexpr bool has_versions(Bus bus) {
    return bus != Bus::corosync_plain && bus != Bus::ais_plain && bus != Bus::xmpp_plain;
}

}  // namespace lamplight::state
