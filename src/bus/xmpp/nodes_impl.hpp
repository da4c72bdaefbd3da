#pragma once

#include "bus/xmpp/nodes.hpp"
#include "wire/pubsub/request.hpp"

#include <deque>
#include <set>
#include <utility>

namespace lamplight::bus::xmpp {

/// What an error of a service means here.
enum class Meaning : std::uint8_t {
    absent,      ///< no such node
    exists,      ///< it is there already
    denied,      ///< we may not
    no_service,  ///< nobody is there
    unfit,       ///< what was asked, or the form of it, is not taken
    passing,     ///< it may work later
};
Meaning meaning_of(const wire::pubsub::Error& error);
/// `forbidden (auth), closed-node: text`
std::string words_of(const wire::pubsub::Error& error);

///            item-not-found        any refused form: all fields, few, none and then configured
///  subscribe ──────────────▶ create ──▶ … ─┐ forbidden ──▶ absent
///     ▲  │ subscribed           │ conflict │
///     │  ▼                      ▼          │ made
///     │ look: are we an owner? ◀┘ (own)    │
///     │  │ yes, and it keeps items         │
///     │  ├────────▶ configure              │
///     │  ▼                                 ▼
///     │ grant ◀───────────── subscribe (Asterisk's) or at once (ours, a leaf)
///     │  ▼
///     └ ready ──▶ lost, failed: again after a pause
///        └ check, every `patience`: is it there, and the same?
class Nodes::Impl {
public:
    using Key = std::pair<std::string, std::string>;  ///< service, name
    using Role = NodeView::Role;
    using Reply = Requests::Reply;

    Impl(Settings settings, Requests& requests);

    // nodes.cpp
    void configure(Settings settings, state::Time now);
    void bound(const c2s::Jid& self, state::Time now);
    void stream_lost();
    void admit(const c2s::Jid& bare, state::Time now);
    void went(const c2s::Jid& bare, state::Time now);
    void follow(std::string_view service, std::string_view node, state::Time now);
    void unfollow(std::string_view service, std::string_view node, state::Time now);
    void want_leaf(std::string_view name, std::string_view collection, state::Time now);
    void publish_refused(std::string_view name, const wire::xml::Element& error, state::Time now);
    void look_again(std::string_view name, state::Time now);
    void heard(const wire::pubsub::Event& event, state::Time now);
    std::optional<state::Time> next_deadline() const;
    void on_time(state::Time now);
    void settle(Output& out);
    // nodes_checks.cpp
    Standing standing(std::string_view name) const;
    std::vector<NodeView> nodes() const;
    std::vector<Check> checks() const;
    std::string software_text() const;
    std::uint32_t stanza_limit() const;
    Software software() const { return software_; }

private:
    static constexpr std::string_view deleted = "it was deleted, and is made again";
    static constexpr std::string_view replaced = "it is another one now, and is configured again";

    enum class Form : std::uint8_t { all, few, none };
    enum class Items : std::uint8_t { unknown, kept, not_kept, foreign, of_leaves };
    struct Node {
        std::string service;
        NodeView view;
        std::string collection;  ///< a leaf's
        std::uint64_t turn = 0;  ///< answers to an earlier turn are nobody's
        Form form = Form::all;
        bool owner = false;
        bool options_refused = false;   ///< of a subscription to a collection
        bool made_for_nothing = false;  ///< it is not found, and cannot be made because it is there
        bool mending = false;           ///< a publish was refused
        bool announced = false;         ///< `ready` was said last
        bool told = false;              ///< `failed` was said last
        bool said = false;              ///< its trouble, on this stream
        bool patient = false;           ///< what comes next is not said: it may pass in a moment
        bool form_repeated = false;     ///< after an error that may pass
        std::string models;             ///< for access and publishing, when it was ready; empty: not known
        Items items = Items::unknown;
        std::optional<state::Time> again;
        state::Duration step{};
        std::optional<state::Time> made_at;
        state::Time ready_at{};
        std::set<std::string> granted;
        std::set<std::string> revoked;    ///< it may think that it is subscribed, also on the next stream
        std::set<std::string> strangers;  ///< who may use it and is no buddy
    };
    using Step = void (Impl::*)(Node&, const Reply&, state::Time);
    enum class Service : std::uint8_t { unasked, asking, found, failed };
    enum class Creation : std::uint8_t { untried, done, refused };

