#include "wire/pubsub/request.hpp"

#include "wire/pubsub/names.hpp"

#include <algorithm>
#include <utility>

namespace lamplight::wire::pubsub {
namespace {

xml::Element iq(std::string_view to, std::string_view type) {
    xml::Element out("iq", std::string(ns::client));
    if (!to.empty()) out.set("to", std::string(to));
    out.set("type", std::string(type));
    return out;
}

/// <iq type='…'><pubsub xmlns='…'><action node='…'/></pubsub></iq>: the node is left out when it is empty.
struct Request {
    xml::Element out;

    Request(std::string_view service, std::string_view type, std::string_view ns) : out(iq(service, type)) {
        out.add("pubsub", std::string(ns));
    }
    xml::Element& pubsub() { return out.children.front(); }
    xml::Element& add(std::string_view action, std::string_view node) {
        xml::Element& element = pubsub().add(std::string(action));
        if (!node.empty()) element.set("node", std::string(node));
        return element;
    }
};

xml::Element owner_request(std::string_view service, std::string_view type, std::string_view action,
                           std::string_view node) {
    Request request(service, type, ns::owner);
    request.add(action, node);
    return std::move(request.out);
}

xml::Element query(std::string_view to, std::string_view ns, std::string_view node = {}) {
    xml::Element out = iq(to, "get");
    xml::Element& query = out.add("query", std::string(ns));
    if (!node.empty()) query.set("node", std::string(node));
    return out;
}

// --- forms ---

void add_field(xml::Element& form, std::string_view var, std::string_view value) {
    form.add("field").set("var", std::string(var)).add("value").add_text(value);
}

xml::Element& add_form(xml::Element& parent, std::string_view form_type) {
    xml::Element& form = parent.add("x", std::string(ns::data));
    form.set("type", "submit");
    form.add("field").set("var", "FORM_TYPE").set("type", "hidden").add("value").add_text(form_type);
    return form;
}

std::string_view text_of(NodeForm::Access access) {
    return access == NodeForm::Access::open ? "open" : "whitelist";
}
std::string_view text_of(NodeForm::Publish publish) {
    return publish == NodeForm::Publish::open ? "open" : "publishers";
}

/// What a service sends of itself, and what it keeps, is wrong as soon as somebody else's vote is newer.
void add_further_fields(xml::Element& form, const NodeForm& node) {
    if (node.persist == NodeForm::Persist::no) add_field(form, "pubsub#max_items", "1");
    add_field(form, "pubsub#notify_delete", "1");
    add_field(form, "pubsub#send_last_published_item", "never");
    add_field(form, "pubsub#itemreply", "publisher");
}

void add_node_form(xml::Element& configure, const NodeForm& node) {
    xml::Element& form = add_form(configure, "http://jabber.org/protocol/pubsub#node_config");
    if (node.type != NodeForm::Type::unsaid)
        add_field(form, "pubsub#node_type", node.type == NodeForm::Type::leaf ? "leaf" : "collection");
    add_field(form, "pubsub#deliver_payloads", "1");
    add_field(form, "pubsub#persist_items", node.persist == NodeForm::Persist::yes ? "1" : "0");
    add_field(form, "pubsub#access_model", text_of(node.access));
    add_field(form, "pubsub#publish_model", text_of(node.publish));
    if (!node.collection.empty()) add_field(form, "pubsub#collection", node.collection);
    if (node.fields == NodeForm::Fields::all) add_further_fields(form, node);
}

const xml::Element* answer(const xml::Element& iq, std::string_view name, std::string_view ns) {
    return iq.name == "iq" && iq.value_of("type") == "result" ? iq.child(name, ns) : nullptr;
}

}  // namespace

xml::Element subscribe(std::string_view service, std::string_view node, std::string_view bare_jid,
                       SubscribeOptions options) {
    Request request(service, "set", ns::pubsub);
    request.pubsub().add("subscribe").set("jid", std::string(bare_jid)).set("node", std::string(node));
    if (options == SubscribeOptions::collection) {
        xml::Element& form =
            add_form(request.pubsub().add("options"), "http://jabber.org/protocol/pubsub#subscribe_options");
        add_field(form, "pubsub#subscription_type", "items");
        add_field(form, "pubsub#subscription_depth", "all");
        add_field(form, "pubsub#expire", "presence");
    }
    return std::move(request.out);
}

xml::Element unsubscribe(std::string_view service, std::string_view node, std::string_view bare_jid) {
    Request request(service, "set", ns::pubsub);
    request.pubsub().add("unsubscribe").set("jid", std::string(bare_jid)).set("node", std::string(node));
    return std::move(request.out);
}

xml::Element publish(std::string_view service, std::string_view node, xml::Element item,
                     PublishOptions options) {
    Request request(service, "set", ns::pubsub);
    request.add("publish", node).add(std::move(item));
    if (options == PublishOptions::not_persistent)
        add_field(add_form(request.pubsub().add("publish-options"),
                           "http://jabber.org/protocol/pubsub#publish-options"),
                  "pubsub#persist_items", "0");
    return std::move(request.out);
}

xml::Element create(std::string_view service, std::string_view node, const NodeForm& form) {
    Request request(service, "set", ns::pubsub);
    request.add("create", node);
    add_node_form(request.pubsub().add("configure"), form);
    return std::move(request.out);
}

xml::Element create_plain(std::string_view service, std::string_view node) {
    Request request(service, "set", ns::pubsub);
    request.add("create", node);
    return std::move(request.out);
}

xml::Element configure(std::string_view service, std::string_view node, const NodeForm& form) {
    Request request(service, "set", ns::owner);
    add_node_form(request.add("configure", node), form);
    return std::move(request.out);
}

xml::Element get_configuration(std::string_view service, std::string_view node) {
    return owner_request(service, "get", "configure", node);
}

xml::Element set_affiliations(std::string_view service, std::string_view node,
                              std::span<const Affiliation> who) {
    Request request(service, "set", ns::owner);
    xml::Element& affiliations = request.add("affiliations", node);
    for (const Affiliation& each : who)
        affiliations.add("affiliation").set("jid", each.jid).set("affiliation", each.affiliation);
    return std::move(request.out);
}

xml::Element set_subscribed(std::string_view service, std::string_view node,
                            std::span<const std::string> bare_jids) {
    Request request(service, "set", ns::owner);
    xml::Element& subscriptions = request.add("subscriptions", node);
    for (const std::string& jid : bare_jids)
        subscriptions.add("subscription").set("jid", jid).set("subscription", "subscribed");
    return std::move(request.out);
}

xml::Element get_affiliations(std::string_view service, std::string_view node) {
    return owner_request(service, "get", "affiliations", node);
}

xml::Element delete_node(std::string_view service, std::string_view node) {
    return owner_request(service, "set", "delete", node);
}

xml::Element purge_node(std::string_view service, std::string_view node) {
    return owner_request(service, "set", "purge", node);
}

xml::Element get_subscriptions(std::string_view service, std::string_view node) {
    Request request(service, "get", ns::pubsub);
    request.add("subscriptions", node);
    return std::move(request.out);
}

xml::Element disco_info(std::string_view to, std::string_view node) {
    return query(to, ns::disco_info, node);
}

xml::Element disco_items(std::string_view to, std::string_view node) {
    return query(to, ns::disco_items, node);
}

xml::Element get_version(std::string_view to) {
    return query(to, ns::version);
}

xml::Element ping(std::string_view to) {
    xml::Element out = iq(to, "get");
    out.add("ping", std::string(ns::ping));
    return out;
}

std::vector<std::pair<std::string, std::string>> form_values(const xml::Element& x) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const xml::Element& field : x.children) {
        const std::string* var = field.is("field", ns::data) ? field.attribute("var") : nullptr;
        if (!var) continue;
        for (const xml::Element& value : field.children)
            if (value.is("value", ns::data)) out.emplace_back(*var, value.text);
    }
    return out;
}

