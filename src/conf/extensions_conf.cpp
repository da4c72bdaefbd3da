#include "conf/extensions_conf.hpp"

#include "conf/nearest.hpp"
#include "conf/values.hpp"
#include "state/extension_pattern.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace lamplight::conf {

namespace {

constexpr std::size_t longest_extension = 255;

/// The piece before a comma that is not within quotes, parentheses or a pattern's brackets; taken off `rest`.
std::string_view take_extension(std::string_view& rest) {
    const bool pattern = trimmed(rest).starts_with('_');
    bool quoted = false;
    bool bracket = false;
    int depth = 0;
    std::size_t i = 0;
    for (; i < rest.size(); ++i) {
        const char c = rest[i];
        if (c == '"') quoted = !quoted;
        if (quoted) continue;
        if (c == '(') ++depth;
        if (c == ')' && depth > 0) --depth;
        if (pattern && c == '[') bracket = true;
        if (c == ']') bracket = false;
        if (c == ',' && depth == 0 && !bracket) break;
    }
    const std::string_view piece = rest.substr(0, i);
    rest = i < rest.size() ? rest.substr(i + 1) : std::string_view{};
    return trimmed(piece);
}

/// The first (or last) `wanted` outside of `${…}`.
std::size_t find_outside(std::string_view text, char wanted, bool last) {
    std::size_t found = text.npos;
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '{' && (depth > 0 || (i > 0 && text[i - 1] == '$'))) ++depth;
        if (text[i] == '}' && depth > 0) --depth;
        if (text[i] != wanted || depth > 0) continue;
        found = i;
        if (!last) break;
    }
    return found;
}

std::vector<std::string> split_devices(std::string_view text) {
    std::vector<std::string> devices;
    while (!text.empty()) {
        const std::size_t end = text.find('&');
        const std::string device(trimmed(text.substr(0, end)));
        if (!device.empty() && std::find(devices.begin(), devices.end(), device) == devices.end())
            devices.push_back(device);
        text = end == text.npos ? std::string_view{} : text.substr(end + 1);
    }
    return devices;
}

/// `n(label)+2` taken apart.
struct Priority {
    std::string_view word;
    std::string_view label;
    bool unclosed = false;
};

Priority parse_priority(std::string_view text) {
    Priority priority;
    const std::size_t paren = text.find('(');
    priority.word = trimmed(text.substr(0, std::min(paren, text.find('+'))));
    if (paren == text.npos) return priority;
    const std::size_t end = text.find(')', paren);
    priority.unclosed = end == text.npos;
    priority.label = trimmed(text.substr(paren + 1, end == text.npos ? end : end - paren - 1));
    return priority;
}

