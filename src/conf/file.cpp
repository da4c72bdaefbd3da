#include "conf/file.hpp"

#include "conf/comments.hpp"
#include "conf/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

namespace lamplight::conf {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Quoted in problems: enough to be recognised, never a whole long line.
std::string shown(std::string_view text) {
    constexpr std::size_t most = 48;
    return text.size() <= most ? std::string(text) : std::string(text.substr(0, most)) + "…";
}

/// The next piece before `separator`, taken off `rest`.
std::string_view take_piece(std::string_view& rest, char separator) {
    const std::size_t at = rest.find(separator);
    const std::string_view piece = rest.substr(0, at);
    rest = at == rest.npos ? std::string_view{} : rest.substr(at + 1);
    return piece;
}

/// `value` of a `name=value` filter in `(+type=aor)`. Asterisk takes both for regular expressions; here `^`
/// and `$` count and the rest is literal, which is what files use.
bool filter_matches(std::string_view pattern, std::string_view text) {
    const bool from_start = pattern.starts_with('^');
    if (from_start) pattern.remove_prefix(1);
    const bool to_end = pattern.ends_with('$');
    if (to_end) pattern.remove_suffix(1);
    if (from_start && to_end) return text == pattern;
    if (from_start) return text.starts_with(pattern);
    if (to_end) return text.ends_with(pattern);
    return text.find(pattern) != text.npos;
}

class Parser {
public:
    Parser(std::string config_dir, const FileSource& files, Quotes quotes)
        : config_dir_(std::move(config_dir)), files_(files), quotes_(quotes) {}

    File parse(const std::string& path) {
        auto content = files_.read(path);
        result_.names.push_back(path);
        result_.read = content.has_value();
        if (content)
            parse_content(*content, 0);
        else if (content.error().failure == ReadFailure::missing)
            result_.missing = true;
        else
            problem(Severity::error, {0, 0}, "the file cannot be read", content.error().why,
                    "let the daemon's user read it");
        return std::move(result_);
    }

private:
    /// A file being read: its own idea of the section its lines belong to. Sections are numbers, since
    /// included files make the vector grow.
    struct Level {
        std::uint32_t file = 0;
        std::optional<std::size_t> section;
        bool complained_of_nul = false;
        bool complained_of_utf8 = false;
    };

    // --- lines ---

    void parse_content(std::string_view content, std::uint32_t file) {
        bytes_ += content.size();
        Level level{file, current_};
        if (content.starts_with("\xff\xfe") || content.starts_with("\xfe\xff")) {
            problem(Severity::error, {file, 1}, "the file is UTF-16", "Asterisk's format is UTF-8",
                    "save it as UTF-8");
            return;
        }
        if (content.starts_with("\xef\xbb\xbf")) content.remove_prefix(3);
        open_.push_back(file);
        parse_lines(content, level);
        open_.pop_back();
    }

    void parse_lines(std::string_view content, Level& level) {
        CommentStripper comments;
        Where where{level.file, 0};
        while (!content.empty()) {
            const std::string_view line = take_piece(content, '\n');
            ++where.line;
            if (!is_fit(line, where, level)) {
                comments.strip({});  // keeps the count of lines
                continue;
            }
            const std::string text = comments.strip(line);
            const std::string_view kept = trimmed(text);
            if (kept.empty()) continue;
            check_utf8(kept, where, level);
            parse_line(kept, where, level);
        }
        if (comments.open_since() != 0)
            problem(Severity::warning, {level.file, comments.open_since()}, "the comment ;-- is never ended",
                    "everything after it is ignored", "end it with --;");
    }

    bool is_fit(std::string_view line, Where where, Level& level) {
        if (line.size() > longest_line_bytes) {
            problem(Severity::warning, where,
                    fmt::format("a line of {} bytes is skipped, it begins with {}", line.size(),
                                quoted(line.substr(0, 32))),
                    fmt::format("lines have at most {} bytes", longest_line_bytes), "break it up");
            return false;
        }
        if (line.find('\0') == line.npos) return true;
        if (!std::exchange(level.complained_of_nul, true))
            problem(Severity::error, where, "a line holds a NUL byte",
                    "this is not a text file or it is damaged", "write the file again");
        return false;
    }

