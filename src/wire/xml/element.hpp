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
    explicit Element(std::string name_, std::string ns_ = {}) : name(std::move(name_)), ns(std::move(ns_)) {}

    bool operator==(const Element&) const = default;

    bool is(std::string_view name_, std::string_view ns_) const { return name == name_ && ns == ns_; }
    /// Nullptr when there is none; an empty attribute is not none.
    const std::string* attribute(std::string_view name_) const;
    /// Its value, or empty.
    std::string_view value_of(std::string_view name_) const;
    /// The first child of that name and namespace, or nullptr. The second form takes any namespace.
    const Element* child(std::string_view name_, std::string_view ns_) const;
    const Element* child(std::string_view name_) const;
    /// The text of that child, or empty.
    std::string_view text_of(std::string_view name_, std::string_view ns_) const;

    // --- to build one ---
    Element& set(std::string name_, std::string value);     ///< replaces an attribute or adds it; itself
    Element& add(Element child_);                           ///< the child where it now stands
    Element& add(std::string name_, std::string ns_ = {});  ///< without a namespace: of this element's own
    Element& add_text(std::string_view more);               ///< itself
};

}  // namespace lamplight::wire::xml
