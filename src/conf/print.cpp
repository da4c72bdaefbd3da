#include "conf/print.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lamplight::conf {

namespace {

constexpr std::size_t sample_width = 100;

/// `text` as comment lines of at most sample_width bytes.
std::string comment(std::string_view text) {
    std::string lines;
    std::string line;
    while (!text.empty()) {
        const std::size_t end = text.find(' ');
        const std::string_view word = text.substr(0, end);
        text = end == text.npos ? std::string_view{} : text.substr(end + 1);
        if (!line.empty() && line.size() + 1 + word.size() > sample_width - 2) {
            lines += "; " + line + "\n";
            line.clear();
        }
        line += (line.empty() ? "" : " ") + std::string(word);
    }
    return lines + "; " + line + "\n";
}

bool is_printed(const OptionInfo& option, std::string_view section) {
    return option.section == section && option.type != ValueType::ignored;
}

bool has_printed(const FileTable& table, std::string_view section) {
    return std::any_of(table.options.begin(), table.options.end(),
                       [&](const OptionInfo& option) { return is_printed(option, section); });
}

/// `Takes yes or no. Default: no. May be repeated. Since 0.1.0.`
std::string facts(const OptionInfo& option) {
    std::string text = fmt::format("Takes {}.", describe_type(option));
    if (!option.fallback.empty()) text += fmt::format(" Default: {}.", option.fallback);
    if (option.repeat == Repeat::many) text += " May be repeated.";
    return text + fmt::format(" Since {}.", option.since);
}

std::string explanation(const OptionInfo& option) {
    return fmt::format("{}.{}{}", option.summary, option.help.empty() ? "" : " ", option.help);
}

std::string_view shown_name(const SectionInfo& section) {
    return section.example.empty() ? section.name : section.example;
}

std::string_view sample_value(const OptionInfo& option) {
    return option.example.empty() ? option.fallback : option.example;
}

std::string sample_option(const OptionInfo& option) {
    return comment(explanation(option)) + comment(facts(option)) +
           fmt::format(";{} = {}\n\n", option.name, sample_value(option));
}

std::string manual_option(const OptionInfo& option) {
    return fmt::format(".TP\n.BI {} \" = \" {}\n{}\n.br\n{}\n", roff_text(option.name),
                       "\"" + roff_text(sample_value(option)) + "\"", roff_text(explanation(option)),
                       roff_text(facts(option)));
}

}  // namespace

std::string sample_text(const FileTable& table) {
    std::string text;
    for (const SectionInfo& section : table.sections) {
        if (!has_printed(table, section.name)) continue;
        text += fmt::format("[{}]\n", shown_name(section));
        if (!section.summary.empty()) text += comment(section.summary);
        text += "\n";
        for (const OptionInfo& option : table.options)
            if (is_printed(option, section.name)) text += sample_option(option);
    }
    return text;
}

std::string manual_text(const FileTable& table) {
    std::string text;
    for (const SectionInfo& section : table.sections) {
        if (!has_printed(table, section.name)) continue;
        text += fmt::format(".SS [{}]\n", roff_text(shown_name(section)));
        if (!section.summary.empty()) text += roff_text(section.summary) + "\n";
        for (const OptionInfo& option : table.options)
            if (is_printed(option, section.name)) text += manual_option(option);
    }
    return text;
}

std::string roff_text(std::string_view text) {
    std::string safe;
    for (const char c : text) {
        const bool at_start = safe.empty() || safe.back() == '\n';
        if (at_start && (c == '.' || c == '\'')) safe += "\\&";
        if (c == '\\')
            safe += "\\e";
        else if (c == '-')
            safe += "\\-";
        else if (c == '"')
            safe += "\\(dq";
        else if (c == '\'' && !at_start)
            safe += "\\(aq";
        else
            safe += c;
    }
    return safe;
}

}  // namespace lamplight::conf
