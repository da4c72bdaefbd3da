#pragma once

#include "conf/file.hpp"
#include "conf/problem.hpp"
#include "state/types.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::conf {

enum class ValueType : std::uint8_t {
    boolean,
    integer,
    duration,
    bytes,
    text,
    path,
    eid,
    list,
    pattern,  ///< with `*` and `?`
    choice,
    hold,     ///< `[PATTERN,] DURATION`
    ignored,  ///< Asterisk knows it and Lamplight has no use for it
};

enum class Repeat : std::uint8_t { once, many };

/// What a value that does not fit comes to.
enum class BadValue : std::uint8_t {
    as_file,  ///< severity after the file's owner
    error,    ///< Asterisk, too, does not load with it
};

/// Everything there is to say of one option: parser, checks, sample file and manual page all come from it.
struct OptionInfo {
    std::string_view section;
    std::string_view name;
    ValueType type = ValueType::text;
    std::string_view fallback = {};  ///< the default, as it would be written; empty: none, or see `help`
    std::string_view example = {};   ///< what the sample shows when there is no default
    std::string_view summary = {};   ///< one sentence, without a full stop
    std::string_view help = {};      ///< further sentences
    std::string_view since = {};     ///< the version that brought it
    std::int64_t least = 0;          ///< of integers, bytes, and durations in milliseconds
    std::int64_t most = 0;           ///< both 0: any
    std::string_view unit = {};      ///< of integers: `devices`
    std::vector<std::string_view> choices = {};
    Repeat repeat = Repeat::once;
    BadValue bad_value = BadValue::as_file;
};

/// The name of a SectionInfo that stands for all sections not named before it.
inline constexpr std::string_view any_section = "*";

struct SectionInfo {
    enum class Content : std::uint8_t {
        options,   ///< those of the table
        anything,  ///< names are the operator's: the file's own code reads them
        ignored,   ///< Asterisk knows the section
    };
    std::string_view name;
    Content content = Content::options;
    std::string_view summary = {};
    std::string_view example = {};  ///< of any_section: a name that the sample and the manual show
};

/// Whose file it is decides how strict one may be: a mistake in Lamplight's own is an error, in one of
/// Asterisk's, which Asterisk itself would pass over, a warning.
enum class Owner : std::uint8_t { lamplight, asterisk };

/// One file's options.
struct FileTable {
    std::string_view file;
    Owner owner = Owner::asterisk;
    std::vector<SectionInfo> sections;
    std::vector<OptionInfo> options;
};

/// A value that has passed its checks; the members that its type fills.
struct Value {
    std::string text;               ///< always: as written, unquoted
    bool flag = false;              ///< boolean
    std::int64_t number = 0;        ///< integer, bytes
    state::Duration duration{};     ///< duration, hold
    std::vector<std::string> list;  ///< list; of a hold its pattern
    state::Eid eid;                 ///< eid
    Place place;
};

/// An option of the table that stands in the file.
struct FoundOption {
    std::size_t index = 0;  ///< in FileTable::options
    Value value;
};

/// Checks the file against its table: unknown sections and options (with the nearest known name), values of
/// the wrong form or range, options set twice. Gives what passed, in the file's order.
std::vector<FoundOption> find_options(const File& file, const FileTable& table, Problems& problems);

/// Reads one value as an option of the table has it; else says why not.
tl::expected<Value, std::string> parse_value(const OptionInfo& option, std::string_view text);

/// `entityid = x` is refused: severity after the option, else after the file's owner.
Problem bad_value(const FileTable& table, const OptionInfo& option, const Value& value, std::string why);

/// What values the option takes, for people: `a whole number from 1 to 10000`.
std::string describe_type(const OptionInfo& option);

/// Severity of a mistake in a file of that owner.
Severity severity_of(Owner owner);

/// A table whose options go into a Target. A setter returns why it refuses a value, or an empty string.
template <typename Target>
struct OptionRow {
    OptionInfo info;
    std::string (*set)(Target&, const Value&) = nullptr;
};

template <typename Target>
struct OptionTable {
    FileTable info;
    std::vector<std::string (*)(Target&, const Value&)>
        setters;  ///< one for each of info.options; may be null

    OptionTable(std::string_view file, Owner owner, std::vector<SectionInfo> sections,
                std::vector<OptionRow<Target>> rows)
        : info{file, owner, std::move(sections), {}} {
        for (OptionRow<Target>& row : rows) {
            info.options.push_back(std::move(row.info));
            setters.push_back(row.set);
        }
    }

    /// Fills in every default of the table.
    void set_defaults(Target& target) const {
        for (std::size_t i = 0; i < info.options.size(); ++i)
            if (setters[i] != nullptr && !info.options[i].fallback.empty())
                setters[i](target, parse_value(info.options[i], info.options[i].fallback).value());
    }

    void apply(const File& file, Target& target, Problems& problems) const {
        for (const FoundOption& found : find_options(file, info, problems)) {
            if (setters[found.index] == nullptr) continue;
            std::string why = setters[found.index](target, found.value);
            if (!why.empty())
                problems.push_back(bad_value(info, info.options[found.index], found.value, std::move(why)));
        }
    }
};

/// Rows for options that Asterisk knows in `section`; `names` are separated by blanks.
template <typename Target>
void add_ignored(std::vector<OptionRow<Target>>& rows, std::string_view section, std::string_view names) {
    while (!names.empty()) {
        const std::size_t end = names.find(' ');
        rows.push_back(
            {{.section = section, .name = names.substr(0, end), .type = ValueType::ignored}, nullptr});
        names = end == names.npos ? std::string_view{} : names.substr(end + 1);
    }
}

}  // namespace lamplight::conf