    void check_utf8(std::string_view text, Where where, Level& level) {
        if (level.complained_of_utf8 || is_utf8(text)) return;
        level.complained_of_utf8 = true;
        problem(Severity::warning, where, fmt::format("`{}` is not UTF-8", quoted(text)),
                "names are shown and sent as UTF-8", "save the file as UTF-8");
    }

    void parse_line(std::string_view text, Where where, Level& level) {
        if (text.front() == '[')
            parse_section(text, where, level);
        else if (text.front() == '#')
            parse_directive(text, where);
        else
            parse_option(text, where, level);
    }

    // --- sections ---

    void parse_section(std::string_view text, Where where, Level& level) {
        const std::size_t end = text.find(']');
        if (end == text.npos) {
            problem(Severity::error, where, fmt::format("`{}` has no closing ]", quoted(text)), "",
                    "write it as [name]");
            open_section(Section{std::string(trimmed(text.substr(1))), where, true, {}}, level);
            return;
        }
        const std::string_view name = text.substr(1, end - 1);
        std::string_view after = text.substr(end + 1);
        if (after.starts_with('(')) {
            parse_modifiers(name, after.substr(1), where, level);
            return;
        }
        if (!after.empty())
            problem(Severity::warning, where, fmt::format("`{}` after ] is ignored", quoted(trimmed(after))),
                    trimmed(after).starts_with('(') ? "a blank stands before the (" : "", "take it away");
        open_section(Section{std::string(name), where, false, {}}, level);
    }

    void open_section(Section section, Level& level) {
        level.section = current_ = result_.sections.size();
        result_.sections.push_back(std::move(section));
    }

    /// What stands in parentheses behind a section's name: `!`, `+`, `+filter`, names to inherit from.
    void parse_modifiers(std::string_view name, std::string_view text, Where where, Level& level) {
        const std::size_t end = text.find(')');
        if (end == text.npos)
            problem(Severity::error, where, fmt::format("`[{}](` has no closing )", shown(name)), "",
                    "write it as [name](template)");
        std::string_view rest = text.substr(0, end);
        Section fresh{std::string(name), where, false, {}};
        std::optional<std::size_t> target;
        while (!rest.empty()) {
            const std::string_view word = trimmed(take_piece(rest, ','));
            if (word == "!")
                (target ? result_.sections[*target] : fresh).is_template = true;
            else if (word.starts_with('+'))
                target = add_to(name, word.substr(1), where, fresh, target);
            else if (!word.empty())
                inherit(target ? result_.sections[*target] : fresh, word, where);
        }
        if (target)
            level.section = current_ = target;
        else
            open_section(std::move(fresh), level);
    }

    /// The section that `(+…)` adds to; what `fresh` inherited so far moves into it.
    std::optional<std::size_t> add_to(std::string_view name, std::string_view filter, Where where,
                                      Section& fresh, std::optional<std::size_t> so_far) {
        const bool filters = filter.find('=') != filter.npos;
        std::optional<std::size_t> found = so_far ? so_far : find_section(name, filters ? filter : "");
        if (!found) {
            problem(Severity::error, where,
                    fmt::format("[{}](+{}) has no section to add to", shown(name), quoted(filter)),
                    filters ? "no section of this name fits" : "no section of this name stands before it",
                    "write the section first, or take the + away");
            return so_far;
        }
        Section& target = result_.sections[*found];
        target.is_template = target.is_template || fresh.is_template;
        std::move(fresh.options.begin(), fresh.options.end(), std::back_inserter(target.options));
        fresh.options.clear();
        if (!filters && !filter.empty()) inherit(target, filter, where);
        return found;
    }

    void inherit(Section& heir, std::string_view name, Where where) {
        const auto base = find_section(name, "TEMPLATES=include");
        if (!base) {
            problem(Severity::error, where,
                    fmt::format("[{}] inherits from [{}]", shown(heir.name), quoted(name)),
                    "there is no section of that name before it", "write the template first");
            return;
        }
        const std::vector<Option> options =
            result_.sections[*base].options;  // a copy: heir may be base itself
        for (const Option& option : options) {
            if (!may_inherit(where)) return;
            heir.options.push_back(option);
            heir.options.back().inherited = true;
        }
    }

