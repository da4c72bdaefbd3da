#include "conf/globals.hpp"

#include "conf/file.hpp"
#include "conf/values.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace lamplight::conf {

namespace {

/// `NAME:offset:length` taken apart.
struct Reference {
    std::string_view name;
    std::int64_t offset = 0;
    std::int64_t length = std::numeric_limits<std::int64_t>::max();
};

/// Digits that text begins with, as sscanf reads them: anything behind them does not matter.
std::int64_t leading_number(std::string_view text, std::int64_t otherwise) {
    text = trimmed(text);
    std::size_t end = text.starts_with('-') ? 1 : 0;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9')
        ++end;
    return parse_integer(text.substr(0, end)).value_or(otherwise);
}

/// The colon that begins the offset: not one within parentheses.
std::size_t offset_colon(std::string_view text) {
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '(') ++depth;
        if (text[i] == ')') --depth;
        if (text[i] == ':' && depth == 0) return i;
    }
    return text.npos;
}

Reference parse_reference(std::string_view text) {
    Reference reference;
    const std::size_t colon = offset_colon(text);
    reference.name = text.substr(0, colon);
    if (colon == text.npos) return reference;
    const std::string_view numbers = text.substr(colon + 1);
    reference.offset = leading_number(numbers, 0);
    const std::size_t second = numbers.find(':');
    if (second != numbers.npos)
        reference.length = leading_number(numbers.substr(second + 1), reference.length);
    return reference;
}

std::string_view part_of(std::string_view value, const Reference& reference) {
    const auto size = static_cast<std::int64_t>(value.size());
    const std::int64_t begin = reference.offset >= 0
                                   ? std::min(reference.offset, size)
                                   : std::max<std::int64_t>(0, size + std::max(reference.offset, -size));
    const std::int64_t left = size - begin;
    const std::int64_t count = reference.length >= 0
                                   ? std::min(reference.length, left)
                                   : std::max<std::int64_t>(0, left + std::max(reference.length, -left));
    return value.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
}

/// Where the `${` at `begin` ends: the place of its `}`, npos when there is none.
std::size_t closing_brace(std::string_view text, std::size_t begin) {
    unsigned depth = 1;
    for (std::size_t i = begin + 2; i < text.size(); ++i) {
        if (text[i] == '{') ++depth;
        if (text[i] == '}' && --depth == 0) return i;
    }
    return text.npos;
}

using Values = std::map<std::string, std::string, std::less<>>;

class Expander {
public:
    Expander(const Values& values, Globals::Extension extension) : values_(values), extension_(extension) {}

    Expansion run(std::string_view text) {
        expansion_.text = expand(text, 0);
        return std::move(expansion_);
    }

private:
    std::string expand(std::string_view text, unsigned depth) {
        std::string done;
        while (!text.empty()) {
            const std::size_t dollar = text.find('$');
            append(done, text.substr(0, dollar));
            if (dollar == text.npos) break;
            text.remove_prefix(dollar);
            text.remove_prefix(take_dollar(text, done, depth));
        }
        return done;
    }

    /// Expands what the `$` at the front of `text` begins; gives how many bytes that was.
    std::size_t take_dollar(std::string_view text, std::string& done, unsigned depth) {
        if (text.starts_with("$[")) note_beyond(text);
        const std::size_t end = text.starts_with("${") ? closing_brace(text, 0) : text.npos;
        if (end == text.npos) {
            append(done, text.substr(0, 1));
            return 1;
        }
        append(done, value_of(text.substr(0, end + 1), depth));
        return end + 1;
    }

    /// The value of `${…}`.
    std::string value_of(std::string_view whole, unsigned depth) {
        const std::string_view inside = whole.substr(2, whole.size() - 3);
        if (depth == Globals::deepest_nesting) return note_beyond(whole);
        const bool nested = inside.find("${") != inside.npos;
        const std::string name = nested ? expand(inside, depth + 1) : std::string(inside);
        const Reference reference = parse_reference(name);
        if (extension_ == Globals::Extension::kept && reference.name == "EXTEN") return "${" + name + "}";
        if (nested && name.find("${") != name.npos)
            return note_beyond(whole);  // its name depends on ${EXTEN}
        return std::string(part_of(look_up(reference.name, whole), reference));
    }

    std::string_view look_up(std::string_view name, std::string_view whole) {
        std::string_view variable = name;
        if (name.ends_with(')') && same_name(name.substr(0, 7), "GLOBAL("))
            variable = trimmed(name.substr(7, name.size() - 8));
        if (variable.find('(') != variable.npos) {
            note_beyond(whole);
            return {};
        }
        const auto found = values_.find(variable);
        if (found != values_.end()) return found->second;
        expansion_.unset.emplace_back(variable);
        return {};
    }

    std::string note_beyond(std::string_view part) {
        if (expansion_.beyond.empty()) expansion_.beyond = part;
        return {};
    }

    void append(std::string& done, std::string_view more) {
        const std::size_t room = Globals::longest_bytes - done.size();
        if (more.size() > room) expansion_.too_long = true;
        done += more.substr(0, room);
    }

    const Values& values_;
    Globals::Extension extension_;
    Expansion expansion_;
};

}  // namespace

void Globals::set(std::string_view name, std::string value) {
    for (int i = 0; i < 2 && name.starts_with('_'); ++i)
        name.remove_prefix(1);
    values_.insert_or_assign(std::string(name), std::move(value));
}

Expansion Globals::expand(std::string_view text, Extension extension) const {
    return Expander(values_, extension).run(text);
}

}  // namespace lamplight::conf
