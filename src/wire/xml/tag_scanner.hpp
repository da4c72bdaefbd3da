#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lamplight::wire::xml {

/// Finds where a tag ends, so that expat is given whole tags only: it would read half a tag again from its
/// beginning with every piece, and a peer decides how small the pieces are. What XMPP forbids is refused at
/// its first bytes. Says nothing about whether the tag is well-formed: that is expat's.
class TagScanner {
public:
    enum class Found : std::uint8_t {
        more,  ///< everything was read and the tag goes on
        tag,
        declaration,  ///< <?xml … ?>, or what looks like it
        cdata,        ///< <![CDATA[
        instruction,  ///< <? or <!--
        dtd,          ///< <!DOCTYPE and its like
        malformed,
    };
    struct Result {
        std::size_t read = 0;  ///< bytes, the last of the tag among them
        Found found = Found::more;
    };
    /// Whether <? may come: at the very beginning of a stream.
    enum class Declaration : std::uint8_t { refused, allowed };

    void start(Declaration declaration);
    /// From the `<` on, in pieces of any size, until something other than `more` was found.
    Result scan(std::string_view bytes);
    /// Attributes seen so far, namespace declarations too.
    std::size_t attributes() const { return attributes_; }

private:
    enum class Place : std::uint8_t { outside, opened, markup, apostrophes, quotes, exclamation, question };

    Found step(char byte);
    Found open(char byte);
    Found markup(char byte);
    Found exclamation(char byte);

    Place place_ = Place::outside;
    Declaration declaration_ = Declaration::refused;
    std::size_t matched_ = 0;  ///< bytes of `<![CDATA[`
    char last_ = 0;
    std::size_t attributes_ = 0;
};

}  // namespace lamplight::wire::xml
