// jabber|xmpp create collection|leaf, delete node, list nodes, purge nodes
#include "bus/xmpp/commands.hpp"
#include "console/escaped.hpp"
#include "console/texts.hpp"
#include "wire/pubsub/request.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace lamplight::bus::xmpp {

namespace {

using boost::json::array;
using boost::json::object;
using console::escaped;
using console::Reply;
using console::Request;
using console::Responder;
using wire::xml::Element;

/// Why the server did not do it, in its own words.
std::string refusal_of(const Requests::Reply& reply) {
    if (reply.answer == Answer::lost || reply.iq == nullptr)
        return "no answer from the PubSub service in time";
    const wire::pubsub::Error error = wire::pubsub::parse_error(*reply.iq);
    std::string text = error.condition;
    if (!error.pubsub_condition.empty()) text += ", " + error.pubsub_condition;
    if (!error.text.empty()) text += ": " + error.text;
    return escaped(text);
}

/// Answers the command with `said` when the server did it.
void say_whether_done(const Requests::Reply& reply, const Responder& respond, std::string_view said) {
    if (reply.answer == Answer::accepted) return respond(Reply::ok(std::string(said)));
    respond(Reply::failed(fmt::format("{}The server did not do it: {}\n", said, refusal_of(reply))));
}

/// The client that the first argument names, connected and with a PubSub service; else the command is
/// answered.
Client* usable_client(const XmppBus& bus, const Request& request, const Responder& respond) {
    Client* const client = bus.find_client(request.args[0]);
    if (client == nullptr) {
        respond(no_such_client(request.args[0]));
        return nullptr;
    }
    if (client->is_bound() && !client->settings().pubsub_node.empty()) return client;
    respond(Reply::failed(client->is_bound()
                              ? fmt::format("Client '{}' has no pubsub_node.\n", escaped(request.args[0]))
                              : fmt::format("Client '{}' is not connected: {}.\n", escaped(request.args[0]),
                                            client->trouble())));
    return nullptr;
}

void log_change(XmppBus& bus, const Request& request, std::string_view what) {
    bus.host().log().notice("{} {}", console::name_of(request.asker), what);
}

void create(XmppBus& bus, const Request& request, const Responder& respond,
            wire::pubsub::NodeForm::Type type) {
    Client* const client = usable_client(bus, request, respond);
    if (client == nullptr) return;
    wire::pubsub::NodeForm form;
    form.type = type;
    const std::string& node = request.args.back();
    if (type == wire::pubsub::NodeForm::Type::leaf) form.collection = request.args[1];
    log_change(bus, request, fmt::format("makes the PubSub node {}", escaped(node)));
    client->ask(wire::pubsub::create(client->settings().pubsub_node, node, form),
                [respond](const Requests::Reply& reply, state::Time) {
                    say_whether_done(reply, respond, "Creating test PubSub node collection.\n");
                });
}

/// It may be one that is in use, and not every service tells its owner.
void ask_to_delete(XmppBus& bus, Client& client, const std::string& node, const Responder& respond) {
    client.ask(wire::pubsub::delete_node(client.settings().pubsub_node, node),
               [&bus, id = client.id(), node, respond](const Requests::Reply& reply, state::Time) {
                   say_whether_done(reply, respond, "");
                   bus.look_again(id, node);
               });
}

void delete_node(XmppBus& bus, const Request& request, const Responder& respond) {
    Client* const client = usable_client(bus, request, respond);
    if (client == nullptr) return;
    log_change(bus, request, fmt::format("deletes the PubSub node {}", escaped(request.args[1])));
    ask_to_delete(bus, *client, request.args[1], respond);
}

void list_nodes(XmppBus& bus, const Request& request, const Responder& respond) {
    Client* const client = usable_client(bus, request, respond);
    if (client == nullptr) return;
    const std::string collection = request.args.size() > 1 ? request.args[1] : std::string();
    const std::string head =
        fmt::format("Listing pubsub nodes.\nConnection {}: {}\n", escaped(client->settings().name),
                    escaped(client->settings().username));
    client->ask(wire::pubsub::disco_items(client->settings().pubsub_node, collection),
                [respond, head](const Requests::Reply& reply, state::Time) {
                    const auto items = reply.answer == Answer::accepted && reply.iq != nullptr
                                           ? wire::pubsub::parse_disco_items(*reply.iq)
                                           : std::nullopt;
                    if (!items)
                        return respond(Reply::failed(fmt::format(
                            "Listing pubsub nodes.\nThe server did not do it: {}\n", refusal_of(reply))));
                    std::string text = head;
                    array nodes;
                    for (const wire::pubsub::DiscoItem& item : *items) {
                        text += fmt::format("Node name: {}\n", escaped(item.node));
                        nodes.push_back(boost::json::value(item.node));
                    }
                    respond(console::shown(std::move(text), object{{"nodes", std::move(nodes)}}));
                });
}

/// Counts what a purge has asked for, and answers when the last of it is answered.
struct Purge {
    Responder respond;
    std::size_t asked = 0;
    std::size_t deleted = 0;
    std::string trouble;

