#include "console/counter_rows.hpp"

#include <fmt/format.h>

namespace lamplight::console {

std::string text_of(std::string_view heading, const CounterRows& rows) {
    std::string text = fmt::format("{}\n", heading);
    for (const auto& [name, count] : rows)
        if (count != 0 || !name.starts_with("refused")) text += fmt::format("  {:<32} {:>14}\n", name, count);
    return text;
}

boost::json::object json_of(const CounterRows& rows) {
    boost::json::object counters;
    for (const auto& [name, count] : rows)
        counters[name] = count;
    return counters;
}

}  // namespace lamplight::console
