#pragma once

#include <tl/expected.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace lamplight::console::client {

inline constexpr std::string_view default_run_dir = "/run/lamplight";

/// The only `NAME.ctl` in `run_dir`. The error says what is there instead and what to do.
tl::expected<std::filesystem::path, std::string> only_socket(const std::filesystem::path& run_dir);

}  // namespace lamplight::console::client
