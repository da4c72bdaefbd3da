#pragma once

#include "remote.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace lamplight::app {

enum class Form : std::uint8_t { text, json };

/// Writes to stdout; false when nobody reads there any more, or the disk behind it is full.
bool print(std::string_view text);

/// Runs one command and prints its answer. Gives the exit status.
int run_command(Remote& remote, const std::string& line, Form form);

/// Prints what could stand at the end of the line, a whole line each: for the shell's completion.
int print_completions(Remote& remote, const std::string& begun);

/// Runs the lines of stdin one by one: for scripts. Gives the status of the last command that failed, else 0.
int run_lines(Remote& remote, Form form);

/// `quit`, `exit`.
bool means_quit(std::string_view line);

}  // namespace lamplight::app
