#include "conf/options.hpp"

#include "conf/nearest.hpp"
#include "conf/values.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace lamplight::conf {

namespace {

using Refusal = tl::unexpected<std::string>;

std::string range_text(const OptionInfo& option) {
    if (option.least == 0 && option.most == 0) return {};
    if (option.type == ValueType::duration || option.type == ValueType::hold)
        return fmt::format(" from {} to {}", format_duration(state::Duration(option.least)),
                           format_duration(state::Duration(option.most)));
    return fmt::format(" from {} to {}", option.least, option.most);
}

bool in_range(const OptionInfo& option, std::int64_t number) {
    return (option.least == 0 && option.most == 0) || (number >= option.least && number <= option.most);
}

/// `[PATTERN,] DURATION`.
bool parse_hold(std::string_view text, Value& value) {
    const std::size_t comma = text.rfind(',');
    const std::string_view pattern = comma == text.npos ? "*" : trimmed(text.substr(0, comma));
    const auto duration = parse_duration(comma == text.npos ? text : trimmed(text.substr(comma + 1)));
    if (!duration || pattern.empty()) return false;
    value.list = {unquote(pattern)};
    value.duration = *duration;
    return true;
}

bool parse_choice(const OptionInfo& option, Value& value) {
    const auto found = std::find_if(option.choices.begin(), option.choices.end(),
                                    [&](std::string_view choice) { return same_name(choice, value.text); });
    if (found == option.choices.end()) return false;
    value.text = *found;
    return true;
}

template <typename T>
bool assign(std::optional<T> parsed, T& to) {
    if (!parsed) return false;
    to = *std::move(parsed);
    return true;
}

bool parse_number(const OptionInfo& option, Value& value) {
    std::uint64_t bytes = 0;
    const bool read = option.type == ValueType::bytes ? assign(parse_bytes(value.text), bytes)
                                                      : assign(parse_integer(value.text), value.number);
    if (read && option.type == ValueType::bytes) value.number = static_cast<std::int64_t>(bytes);
    return read && in_range(option, value.number);
}

bool parse_typed(const OptionInfo& option, std::string_view raw, Value& value) {
    switch (option.type) {
        case ValueType::boolean:
            return assign(parse_bool(value.text), value.flag);
        case ValueType::integer:
        case ValueType::bytes:
            return parse_number(option, value);
        case ValueType::duration:
            return assign(parse_duration(value.text), value.duration) &&
                   in_range(option, value.duration.count());
        case ValueType::hold:
            return parse_hold(raw, value) && in_range(option, value.duration.count());
        case ValueType::eid:
            return assign(state::parse_eid(value.text), value.eid) && !value.eid.is_zero();
        case ValueType::choice:
            return parse_choice(option, value);
        case ValueType::list:
            value.list = parse_list(raw);
            return !value.list.empty();
        case ValueType::text:
        case ValueType::path:
        case ValueType::pattern:
            return !value.text.empty();
        case ValueType::ignored:
            return true;
    }
    return false;
}

/// Goes through a file's sections and collects what its table knows.
class Finder {
public:
    Finder(const File& file, const FileTable& table, Problems& problems)
        : file_(file), table_(table), problems_(problems) {}

    std::vector<FoundOption> find() {
        for (const Section& section : file_.sections) {
            if (section.is_template) continue;
            const SectionInfo* known = find_section(section);
            if (known == nullptr || known->content != SectionInfo::Content::options) continue;
            for (const Option& option : section.options)
                find_option(*known, section.name, option);
        }
        return std::move(found_);
    }

private:
    const SectionInfo* find_section(const Section& section) {
        for (const SectionInfo& known : table_.sections)
            if (known.name == any_section || same_name(known.name, section.name)) return &known;
        std::vector<std::string_view> names;
        for (const SectionInfo& known : table_.sections)
            names.push_back(known.name);
        const auto near = nearest(section.name, names);
        report(file_.place(section.where), fmt::format("[{}] is no section of {}", section.name, table_.file),
               "",
               near ? fmt::format("did you mean [{}]?", *near)
                    : fmt::format("known are [{}]", fmt::join(names, "], [")));
        return nullptr;
    }

