#include "c2s/registration.hpp"

#include "c2s/login_stanzas.hpp"

#include <algorithm>

namespace lamplight::c2s {

namespace {

using wire::xml::Element;

constexpr std::string_view form_ns = "jabber:x:data";

/// A form of registration, not one of something else.
bool has_data_form(const Element& query) {
    const Element* const form = query.child("x", form_ns);
    return form != nullptr && std::ranges::any_of(form->children, [](const Element& field) {
               return field.value_of("var") == "FORM_TYPE" && field.text_of("value", form_ns) == register_ns;
           });
}

}  // namespace

std::string_view why_not_missing(const Refused& refused) {
    if (!refused.mechanism.starts_with("SCRAM-"))
        return "the refusal does not tell whether the account exists";
    if (refused.challenged) return "the server seems to know it, so the password is wrong";
    return {};
}

std::string_view why_not_safe(const Refused& refused, const Element& form) {
    const bool is_recent = std::ranges::any_of(refused.offered, [](const std::string& mechanism) {
        return mechanism == "SCRAM-SHA-256" || mechanism == "SCRAM-SHA-512";
    });
    if (is_recent || has_data_form(form)) return {};
    return "the server may be one that replaces the password of an account that exists";
}

}  // namespace lamplight::c2s
