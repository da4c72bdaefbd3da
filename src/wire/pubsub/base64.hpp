#pragma once

#include "wire/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::wire::pubsub {

/// RFC 4648 section 4, in one line.
std::string encode_base64(Bytes bytes);
/// Only what encode_base64 writes, and line breaks anywhere: whole groups of four, padding where it belongs,
/// no bits beyond the last byte. Empty when it is something else or longer than `most` bytes.
std::optional<std::vector<std::uint8_t>> decode_base64(std::string_view text, std::size_t most);

}  // namespace lamplight::wire::pubsub
