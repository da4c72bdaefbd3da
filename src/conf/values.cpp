#include "conf/values.hpp"

#include "conf/file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace lamplight::conf {

namespace {

/// A number and the word behind it.
struct Quantity {
    std::uint64_t count = 0;
    std::string_view unit;
};

std::optional<Quantity> parse_quantity(std::string_view text) {
    Quantity quantity;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), quantity.count);
    if (error != std::errc{}) return std::nullopt;
    quantity.unit = trimmed(text.substr(static_cast<std::size_t>(end - text.data())));
    return quantity;
}

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

/// count × the unit's factor; empty when the unit is unknown or the product exceeds `most`.
template <std::size_t N>
std::optional<std::uint64_t> scaled(const Quantity& quantity, const std::array<Unit, N>& units,
                                    std::uint64_t most) {
    const auto unit = std::find_if(units.begin(), units.end(),
                                   [&](const Unit& u) { return same_name(u.name, quantity.unit); });
    if (unit == units.end() || quantity.count > most / unit->factor) return std::nullopt;
    return quantity.count * unit->factor;
}

constexpr std::array<Unit, 6> duration_units{
    {{"", 1'000}, {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::uint64_t kib = 1024;
constexpr std::array<Unit, 11> byte_units{{{"", 1},
                                           {"B", 1},
                                           {"K", kib},
                                           {"KB", kib},
                                           {"KiB", kib},
                                           {"M", kib* kib},
                                           {"MB", kib* kib},
                                           {"MiB", kib* kib},
                                           {"G", kib* kib* kib},
                                           {"GB", kib* kib* kib},
                                           {"GiB", kib* kib* kib}}};

}  // namespace

std::optional<bool> parse_bool(std::string_view text) {
    constexpr std::array<std::string_view, 6> yes{"yes", "true", "y", "t", "1", "on"};
    constexpr std::array<std::string_view, 6> no{"no", "false", "n", "f", "0", "off"};
    const auto is_text = [&](std::string_view word) { return same_name(word, text); };
    if (std::any_of(yes.begin(), yes.end(), is_text)) return true;
    if (std::any_of(no.begin(), no.end(), is_text)) return false;
    return std::nullopt;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t number = 0;
    if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<state::Duration> parse_duration(std::string_view text) {
    const auto quantity = parse_quantity(text);
    if (!quantity) return std::nullopt;
    // A tenth of what the clock can count: adding a duration to a time never overflows.
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<state::Duration::rep>::max() / 10);
    const auto milliseconds = scaled(*quantity, duration_units, most);
    if (!milliseconds) return std::nullopt;
    return state::Duration(static_cast<state::Duration::rep>(*milliseconds));
}

std::string format_duration(state::Duration duration) {
    const std::int64_t count = duration.count();
    if (count == 0) return "0s";
    constexpr std::array<Unit, 4> units{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
    for (const Unit& unit : units) {
        const auto factor = static_cast<std::int64_t>(unit.factor);
        if (count % factor == 0) return fmt::format("{}{}", count / factor, unit.name);
    }
    return fmt::format("{}ms", count);
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
    const auto quantity = parse_quantity(text);
    if (!quantity) return std::nullopt;
    return scaled(*quantity, byte_units, std::numeric_limits<std::int64_t>::max());
}

std::string unquote(std::string_view text) {
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
    const std::string_view inside = text.substr(1, text.size() - 2);
    std::string plain;
    for (std::size_t i = 0; i < inside.size(); ++i) {
        const bool escapes =
            inside[i] == '\\' && i + 1 < inside.size() && (inside[i + 1] == '"' || inside[i + 1] == '\\');
        plain += inside[escapes ? ++i : i];
    }
    return plain;
}

std::vector<std::string> parse_list(std::string_view text) {
    std::vector<std::string> pieces;
    std::size_t begin = 0;
    bool quoted = false;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i < text.size() && text[i] == '"') quoted = !quoted;
        if (i < text.size() && (quoted || text[i] != ',')) continue;
        const std::string_view piece = trimmed(text.substr(begin, i - begin));
        if (!piece.empty()) pieces.push_back(unquote(piece));
        begin = i + 1;
    }
    return pieces;
}

}  // namespace lamplight::conf
