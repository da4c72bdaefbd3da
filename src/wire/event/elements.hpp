#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// What decoder and encoder share and nobody else needs.
namespace lamplight::wire::event {

/// Element numbers, the same from 1.8 to 23 but for the cachable ones (Dialect::CachableElement).
enum class Element : std::uint16_t {
    new_messages = 0x01,
    old_messages = 0x02,
    mailbox = 0x03,
    device = 0x07,
    state = 0x08,
    context = 0x09,
    eid = 0x21,
    local_address = 0x2a,
    cachable_v1_8 = 0x35,
    cachable_v10 = 0x39,
    cachable_v11 = 0x3d,
    node_id = 0x3e,
};

inline constexpr std::size_t header_bytes = 4;
/// Before the bytes of a text.
inline constexpr std::size_t hash_bytes = 4;
/// What the counts of a mailbox end at.
inline constexpr std::uint32_t max_count = 0x7fffffff;
inline constexpr std::string_view default_context = "default";

}  // namespace lamplight::wire::event
