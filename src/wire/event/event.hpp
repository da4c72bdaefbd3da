#pragma once

#include "state/device_state.hpp"
#include "state/mwi.hpp"
#include "state/vote.hpp"
#include "wire/bytes.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <string_view>
#include <variant>

/// Asterisk's binary event, as servers from 1.8 to 23 exchange it over AIS and Corosync (docs/protocol/
/// asterisk-events.md). Pure. Texts of decoded events are views into the message.
namespace lamplight::wire::event {

/// Longest device name that goes onto this wire; Asterisk cuts what is longer (AST_MAX_EXTENSION).
inline constexpr std::size_t max_device_bytes = 79;
/// Longest mailbox or context that is sent (AST_MAX_CONTEXT).
inline constexpr std::size_t max_mailbox_bytes = 79;
/// Longest device, mailbox or context that is taken: Asterisk does not cut the names of channels, and the
/// engine's names end here.
inline constexpr std::size_t max_received_name_bytes = 255;
/// Longest address, sent or taken.
inline constexpr std::size_t max_address_bytes = 63;
/// Room for any event that an encoder writes.
inline constexpr std::size_t max_event_bytes = 256;
/// What a decoder looks at; longer messages are refused before anything is read.
inline constexpr std::size_t max_received_bytes = 65'535;

/// Event types on the wire (u16).
enum class Type : std::uint16_t {
    mwi = 0x0002,
    device_state = 0x0005,         ///< a server's aggregate: a by-product that nobody needs
    device_state_change = 0x0006,  ///< one server's vote
    ping = 0x000c,
    cluster_discovery = 0x000d,
};
inline constexpr std::size_t type_count = 5;
std::string_view to_string(Type type);

/// How the hash of a text is made. Asterisk 12 and later ignore it; 11 and older compare it and believe
/// nothing that has another one.
enum class HashRule : std::uint8_t {
    modern,  ///< 13.16, 14.5, 15 and later
    legacy,  ///< up to 13.15 and 14.4, with the technology upper-cased as 1.8.12, 10.4 and 11 do
};
std::string_view to_string(HashRule rule);

/// What differs between versions in what is sent.
struct Dialect {
    HashRule hash = HashRule::modern;
    enum class CachableElement : std::uint16_t {
        v1_8 = 0x35,
        v10 = 0x39,
        v11 = 0x3d,  ///< and all later
    } cachable = CachableElement::v11;
};

struct DeviceStateChange {
    std::string_view device;
    state::DeviceState state{};
    state::Cachable cachable = state::Cachable::yes;  ///< yes also when the element is missing (old senders)
    state::Eid eid;
    bool operator==(const DeviceStateChange&) const = default;
};
/// Type 5: what the server with this EID believes the aggregate to be.
struct DeviceStateAggregate {
    std::string_view device;
    state::DeviceState state{};
    state::Cachable cachable = state::Cachable::yes;
    state::Eid eid;
    bool operator==(const DeviceStateAggregate&) const = default;
};
struct Mwi {
    std::string_view mailbox;
    std::string_view context;
    state::MessageCounts counts;
    state::Eid eid;
    bool operator==(const Mwi&) const = default;
};
struct Ping {
    state::Eid eid;
    bool operator==(const Ping&) const = default;
};
struct ClusterDiscovery {
    std::uint32_t node_id = 0;  ///< Corosync's
    std::string_view address;   ///< numeric, without a port
    state::Eid eid;
    bool operator==(const ClusterDiscovery&) const = default;
};
using Event = std::variant<DeviceStateChange, DeviceStateAggregate, Mwi, Ping, ClusterDiscovery>;

/// Why a message is refused; also the names of counters.
enum class Malformed : std::uint8_t {
    too_short,       ///< fewer than the four bytes of a header
    too_long,        ///< more than max_received_bytes
    wrong_length,    ///< the header's length is not that of the message
    unknown_type,    ///< none of Type
    broken_element,  ///< an element reaches beyond the end, or a number is not four bytes, an EID not six
    broken_text,     ///< no hash, no NUL at its end, or a NUL before it
    missing_eid,
    zero_eid,
    missing_device,  ///< or an empty one
    missing_state,
    unknown_state,    ///< above ONHOLD
    missing_mailbox,  ///< or an empty one
    missing_node,     ///< a discovery without node id or address
    name_too_long,    ///< beyond max_received_name_bytes, an address beyond max_address_bytes
};
inline constexpr std::size_t malformed_count = 14;
std::string_view to_string(Malformed reason);

/// Reads one message. Elements may stand in any order, the first of a kind counts; later ones and those that
/// the event has no use for are passed over, the hash is never checked. Message counts above 2^31-1 are
/// clamped, as Asterisk does, and missing ones are 0. A missing or empty context is `default`. Cost:
/// O(bytes), no allocation.
tl::expected<Event, Malformed> decode(Bytes message);

/// Writes one event into `out` (at least max_event_bytes) and gives its length; 0, and nothing is to be sent,
/// when decode() would refuse it or a text is too long for this wire. An empty context is written as
/// `default`, counts are clamped. Elements stand in the order real servers send them; 11 and older rely on
/// it. Cost: O(bytes), no allocation.
std::size_t encode(const Event& event, const Dialect& dialect, MutableBytes out);

/// The hash of a text as it stands before it in an element (in little endian there: every sender known is
/// x86).
std::uint32_t text_hash(std::string_view text, HashRule rule);
/// The hash of a device's name: as text_hash, with `legacy` over the name with its technology upper-cased.
std::uint32_t device_hash(std::string_view device, HashRule rule);

}  // namespace lamplight::wire::event
