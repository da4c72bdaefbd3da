#include "c2s/traffic.hpp"

#include "wire/xml/write.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lamplight::c2s {

namespace {

using wire::xml::Attribute;
using wire::xml::Element;

constexpr std::string_view mask = "***";
constexpr std::string_view wrapper =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

bool is_one_of(std::string_view what, std::initializer_list<std::string_view> these) {
    return std::ranges::find(these, what) != these.end();
}

bool is_secret(const Element& element) {
    if (element.ns == "urn:ietf:params:xml:ns:xmpp-sasl")
        return is_one_of(element.name, {"auth", "challenge", "response", "success"});
    if (is_one_of(element.ns, {"jabber:iq:auth", "jabber:iq:register"}))
        return is_one_of(element.name, {"password", "digest", "hash", "token", "key"});
    return element.name == "password";
}

bool is_secret_field(const Element& element) {
    return element.is("field", "jabber:x:data") && (is_one_of(element.value_of("var"), {"password", "key"}) ||
                                                    element.value_of("type") == "text-private");
}

void mask_all_text(Element& element) {
    if (!element.text.empty()) element.text = mask;
    std::ranges::for_each(element.children, mask_all_text);
}

void mask_secrets(Element& element) {
    if (is_secret(element) || is_secret_field(element)) return mask_all_text(element);
    std::ranges::for_each(element.children, mask_secrets);
}

/// Whether there is something to hide: most stanzas are shown as they are, without a copy.
bool has_secret(const Element& element) {
    return is_secret(element) || is_secret_field(element) ||
           std::ranges::any_of(element.children, has_secret);
}

struct Shown {
    std::string& out;
    void operator()(const wire::xml::StreamOpened& header) const { out += shown(header); }
    void operator()(const Element& element) const { out += shown(element); }
    void operator()(const wire::xml::StreamClosed&) const { out += "</stream:stream>"; }
};

}  // namespace

std::string shown(const Element& element) {
    if (!has_secret(element)) return wire::xml::to_text(element);
    Element copy = element;
    mask_secrets(copy);
    return wire::xml::to_text(copy);
}

std::string shown(const wire::xml::StreamOpened& header) {
    std::string out = fmt::format("<stream:{} xmlns='{}' xmlns:stream='{}'", header.header.name,
                                  wire::xml::escape(header.content_ns), wire::xml::escape(header.header.ns));
    for (const Attribute& attribute : header.header.attributes)
        out += fmt::format(" {}='{}'", attribute.name, wire::xml::escape(attribute.value));
    return out + ">";
}

std::string shown_text(std::string_view text) {
    wire::xml::StreamParser parser;
    std::vector<wire::xml::Item> items;
    const bool has_header = text.find("<stream:stream") != std::string_view::npos;
    std::string out;
    if (!has_header && !parser.feed(wrapper, items)) return out;
    items.clear();
    if (!parser.feed(text, items) || parser.in_the_middle()) return fmt::format("({} bytes)", text.size());
    for (const wire::xml::Item& item : items)
        std::visit(Shown{out}, item);
    return out;
}

}  // namespace lamplight::c2s
