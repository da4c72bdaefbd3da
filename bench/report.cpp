#include "bench/report.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>

namespace lamplight::bench {

namespace {

double clock_seconds(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

std::string number(const boost::json::value& value) {
    if (value.is_string()) return std::string(value.get_string());
    if (!value.is_double()) return boost::json::serialize(value);
    const double number = value.get_double();
    return number >= 1000 ? fmt::format("{:.0f}", number) : fmt::format("{:.3g}", number);
}

}  // namespace

void print(Output output, std::string_view benchmark, const boost::json::object& fields) {
    if (output == Output::json) {
        boost::json::object line{{"benchmark", benchmark}};
        for (const auto& field : fields)
            line.insert(field);
        std::printf("%s\n", boost::json::serialize(line).c_str());
    } else {
        std::string line;
        for (const auto& field : fields)
            line += fmt::format("{}{} {}", line.empty() ? "" : ", ", std::string_view(field.key()),
                                number(field.value()));
        std::printf("%.*s: %s\n", static_cast<int>(benchmark.size()), benchmark.data(), line.c_str());
    }
    std::fflush(stdout);
}

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

Stopwatch::Stopwatch()
    : wall_(clock_seconds(CLOCK_MONOTONIC)), cpu_(clock_seconds(CLOCK_THREAD_CPUTIME_ID)) {}

Elapsed Stopwatch::elapsed() const {
    return {clock_seconds(CLOCK_MONOTONIC) - wall_, clock_seconds(CLOCK_THREAD_CPUTIME_ID) - cpu_};
}

std::size_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::size_t total = 0, resident = 0;
    statm >> total >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace lamplight::bench
