#include "conf/problem.hpp"

#include "conf/utf8.hpp"
#include "log/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lamplight::conf {

namespace {

/// Bytes of the character of UTF-8 at the begin; 0 when none is there.
std::size_t character_at(std::string_view text) {
    for (std::size_t length = 1; length <= 4 && length <= text.size(); ++length)
        if (is_utf8(text.substr(0, length))) return length;
    return 0;
}

/// Text of the file is quoted in it: a control character must not break the line or the terminal, nor a byte
/// that is no text whoever reads it.
std::string shown(std::string_view text) {
    std::string line;
    while (!text.empty()) {
        const auto first = static_cast<unsigned char>(text.front());
        const std::size_t length = character_at(text);
        if (length == 0)
            line += fmt::format("\\x{:02x}", first);
        else if (first < 32 || first == 127)
            line += '?';
        else
            line += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return line;
}

}  // namespace

std::string_view to_string(Severity severity) {
    switch (severity) {
        case Severity::error:
            return "error";
        case Severity::warning:
            return "warning";
        case Severity::notice:
            return "notice";
    }
    return "error";
}

std::string to_string(const Place& place) {
    return place.line == 0 ? place.file : fmt::format("{}:{}", place.file, place.line);
}

std::string to_string(const Problem& problem) {
    std::string text = to_string(problem.place) + ": " + problem.what;
    if (!problem.why.empty()) text += ", " + problem.why;
    if (!problem.what_to_do.empty()) text += ", " + problem.what_to_do;
    return shown(text);
}

bool has_errors(const Problems& problems) {
    return std::any_of(problems.begin(), problems.end(),
                       [](const Problem& p) { return p.severity == Severity::error; });
}

std::string error_lines(const Problems& problems) {
    std::string lines;
    for (const Problem& problem : problems) {
        if (problem.severity != Severity::error) continue;
        if (!lines.empty()) lines += '\n';
        lines += to_string(problem);
    }
    return lines;
}

void log_others(log::Log& log, const Problems& problems) {
    for (const Problem& problem : problems) {
        if (problem.severity == Severity::notice)
            log.notice("{}", to_string(problem));
        else if (problem.severity == Severity::warning)
            log.warning("{}", to_string(problem));
    }
}

void Collector::add(Problem problem) {
    if (added_ < most_problems)
        problems_.push_back(std::move(problem));
    else if (added_ == most_problems)
        problems_.push_back({problem.severity, std::move(problem.place),
                             "there are more problems than are listed",
                             fmt::format("the list ends at {}", most_problems), "put these right first"});
    ++added_;
}

}  // namespace lamplight::conf
