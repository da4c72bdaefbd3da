#pragma once

#include "log/log.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace lamplight::log {

/// Local time by strftime(3) plus %q and %1q … %6q, the digits of the fraction of the second. What is longer
/// than 128 bytes is cut.
std::string format_date(std::string_view format, std::chrono::system_clock::time_point time);

/// `[Nov 13 13:27:12] DEBUG[14801]: engine.cpp:652 apply: text`; a verbose line is its text behind Asterisk's
/// mark of its depth (`    -- text`), a bare one its text behind `Nov 13 13:27:12 `, whatever the date
/// format. No line end.
std::string console_line(const Record& record, std::string_view date_format);

/// `[Nov 13 13:27:12] DEBUG[14801] engine.cpp: text`, verbose with its mark. No line end.
std::string file_line(const Record& record, std::string_view date_format);

/// `DEBUG[14801] engine.cpp: text`: syslog and the journal bring their own date.
std::string undated_line(const Record& record);

/// Asterisk's marks of depth 1 to 4: ` `, `  == `, `    -- `, `       > `.
std::string_view verbose_mark(int depth);

/// `src/state/engine.cpp` → `engine.cpp`.
std::string_view base_name(std::string_view path);

/// The bare name in what std::source_location::function_name() says under g++ and clang: without return type,
/// namespaces, class, arguments. A lambda is known by the function around it, where there is one.
std::string_view bare_function(std::string_view pretty);

/// Control characters, what is no UTF-8 and what turns a line around become `\n`, `\x1b`: what a peer named
/// its device or itself cannot forge a line or drive a terminal.
std::string printable(std::string_view text);

/// Whether `module` (as typed after `core set debug N`) means the source file `path`: its base name with or
/// without ending, or the folder of the module (`res_corosync`, `res_corosync.so`: a folder `corosync`).
bool module_means(std::string_view module, std::string_view path);

}  // namespace lamplight::log