    void take(const Requests::Reply& reply) {
        --asked;
        if (reply.answer == Answer::accepted)
            ++deleted;
        else
            trouble = refusal_of(reply);
        if (asked > 0) return;
        if (trouble.empty()) return respond(Reply::ok(""));
        respond(Reply::failed(fmt::format("Deleted {}; the server did not do the rest: {}\n",
                                          console::counted(deleted, "node"), trouble)));
    }
};

void delete_children(Client& client, const Requests::Reply& reply, const Responder& respond) {
    const auto items = reply.answer == Answer::accepted && reply.iq != nullptr
                           ? wire::pubsub::parse_disco_items(*reply.iq)
                           : std::nullopt;
    if (!items)
        return respond(Reply::failed(fmt::format("The server did not do it: {}\n", refusal_of(reply))));
    if (items->empty()) return respond(Reply::ok(""));
    auto purge = std::make_shared<Purge>(Purge{respond, items->size(), 0, {}});
    for (const wire::pubsub::DiscoItem& item : *items)
        client.ask(wire::pubsub::delete_node(client.settings().pubsub_node, item.node),
                   [purge](const Requests::Reply& answer, state::Time) { purge->take(answer); });
}

/// As Asterisk: the node itself, or with collection_nodes every leaf of the collection.
void purge_nodes(XmppBus& bus, const Request& request, const Responder& respond) {
    Client* const client = usable_client(bus, request, respond);
    if (client == nullptr) return;
    log_change(bus, request, fmt::format("purges the PubSub node {}", escaped(request.args[1])));
    const std::string& service = client->settings().pubsub_node;
    if (!client->settings().collection_nodes) return ask_to_delete(bus, *client, request.args[1], respond);
    client->ask(wire::pubsub::disco_items(service, request.args[1]),
                [client, respond](const Requests::Reply& reply, state::Time) {
                    delete_children(*client, reply, respond);
                });
}

struct Row {
    std::string_view words;
    std::string_view arguments;
    std::size_t least, most;
    std::string_view summary;
    void (*run)(XmppBus&, const Request&, const Responder&);
};
constexpr Row rows[] = {
    {"create collection", "<connection> <collection>", 2, 2, "Make a PubSub node for a collection",
     [](XmppBus& bus, const Request& request, const Responder& respond) {
         create(bus, request, respond, wire::pubsub::NodeForm::Type::collection);
     }},
    {"create leaf", "<connection> <collection> <leaf>", 3, 3, "Make a PubSub node in a collection",
     [](XmppBus& bus, const Request& request, const Responder& respond) {
         create(bus, request, respond, wire::pubsub::NodeForm::Type::leaf);
     }},
    {"delete node", "<connection> <node>", 2, 2, "Delete a PubSub node", delete_node},
    {"list nodes", "<connection> [<collection>]", 1, 2, "List the PubSub nodes of the service", list_nodes},
    {"purge nodes", "<connection> <node>", 2, 2, "Delete a PubSub node, or the leaves of a collection",
     purge_nodes}};

}  // namespace

std::vector<console::Command> node_commands(XmppBus& bus) {
    std::vector<console::Command> commands;
    for (const std::string_view family : {"jabber", "xmpp"})
        for (const Row& row : rows) {
            std::string usage = fmt::format(
                "Usage: {} {} {}\n       {}; <connection> is a section of jabber.conf or xmpp.conf.\n",
                family, row.words, row.arguments, row.summary);
            commands.push_back({.words = fmt::format("{} {}", family, row.words),
                                .also = {},
                                .summary = std::string(row.summary),
                                .usage = usage,
                                .run =
                                    [&bus, &row, usage](const Request& request, const Responder& respond) {
                                        if (request.args.size() < row.least || request.args.size() > row.most)
                                            return respond(console::wrong_usage(usage));
                                        row.run(bus, request, respond);
                                    },
                                .complete =
                                    [&bus](const std::vector<std::string>& args, std::string_view) {
                                        return args.empty() ? client_names(bus) : std::vector<std::string>{};
                                    }});
        }
    return commands;
}

}  // namespace lamplight::bus::xmpp
