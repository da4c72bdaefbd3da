#include "console/texts.hpp"

#include "console/escaped.hpp"
#include "log/line.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace lamplight::console {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool same_letter(char left, char right) {
    return lower(left) == lower(right);
}

bool continues_letter(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::string with_line_end(std::string text) {
    if (!text.empty() && text.back() != '\n') text += '\n';
    return text;
}

}  // namespace

std::string name_of(const Asker& asker) {
    return fmt::format("{} (pid {})", asker.name, asker.pid);
}

std::string name_of(const state::NodeView& node) {
    return node.name.empty() ? to_string(node.eid) : node.name;
}

std::string clock_text(std::chrono::system_clock::time_point time,
                       std::chrono::system_clock::time_point now) {
    const bool today = log::format_date("%F", time) == log::format_date("%F", now);
    return log::format_date(today ? "%H:%M:%S" : "%F %H:%M:%S", time);
}

std::string period_text(std::chrono::seconds period) {
    static constexpr std::array<std::pair<std::int64_t, std::string_view>, 6> units{{
        {31'536'000, "year"},
        {604'800, "week"},
        {86'400, "day"},
        {3'600, "hour"},
        {60, "minute"},
        {1, "second"},
    }};
    std::string out;
    std::int64_t rest = std::max<std::int64_t>(period.count(), 0);
    for (const auto& [length, unit] : units) {
        const auto count = rest / length;
        rest %= length;
        if (count == 0 && !(length == 1 && out.empty())) continue;
        out += fmt::format("{}{} {}{}", out.empty() ? "" : ", ", count, unit, count == 1 ? "" : "s");
    }
    return out;
}

std::string age_text(std::chrono::seconds age) {
    const auto seconds = std::max<std::int64_t>(age.count(), 0);
    if (seconds < 60) return fmt::format("{}s", seconds);
    if (seconds < 3'600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    if (seconds < 86'400) return fmt::format("{}h{:02}m", seconds / 3'600, seconds / 60 % 60);
    return fmt::format("{}d{:02}h", seconds / 86'400, seconds / 3'600 % 24);
}

bool contains_text(std::string_view text, std::string_view part) {
    return std::search(text.begin(), text.end(), part.begin(), part.end(), same_letter) != text.end() ||
           part.empty();
}

bool starts_with_text(std::string_view text, std::string_view begin) {
    return text.size() >= begin.size() && std::equal(begin.begin(), begin.end(), text.begin(), same_letter);
}

bool same_text(std::string_view left, std::string_view right) {
    return left.size() == right.size() && starts_with_text(left, right);
}

std::string counted(std::size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string json_time(std::chrono::system_clock::time_point time) {
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1'000;
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(time)),
                       milliseconds < 0 ? milliseconds + 1'000 : milliseconds);
}

std::string cell(std::string_view raw, std::size_t width) {
    const std::string text = escaped(raw);
    if (width == 0) return text;
    std::size_t columns = 0;
    std::size_t end = 0;
    while (end < text.size()) {
        if (!continues_letter(text[end]) && columns++ == width) break;
        ++end;
    }
    std::string out = text.substr(0, end);
    columns = std::min(columns, width);
    return out.append(width - columns, ' ');
}

Reply shown(std::string text, boost::json::value json) {
    return {std::move(text), std::move(json), 0};
}

Reply wrong_usage(std::string_view usage) {
    return Reply::failed(with_line_end(std::string(usage)));
}

Done answering(Responder responder, std::string text, std::string failure) {
    return [responder = std::move(responder), text = std::move(text),
            failure = std::move(failure)](tl::expected<std::string, std::string> result) {
        if (result) return responder(Reply::ok(with_line_end(text) + with_line_end(*result)));
        // One reason stands behind its sentence, several stand below it.
        const bool one_line = result.error().find('\n') == std::string::npos;
        responder(Reply::failed(
            fmt::format("{}{}{}", failure, one_line ? " " : "\n", with_line_end(result.error()))));
    };
}

}  // namespace lamplight::console
