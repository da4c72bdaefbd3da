#include "wire/xml/element.hpp"

#include <algorithm>

namespace lamplight::wire::xml {

const std::string* Element::attribute(std::string_view name_) const {
    const auto found = std::ranges::find(attributes, name_, &Attribute::name);
    return found == attributes.end() ? nullptr : &found->value;
}

std::string_view Element::value_of(std::string_view name_) const {
    const std::string* value = attribute(name_);
    return value ? std::string_view(*value) : std::string_view();
}

const Element* Element::child(std::string_view name_, std::string_view ns_) const {
    const auto found =
        std::ranges::find_if(children, [&](const Element& each) { return each.is(name_, ns_); });
    return found == children.end() ? nullptr : &*found;
}

const Element* Element::child(std::string_view name_) const {
    const auto found = std::ranges::find(children, name_, &Element::name);
    return found == children.end() ? nullptr : &*found;
}

std::string_view Element::text_of(std::string_view name_, std::string_view ns_) const {
    const Element* found = child(name_, ns_);
    return found ? std::string_view(found->text) : std::string_view();
}

Element& Element::set(std::string name_, std::string value) {
    const auto found = std::ranges::find(attributes, name_, &Attribute::name);
    if (found == attributes.end())
        attributes.push_back({std::move(name_), std::move(value)});
    else
        found->value = std::move(value);
    return *this;
}

Element& Element::add(Element child_) {
    return children.emplace_back(std::move(child_));
}

Element& Element::add(std::string name_, std::string ns_) {
    return add(Element(std::move(name_), ns_.empty() ? ns : std::move(ns_)));
}

Element& Element::add_text(std::string_view more) {
    if (children.empty() && more.find_first_not_of(" \t\r\n") != std::string_view::npos) text_first = true;
    text += more;
    return *this;
}

}  // namespace lamplight::wire::xml