    void find_option(const SectionInfo& section, std::string_view written, const Option& option) {
        const auto index = index_of(section.name, option.name);
        if (!index) return report_unknown(section.name, written, option);
        const OptionInfo& info = table_.options[*index];
        if (info.type == ValueType::ignored) return;
        auto value = parse_value(info, option.value);
        const Place place = file_.place(option.where);
        if (!value) {
            Value refused;
            refused.text = option.value;
            refused.place = place;
            return problems_.add(bad_value(table_, info, refused, value.error()));
        }
        value->place = place;
        if (info.repeat == Repeat::once && !option.inherited) note_repetition(info, place);
        found_.push_back({*index, *std::move(value)});
    }

    std::optional<std::size_t> index_of(std::string_view section, std::string_view name) const {
        for (std::size_t i = 0; i < table_.options.size(); ++i)
            if (table_.options[i].section == section && same_name(table_.options[i].name, name)) return i;
        return std::nullopt;
    }

    void report_unknown(std::string_view section, std::string_view written, const Option& option) {
        std::vector<std::string_view> names;
        for (const OptionInfo& info : table_.options)
            if (info.section == section) names.push_back(info.name);
        const auto near = nearest(option.name, names);
        std::string advice = near ? fmt::format("did you mean {}?", *near) : elsewhere(option.name);
        report(file_.place(option.where), fmt::format("{} is no option of [{}]", option.name, written), "",
               advice.empty() ? "correct or remove it" : std::move(advice));
    }

    /// The option exists in another section of the file.
    std::string elsewhere(std::string_view name) const {
        for (const OptionInfo& info : table_.options)
            if (same_name(info.name, name))
                return info.section == any_section ? "it belongs into a section beside this one"
                                                   : fmt::format("it belongs into [{}]", info.section);
        return {};
    }

    void note_repetition(const OptionInfo& info, const Place& place) {
        const auto [first, is_new] = first_seen_.try_emplace({info.section, info.name}, place);
        if (is_new || table_.owner == Owner::asterisk) return;
        problems_.add({Severity::warning, place, fmt::format("{} is set again", info.name),
                       fmt::format("it was set at {} and the last one counts", to_string(first->second)),
                       "remove one of them"});
    }

    void report(const Place& place, std::string what, std::string why, std::string what_to_do) {
        problems_.add(
            {severity_of(table_.owner), place, std::move(what), std::move(why), std::move(what_to_do)});
    }

    const File& file_;
    const FileTable& table_;
    Collector problems_;
    std::vector<FoundOption> found_;
    std::map<std::pair<std::string_view, std::string_view>, Place> first_seen_;
};

}  // namespace

std::vector<FoundOption> find_options(const File& file, const FileTable& table, Problems& problems) {
    return Finder(file, table, problems).find();
}

tl::expected<Value, std::string> parse_value(const OptionInfo& option, std::string_view text) {
    Value value;
    value.text = unquote(text);
    if (!parse_typed(option, text, value)) return Refusal(fmt::format("it takes {}", describe_type(option)));
    return value;
}

Problem bad_value(const FileTable& table, const OptionInfo& option, const Value& value, std::string why) {
    const Severity severity =
        option.bad_value == BadValue::error ? Severity::error : severity_of(table.owner);
    return {severity, value.place, fmt::format("{} = {} is refused", option.name, value.text), std::move(why),
            ""};
}

std::string describe_type(const OptionInfo& option) {
    switch (option.type) {
        case ValueType::boolean:
            return "yes or no";
        case ValueType::integer:
            return "a whole number" + range_text(option) +
                   (option.unit.empty() ? "" : fmt::format(" ({})", option.unit));
        case ValueType::duration:
            return "a time" + range_text(option) + ", such as 500ms, 15s, 2m, 24h";
        case ValueType::bytes:
            return "a number of bytes" + range_text(option) + ", such as 64K, 10M";
        case ValueType::text:
            return "a text";
        case ValueType::path:
            return "a path";
        case ValueType::eid:
            return "an entity ID other than zero, six bytes such as 02:11:22:33:44:55";
        case ValueType::list:
            return "names separated by commas";
        case ValueType::pattern:
            return "a name, * and ? standing for any text and any letter";
        case ValueType::choice:
            return fmt::format("one of {}", fmt::join(option.choices, ", "));
        case ValueType::hold:
            return "a time" + range_text(option) + ", such as 15s, or nodes and a time, such as pbx*, 15s";
        case ValueType::ignored:
            return "anything";
    }
    return {};
}

Severity severity_of(Owner owner) {
    return owner == Owner::lamplight ? Severity::error : Severity::warning;
}

}  // namespace lamplight::conf
