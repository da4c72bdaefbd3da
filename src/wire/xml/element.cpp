#include "wire/xml/element.hpp"

#include <algorithm>

namespace lamplight::wire::xml {

const std::string* Element::attribute(std::string_view wanted_name) const {
    const auto found = std::ranges::find(attributes, wanted_name, &Attribute::name);
    return found == attributes.end() ? nullptr : &found->value;
}

std::string_view Element::value_of(std::string_view wanted_name) const {
    const std::string* value = attribute(wanted_name);
    return value ? std::string_view(*value) : std::string_view();
}

const Element* Element::child(std::string_view wanted_name, std::string_view wanted_ns) const {
    const auto found =
        std::ranges::find_if(children, [&](const Element& each) { return each.is(wanted_name, wanted_ns); });
    return found == children.end() ? nullptr : &*found;
}

const Element* Element::child(std::string_view wanted_name) const {
    const auto found = std::ranges::find(children, wanted_name, &Element::name);
    return found == children.end() ? nullptr : &*found;
}

std::string_view Element::text_of(std::string_view wanted_name, std::string_view wanted_ns) const {
    const Element* found = child(wanted_name, wanted_ns);
    return found ? std::string_view(found->text) : std::string_view();
}

Element& Element::set(std::string key, std::string value) {
    const auto found = std::ranges::find(attributes, key, &Attribute::name);
    if (found == attributes.end())
        attributes.push_back({std::move(key), std::move(value)});
    else
        found->value = std::move(value);
    return *this;
}

Element& Element::add(Element inner) {
    return children.emplace_back(std::move(inner));
}

Element& Element::add(std::string inner_name, std::string inner_ns) {
    return add(Element(std::move(inner_name), inner_ns.empty() ? ns : std::move(inner_ns)));
}

Element& Element::add_text(std::string_view more) {
    if (children.empty() && more.find_first_not_of(" \t\r\n") != std::string_view::npos) text_first = true;
    text += more;
    return *this;
}

}  // namespace lamplight::wire::xml
