#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// XML as XMPP uses it (RFC 6120 section 11): elements, attributes, text; no DTD, no entities but the five,
/// no processing instructions. Pure.
namespace lamplight::wire::xml {

/// One without a namespace, or of the xml namespace as `xml:lang`; a stream's others are passed over.
struct Attribute {
    std::string name;
    std::string value;

    bool operator==(const Attribute&) const = default;
};

/// An element with everything in it. A value: what is in it belongs to it.
///
/// Text that stands between children is kept as one (`text`); the order of text and children is not, since
/// nothing in XMPP depends on it but whether text comes before the first child (`text_first`).
struct Element {
    std::string name;
    /// Resolved; empty when there is none, which nothing in XMPP has: written, it is then the parent's.
    std::string ns;
    std::vector<Attribute> attributes;
    std::vector<Element> children;
    std::string text;
    bool text_first =
        false;  ///< text other than white space stands before where the first child is or would be

    Element() = default;
    explicit Element(std::string own_name, std::string own_ns = {})
        : name(std::move(own_name)), ns(std::move(own_ns)) {}

    bool operator==(const Element&) const = default;

    bool is(std::string_view wanted_name, std::string_view wanted_ns) const {
        return name == wanted_name && ns == wanted_ns;
    }
    /// Nullptr when there is none; an empty attribute is not none.
    const std::string* attribute(std::string_view wanted_name) const;
    /// Its value, or empty.
    std::string_view value_of(std::string_view wanted_name) const;
    /// The first child of that name and namespace, or nullptr. The second form takes any namespace.
    const Element* child(std::string_view wanted_name, std::string_view wanted_ns) const;
    const Element* child(std::string_view wanted_name) const;
    /// The text of that child, or empty.
    std::string_view text_of(std::string_view wanted_name, std::string_view wanted_ns) const;

    // --- to build one ---
    /// Replaces an attribute or adds it; itself.
    Element& set(std::string key, std::string value);
    /// The child where it now stands.
    Element& add(Element inner);
    /// Without a namespace: of this element's own.
    Element& add(std::string inner_name, std::string inner_ns = {});
    Element& add_text(std::string_view more);  ///< itself
};

}  // namespace lamplight::wire::xml
