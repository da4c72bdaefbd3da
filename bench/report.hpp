#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace lamplight::bench {

enum class Output : unsigned char { text, json };

/// One measured result. Fields keep their order and carry their unit in the name (`votes_per_second`).
/// Prints a JSON object on one line, or `name: field value, …` for people.
void print(Output output, std::string_view benchmark, const boost::json::object& fields);

double median(std::vector<double> values);

/// Runs `work` once and says how long it took.
struct Elapsed {
    double wall_seconds = 0;
    double cpu_seconds = 0;  ///< of this thread
};
class Stopwatch {
public:
    Stopwatch();
    Elapsed elapsed() const;

private:
    double wall_;
    double cpu_;
};

/// Resident memory of this process, from /proc/self/statm.
std::size_t resident_bytes();

}  // namespace lamplight::bench