    // nodes.cpp
    Node* find(const Key& key);
    Node* find_name(std::string_view name);
    Node& add(const std::string& service, const std::string& name, Role role);
    void forget(const Key& key);
    void add_wanted();
    void reset(Node& node);
    bool waits_for_service(const Node& node) const;
    void gone(Node& node, std::string_view why, state::Time now);
    std::vector<std::string> grantees() const;
    bool is_buddy(const std::string& bare) const;

    // nodes_service.cpp
    void find_service(state::Time now);
    void service_answered(const Reply& reply, state::Time now);
    void service_failed(std::string text, state::Time now);
    void find_software(state::Time now);
    void read_software(std::string name, std::string version);
    void pump_leaves(state::Time now);

    // nodes_steps.cpp
    void ask(Node& node, wire::xml::Element iq, Step then, state::Time now);
    void start(Node& node, state::Time now);
    void subscribe(Node& node, state::Time now);
    void subscribed(Node& node, const Reply& reply, state::Time now);
    void subscription_is(Node& node, std::string_view state, state::Time now);
    void create(Node& node, state::Time now);
    void created(Node& node, const Reply& reply, state::Time now);
    void made(Node& node, state::Time now);
    void not_made(Node& node, const wire::pubsub::Error& error, state::Time now);
    void it_exists(Node& node, state::Time now);
    void configure_made(Node& node, state::Time now);
    void look(Node& node, state::Time now);
    void looked(Node& node, const Reply& reply, state::Time now);
    void check(Node& node, state::Time now);
    void checked(Node& node, const Reply& reply, state::Time now);
    void read_configuration(Node& node, const std::vector<std::pair<std::string, std::string>>& values,
                            state::Time now);
    void mend(Node& node, const wire::pubsub::NodeForm& form, state::Time now);
    void configured(Node& node, const Reply& reply, state::Time now);
    void grant(Node& node, state::Time now);
    void affiliations(Node& node, const Reply& reply, state::Time now);
    void may_use_it(Node& node, const wire::pubsub::Affiliation& who, const c2s::Jid& bare,
                    std::vector<std::string>& revoked);
    void part_from_strangers(Node& node, state::Time now);
    void revoke(Node& node, const std::vector<std::string>& who, state::Time now);
    void revoked(Node& node, const Reply& reply, state::Time now);
    void subscribe_again(Node& node, const std::vector<std::string>& who, state::Time now);
    void tell_strangers(Node& node, const std::vector<std::string>& who);
    void grant_to(Node& node, const std::vector<std::string>& who, state::Time now);
    void granted(Node& node, const Reply& reply, state::Time now);
    void grant_later(Node& node, const std::string& bare, state::Time now);
    void enrol(Node& node, const std::vector<std::string>& who, state::Time now);
    void be_ready(Node& node, state::Time now);
    void fail(Node& node, Standing standing, std::string text, state::Time now);
    void fail(Node& node, const wire::pubsub::Error& error, Standing denied, state::Time now);
    void say(Node& node, News::Kind kind, std::string text);
    void try_again(Node& node, std::optional<state::Time> when);
    wire::pubsub::NodeForm form_of(const Node& node) const;
    std::string_view affiliation_of(const Node& node) const;

    // nodes_checks.cpp
    Check component_check() const;
    Check create_check() const;
    void add_node_checks(const Node& node, std::vector<Check>& checks) const;
    Check publish_check(const Node& node) const;
    Check items_check(const Node& node) const;
    Check owners_check(const Node& node) const;
    Check limits_check() const;
    Check publishers_check() const;
    std::string advice_to_create() const;
    std::string advice_to_name_publishers() const;
    std::string advice_to_be_granted(const Node& node) const;
    std::string help(const Node& node, Standing standing) const;

    Settings settings_;
    Requests& requests_;
    std::optional<c2s::Jid> self_;
    std::map<Key, Node> nodes_;
    std::set<std::pair<state::Time, Key>> due_;
    std::set<std::string> admitted_;
    std::size_t followed_ = 0;
    std::size_t leaves_ = 0;
    std::deque<Key> leaf_queue_;
    std::set<Key> leaves_under_way_;
    std::uint64_t turns_ = 0;
    std::uint64_t stream_ = 0;

    Service service_ = Service::unasked;
    std::string service_trouble_;
    std::optional<state::Time> service_again_;
    state::Duration service_step_{};
    Creation creation_ = Creation::untried;
    std::string creation_trouble_;
    std::optional<bool> names_publishers_;
    Software software_ = Software::unknown;
    std::string software_name_;
    std::string software_version_;
    Output pending_;
    state::Time now_{};  ///< of the last call
};

}  // namespace lamplight::bus::xmpp
