#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::log {
class Log;
}

namespace lamplight::conf {

/// An error keeps the daemon from starting (exit 78) and a reload from taking effect; a warning does not.
enum class Severity : std::uint8_t { error, warning, notice };
/// `error`, `warning`, `notice`.
std::string_view to_string(Severity severity);

/// Where something stands. Line 0 is the file as a whole.
struct Place {
    std::string file;
    std::uint32_t line = 0;

    bool operator==(const Place&) const = default;
};
/// `/etc/lamplight/lamplight.conf:12`, without the number for line 0.
std::string to_string(const Place& place);

/// One thing that is wrong with the configuration, said so that an operator can put it right.
struct Problem {
    Severity severity = Severity::error;
    Place place;
    std::string what;        ///< `entityid = 00:11` is no entity ID
    std::string why;         ///< six groups of hexadecimal digits are needed
    std::string what_to_do;  ///< write it as 00:11:22:33:44:55

    bool operator==(const Problem&) const = default;
};
using Problems = std::vector<Problem>;

/// `file:line: what, why, what to do`; empty parts are left out. Control characters of the file's text are
/// replaced, so that one problem is one line.
std::string to_string(const Problem& problem);

bool has_errors(const Problems& problems);
/// Its errors, a line each, without a line end at the last.
std::string error_lines(const Problems& problems);
/// What is no error goes to the log: warnings, notices.
void log_others(log::Log& log, const Problems& problems);

/// No file's list of problems is longer: whoever names the wrong file is told so in one screen or a few.
inline constexpr std::size_t most_problems = 500;

/// Adds problems to a list until most_problems of its own are there, then says once that there are more.
class Collector {
public:
    explicit Collector(Problems& problems) : problems_(problems) {}
    void add(Problem problem);

private:
    Problems& problems_;
    std::size_t added_ = 0;
};

}  // namespace lamplight::conf