    /// The first section of that name that fits; without a filter, ordinary sections go before templates.
    std::optional<std::size_t> find_section(std::string_view name, std::string_view filter) const {
        std::optional<std::size_t> a_template;
        for (std::size_t i = 0; i < result_.sections.size(); ++i) {
            const Section& section = result_.sections[i];
            if (!same_name(section.name, name) || !fits(section, filter)) continue;
            if (!filter.empty() || !section.is_template) return i;
            if (!a_template) a_template = i;
        }
        return a_template;
    }

    static bool fits(const Section& section, std::string_view filter) {
        bool templates = filter.empty();
        while (!filter.empty()) {
            std::string_view value = take_piece(filter, '&');
            const std::string_view name = trimmed(take_piece(value, '='));
            value = trimmed(value);
            if (name == "TEMPLATES") {
                templates = true;
                if (same_name(value, "restrict") && !section.is_template) return false;
            } else if (std::none_of(section.options.begin(), section.options.end(),
                                    [&](const Option& option) {
                                        return filter_matches(name, option.name) &&
                                               filter_matches(value, option.value);
                                    })) {
                return false;
            }
        }
        return templates || !section.is_template;
    }

    // --- options ---

    void parse_option(std::string_view text, Where where, Level& level) {
        if (!level.section) {
            problem(Severity::error, where,
                    fmt::format("`{}` stands before the first [section]", quoted(text)), "",
                    "put it into a section");
            return;
        }
        const std::size_t escaped = text.front() == '\\' ? 1 : 0;
        text.remove_prefix(escaped);  // a backslash lets a name begin with [ or #
        const std::size_t equals = text.find('=', escaped);
        if (equals == text.npos) {
            problem(Severity::warning, where, fmt::format("`{}` is ignored", quoted(text)),
                    "it has no =", "write it as name = value");
            return;
        }
        const bool appends = equals > escaped && text[equals - 1] == '+';
        const std::string_view name = trimmed(text.substr(0, appends ? equals - 1 : equals));
        std::string_view value = text.substr(equals + 1);
        if (!appends && value.starts_with('>')) value.remove_prefix(1);
        if (name.empty())
            problem(Severity::warning, where, fmt::format("`{}` is ignored", quoted(text)),
                    "no name stands before =", "write it as name = value");
        else if (!appends || !append(result_.sections[*level.section], name, value))
            add_option(result_.sections[*level.section], name, trimmed(value), where);
    }

    static void add_option(Section& section, std::string_view name, std::string_view value, Where where) {
        section.options.push_back({std::string(name), std::string(value), where, false});
    }

    /// `name += value` lengthens the last option of that name; false when there is none.
    static bool append(Section& section, std::string_view name, std::string_view value) {
        const auto last = std::find_if(section.options.rbegin(), section.options.rend(),
                                       [&](const Option& option) { return option.name == name; });
        if (last == section.options.rend()) return false;
        const std::string whole = last->value + std::string(value);
        last->value = trimmed(whole);
        return true;
    }

    bool may_inherit(Where where) {
        if (inherited_ < most_inherited) {
            ++inherited_;
            return true;
        }
        if (!std::exchange(complained_of_inherited_, true))
            problem(Severity::error, where, "templates bring too many options",
                    fmt::format("the limit is {}", most_inherited), "inherit less");
        return false;
    }

    // --- directives ---

    void parse_directive(std::string_view text, Where where) {
        std::size_t end = 1;
        while (end < text.size() && static_cast<unsigned char>(text[end]) > 32)
            ++end;
        const std::string_view word = text.substr(1, end - 1);
        const std::string_view argument = unquoted(trimmed(text.substr(end)));
        const bool required = same_name(word, "include");
        if (required || same_name(word, "tryinclude"))
            include(word, argument, where, required);
        else if (same_name(word, "exec"))
            problem(Severity::error, where, fmt::format("#exec {} is refused", shown(argument)),
                    "Lamplight runs no program to read its configuration",
                    "let the program write its output into a file and #include that");
        else
            problem(Severity::warning, where, fmt::format("the directive #{} is ignored", quoted(word)),
                    "only #include and #tryinclude are known", "write ; before a comment");
    }

