#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::conf {

/// A text with its variables put in, and what was odd about them.
struct Expansion {
    std::string text;
    std::vector<std::string> unset;  ///< variables without a value: they expand to nothing
    std::string beyond;     ///< the first part that only a running PBX can work out: `${DB(a/b)}`; else empty
    bool too_long = false;  ///< the text was cut at Globals::longest_bytes
};

/// [globals] of extensions.conf: `${NAME}`, `${NAME:offset}`, `${NAME:offset:length}`, `${GLOBAL(NAME)}`,
/// nested as in
/// `${E${N}}`. A negative offset counts from the end, a negative length leaves that many off the end. What is
/// put in is not looked at again.
class Globals {
public:
    /// Later values replace earlier ones. A leading `_` or `__` of the name is left off, as Asterisk does.
    void set(std::string_view name, std::string value);

    enum class Extension : std::uint8_t {
        none,  ///< ${EXTEN} is a variable like others
        kept,  ///< of a pattern: ${EXTEN} and ${EXTEN:…} stay as they are
    };
    Expansion expand(std::string_view text, Extension extension = Extension::none) const;

    static constexpr std::size_t longest_bytes = 8191;
    static constexpr unsigned deepest_nesting = 16;

private:
    std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace lamplight::conf
