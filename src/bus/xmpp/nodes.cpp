// Which nodes are wanted, and what happens to them from outside
#include "bus/xmpp/nodes.hpp"

#include "bus/xmpp/nodes_impl.hpp"

#include <algorithm>
#include <iterator>

namespace lamplight::bus::xmpp {

namespace {

constexpr std::string_view device_state = "device_state";
constexpr std::string_view message_waiting = "message_waiting";
constexpr std::size_t most_admitted = 1'024;

/// JIDs are compared as text here: in one form. What is none stays as it is.
std::string normal(std::string_view jid) {
    const auto parsed = c2s::parse_jid(jid);
    return parsed ? c2s::to_string(*parsed) : std::string(jid);
}

template <typename T>
void move_to_end(std::vector<T>& from, std::vector<T>& to) {
    std::ranges::move(from, std::back_inserter(to));
    from.clear();
}

Nodes::Settings in_one_form(Nodes::Settings settings) {
    settings.service = normal(settings.service);
    for (std::vector<std::string>* const jids : {&settings.buddies, &settings.domains})
        for (std::string& jid : *jids)
            jid = normal(jid);
    return settings;
}

}  // namespace

Nodes::Impl::Impl(Settings settings, Requests& requests)
    : settings_(in_one_form(std::move(settings))), requests_(requests) {
    add_wanted();
}

// --- the nodes there are ---

Nodes::Impl::Node* Nodes::Impl::find(const Key& key) {
    const auto found = nodes_.find(key);
    return found == nodes_.end() ? nullptr : &found->second;
}

/// Of our own service first.
Nodes::Impl::Node* Nodes::Impl::find_name(std::string_view name) {
    if (Node* const own = find({settings_.service, std::string(name)})) return own;
    const auto found =
        std::ranges::find_if(nodes_, [&](const auto& each) { return each.second.view.name == name; });
    return found == nodes_.end() ? nullptr : &found->second;
}

Nodes::Impl::Node& Nodes::Impl::add(const std::string& service, const std::string& name, Role role) {
    Node& node = nodes_[{service, name}];
    node.service = service;
    node.view.name = name;
    node.view.role = role;
    followed_ += role == Role::other;
    leaves_ += role == Role::leaf;
    return node;
}

void Nodes::Impl::forget(const Key& key) {
    const auto found = nodes_.find(key);
    if (found == nodes_.end()) return;
    try_again(found->second, {});
    followed_ -= found->second.view.role == Role::other;
    leaves_ -= found->second.view.role == Role::leaf;
    leaves_under_way_.erase(key);
    nodes_.erase(found);
}

void Nodes::Impl::add_wanted() {
    if (settings_.service.empty()) return;
    const auto want = [this](std::string_view name, Role role) {
        if (!find({settings_.service, std::string(name)})) add(settings_.service, std::string(name), role);
    };
    if (settings_.asterisk) {
        want(device_state, Role::asterisk_state);
        want(message_waiting, Role::asterisk_mwi);
    }
    if (!settings_.own_node.empty()) want(settings_.own_node, Role::own);
}

/// A leaf that is there is there on the next stream, too.
void Nodes::Impl::reset(Node& node) {
    try_again(node, {});
    const bool leaf_is_there = node.view.role == Role::leaf && node.view.standing == Standing::ready;
    Node fresh;
    fresh.service = node.service;
    fresh.view.name = node.view.name;
    fresh.view.role = node.view.role;
    fresh.collection = node.collection;
    fresh.turn = ++turns_;
    fresh.made_at = node.made_at;
    fresh.revoked = std::move(node.revoked);
    if (leaf_is_there) fresh.view.standing = Standing::ready;
    node = std::move(fresh);
}

std::vector<std::string> Nodes::Impl::grantees() const {
    std::vector<std::string> all;
    const std::string self = self_ ? c2s::to_string(self_->bare()) : std::string();
    const auto add_one = [&](const std::string& jid) {
        if (jid != self && std::ranges::find(all, jid) == all.end()) all.push_back(jid);
    };
    std::ranges::for_each(settings_.buddies, add_one);
    std::ranges::for_each(admitted_, add_one);
    return all;
}

bool Nodes::Impl::is_buddy(const std::string& bare) const {
    if (std::ranges::find(settings_.buddies, bare) != settings_.buddies.end()) return true;
    const std::size_t at = bare.find('@');
    return at != bare.npos &&
           std::ranges::find(settings_.domains, bare.substr(at + 1)) != settings_.domains.end();
}

bool Nodes::Impl::waits_for_service(const Node& node) const {
    return node.service == settings_.service && service_ != Service::found;
}

// --- the stream ---

void Nodes::Impl::configure(Settings settings, state::Time now) {
    now_ = now;
    settings = in_one_form(std::move(settings));
    const bool other_service = settings.service != settings_.service;
    const bool other_form = other_service || settings.collection != settings_.collection;
    const Settings old = std::exchange(settings_, std::move(settings));
    std::erase_if(admitted_, [this](const std::string& bare) { return !is_buddy(bare); });
    std::vector<Key> unwanted;
    for (const auto& [key, node] : nodes_) {
        const bool own = node.view.role == Role::own && node.view.name != settings_.own_node;
        const bool asterisk = node.view.role != Role::own && node.view.role != Role::other &&
                              (other_form || !settings_.asterisk);
        if (own || asterisk || (other_service && key.first == old.service && node.view.role != Role::other))
            unwanted.push_back(key);
    }
    for (const Key& key : unwanted)
        forget(key);
    add_wanted();
    if (!self_) return;
    if (other_service) return find_service(now);
    for (auto& [key, node] : nodes_) {
        if (node.view.standing == Standing::unasked && !waits_for_service(node)) start(node, now);
        if (node.view.standing == Standing::ready) part_from_strangers(node, now);
        for (const std::string& bare : grantees())
            grant_later(node, bare, now);
    }
}

void Nodes::Impl::bound(const c2s::Jid& self, state::Time now) {
    now_ = now;
    stream_lost();
    self_ = self;
    for (auto& [key, node] : nodes_)
        if (node.view.role == Role::other && !waits_for_service(node)) start(node, now);
    if (!settings_.service.empty()) find_service(now);
}

void Nodes::Impl::stream_lost() {
    ++stream_;
    self_.reset();
    pending_ = {};
    service_ = Service::unasked;
    service_again_.reset();
    service_step_ = {};
    creation_ = Creation::untried;
    leaf_queue_.clear();
    leaves_under_way_.clear();
    std::vector<Key> leaves;
    for (auto& [key, node] : nodes_) {
        reset(node);
        if (node.view.role == Role::leaf && node.view.standing != Standing::ready) leaves.push_back(key);
    }
    for (const Key& key : leaves)
        forget(key);
}

void Nodes::Impl::settle(Output& out) {
    move_to_end(pending_.stanzas, out.stanzas);
    move_to_end(pending_.events, out.events);
    move_to_end(pending_.news, out.news);
}

std::optional<state::Time> Nodes::Impl::next_deadline() const {
    if (!pending_.stanzas.empty() || !pending_.events.empty() || !pending_.news.empty()) return now_;
    std::optional<state::Time> next = service_again_;
    if (!due_.empty() && (!next || due_.begin()->first < *next)) next = due_.begin()->first;
    return next;
}

void Nodes::Impl::on_time(state::Time now) {
    now_ = now;
    if (!self_) return;
    if (service_again_ && *service_again_ <= now) find_service(now);
    while (!due_.empty() && due_.begin()->first <= now) {
        Node* const node = find(due_.begin()->second);
        try_again(*node, {});
        if (node->view.standing == Standing::ready)
            check(*node, now);
        else if (!waits_for_service(*node))
            start(*node, now);
    }
}

// --- what is wanted ---

void Nodes::Impl::admit(const c2s::Jid& bare, state::Time now) {
    now_ = now;
    const std::string jid = c2s::to_string(bare.bare());
    if (self_ && bare.bare() == self_->bare()) return;
    if (admitted_.size() < most_admitted) admitted_.insert(jid);
    for (auto& [key, node] : nodes_)
        grant_later(node, jid, now);
}

void Nodes::Impl::went(const c2s::Jid& bare, state::Time now) {
    now_ = now;
    const std::string jid = c2s::to_string(bare.bare());
    const std::vector<std::string> all = grantees();
    if (!self_ || std::ranges::find(all, jid) == all.end()) return;
    for (auto& [key, node] : nodes_)
        enrol(node, {jid}, now);
}

void Nodes::Impl::follow(std::string_view service, std::string_view node, state::Time now) {
    now_ = now;
    const Key key(normal(service), node);
    if (find(key)) return;
    if (followed_ >= most_followed) {
        pending_.events.push_back({Event::Kind::failed, key.second, Role::other});
        return;
    }
    Node& added = add(key.first, key.second, Role::other);
    if (self_ && !waits_for_service(added)) start(added, now);
}

void Nodes::Impl::unfollow(std::string_view service, std::string_view node, state::Time now) {
    now_ = now;
    const Key key(normal(service), node);
    const Node* const found = find(key);
    if (!found || found->view.role != Role::other) return;
    const bool subscribed = found->view.subscribed;
    forget(key);
    if (self_ && subscribed)
        requests_.ask(
            wire::pubsub::unsubscribe(key.first, key.second, c2s::to_string(self_->bare())),
            [](const Reply&, state::Time) {}, now, pending_.stanzas);
}

void Nodes::Impl::want_leaf(std::string_view name, std::string_view collection, state::Time now) {
    now_ = now;
    const Key key(settings_.service, name);
    Node* node = find(key);
    if (node && node->view.role == Role::leaf && node->view.standing == Standing::ready) {
        pending_.events.push_back({Event::Kind::ready, key.second, Role::leaf});
        return;
    }
    if (node && node->view.standing == Standing::asking) return;
    if (!self_ || !settings_.collection || (node && node->view.role != Role::leaf) ||
        (!node && leaves_ >= most_leaves)) {
        pending_.events.push_back({Event::Kind::failed, key.second, Role::leaf});
        return;
    }
    if (!node) {
        node = &add(key.first, key.second, Role::leaf);
        node->collection = collection;
    }
    node->view.standing = Standing::asking;
    node->told = false;
    leaf_queue_.push_back(key);
    pump_leaves(now);
}

// --- what happens ---

void Nodes::Impl::publish_refused(std::string_view name, const wire::xml::Element& error, state::Time now) {
    now_ = now;
    Node* const node = find_name(name);
    if (!self_ || !node || node->view.standing != Standing::ready || node->mending) return;
    const wire::pubsub::Error said = wire::pubsub::parse_error(error);
    switch (meaning_of(said)) {
        case Meaning::absent:
            return gone(*node, deleted, now);
        case Meaning::denied:
            node->mending = true;
            node->view.standing = Standing::asking;
            node->view.trouble = words_of(said);
            return look(*node, now);
        case Meaning::exists:  // publish-options are not met: the sender leaves them out
            pending_.events.push_back({Event::Kind::ready, node->view.name, node->view.role});
            return;
        case Meaning::no_service:
        case Meaning::unfit:
        case Meaning::passing:
            return fail(*node, said, Standing::forbidden, now);
    }
}

void Nodes::Impl::look_again(std::string_view name, state::Time now) {
    now_ = now;
    Node* const node = find({settings_.service, std::string(name)});
    if (self_ && node && node->view.standing == Standing::ready) check(*node, now);
}

void Nodes::Impl::heard(const wire::pubsub::Event& event, state::Time now) {
    now_ = now;
    using Kind = wire::pubsub::Event::Kind;
    Node* const node = find({normal(event.from), event.node});
    if (!self_ || !node) return;
    switch (event.kind) {
        case Kind::deleted:
            return gone(*node, deleted, now);
        case Kind::subscription:
            if (node->view.role != Role::leaf && node->view.role != Role::own)
                subscription_is(*node, event.subscription, now);
            return;
        case Kind::items:
            if (node->service == settings_.service && !event.items.empty())
                names_publishers_ = !event.items.front().publisher.empty();
            return;
        case Kind::configured:
        case Kind::purged:
            return;
    }
}

/// Made again at once, or when the last time is `patience` ago.
void Nodes::Impl::gone(Node& node, std::string_view why, state::Time now) {
    const bool was_ready = node.announced;
    const bool said = node.said;
    const state::Duration step = node.step;
    reset(node);
    node.step = step;
    node.view.standing = Standing::gone;
    node.view.trouble = "deleted";
    node.said = said;
    if (was_ready) pending_.events.push_back({Event::Kind::lost, node.view.name, node.view.role});
    say(node, News::Kind::trouble, std::string(why));
    const bool soon = node.made_at && now - *node.made_at < patience;
    if (node.view.role == Role::other || soon)
        return try_again(node, soon ? *node.made_at + patience : now + std::chrono::seconds(1));
    if (node.view.role != Role::leaf) return start(node, now);
    node.view.standing = Standing::asking;
    leaf_queue_.emplace_back(node.service, node.view.name);
    pump_leaves(now);
}

// --- the contract ---

Nodes::Nodes(Settings settings, Requests& requests)
    : impl_(std::make_unique<Impl>(std::move(settings), requests)) {}
Nodes::~Nodes() = default;

void Nodes::configure(Settings settings, state::Time now, Output& out) {
    impl_->configure(std::move(settings), now);
    impl_->settle(out);
}
void Nodes::bound(const c2s::Jid& self, state::Time now, Output& out) {
    impl_->bound(self, now);
    impl_->settle(out);
}
void Nodes::stream_lost() {
    impl_->stream_lost();
}
void Nodes::admit(const c2s::Jid& bare, state::Time now, Output& out) {
    impl_->admit(bare, now);
    impl_->settle(out);
}
void Nodes::went(const c2s::Jid& bare, state::Time now, Output& out) {
    impl_->went(bare, now);
    impl_->settle(out);
}
void Nodes::follow(std::string_view service, std::string_view node, state::Time now, Output& out) {
    impl_->follow(service, node, now);
    impl_->settle(out);
}
void Nodes::unfollow(std::string_view service, std::string_view node, state::Time now, Output& out) {
    impl_->unfollow(service, node, now);
    impl_->settle(out);
}
void Nodes::want_leaf(std::string_view name, std::string_view collection, state::Time now, Output& out) {
    impl_->want_leaf(name, collection, now);
    impl_->settle(out);
}
void Nodes::publish_refused(std::string_view node, const wire::xml::Element& error, state::Time now,
                            Output& out) {
    impl_->publish_refused(node, error, now);
    impl_->settle(out);
}
void Nodes::look_again(std::string_view node, state::Time now, Output& out) {
    impl_->look_again(node, now);
    impl_->settle(out);
}
void Nodes::heard(const wire::pubsub::Event& event, state::Time now, Output& out) {
    impl_->heard(event, now);
    impl_->settle(out);
}
std::optional<state::Time> Nodes::next_deadline() const {
    return impl_->next_deadline();
}
void Nodes::on_time(state::Time now, Output& out) {
    impl_->on_time(now);
    impl_->settle(out);
}
void Nodes::settle(Output& out) {
    impl_->settle(out);
}
Nodes::Standing Nodes::standing(std::string_view node) const {
    return impl_->standing(node);
}
std::vector<Nodes::NodeView> Nodes::nodes() const {
    return impl_->nodes();
}
std::vector<Nodes::Check> Nodes::checks() const {
    return impl_->checks();
}
Nodes::Software Nodes::software() const {
    return impl_->software();
}
std::string Nodes::software_text() const {
    return impl_->software_text();
}
std::uint32_t Nodes::stanza_limit() const {
    return impl_->stanza_limit();
}

}  // namespace lamplight::bus::xmpp