bool begins_with_number(std::string_view text) {
    text.remove_prefix(text.starts_with('+') || text.starts_with('-') ? 1 : 0);
    return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

/// Goes through the contexts of one dialplan.
class DialplanReader {
public:
    DialplanReader(const File& file, Globals globals, std::size_t longest_device, Problems& problems)
        : file_(file), globals_(std::move(globals)), longest_device_(longest_device), problems_(problems) {}

    state::HintPlan read() {
        for (const Section& section : file_.sections)
            if (!section.is_template && same_name(section.name, "globals")) read_globals(section);
        for (const Section& section : file_.sections)
            if (!section.is_template && !same_name(section.name, "globals") &&
                !same_name(section.name, "general"))
                read_context(section);
        return std::move(plan_);
    }

private:
    void read_globals(const Section& section) {
        for (const Option& option : section.options) {
            // FUNCTION(argument) = value calls the function: nothing that a hint could use.
            if (option.name.ends_with(')')) continue;
            Expansion value = globals_.expand(option.value);
            if (value.too_long)
                warn(option, fmt::format("the value of {} is cut", option.name),
                     fmt::format("it has more than {} bytes", Globals::longest_bytes), "");
            globals_.set(option.name, std::move(value.text));
        }
    }

    // --- contexts ---

    void read_context(const Section& section) {
        context_ = find_context(section.name);
        extension_.clear();
        has_priority_ = false;
        for (const Option& option : section.options)
            read_line(option);
    }

    std::size_t find_context(const std::string& name) {
        const auto [at, is_new] = contexts_.try_emplace(name, plan_.contexts.size());
        if (is_new) plan_.contexts.push_back({name, false, {}});
        return at->second;
    }

    state::HintContext& context() { return plan_.contexts[context_]; }

    void read_line(const Option& option) {
        const std::string_view name = option.name;
        if (same_name(name.substr(0, 4), "same")) return read_same(option);
        if (same_name(name, "exten")) return read_exten(option);
        if (same_name(name, "include")) return read_include(option);
        if (same_name(name, "autohints")) return read_autohints(option);
        constexpr std::array<std::string_view, 4> passed_over{"ignorepat", "switch", "lswitch", "eswitch"};
        if (std::any_of(passed_over.begin(), passed_over.end(),
                        [&](auto word) { return same_name(word, name); }))
            return;
        constexpr std::array<std::string_view, 8> words{"exten",  "same",    "include", "autohints",
                                                        "switch", "lswitch", "eswitch", "ignorepat"};
        const auto near = nearest(name, words);
        warn(option, fmt::format("{} is ignored", name), fmt::format("[{}] has no such word", context().name),
             near ? fmt::format("did you mean {}?", *near) : "correct or remove it");
    }

    void read_include(const Option& option) {
        const std::string value = globals_.expand(option.value).text;
        // What follows the name are times; a lamp does not go by them.
        const std::string included(trimmed(std::string_view(value).substr(0, value.find_first_of(",|"))));
        auto& includes = context().includes;
        if (!included.empty() && std::find(includes.begin(), includes.end(), included) == includes.end())
            includes.push_back(included);
    }

    void read_autohints(const Option& option) {
        const auto flag = parse_bool(unquote(option.value));
        if (flag) context().autohints = *flag;
        if (!flag)
            warn(option, fmt::format("autohints = {} is ignored", option.value), "it takes yes or no", "");
    }

    void read_exten(const Option& option) {
        std::string_view rest = option.value;
        const Expansion extension = globals_.expand(take_extension(rest));
        const std::size_t slash = extension.text.find('/');
        extension_ = extension.text;
        if (slash != extension_.npos) extension_ = std::string(trimmed(extension_.substr(0, slash)));
        caller_ = slash == extension.text.npos ? "" : extension.text.substr(slash + 1);
        read_step(option, rest);
    }

    void read_same(const Option& option) {
        if (extension_.empty())
            warn(option, fmt::format("{} is ignored", option.name),
                 fmt::format("no exten stands before it in [{}]", context().name), "begin with exten =>");
        else
            read_step(option, option.value);
    }

    /// `priority,application`, of which only hints matter.
    void read_step(const Option& option, std::string_view rest) {
        const std::size_t comma = rest.find(',');
        const Priority priority = parse_priority(trimmed(rest.substr(0, comma)));
        const std::string_view application =
            comma == rest.npos ? std::string_view{} : trimmed(rest.substr(comma + 1));
        if (priority.unclosed) {
            warn(option, "the line is ignored", "its label has no closing )", "write it as n(label)");
            return;
        }
        if (!priority.label.empty()) labels_.emplace(context().name, priority.label);
        if (priority.word == "hint")
            read_hint(option, application);
        else
            check_priority(option, priority.word);
    }

    /// Complains as Asterisk would, so that a mistyped `hint` is found.
    void check_priority(const Option& option, std::string_view word) {
        const bool relative = word == "n" || word == "next" || word == "s" || word == "same";
        if (relative && !has_priority_)
            return warn(option, fmt::format("the line is ignored, it has priority {}", word),
                        fmt::format("it is the first of [{}]", context().name), "begin with priority 1");
        const bool number = begins_with_number(word) && parse_integer(word).value_or(1) > 0;
        if (!relative && !number && !labels_.contains({context().name, std::string(word)})) {
            constexpr std::array<std::string_view, 1> hint{"hint"};
            return warn(
                option,
                fmt::format("the line is ignored, {} is no priority", word.empty() ? "nothing" : word), "",
                nearest(word, hint) ? "did you mean hint?" : "write a number, n, or hint");
        }
        has_priority_ = true;
    }

    // --- hints ---

    void read_hint(const Option& option, std::string_view application) {
        has_priority_ = true;
        if (!is_fit_extension(option)) return;
        const bool pattern = extension_.starts_with('_');
        const Expansion text =
            globals_.expand(application, pattern ? Globals::Extension::kept : Globals::Extension::none);
        if (!is_fit_text(option, text)) return;
        const HintText parts = parse_hint_text(text.text);
        if (parts.unclosed)
            warn(option, fmt::format("the display name of {} has no closing )", extension_), "",
                 "write it as (Joe Schmoe)");
        state::HintDefinition hint{context().name,     extension_,
                                   parts.devices,      split_devices(parts.devices),
                                   parts.display_name, parts.presence};
        if (are_fit_devices(option, hint) && is_first(option)) plan_.hints.push_back(std::move(hint));
    }

    bool is_fit_extension(const Option& option) {
        std::string why;
        if (extension_.empty()) why = "it has no extension";
        if (extension_.size() > longest_extension)
            why = fmt::format("its extension has more than {} bytes", longest_extension);
        if (extension_.starts_with('_'))
            if (const auto pattern = state::ExtensionPattern::parse(extension_); !pattern)
                why = fmt::format("{}: {}", extension_, to_string(pattern.error()));
        if (!why.empty()) warn(option, "the hint is ignored", why, "write it as exten => 6001,hint,SIP/6001");
        return why.empty();
    }

    bool is_fit_text(const Option& option, const Expansion& text) {
        if (!text.beyond.empty()) {
            warn(option, fmt::format("the hint of {} is ignored", extension_),
                 fmt::format("only a running PBX can work out {}", text.beyond), "write its devices out");
            return false;
        }
        if (text.too_long) {
            refuse(option, fmt::format("the hint of {} is refused", extension_),
                   fmt::format("it has more than {} bytes", Globals::longest_bytes), "name fewer devices");
            return false;
        }
        if (!text.unset.empty())
            warn(option,
                 fmt::format("in the hint of {} the variable {} is empty", extension_, text.unset.front()),
                 "[globals] does not set it", "set it or write the device out");
        return true;
    }

    bool are_fit_devices(const Option& option, const state::HintDefinition& hint) {
        for (const std::string& device : hint.devices) {
            if (device.size() <= longest_device_) continue;
            refuse(option, fmt::format("the hint of {} is refused", extension_),
                   fmt::format("the device {}… has {} bytes and the limit is {}", device.substr(0, 32),
                               device.size(), longest_device_),
                   "give it a shorter name");
            return false;
        }
        return true;
    }

    /// As in Asterisk the first of two equal hints counts.
    bool is_first(const Option& option) {
        const Key key{context().name, state::without_dashes(extension_), caller_};
        const auto [first, is_new] = seen_.try_emplace(key, option.where);
        if (!is_new)
            warn(option, fmt::format("{}@{} has a hint already", extension_, context().name),
                 fmt::format("it stands at {} and counts", to_string(file_.place(first->second))),
                 "remove one of them");
        return is_new;
    }

    // --- problems ---

    void warn(const Option& option, std::string what, std::string why, std::string what_to_do) {
        report(Severity::warning, option, std::move(what), std::move(why), std::move(what_to_do));
    }
    void refuse(const Option& option, std::string what, std::string why, std::string what_to_do) {
        report(Severity::error, option, std::move(what), std::move(why), std::move(what_to_do));
    }

    void report(Severity severity, const Option& option, std::string what, std::string why,
                std::string what_to_do) {
        problems_.add(
            {severity, file_.place(option.where), std::move(what), std::move(why), std::move(what_to_do)});
    }

    struct Key {
        std::string context;
        std::string extension;
        std::string caller;
        auto operator<=>(const Key&) const = default;
    };

    const File& file_;
    Globals globals_;
    std::size_t longest_device_;
    Collector problems_;
    state::HintPlan plan_;
    std::map<std::string, std::size_t> contexts_;
    std::map<Key, Where> seen_;
    std::set<std::pair<std::string, std::string>> labels_;  ///< of each context

    // The line being read.
    std::size_t context_ = 0;
    std::string extension_;
    std::string caller_;  ///< of `6001/5551234`: matches this caller only
    bool has_priority_ = false;
};

}  // namespace

