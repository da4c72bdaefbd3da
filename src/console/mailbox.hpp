#pragma once

#include "state/mwi.hpp"

#include <tl/expected.hpp>

#include <string>
#include <string_view>

namespace lamplight::console {

/// The most messages that Asterisk counts (asterisk-facts 3.5).
inline constexpr std::uint32_t most_messages = 0x7fff'ffff;

/// Reads `6001@default`; without a context it is `default`. The error is a sentence.
tl::expected<state::Mailbox, std::string> parse_mailbox(std::string_view text);

/// `6001@default`.
std::string to_string(const state::Mailbox& mailbox);

/// A number of messages, up to most_messages. The error is a sentence.
tl::expected<std::uint32_t, std::string> parse_messages(std::string_view text);

/// `2 new and 1 old messages`.
std::string to_string(const state::MessageCounts& counts);

}  // namespace lamplight::console
