// jabber|xmpp create collection|leaf, delete node, list nodes, purge nodes
#include "bus/xmpp/commands.hpp"
#include "console/escaped.hpp"
#include "console/texts.hpp"
#include "wire/pubsub/disco_pages.hpp"
#include "wire/pubsub/request.hpp"

#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>
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

/// Asks a service for its nodes, page by page, and says once which there are, or why they are not known.
/// Lives in the handler of its request; with the client gone it is gone.
class Listing : public std::enable_shared_from_this<Listing> {
public:
    /// `trouble` is empty when there is none.
    using Done =
        std::function<void(Client&, const wire::pubsub::DiscoPages& pages, const std::string& trouble)>;

    Listing(XmppBus& bus, const Client& client, std::string_view node, Done done)
        : bus_(bus),
          id_(client.id()),
          pages_(client.settings().pubsub_node, node),
          done_(std::move(done)),
          timer_(bus.host().loop()) {}

    void ask(Client& client) {
        passed_over_ = passed_over_by(client);
        seen_ = false;
        client.ask(pages_.next_request(), [self = shared_from_this()](const Requests::Reply& reply,
                                                                      state::Time) { self->take(reply); });
        look_later();
    }

private:
    static constexpr auto look_every = std::chrono::milliseconds(500);

    static std::uint64_t passed_over_by(const Client& client) {
        const auto& refused = client.refused();
        return std::accumulate(refused.begin(), refused.end(), std::uint64_t{0});
    }

    Client* client() const {
        const auto& all = bus_.clients();
        const auto found = std::ranges::find(all, id_, [](const auto& one) { return one->id(); });
        return found == all.end() ? nullptr : found->get();
    }

    void take(const Requests::Reply& reply) {
        timer_.cancel();
        Client* const client = this->client();
        if (!done_ || client == nullptr) return;
        using Step = wire::pubsub::DiscoPages::Step;
        Step step = Step::failed;
        if (reply.answer == Answer::accepted && reply.iq != nullptr)
            step = pages_.take_result(*reply.iq);
        else if (reply.answer == Answer::refused && reply.iq != nullptr)
            step = pages_.take_error(wire::pubsub::parse_error(*reply.iq));
        if (step == Step::ask) return ask(*client);
        if (step == Step::failed) return finish(*client, refusal_of(reply));
        finish(*client, "");
    }

    void finish(Client& client, const std::string& trouble) {
        std::exchange(done_, nullptr)(client, pages_, trouble);
    }

    void look_later() {
        timer_.expires_after(look_every);
        timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
            const auto self = weak.lock();
            if (!error && self) self->look();
        });
    }

    /// What is too large is passed over by the stream, and so is never an answer. Somebody else's may have
    /// been, so one more look is had.
    void look() {
        Client* const client = this->client();
        if (!done_ || client == nullptr) return;
        if (std::exchange(seen_, passed_over_by(*client) != passed_over_))
            return finish(*client,
                          "the list is too large: the service gives it in one piece, and that was "
                          "passed over (xmpp show counters)");
        look_later();
    }

    XmppBus& bus_;
    ClientId id_;
    wire::pubsub::DiscoPages pages_;
    Done done_;
    boost::asio::steady_timer timer_;
    std::uint64_t passed_over_ = 0;
    bool seen_ = false;  ///< that something was passed over since it was asked
};

void list(XmppBus& bus, Client& client, std::string_view node, Listing::Done done) {
    std::make_shared<Listing>(bus, client, node, std::move(done))->ask(client);
}

void list_nodes(XmppBus& bus, const Request& request, const Responder& respond) {
    Client* const client = usable_client(bus, request, respond);
    if (client == nullptr) return;
    const std::string collection = request.args.size() > 1 ? request.args[1] : std::string();
    list(bus, *client, collection,
         [respond](const Client& of, const wire::pubsub::DiscoPages& pages, const std::string& trouble) {
             if (!trouble.empty())
                 return respond(Reply::failed(
                     fmt::format("Listing pubsub nodes.\nThe server did not do it: {}\n", trouble)));
             std::string text = fmt::format("Listing pubsub nodes.\nConnection {}: {}\n",
                                            escaped(of.settings().name), escaped(of.settings().username));
             array nodes;
             for (const wire::pubsub::DiscoItem& item : pages.items()) {
                 text += fmt::format("Node name: {}\n", escaped(item.node));
                 nodes.push_back(boost::json::value(item.node));
             }
             if (pages.cut()) text += "There are more.\n";
             respond(
                 console::shown(std::move(text), object{{"nodes", std::move(nodes)}, {"more", pages.cut()}}));
         });
}

/// Deletes the leaves of a collection, a few at a time, and answers when the last of them is answered. A
/// service may list no more than its limit, so it is asked again until none is left.
class Purge : public std::enable_shared_from_this<Purge> {
public:
    Purge(XmppBus& bus, std::string collection, Responder respond)
        : bus_(bus), collection_(std::move(collection)), respond_(std::move(respond)) {}

    void begin(Client& client) {
        list(bus_, client, collection_,
             [self = shared_from_this()](Client& of, const wire::pubsub::DiscoPages& pages,
                                         const std::string& trouble) { self->take(of, pages, trouble); });
    }

private:
    static constexpr std::size_t most_under_way = 16;

    void take(Client& client, const wire::pubsub::DiscoPages& pages, const std::string& trouble) {
        if (!trouble.empty() || pages.items().empty()) return finish(trouble);
        left_ = pages.items();
        while (under_way_ < most_under_way && !left_.empty())
            delete_next(client);
    }

    void delete_next(Client& client) {
        const std::string node = std::move(left_.back().node);
        left_.pop_back();
        ++under_way_;
        client.ask(wire::pubsub::delete_node(client.settings().pubsub_node, node),
                   [self = shared_from_this(), &client](const Requests::Reply& reply, state::Time) {
                       self->deleted(client, reply);
                   });
    }

    void deleted(Client& client, const Requests::Reply& reply) {
        --under_way_;
        if (reply.answer == Answer::accepted)
            ++deleted_;
        else
            trouble_ = refusal_of(reply);
        if (reply.answer == Answer::lost) left_.clear();
        if (!left_.empty()) return delete_next(client);
        if (under_way_ > 0) return;
        if (!trouble_.empty()) return finish(trouble_);
        begin(client);
    }

    void finish(const std::string& trouble) {
        if (trouble.empty()) return respond_(Reply::ok(""));
        if (deleted_ == 0)
            return respond_(Reply::failed(fmt::format("The server did not do it: {}\n", trouble)));
        respond_(Reply::failed(fmt::format("Deleted {}; the server did not do the rest: {}\n",
                                           console::counted(deleted_, "node"), trouble)));
    }

    XmppBus& bus_;
    std::string collection_;
    Responder respond_;
    std::vector<wire::pubsub::DiscoItem> left_;
    std::size_t under_way_ = 0;
    std::size_t deleted_ = 0;
    std::string trouble_;
};

/// As Asterisk: the node itself, or with collection_nodes every leaf of the collection.
void purge_nodes(XmppBus& bus, const Request& request, const Responder& respond) {
    Client* const client = usable_client(bus, request, respond);
    if (client == nullptr) return;
    log_change(bus, request, fmt::format("purges the PubSub node {}", escaped(request.args[1])));
    if (!client->settings().collection_nodes) return ask_to_delete(bus, *client, request.args[1], respond);
    std::make_shared<Purge>(bus, request.args[1], respond)->begin(*client);
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
