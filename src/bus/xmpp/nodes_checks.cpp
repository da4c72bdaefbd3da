// What stands, and what an administrator has to do, written for his server
#include "bus/xmpp/nodes_impl.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lamplight::bus::xmpp {

namespace {

using Verdict = Nodes::Check::Verdict;
using Standing = Nodes::Standing;

constexpr std::uint32_t tigase_stanzas_a_minute = 2'500;

std::string_view name_of(Standing standing) {
    switch (standing) {
        case Standing::unasked:
            return "not asked yet";
        case Standing::asking:
            return "asking";
        case Standing::ready:
            return "ready";
        case Standing::absent:
            return "it is not there";
        case Standing::forbidden:
            return "it may not be used";
        case Standing::no_service:
            return "no service";
        case Standing::gone:
            return "it was deleted";
    }
    return {};
}

}  // namespace

// --- questions ---

Standing Nodes::Impl::standing(std::string_view name) const {
    const auto own = nodes_.find({settings_.service, std::string(name)});
    if (own != nodes_.end()) return own->second.view.standing;
    const auto found =
        std::ranges::find_if(nodes_, [&](const auto& each) { return each.second.view.name == name; });
    return found == nodes_.end() ? Standing::unasked : found->second.view.standing;
}

std::vector<Nodes::NodeView> Nodes::Impl::nodes() const {
    std::vector<NodeView> views;
    for (const auto& [key, node] : nodes_)
        views.push_back(node.view);
    return views;
}

std::string Nodes::Impl::software_text() const {
    return software_version_.empty() ? software_name_ : software_name_ + " " + software_version_;
}

/// Tigase 8.1.2 closes the stream at the 2,499th within a minute, without an error; 5.1.5 does not count.
std::uint32_t Nodes::Impl::stanza_limit() const {
    return software_ == Software::tigase && !software_version_.starts_with("5.") ? tigase_stanzas_a_minute
                                                                                 : 0;
}

// --- advice ---

std::string Nodes::Impl::advice_to_create() const {
    const std::string self = self_ ? c2s::to_string(self_->bare()) : "our account";
    switch (software_) {
        case Software::prosody:
            return fmt::format(
                "in prosody.cfg.lua, with every server's account; others may not make nodes there:\n"
                "Component \"{}\" \"pubsub\"\n"
                "    admins = {{ \"{}\", … }}\n"
                "    expose_publisher = true",
                settings_.service, self);
        case Software::ejabberd:
            return "in ejabberd.yml:\n"
                   "access_rules:\n"
                   "  pubsub_createnode:\n"
                   "    allow: local\n"
                   "modules:\n"
                   "  mod_pubsub:\n"
                   "    access_createnode: pubsub_createnode";
        case Software::openfire:
            return "set the system property xmpp.pubsub.create.anyone to true";
        case Software::tigase:
        case Software::unknown:
        case Software::other:
            break;
    }
    return fmt::format(
        "ask the administrator of {} to let {} make nodes, or to make them and to make it owner",
        settings_.service, self);
}

std::string Nodes::Impl::advice_to_name_publishers() const {
    switch (software_) {
        case Software::prosody:
            return fmt::format(
                "in prosody.cfg.lua:\nComponent \"{}\" \"pubsub\"\n    expose_publisher = true",
                settings_.service);
        case Software::ejabberd:
            return "the node's option pubsub#itemreply has to be publisher: its owner sets it";
        default:
            return "the access list of the node is what keeps others out";
    }
}

std::string Nodes::Impl::advice_to_be_granted(const Node& node) const {
    const std::string self = self_ ? c2s::to_string(self_->bare()) : "our account";
    if (node.view.role == Role::own)
        return fmt::format("delete the node {}, or use the account that made it", node.view.name);
    if (node.view.role == Role::other)
        return fmt::format("the server that owns it needs {} as a buddy", self);
    const std::string owner = fmt::format(
        "an owner of {} has to make {} an owner of it: the Asterisk or Lamplight that made it does when it "
        "has the "
        "line buddy = {}",
        node.view.name, self, self);
    return software_ == Software::prosody ? owner + "; or " + advice_to_create() : owner;
}

/// What goes behind a trouble in the log.
std::string Nodes::Impl::help(const Node& node, Standing standing) const {
    switch (standing) {
        case Standing::absent:
            if (node.view.role == Role::other) return {};
            return "; xmpp doctor says what to change";
        case Standing::forbidden:
            return "; xmpp doctor says what to change";
        case Standing::no_service:
            return fmt::format("; is {} the PubSub service?", node.service);
        default:
            return {};
    }
}

// --- checks ---

Nodes::Check Nodes::Impl::component_check() const {
    if (settings_.service.empty())
        return {Verdict::fail, "component", "none is named", "pubsub_node = the JID of the PubSub service"};
    switch (service_) {
        case Service::found:
            return {Verdict::pass, "component", settings_.service + " is a PubSub service", {}};
        case Service::failed:
            return {
                Verdict::fail, "component", settings_.service + ": " + service_trouble_,
                software_ == Software::prosody
                    ? fmt::format("in prosody.cfg.lua: Component \"{}\" \"pubsub\"", settings_.service)
                : software_ == Software::ejabberd
                    ? fmt::format(
                          "in ejabberd.yml, mod_pubsub under modules: its JID is pubsub. and the domain, or "
                          "what hosts says; pubsub_node has to be the same")
                    : "pubsub_node has to be the JID of the PubSub service, which the server's disco shows"};
        case Service::unasked:
        case Service::asking:
            break;
    }
    return {Verdict::unknown, "component", settings_.service + " has not answered yet", {}};
}

