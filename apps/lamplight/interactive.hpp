#pragma once

#include <chrono>
#include <filesystem>

namespace lamplight::app {

/// A console at a terminal, until `quit`, `exit` or the end of input. Gives the exit status.
int run_interactive(const std::filesystem::path& socket, std::chrono::milliseconds patience);

}  // namespace lamplight::app