const OptionTable<DialplanGeneral>& extensions_table() {
    static const OptionTable<DialplanGeneral> table = [] {
        std::vector<OptionRow<DialplanGeneral>> rows;
        add_ignored(rows, "general",
                    "static writeprotect autofallthrough extenpatternmatchnew clearglobalvars overrideswitch "
                    "userscontext priorityjumping");
        using enum SectionInfo::Content;
        return OptionTable<DialplanGeneral>{"extensions.conf",
                                            Owner::asterisk,
                                            {{"general", options}, {any_section, anything}},
                                            std::move(rows)};
    }();
    return table;
}

HintText parse_hint_text(std::string_view text) {
    HintText parts;
    std::string head(trimmed(text));
    const std::size_t open = find_outside(head, '(', false);
    if (open != head.npos) {
        const std::size_t close = find_outside(head, ')', true);
        parts.unclosed = close == head.npos || close < open;
        parts.display_name =
            trimmed(std::string_view(head).substr(open + 1, parts.unclosed ? head.npos : close - open - 1));
        const std::string after = parts.unclosed ? "" : head.substr(close + 1);
        head.resize(open);
        if (trimmed(after).starts_with(',')) head += trimmed(after);
    }
    const std::size_t comma = find_outside(head, ',', true);
    if (comma != head.npos) parts.presence = trimmed(std::string_view(head).substr(comma + 1));
    parts.devices = trimmed(std::string_view(head).substr(0, comma));
    return parts;
}

state::HintPlan read_hints(const File& file, Globals globals, std::size_t longest_device,
                           Problems& problems) {
    return DialplanReader(file, std::move(globals), longest_device, problems).read();
}

}  // namespace lamplight::conf
