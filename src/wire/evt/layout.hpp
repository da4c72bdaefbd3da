#pragma once

#include "wire/evt/frame.hpp"

#include <array>
#include <optional>

/// What reading and writing a frame have in common.
namespace lamplight::wire::evt {

inline constexpr std::array<std::uint8_t, 4> magic{'L', 'E', 'V', 'T'};
inline constexpr std::size_t reserved_bytes = 3;
inline constexpr std::size_t record_head_bytes = 5;
inline constexpr std::uint8_t lowest_priority = 3;

enum class Type : std::uint8_t {
    hello = 1,
    open = 2,
    close = 3,
    unlink = 4,
    publish = 5,
    clear = 6,
    state_begin = 7,
    state_channel = 8,
    state_event = 9,
    state_cleared = 10,
    state_end = 11,
};
constexpr bool is_known(std::uint8_t type) {
    return type >= static_cast<std::uint8_t>(Type::hello) &&
           type <= static_cast<std::uint8_t>(Type::state_end);
}

/// What no record on the wire may have; nothing when it is sound. One law for both directions: the decoder
/// refuses it and the encoder does not write it.
std::optional<Malformed> flaw(const Hello& hello);
std::optional<Malformed> flaw(const Open& open);
std::optional<Malformed> flaw(const Close& close);
std::optional<Malformed> flaw(const Unlink& unlink);
std::optional<Malformed> flaw(const Publish& publish);
std::optional<Malformed> flaw(const Clear& clear);
std::optional<Malformed> flaw(const StateBegin& begin);
std::optional<Malformed> flaw(const StateChannel& channel);
std::optional<Malformed> flaw(const StateEvent& event);
std::optional<Malformed> flaw(const StateCleared& cleared);
std::optional<Malformed> flaw(const StateEnd& end);
std::optional<Malformed> flaw(const Unknown& unknown);

}  // namespace lamplight::wire::evt
