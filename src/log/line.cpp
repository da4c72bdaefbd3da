#include "log/line.hpp"

#include "log/printable.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <ctime>

namespace lamplight::log {

namespace {

/// strftime knows no fractions: they are written into the format before it is asked.
std::string with_fractions(std::string_view format, long microseconds) {
    std::string out;
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%' || i + 1 == format.size()) {
            out += format[i];
            continue;
        }
        const bool counted =
            format[i + 1] >= '1' && format[i + 1] <= '6' && i + 2 < format.size() && format[i + 2] == 'q';
        if (!counted && format[i + 1] != 'q') {
            out += format[i];
            out += format[++i];
            continue;
        }
        const std::size_t digits = counted ? static_cast<std::size_t>(format[i + 1] - '0') : 3;
        out += fmt::format("{:06}", microseconds).substr(0, digits);
        i += counted ? 2 : 1;
    }
    return out;
}

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '~';
}

/// The place of the bracket that the one at `close` closes; npos when there is none.
std::size_t opening(std::string_view text, std::size_t close) {
    int depth = 0;
    for (std::size_t i = close + 1; i-- > 0;) {
        if (text[i] == ')') ++depth;
        if (text[i] == '(' && --depth == 0) return i;
    }
    return std::string_view::npos;
}

/// The text before the argument list, which is the last pair of brackets.
std::string_view without_arguments(std::string_view text) {
    const auto close = text.rfind(')');
    if (close == std::string_view::npos) return text;
    const auto open = opening(text, close);
    return open == std::string_view::npos ? text : text.substr(0, open);
}

/// What of `text` encloses a lambda: `main()::<lambda(int)>` (g++), `main()::(anonymous
/// class)::operator()(int)`.
std::string_view around_lambda(std::string_view text) {
    for (const std::string_view mark : {"::<lambda(", "::(anonymous class)::operator()", "::(lambda at "}) {
        if (const auto at = text.find(mark); at != std::string_view::npos) return text.substr(0, at);
    }
    return text;
}

std::string_view strip_suffix(std::string_view text, std::string_view suffix) {
    return text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : text;
}

std::string_view without_ending(std::string_view file) {
    return file.substr(0, file.rfind('.'));
}

bool has_folder(std::string_view path, std::string_view folder) {
    for (std::size_t from = 0;;) {
        const auto slash = path.find('/', from);
        if (slash == std::string_view::npos) return false;
        if (path.substr(from, slash - from) == folder) return true;
        from = slash + 1;
    }
}

}  // namespace

std::string format_date(std::string_view format, std::chrono::system_clock::time_point time) {
    const auto since = time.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    const auto fraction = std::chrono::duration_cast<std::chrono::microseconds>(since - seconds).count();
    const std::time_t wall = seconds.count();
    std::tm parts{};
    localtime_r(&wall, &parts);
    const std::string plain = with_fractions(format, fraction);
    std::array<char, 128> out{};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const std::size_t size = std::strftime(out.data(), out.size(), plain.c_str(), &parts);
#pragma GCC diagnostic pop
    return {out.data(), size};
}

std::string_view verbose_mark(int depth) {
    static constexpr std::array<std::string_view, 5> marks{"", " ", "  == ", "    -- ", "       > "};
    if (depth <= 0) return marks[0];
    return marks[depth < 4 ? static_cast<std::size_t>(depth) : 4];
}

/// What a bare line stands for has a date of its own, whatever logger.conf says.
constexpr std::string_view bare_date_format = "%b %e %T";

std::string console_line(const Record& record, std::string_view date_format) {
    if (record.level == Level::verbose) return fmt::format("{}{}", verbose_mark(record.depth), record.text);
    if (record.form == Form::bare)
        return fmt::format("{} {}", format_date(bare_date_format, record.time), record.text);
    return fmt::format("[{}] {}[{}]: {}:{} {}: {}", format_date(date_format, record.time),
                       to_string(record.level), record.thread, record.file, record.line, record.function,
                       record.text);
}

std::string file_line(const Record& record, std::string_view date_format) {
    return fmt::format("[{}] {}", format_date(date_format, record.time), undated_line(record));
}

std::string undated_line(const Record& record) {
    const auto mark = record.level == Level::verbose ? verbose_mark(record.depth) : std::string_view{};
    return fmt::format("{}[{}] {}: {}{}", to_string(record.level), record.thread, record.file, mark,
                       record.text);
}

std::string_view base_name(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view bare_function(std::string_view pretty) {
    if (const auto with = pretty.find(" ["); with != std::string_view::npos) pretty = pretty.substr(0, with);
    const auto outer = around_lambda(pretty);
    // A lambda at namespace scope has no function around it: `ns::{anonymous}::<lambda(int)>`.
    if (outer.size() != pretty.size() && !outer.ends_with(')')) return "lambda";
    const auto name = without_arguments(outer);
    if (const auto at = name.rfind("operator"); at != std::string_view::npos) {
        if (at == 0 || !is_word(name[at - 1])) return name.substr(at);
    }
    std::size_t begin = name.size();
    while (begin > 0 && is_word(name[begin - 1]))
        --begin;
    return begin == name.size() ? pretty : name.substr(begin);
}

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t place = 0; place < text.size();) {
        const char c = text[place];
        const std::size_t length = c == '\t' ? 1 : printable_bytes(text, place);
        if (length > 0)
            out += text.substr(place, length);
        else if (c == '\n')
            out += "\\n";
        else
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        place += length > 0 ? length : 1;
    }
    return out;
}

bool module_means(std::string_view module, std::string_view path) {
    if (module.empty()) return false;
    const auto file = base_name(path);
    if (module == file || module == without_ending(file)) return true;
    module = strip_suffix(module, ".so");
    for (const std::string_view prefix : {"res_", "bus_"}) {
        if (module.starts_with(prefix)) {
            module.remove_prefix(prefix.size());
            break;
        }
    }
    return has_folder(path, module == "jabber" ? "xmpp" : module);
}

}  // namespace lamplight::log