    static std::string_view unquoted(std::string_view text) {
        const bool quoted = text.size() >= 2 && ((text.front() == '"' && text.back() == '"') ||
                                                 (text.front() == '<' && text.back() == '>'));
        return quoted ? text.substr(1, text.size() - 2) : text;
    }

    void include(std::string_view word, std::string_view argument, Where where, bool required) {
        if (argument.empty()) {
            problem(Severity::warning, where, fmt::format("#{} is ignored", word), "it names no file",
                    "write the file's name behind it");
            return;
        }
        const std::string path = absolute(argument);
        const bool pattern = path.find_first_of("*?[{") != path.npos;
        const std::vector<std::string> found =
            pattern ? files_.matches(path) : std::vector<std::string>{path};
        if (found.empty() && required)
            problem(Severity::notice, where, fmt::format("#include {} brings nothing", shown(argument)),
                    fmt::format("no file matches {}", path), "use #tryinclude if that is meant");
        for (const std::string& file : found)
            include_file(file, where, required || pattern);
    }

    std::string absolute(std::string_view name) const {
        const std::filesystem::path path(name);
        return (path.is_absolute() ? path : std::filesystem::path(config_dir_) / path)
            .lexically_normal()
            .string();
    }

    void include_file(const std::string& path, Where where, bool required) {
        if (!may_include(path, where)) return;
        auto content = files_.read(path);
        if (!content) {
            if (!required && content.error().failure == ReadFailure::missing) return;
            const bool skipped = !required || content.error().failure == ReadFailure::not_a_file;
            problem(skipped ? Severity::warning : Severity::error, where,
                    fmt::format("{} cannot be included", path), content.error().why,
                    content.error().failure == ReadFailure::missing ? "correct the name or use #tryinclude"
                                                                    : "let the daemon's user read it");
            return;
        }
        result_.names.push_back(path);
        parse_content(*content, static_cast<std::uint32_t>(result_.names.size() - 1));
    }

    bool may_include(const std::string& path, Where where) {
        const auto refuse = [&](std::string why, const char* what_to_do) {
            problem(Severity::error, where, fmt::format("{} is not included", path), std::move(why),
                    what_to_do);
            return false;
        };
        for (const std::uint32_t file : open_)
            if (result_.names[file] == path)
                return refuse("it includes itself: " + chain(path), "break the circle");
        if (open_.size() >= deepest_include)
            return refuse(fmt::format("files are at most {} deep inside each other", deepest_include),
                          "include it from further out");
        if (result_.names.size() >= most_files || bytes_ >= most_bytes)
            return std::exchange(complained_of_files_, true)
                       ? false
                       : refuse("too much is included already", "look for files included again and again");
        return true;
    }

    /// `a.conf → b.conf → a.conf`.
    std::string chain(const std::string& last) const {
        std::string text;
        for (const std::uint32_t file : open_)
            text += std::filesystem::path(result_.names[file]).filename().string() + " → ";
        return text + std::filesystem::path(last).filename().string();
    }

    // --- problems ---

    /// Text of a line, for a problem.
    std::string quoted(std::string_view text) const { return quotes_ == Quotes::none ? "…" : shown(text); }

    void problem(Severity severity, Where where, std::string what, std::string why, std::string what_to_do) {
        problems_.add(
            {severity, result_.place(where), std::move(what), std::move(why), std::move(what_to_do)});
    }

    std::string config_dir_;
    const FileSource& files_;
    Quotes quotes_;
    File result_;
    Collector problems_{result_.problems};
    std::vector<std::uint32_t> open_;     ///< files being read, outermost first
    std::optional<std::size_t> current_;  ///< where an included file's lines go before its own first section
    std::uint64_t bytes_ = 0;
    std::size_t inherited_ = 0;
    bool complained_of_inherited_ = false;
    bool complained_of_files_ = false;
};

}  // namespace

File read_file(const std::string& path, const std::string& config_dir, const FileSource& files,
               Quotes quotes) {
    return Parser(config_dir, files, quotes).parse(path);
}

bool same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
    const auto blank = [](char c) { return static_cast<unsigned char>(c) < 33; };
    while (!text.empty() && blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && blank(text.back()))
        text.remove_suffix(1);
    return text;
}

}  // namespace lamplight::conf