bool Disco::has(std::string_view feature) const {
    return std::ranges::find(features, feature) != features.end();
}

bool Disco::is_pubsub() const {
    return std::ranges::any_of(identities, [](const auto& identity) {
        return identity.first == "pubsub" && identity.second == "service";
    });
}

std::optional<Disco> parse_disco_info(const xml::Element& iq) {
    const xml::Element* query = answer(iq, "query", ns::disco_info);
    if (!query) return {};
    Disco out;
    for (const xml::Element& each : query->children) {
        if (each.is("identity", ns::disco_info))
            out.identities.emplace_back(each.value_of("category"), each.value_of("type"));
        else if (each.is("feature", ns::disco_info))
            out.features.emplace_back(each.value_of("var"));
    }
    return out;
}

std::optional<std::vector<DiscoItem>> parse_disco_items(const xml::Element& iq) {
    const xml::Element* query = answer(iq, "query", ns::disco_items);
    if (!query) return {};
    std::vector<DiscoItem> out;
    for (const xml::Element& each : query->children)
        if (each.is("item", ns::disco_items))
            out.push_back({std::string(each.value_of("jid")), std::string(each.value_of("node")),
                           std::string(each.value_of("name"))});
    return out;
}

std::optional<std::vector<std::pair<std::string, std::string>>> parse_configuration(const xml::Element& iq) {
    const xml::Element* pubsub = answer(iq, "pubsub", ns::owner);
    const xml::Element* configure = pubsub ? pubsub->child("configure", ns::owner) : nullptr;
    const xml::Element* form = configure ? configure->child("x", ns::data) : nullptr;
    if (!form) return {};
    return form_values(*form);
}

std::optional<std::vector<Affiliation>> parse_affiliations(const xml::Element& iq) {
    const xml::Element* pubsub = answer(iq, "pubsub", ns::owner);
    const xml::Element* affiliations = pubsub ? pubsub->child("affiliations", ns::owner) : nullptr;
    if (!affiliations) return {};
    std::vector<Affiliation> out;
    for (const xml::Element& each : affiliations->children)
        if (each.is("affiliation", ns::owner))
            out.push_back({std::string(each.value_of("jid")), std::string(each.value_of("affiliation"))});
    return out;
}

xml::Element make_error(const xml::Element& request, std::string_view condition, std::string_view type,
                        int code) {
    xml::Element out = make_result(request);
    out.set("type", "error");
    xml::Element& error = out.add("error");
    error.set("code", std::to_string(code)).set("type", std::string(type));
    error.add(std::string(condition), std::string(ns::stanzas));
    return out;
}

xml::Element make_result(const xml::Element& request) {
    xml::Element out = iq(request.value_of("from"), "result");
    if (const std::string* id = request.attribute("id")) out.set("id", *id);
    return out;
}

}  // namespace lamplight::wire::pubsub
