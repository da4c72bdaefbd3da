#pragma once

#include "wire/vote/frame.hpp"

#include <tl/expected.hpp>

namespace lamplight::wire::vote {

/// Why a frame is refused; also the names of counters.
enum class Refusal : std::uint8_t {
    too_short,       ///< not even a head
    too_long,        ///< beyond max_received_bytes
    not_ours,        ///< another magic number
    unknown_format,  ///< say so in an `unsupported` frame; `format` holds what was met
    length_lies,     ///< the head's length is not the number of bytes that came
    unknown_type,    ///< ignore it
    truncated,       ///< a part ends beyond the frame
    trailing_bytes,  ///< something after the last part
    bad_count,       ///< a count beyond its limit, or another number of entries
    bad_value,       ///< a state above 8, incarnation 0, EID 0, an empty name …
    misplaced,       ///< good, but not by the way it came; not decode()'s to know
};
inline constexpr std::size_t refusal_count = 11;
std::string_view to_string(Refusal refusal);

struct Malformed {
    Refusal refusal{};
    std::uint8_t format = 0;  ///< as the head says, if there is one
    std::uint8_t type = 0;
};

/// Reads and checks one whole frame. The result refers to `bytes`. Allocates nothing; cost: O(bytes).
tl::expected<Frame, Malformed> decode(Bytes bytes);

}  // namespace lamplight::wire::vote
