#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What `show counters` commands print. Pure.
namespace lamplight::console {

/// A name and a number, in the order shown.
using CounterRows = std::vector<std::pair<std::string, std::uint64_t>>;

/// Below a heading. Refusals (`refused: …`) that did not happen are left out: people look for those that did.
std::string text_of(std::string_view heading, const CounterRows& rows);
/// All of them: programs look for names.
boost::json::object json_of(const CounterRows& rows);

/// Adds `refused: REASON` for every reason, of an array that is counted by an enumeration with a to_string().
template <typename Reason, typename Counts>
void add_refused(CounterRows& rows, const Counts& counts) {
    for (std::size_t i = 0; i < counts.size(); ++i)
        rows.emplace_back("refused: " + std::string(to_string(static_cast<Reason>(i))), counts[i]);
}

}  // namespace lamplight::console
