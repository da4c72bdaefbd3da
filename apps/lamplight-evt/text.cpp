#include "text.hpp"

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

unsigned byte_at(std::string_view text, std::size_t place) {
    return static_cast<unsigned char>(text[place]);
}

/// How many bytes of UTF-8 announced by `first` follow it, and the smallest character that needs so many.
struct Sequence {
    std::size_t more = 0;
    unsigned least = 0;
    unsigned bits = 0;
};
std::optional<Sequence> sequence_of(unsigned first) {
    if (first >= 0xc2 && first < 0xe0) return Sequence{1, 0x80, first & 0x1fU};
    if (first >= 0xe0 && first < 0xf0) return Sequence{2, 0x800, first & 0x0fU};
    if (first >= 0xf0 && first < 0xf5) return Sequence{3, 0x10000, first & 0x07U};
    return {};
}

/// Beyond ASCII: no control characters (C1), no surrogates, and none that turn lines around (bidirectional
/// controls, line separators).
bool may_be_shown(unsigned character) {
    if (character < 0xa0 || character > 0x10ffff) return false;
    if (character >= 0xd800 && character < 0xe000) return false;
    return !(character >= 0x2028 && character <= 0x202e) && !(character >= 0x2066 && character <= 0x2069);
}

/// The bytes of the printable character that begins at `place`; 0 when none does.
std::size_t printable_at(std::string_view text, std::size_t place) {
    const unsigned first = byte_at(text, place);
    if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
    const auto sequence = sequence_of(first);
    if (!sequence || text.size() - place <= sequence->more) return 0;
    unsigned character = sequence->bits;
    for (std::size_t i = 1; i <= sequence->more; ++i) {
        const unsigned next = byte_at(text, place + i);
        if ((next & 0xc0U) != 0x80) return 0;
        character = character << 6U | (next & 0x3fU);
    }
    return character >= sequence->least && may_be_shown(character) ? sequence->more + 1 : 0;
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

std::string escaped(std::string_view bytes) {
    std::string out;
    for (std::size_t place = 0; place < bytes.size();) {
        const std::size_t length = printable_at(bytes, place);
        if (length == 0)
            out += bytes[place] == '\0' ? "\\0" : fmt::format("\\x{:02x}", byte_at(bytes, place));
        else if (bytes[place] == '\\')
            out += "\\\\";
        else
            out += bytes.substr(place, length);
        place += length == 0 ? 1 : length;
    }
    return out;
}

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

bool is_printable(std::string_view bytes) {
    for (std::size_t place = 0; place < bytes.size();) {
        const std::size_t length = printable_at(bytes, place);
        if (length == 0) return false;
        place += length;
    }
    return true;
}

std::string hex_of(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (std::size_t place = 0; place < bytes.size(); ++place)
        fmt::format_to(std::back_inserter(out), "{:02x}", byte_at(bytes, place));
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
    return parse_escaped(text.substr(colon + 1)).map([&](std::string pattern) {
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
