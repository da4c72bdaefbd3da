#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace lamplight::conf {

/// How many letters must be put in, taken out, changed or swapped with their neighbour to turn `a` into `b`;
/// the case of ASCII letters does not count. Cost: O(a × b).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The name that `word` was probably meant to be; empty when none is near.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> names);

}  // namespace lamplight::conf
