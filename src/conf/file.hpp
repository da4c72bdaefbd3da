#pragma once

#include "conf/problem.hpp"
#include "conf/reader.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::conf {

/// A place without its file's name: a file's number in File::names, and a line from 1.
struct Where {
    std::uint32_t file = 0;
    std::uint32_t line = 0;
};

/// `name = value`, as written between the blanks around it.
struct Option {
    std::string name;
    std::string value;
    Where where;
    bool inherited = false;  ///< came from a template or another section
};

struct Section {
    std::string name;
    Where where;
    bool is_template = false;
    std::vector<Option> options;
};

/// A configuration file with everything it includes, in the order of the text. Two sections of one name are
/// two.
struct File {
    std::vector<std::string> names;  ///< files in the order they were opened; the first is the one asked for
    std::vector<Section> sections;   ///< templates too
    Problems problems;
    bool missing = false;  ///< the file asked for is not there; no problem is made of that
    bool read = false;     ///< the file asked for was read

    Place place(Where where) const { return {names[where.file], where.line}; }
};

/// Bounds on what files may ask of the reader; beyond them is a problem, not a crash.
inline constexpr std::size_t longest_line_bytes = 8190;  ///< longer ones are skipped, as Asterisk does
inline constexpr std::size_t deepest_include = 10;       ///< files inside each other, as in Asterisk
inline constexpr std::size_t most_files = 4096;
inline constexpr std::uint64_t most_bytes = 256u << 20;  ///< all files together
inline constexpr std::size_t most_inherited = 500'000;   ///< options that templates bring, all together

/// Whether problems may quote a line of the file: not where a line may be, or miss its mark as, a password.
enum class Quotes : std::uint8_t { lines, none };

/// Reads a file of Asterisk's format: sections, templates `[x](!)`, `[y](x)`, additions `[y](+)`, `[y](+x)`,
/// `[y](+name=value)`, `=`, `=>`, `+=`, comments, `#include`, `#tryinclude`.
///
/// Included names are relative to `config_dir`, whatever file they stand in, and may be patterns. `#exec` is
/// refused: no program is run. What Asterisk would skip with a warning is a warning here; what makes it
/// refuse the file is an error. Every problem is collected. Names of sections match in any case, values are
/// bytes.
File read_file(const std::string& path, const std::string& config_dir, const FileSource& files,
               Quotes quotes = Quotes::lines);

/// Equal but for the case of ASCII letters, as Asterisk compares names.
bool same_name(std::string_view a, std::string_view b);
/// Without blanks and control characters at both ends, which is also how a CR before the line end goes.
std::string_view trimmed(std::string_view text);

}  // namespace lamplight::conf