Nodes::Check Nodes::Impl::create_check() const {
    if (creation_ == Creation::refused)
        return {Verdict::fail, "may create", creation_trouble_, advice_to_create()};
    if (creation_ == Creation::done) return {Verdict::pass, "may create", "nodes were made", {}};
    return {Verdict::unknown, "may create", "nothing had to be made", {}};
}

Nodes::Check Nodes::Impl::publish_check(const Node& node) const {
    const std::string& name = node.view.name;
    switch (node.view.standing) {
        case Standing::ready:
            if (node.owner) return {Verdict::pass, "may publish", name + ": as an owner", {}};
            return {Verdict::pass, "may publish", name + ": nothing was refused", {}};
        case Standing::unasked:
        case Standing::asking:
            return {
                Verdict::unknown, "may publish", name + ": " + std::string(name_of(node.view.standing)), {}};
        case Standing::forbidden:
            return {Verdict::fail, "may publish", name + ": " + node.view.trouble,
                    advice_to_be_granted(node)};
        case Standing::absent:
        case Standing::no_service:
        case Standing::gone:
            break;
    }
    return {Verdict::fail, "may publish",
            fmt::format("{}: {}, {}", name, name_of(node.view.standing), node.view.trouble),
            node.view.standing == Standing::absent ? "see: may create" : ""};
}

Nodes::Check Nodes::Impl::items_check(const Node& node) const {
    const std::string& name = node.view.name;
    const std::string kept_advice =
        software_ == Software::ejabberd
            ? "ejabberd lets nobody but its first publisher replace an item it keeps: its owner has to set "
              "persist_items = 0"
            : "its owner has to set persist_items = 0";
    switch (node.items) {
        case Items::not_kept:
            return {Verdict::pass, "items", name + ": are not kept", {}};
        case Items::of_leaves:
            return {Verdict::pass, "items", name + ": a collection, which has none", {}};
        case Items::kept:
            return {Verdict::warn, "items", name + ": are kept, which nobody needs", kept_advice};
        case Items::foreign:
            return {Verdict::warn, "items",
                    name + ": another account owns it; whether items are kept cannot be seen", kept_advice};
        case Items::unknown:
            break;
    }
    return {Verdict::unknown, "items", name + ": not known yet", {}};
}

Nodes::Check Nodes::Impl::owners_check(const Node& node) const {
    const std::string& first = *node.strangers.begin();
    const std::size_t more = node.strangers.size() - 1;
    return {
        Verdict::warn, "owners",
        fmt::format("{}: {}{} may use it and is no buddy here", node.view.name, first,
                    more == 0 ? "" : fmt::format(" (and {} more)", more)),
        fmt::format("what it says is not believed here, but it hears all: where that is not meant, an owner\n"
                    "sends this to {} from the XML console of a chat client:\n"
                    "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><affiliations node='{}'>"
                    "<affiliation jid='{}' affiliation='none'/></affiliations></pubsub>",
                    node.service, node.view.name, first)};
}

Nodes::Check Nodes::Impl::limits_check() const {
    switch (software_) {
        case Software::prosody:
            return {
                Verdict::pass, "limits", "stanzas of 256 KiB; 256 kept items a node (pubsub_max_items)", {}};
        case Software::ejabberd:
            return {Verdict::pass,
                    "limits",
                    "items of 250,000 bytes; 1,000 kept items a node (max_items_node)",
                    {}};
        case Software::tigase:
            if (stanza_limit() == 0) return {Verdict::pass, "limits", "10 kept items a node", {}};
            return {Verdict::pass,
                    "limits",
                    fmt::format("{} stanzas a minute, which we keep; 10 kept items a node", stanza_limit()),
                    {}};
        default:
            return {Verdict::unknown, "limits", "nothing is known of this server", {}};
    }
}

Nodes::Check Nodes::Impl::publishers_check() const {
    if (!names_publishers_) return {Verdict::unknown, "publishers", "no event has come yet", {}};
    if (*names_publishers_) return {Verdict::pass, "publishers", "events name who published them", {}};
    return {Verdict::warn, "publishers", "events do not name who published them",
            advice_to_name_publishers()};
}

void Nodes::Impl::add_node_checks(const Node& node, std::vector<Check>& checks) const {
    if (node.view.role == Role::other || node.view.role == Role::leaf) return;
    checks.push_back(publish_check(node));
    if (node.view.standing == Standing::ready) checks.push_back(items_check(node));
    if (!node.strangers.empty()) checks.push_back(owners_check(node));
}

std::vector<Nodes::Check> Nodes::Impl::checks() const {
    std::vector<Check> checks{component_check()};
    if (service_ != Service::found) return checks;
    checks.push_back(create_check());
    for (const auto& [key, node] : nodes_)
        add_node_checks(node, checks);
    checks.push_back(limits_check());
    checks.push_back(publishers_check());
    return checks;
}

}  // namespace lamplight::bus::xmpp
