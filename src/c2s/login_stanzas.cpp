#include "c2s/login_stanzas.hpp"

#include "c2s/one_line.hpp"
#include "wire/bytes.hpp"
#include "wire/pubsub/base64.hpp"
#include "wire/xml/write.hpp"

#include <fmt/format.h>

namespace lamplight::c2s {

namespace {

using wire::xml::Element;

std::string base64(std::string_view bytes) {
    return wire::pubsub::encode_base64(wire::bytes_of(bytes));
}

Element iq(std::string_view type, std::string_view id, std::string_view to = {}) {
    Element out("iq");
    out.set("type", std::string(type)).set("id", std::string(id));
    if (!to.empty()) out.set("to", std::string(to));
    return out;
}

Element text_element(std::string name, std::string_view text) {
    Element out(std::move(name));
    out.add_text(text);
    return out;
}

}  // namespace

std::string stream_header(const Account& account) {
    return fmt::format(
        "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' "
        "xmlns='jabber:client' to='{}' version='1.0'>",
        wire::xml::escape(account.jid.domain));
}

std::string starttls() {
    return wire::xml::to_text(Element("starttls", std::string(tls_ns)));
}

std::string sasl_auth(std::string_view mechanism, const std::optional<std::string>& initial) {
    Element out("auth", std::string(sasl_ns));
    out.set("mechanism", std::string(mechanism));
    if (initial) out.add_text(initial->empty() ? "=" : base64(*initial));
    return wire::xml::to_text(out);
}

std::string sasl_response(std::string_view bytes) {
    Element out("response", std::string(sasl_ns));
    out.add_text(base64(bytes));
    return wire::xml::to_text(out);
}

std::string sasl_abort() {
    return wire::xml::to_text(Element("abort", std::string(sasl_ns)));
}

std::string bind_request(const Account& account) {
    Element out = iq("set", bind_id);
    Element& bind = out.add("bind", std::string(bind_ns));
    if (!account.jid.resource.empty()) bind.add(text_element("resource", account.jid.resource));
    return wire::xml::to_text(out);
}

std::string session_request() {
    Element out = iq("set", session_id);
    out.add("session", std::string(session_ns));
    return wire::xml::to_text(out);
}

std::string legacy_fields_request(const Account& account) {
    Element out = iq("get", legacy_fields_id, account.jid.domain);
    out.add("query", std::string(legacy_ns)).add(text_element("username", account.jid.local));
    return wire::xml::to_text(out);
}

std::string legacy_login_request(const Account& account, std::string_view field, std::string_view value) {
    Element out = iq("set", legacy_login_id, account.jid.domain);
    Element& query = out.add("query", std::string(legacy_ns));
    query.add(text_element("username", account.jid.local));
    query.add(text_element("resource", account.jid.resource));
    query.add(text_element(std::string(field), value));
    return wire::xml::to_text(out);
}

std::string register_form_request() {
    Element out = iq("get", register_form_id);
    out.add("query", std::string(register_ns));
    return wire::xml::to_text(out);
}

std::string register_request(const Account& account) {
    Element out = iq("set", register_id);
    Element& query = out.add("query", std::string(register_ns));
    query.add(text_element("username", account.jid.local));
    query.add(text_element("password", account.secret));
    return wire::xml::to_text(out);
}

std::optional<std::string> sasl_bytes(const Element& element) {
    if (element.text.empty() || element.text == "=") return std::string();
    const auto bytes = wire::pubsub::decode_base64(element.text, most_sasl_bytes);
    if (!bytes) return std::nullopt;
    return std::string(bytes->begin(), bytes->end());
}

std::string condition_of(const Element& error, std::string_view ns) {
    for (const Element& child : error.children)
        if (child.ns == ns && child.name != "text") return one_line(child.name, 40);
    return "undefined-condition";
}

std::string told(const Element& error, std::string_view ns, const Account& account) {
    std::string condition = condition_of(error, ns);
    const std::string_view words = error.text_of("text", ns);
    const bool is_secret = !account.secret.empty() && words.find(account.secret) != std::string_view::npos;
    if (words.empty() || is_secret) return condition;
    return fmt::format("{} ({})", condition, one_line(words));
}

}  // namespace lamplight::c2s
