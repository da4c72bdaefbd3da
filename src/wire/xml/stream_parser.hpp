#pragma once

#include "wire/xml/element.hpp"

#include <tl/expected.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lamplight::wire::xml {

/// What a stream may ask of us. Checked while reading, before a tree is built.
struct Limits {
    std::size_t depth = 32;                 ///< of elements in the stream's own
    std::size_t stanza_bytes = 256 * 1024;  ///< of one child of the stream, as it came
    std::size_t elements = 16 * 1024;       ///< in one stanza
    std::size_t attributes = 64;            ///< of one element, namespace declarations too
    std::size_t namespace_bytes = 256;      ///< of one namespace: every element below it has a copy
};

enum class Flaw : std::uint8_t {
    malformed,    ///< not XML, or not in UTF-8
    dtd,          ///< a document type or an entity
    instruction,  ///< a processing instruction, or a comment (RFC 6120 section 11.1)
    too_deep,
    too_large,
    too_many_elements,
    too_many_attributes,
    after_the_end,  ///< something after </stream:stream>
};
inline constexpr std::size_t flaw_count = 8;
std::string_view to_string(Flaw flaw);  ///< `malformed XML`, for logs and counters

/// <stream:stream …>, whatever its name and namespace: who reads it looks at them.
struct StreamOpened {
    Element header;  ///< without children; its default namespace is in `content_ns`
    std::string content_ns;
};
struct StreamClosed {};
using Item = std::variant<StreamOpened, Element, StreamClosed>;

/// Reads one XML stream: its header, then each child whole, then its end. White space between stanzas is
/// passed over; other text there is malformed. After a Flaw it reads nothing more until reset().
///
/// Once told so, it passes over a stanza that exceeds Limits, whatever is in it but DTDs, instructions and
/// comments, and goes on behind it: whoever may write to us through our server decides how large a stanza is.
///
/// An item is given out with its last byte, however the bytes were cut.
///
/// Cost  one pass, whatever the pieces; memory is bounded by Limits whatever comes, and what a large stanza
/// needed is given back after it.
class StreamParser {
public:
    explicit StreamParser(const Limits& limits = {});
    ~StreamParser();
    StreamParser(StreamParser&&) noexcept;
    StreamParser& operator=(StreamParser&&) noexcept;

    /// Appends what is complete by these bytes; pieces may be of any size. What was complete before the flaw
    /// is there, too.
    tl::expected<void, Flaw> feed(std::string_view bytes, std::vector<Item>& out);
    /// From here on, until reset().
    void pass_over_excess();
    /// How many stanzas were, by what was exceeded: since it was made.
    const std::array<std::uint64_t, flaw_count>& passed_over() const;
    /// The next byte begins another stream; whatever was half read is forgotten (RFC 6120 section 5.4.3.3:
    /// nothing that came in the clear counts behind TLS).
    void reset();
    /// Whether bytes of a stanza, or of the header, have been read whose end has not.
    bool in_the_middle() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace lamplight::wire::xml
