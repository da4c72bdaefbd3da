#include "text.hpp"

#include "wire/evt/frame.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <ctime>
#include <optional>

namespace lamplight::evt_app {

namespace {

using bus::ais::evt::Filter;
using bus::ais::evt::Nanoseconds;

constexpr Nanoseconds second = 1'000'000'000;

std::optional<unsigned> hex_digit(char character) {
    if (character >= '0' && character <= '9') return character - '0';
    if (character >= 'a' && character <= 'f') return character - 'a' + 10;
    if (character >= 'A' && character <= 'F') return character - 'A' + 10;
    return {};
}

/// What has passed of the second, also before the epoch.
Nanoseconds part_of_second(Nanoseconds wall) {
    return (wall % second + second) % second;
}

std::tm local(Nanoseconds wall) {
    const std::time_t seconds = wall / second - (wall % second < 0 ? 1 : 0);
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    return parts;
}

std::optional<double> unit_of(std::string_view text) {
    if (text.empty() || text == "s") return 1;
    if (text == "m") return 60;
    if (text == "h") return 3'600;
    if (text == "d") return 86'400;
    return {};
}

}  // namespace

tl::expected<std::string, Complaint> parse_escaped(std::string_view text) {
    std::string out;
    for (std::size_t place = 0; place < text.size(); ++place) {
        if (text[place] != '\\') {
            out += text[place];
            continue;
        }
        const std::string_view rest = text.substr(place + 1);
        if (rest.starts_with('0') || rest.starts_with('\\')) {
            out += rest.front() == '0' ? '\0' : '\\';
            place += 1;
            continue;
        }
        const auto high = rest.size() > 2 ? hex_digit(rest[1]) : std::nullopt;
        const auto low = rest.size() > 2 ? hex_digit(rest[2]) : std::nullopt;
        if (!rest.starts_with('x') || !high || !low)
            return tl::unexpected(fmt::format(
                "\"{}\": after a backslash stands 0 (a NUL), xNN (a byte in hex) or a second backslash",
                text));
        out += static_cast<char>(*high << 4U | *low);
        place += 3;
    }
    return out;
}

tl::expected<std::string, Complaint> parse_pattern(std::string_view text) {
    auto pattern = parse_escaped(text);
    if (pattern && pattern->size() > wire::evt::max_pattern_bytes)
        return tl::unexpected(fmt::format("a pattern has at most {} bytes, this one has {}",
                                          wire::evt::max_pattern_bytes, pattern->size()));
    return pattern;
}

tl::expected<std::string, Complaint> parse_name(std::string_view text) {
    if (text.empty()) return tl::unexpected(std::string("a name is not empty"));
    if (text.size() > wire::evt::max_name_bytes)
        return tl::unexpected(fmt::format("a name has at most {} bytes, this one has {}",
                                          wire::evt::max_name_bytes, text.size()));
    return std::string(text);
}

std::string hex_of(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char byte : bytes)
        fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned char>(byte));
    return out;
}

tl::expected<Filter, Complaint> parse_filter(std::string_view text) {
    using Type = Filter::Type;
    if (text == "all") return Filter{Type::pass_all, {}};
    const std::size_t colon = text.find(':');
    const std::string_view kind = text.substr(0, colon);
    std::optional<Type> type;
    if (kind == "exact") type = Type::exact;
    if (kind == "prefix") type = Type::prefix;
    if (kind == "suffix") type = Type::suffix;
    if (!type || colon == std::string_view::npos)
        return tl::unexpected(
            fmt::format("\"{}\" is none of exact:TEXT, prefix:TEXT, suffix:TEXT and all", text));
    return parse_pattern(text.substr(colon + 1)).map([&](std::string pattern) {
        return Filter{*type, std::move(pattern)};
    });
}

tl::expected<Nanoseconds, Complaint> parse_retention(std::string_view text) {
    if (text == "forever") return bus::ais::evt::for_ever;
    const auto complaint = tl::unexpected(
        fmt::format("\"{}\" is no time: seconds, or a number with s, m, h or d, or forever", text));
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{}) return complaint;
    const auto unit = unit_of({end, static_cast<std::size_t>(text.data() + text.size() - end)});
    if (!unit || !std::isfinite(number) || number < 0) return complaint;
    const double nanoseconds = number * *unit * static_cast<double>(second);
    if (nanoseconds >= static_cast<double>(bus::ais::evt::for_ever)) return bus::ais::evt::for_ever;
    return static_cast<Nanoseconds>(nanoseconds);
}

std::string to_string(bus::ais::evt::EventId id) {
    return fmt::format("0x{:016x}", static_cast<std::uint64_t>(id));
}

tl::expected<bus::ais::evt::EventId, Complaint> parse_event_id(std::string_view text) {
    const std::string_view digits = text.substr(text.starts_with("0x") || text.starts_with("0X") ? 2 : 0);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    if (error != std::errc{} || end != digits.data() + digits.size())
        return tl::unexpected(fmt::format(
            "\"{}\" is no event id: up to 16 hex digits, as subscribe and publish print it", text));
    return bus::ais::evt::EventId{number};
}

std::string log_time(Nanoseconds wall) {
    return fmt::format("{:%b %d %H:%M:%S}", local(wall));
}

std::string exact_time(Nanoseconds wall) {
    return fmt::format("{}.{:06}", log_time(wall), part_of_second(wall) / 1'000);
}

std::string complaint_of(std::string_view channel, bus::ais::evt::Error error, std::string_view about) {
    const bool missing = error == bus::ais::evt::Error::not_exist;
    return fmt::format("channel {}{}: {}: {}", escaped(channel), about, bus::ais::evt::to_string(error),
                       missing
                           ? "it is not there; lamplight-evt channels shows which are, subscribe --create "
                             "and publish make one"
                           : bus::ais::evt::explain(error));
}

tl::expected<DeviceText, Complaint> parse_device_text(std::string_view text) {
    const std::size_t equals = text.rfind('=');
    if (equals == std::string_view::npos || equals == 0)
        return tl::unexpected(fmt::format("\"{}\" is not DEVICE=STATE", text));
    const auto state = state::parse_device_state(text.substr(equals + 1));
    if (!state)
        return tl::unexpected(
            fmt::format("\"{}\" is no state: UNKNOWN, NOT_INUSE, INUSE, BUSY, INVALID, UNAVAILABLE, RINGING, "
                        "RINGINUSE or ONHOLD",
                        text.substr(equals + 1)));
    return DeviceText{std::string(text.substr(0, equals)), *state};
}

}  // namespace lamplight::evt_app
