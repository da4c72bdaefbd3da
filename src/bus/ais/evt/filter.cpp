#include "bus/ais/evt/event.hpp"

#include <algorithm>

namespace lamplight::bus::ais::evt {
namespace {

bool passes(const Filter& filter, std::string_view pattern) {
    switch (filter.type) {
        case Filter::Type::prefix:
            return pattern.starts_with(filter.pattern);
        case Filter::Type::suffix:
            return pattern.ends_with(filter.pattern);
        case Filter::Type::exact:
            return pattern == filter.pattern;
        case Filter::Type::pass_all:
            return true;
    }
    return false;
}

}  // namespace

bool matches(std::span<const Filter> filters, std::span<const Pattern> patterns) {
    for (std::size_t i = 0; i < filters.size(); ++i) {
        const std::string_view pattern =
            i < patterns.size() ? std::string_view(patterns[i]) : std::string_view();
        if (!passes(filters[i], pattern)) return false;
    }
    return true;
}

}  // namespace lamplight::bus::ais::evt
