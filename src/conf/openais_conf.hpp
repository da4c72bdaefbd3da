#pragma once

#include "conf/configuration.hpp"

#include <string>
#include <string_view>

namespace lamplight::conf {

/// Bounds of delivery_queue_size. Its resume point is less than it and at least 1.
inline constexpr std::int64_t least_delivery_queue = 2;
inline constexpr std::int64_t most_delivery_queue = 1'000'000;

/// Takes from OpenAIS' own file (openais.conf(5)) what still has a meaning: the event service's queue.
///
/// The format is Corosync's: `block {`, `key: value`, `}`, each a line; blocks may be nested; a line that
/// begins with `#` is a comment. A resume point that is not given is half of a given size. Numbers that do
/// not fit, and a file that is not of the format, are a warning, and the defaults stay; everything else that
/// stands in the file is told in one notice.
void read_openais(std::string_view text, const std::string& path, AisSettings& settings, Problems& problems);

}  // namespace lamplight::conf
