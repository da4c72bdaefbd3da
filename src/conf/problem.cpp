#include "conf/problem.hpp"

#include "log/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lamplight::conf {

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
    // Text of the file is quoted in it: a control character must not break the line or the terminal.
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }, '?');
    return text;
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
