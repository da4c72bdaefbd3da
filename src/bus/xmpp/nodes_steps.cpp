// What is done for one node, step by step (the picture is in nodes_impl.hpp)
#include "bus/xmpp/nodes_impl.hpp"
#include "wire/pubsub/names.hpp"

#include <algorithm>
#include <iterator>

namespace lamplight::bus::xmpp {

namespace ns = wire::pubsub::ns;
namespace pubsub = wire::pubsub;
using pubsub::NodeForm;
using wire::xml::Element;

namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

constexpr state::Duration most_step = std::chrono::seconds(60);
constexpr state::Duration least_step = std::chrono::seconds(1);
constexpr std::string_view no_answer = "no answer";
constexpr std::size_t most_at_once = 100;  ///< a stanza stays far below what servers take
constexpr std::size_t most_listed = 5;

std::string_view value_of(const Values& values, std::string_view name) {
    const auto found = std::ranges::find(values, name, &Values::value_type::first);
    return found == values.end() ? std::string_view() : found->second;
}

bool is_true(std::string_view value) {
    return value == "1" || value == "true";
}

std::string listed(const std::vector<std::string>& jids) {
    std::string text;
    for (std::size_t i = 0; i < std::min(jids.size(), most_listed); ++i)
        text += (i == 0 ? "" : ", ") + jids[i];
    if (jids.size() > most_listed) text += " and " + std::to_string(jids.size() - most_listed) + " more";
    return text;
}

/// Who may hear and who may speak; empty where the service does not say.
std::string models_of(const Values& values) {
    const std::string_view access = value_of(values, "pubsub#access_model");
    const std::string_view publish = value_of(values, "pubsub#publish_model");
    if (access.empty() || publish.empty()) return {};
    return std::string(access) + " " + std::string(publish);
}
constexpr std::string_view our_models = "whitelist publishers";

/// What the node is now, without its items. Empty when a form of ours cannot say it.
std::optional<NodeForm> same_but_items(const Values& values) {
    NodeForm form;
    const std::string_view access = value_of(values, "pubsub#access_model");
    const std::string_view publish = value_of(values, "pubsub#publish_model");
    if (access != "open" && access != "whitelist") return std::nullopt;
    if (publish != "open" && publish != "publishers") return std::nullopt;
    form.access = access == "open" ? NodeForm::Access::open : NodeForm::Access::whitelist;
    form.publish = publish == "open" ? NodeForm::Publish::open : NodeForm::Publish::publishers;
    form.collection = value_of(values, "pubsub#collection");
    return form;
}

/// `subscribed` when the service does not say (an empty result). Whatever form of our JID it names.
std::string subscription_of(const Element& iq, const c2s::Jid& self) {
    const Element* const answer = iq.child("pubsub", ns::pubsub);
    const Element* const subscription = answer ? answer->child("subscription", ns::pubsub) : nullptr;
    if (!subscription) return "subscribed";
    const auto jid = c2s::parse_jid(subscription->value_of("jid"));
    if (jid && jid->bare() != self.bare()) return "subscribed as somebody else";
    const std::string_view said = subscription->value_of("subscription");
    return said.empty() ? "subscribed" : std::string(said.substr(0, 32));
}

}  // namespace

void Nodes::Impl::ask(Node& node, Element iq, Step then, state::Time now) {
    requests_.ask(
        std::move(iq),
        [this, key = Key(node.service, node.view.name), turn = node.turn, then](const Reply& reply,
                                                                                state::Time at) {
            now_ = at;
            Node* const found = find(key);
            if (found && found->turn == turn && self_) (this->*then)(*found, reply, at);
        },
        now, pending_.stanzas);
}

void Nodes::Impl::start(Node& node, state::Time now) {
    try_again(node, {});
    node.turn = ++turns_;
    node.form = Form::all;
    node.made_for_nothing = node.mending = node.form_repeated = false;
    if (node.view.standing != Standing::ready) node.view.standing = Standing::asking;
    if (node.view.role == Role::own || node.view.role == Role::leaf) return create(node, now);
    subscribe(node, now);
}

// --- subscribe ---

void Nodes::Impl::subscribe(Node& node, state::Time now) {
    const bool options = settings_.collection && node.view.role != Role::other && !node.options_refused;
    ask(node,
        pubsub::subscribe(node.service, node.view.name, c2s::to_string(self_->bare()),
                          options ? pubsub::SubscribeOptions::collection : pubsub::SubscribeOptions::none),
        &Impl::subscribed, now);
}

void Nodes::Impl::subscribed(Node& node, const Reply& reply, state::Time now) {
    if (reply.answer == Answer::lost) return fail(node, Standing::no_service, std::string(no_answer), now);
    if (reply.answer == Answer::accepted)
        return subscription_is(node, subscription_of(*reply.iq, *self_), now);
    const pubsub::Error error = pubsub::parse_error(*reply.iq);
    const Meaning meaning = meaning_of(error);
    if (meaning == Meaning::absent && node.view.role != Role::other && !node.made_for_nothing)
        return create(node, now);
    const bool options = settings_.collection && node.view.role != Role::other && !node.options_refused;
    if (options && meaning == Meaning::unfit) {
        node.options_refused = true;
        return subscribe(node, now);
    }
    // Who has just made it may be about to grant it.
    const bool first = node.step == state::Duration{};
    if (first && meaning == Meaning::denied && node.view.role != Role::other) node.patient = true;
    fail(node, error, Standing::forbidden, now);
}

void Nodes::Impl::subscription_is(Node& node, std::string_view state, state::Time now) {
    node.view.subscribed = state == "subscribed";
    if (!node.view.subscribed) {
        const std::string_view what = state == "pending" ? ": an owner of it has to approve" : "";
        return fail(node, Standing::forbidden, "subscription: " + std::string(state) + std::string(what),
                    now);
    }
    if (node.view.standing == Standing::ready) return;
    pending_.news.push_back({News::Kind::subscribed, node.view.name, {}});
    if (node.view.role == Role::other) return be_ready(node, now);
    if (node.owner) return grant(node, now);
    look(node, now);
}

// --- create ---

NodeForm Nodes::Impl::form_of(const Node& node) const {
    NodeForm form;
    if (settings_.collection && node.view.role != Role::own)
        form.type = node.view.role == Role::leaf ? NodeForm::Type::leaf : NodeForm::Type::collection;
    if (node.view.role == Role::leaf) form.collection = node.collection;
    form.fields = node.form == Form::all ? NodeForm::Fields::all : NodeForm::Fields::few;
    return form;
}

void Nodes::Impl::create(Node& node, state::Time now) {
    ask(node,
        node.form == Form::none ? pubsub::create_plain(node.service, node.view.name)
                                : pubsub::create(node.service, node.view.name, form_of(node)),
        &Impl::created, now);
}

void Nodes::Impl::created(Node& node, const Reply& reply, state::Time now) {
    if (reply.answer == Answer::lost) return fail(node, Standing::no_service, std::string(no_answer), now);
    if (reply.answer == Answer::refused) return not_made(node, pubsub::parse_error(*reply.iq), now);
    node.view.made_here = node.owner = true;
    node.made_at = now;
    creation_ = Creation::done;
    pending_.news.push_back({News::Kind::made, node.view.name, {}});
    if (node.form == Form::none) return configure_made(node, now);
    node.items = form_of(node).type == NodeForm::Type::collection ? Items::of_leaves : Items::not_kept;
    node.models = our_models;
    made(node, now);
}

void Nodes::Impl::made(Node& node, state::Time now) {
    if (node.view.role == Role::own || node.view.role == Role::leaf) return grant(node, now);
    subscribe(node, now);
}

void Nodes::Impl::not_made(Node& node, const pubsub::Error& error, state::Time now) {
    const Meaning meaning = meaning_of(error);
    if (meaning == Meaning::exists) return it_exists(node, now);
    if (meaning == Meaning::denied) {
        creation_ = Creation::refused;
        creation_trouble_ = words_of(error);
        return fail(node, Standing::absent, "cannot be made: " + creation_trouble_, now);
    }
    if (meaning == Meaning::no_service || node.form == Form::none)
        return fail(node, error, Standing::absent, now);
    // Of two nodes that are made in the same moment ejabberd may let one fail.
    if (meaning == Meaning::passing && !std::exchange(node.form_repeated, true)) return create(node, now);
    node.form = node.form == Form::all ? Form::few : Form::none;
    create(node, now);
}

/// Somebody made it meanwhile, or at another time.
void Nodes::Impl::it_exists(Node& node, state::Time now) {
    if (node.view.role == Role::own) return look(node, now);
    if (node.view.role == Role::leaf) return be_ready(node, now);
    if (node.made_for_nothing)
        return fail(node, Standing::forbidden, "it is there, and cannot be subscribed to", now);
    node.made_for_nothing = true;
    subscribe(node, now);
}

/// After it was made with the service's defaults.
void Nodes::Impl::configure_made(Node& node, state::Time now) {
    node.items = Items::kept;
    NodeForm form = form_of(node);
    form.fields = NodeForm::Fields::all;
    mend(node, form, now);
}

// --- look at it, and configure it ---

void Nodes::Impl::look(Node& node, state::Time now) {
    ask(node, pubsub::get_configuration(node.service, node.view.name), &Impl::looked, now);
}

/// Who may not see it is no owner: it can be published to all the same, but where a publish was refused.
void Nodes::Impl::looked(Node& node, const Reply& reply, state::Time now) {
    if (reply.answer == Answer::accepted) {
        node.owner = true;
        if (const auto values = pubsub::parse_configuration(*reply.iq))
            return read_configuration(node, *values, now);
        return grant(node, now);
    }
    if (reply.answer == Answer::lost) return fail(node, Standing::no_service, std::string(no_answer), now);
    const pubsub::Error error = pubsub::parse_error(*reply.iq);
    if (meaning_of(error) == Meaning::absent) return gone(node, deleted, now);
    node.owner = false;
    if (node.mending) return fail(node, Standing::forbidden, node.view.trouble, now);
    if (node.view.role == Role::own)
        return fail(node, Standing::forbidden, "it belongs to another account", now);
    node.items = Items::foreign;
    be_ready(node, now);
}

void Nodes::Impl::read_configuration(Node& node, const Values& values, state::Time now) {
    if (value_of(values, "pubsub#itemreply") == "publisher" && !names_publishers_) names_publishers_ = true;
    const bool collection = value_of(values, "pubsub#node_type") == "collection";
    const bool keeps = is_true(value_of(values, "pubsub#persist_items")) && !collection;
    node.items = collection ? Items::of_leaves : keeps ? Items::kept : Items::not_kept;
    node.models = models_of(values);
    auto form = node.view.role == Role::own ? std::optional(form_of(node)) : same_but_items(values);
    const bool ours_is_other = node.view.role == Role::own && node.models != our_models;
    if (node.mending && (!keeps || !form)) return fail(node, Standing::forbidden, node.view.trouble, now);
    if ((!keeps && !ours_is_other) || !form) return grant(node, now);
    form->fields = NodeForm::Fields::all;
    node.form = Form::all;
    if (ours_is_other) node.models.clear();  // known when it is looked at again
    mend(node, *form, now);
}

// --- is it still there? ---

void Nodes::Impl::check(Node& node, state::Time now) {
    if (!node.owner || node.view.role == Role::leaf || node.view.role == Role::other) return;
    try_again(node, now + patience);
    ask(node, pubsub::get_configuration(node.service, node.view.name), &Impl::checked, now);
}

/// A node of the same name with other rights is another node: who was subscribed is not any more.
void Nodes::Impl::checked(Node& node, const Reply& reply, state::Time now) {
    if (reply.answer == Answer::lost || node.view.standing != Standing::ready) return;
    if (reply.answer == Answer::refused) {
        if (meaning_of(pubsub::parse_error(*reply.iq)) == Meaning::absent) gone(node, deleted, now);
        return;
    }
    const auto values = pubsub::parse_configuration(*reply.iq);
    if (!values) return;
    const std::string now_there = models_of(*values);
    const std::string before = std::exchange(node.models, now_there);
    if (!before.empty() && !now_there.empty() && before != now_there) gone(node, replaced, now);
}

void Nodes::Impl::mend(Node& node, const NodeForm& form, state::Time now) {
    requests_.ask(
        pubsub::configure(node.service, node.view.name, form),
        [this, key = Key(node.service, node.view.name), turn = node.turn, form](const Reply& reply,
                                                                                state::Time at) {
            now_ = at;
            Node* const found = find(key);
            if (!found || found->turn != turn || !self_) return;
            if (reply.answer != Answer::refused || form.fields == NodeForm::Fields::few)
                return configured(*found, reply, at);
            NodeForm fewer = form;
            fewer.fields = NodeForm::Fields::few;
            mend(*found, fewer, at);
        },
        now, pending_.stanzas);
}

void Nodes::Impl::configured(Node& node, const Reply& reply, state::Time now) {
    if (reply.answer == Answer::lost) return fail(node, Standing::no_service, std::string(no_answer), now);
    if (reply.answer == Answer::accepted) {
        if (node.items == Items::kept) node.items = Items::not_kept;
        pending_.news.push_back({News::Kind::configured, node.view.name, {}});
    } else if (node.mending) {
        return fail(node, Standing::forbidden, node.view.trouble, now);
    } else {
        node.view.trouble = "not configured: " + words_of(pubsub::parse_error(*reply.iq));
        say(node, News::Kind::trouble, node.view.trouble);
    }
    if (node.view.made_here && !node.view.subscribed) return made(node, now);
    grant(node, now);
}

// --- grant ---

std::string_view Nodes::Impl::affiliation_of(const Node& node) const {
    return node.view.role == Role::own ? "member" : "owner";
}

void Nodes::Impl::grant(Node& node, state::Time now) {
    if (!node.owner) return be_ready(node, now);
    if (node.view.made_here) return grant_to(node, grantees(), now);
    ask(node, pubsub::get_affiliations(node.service, node.view.name), &Impl::affiliations, now);
}

/// Given to who has none: what an administrator or another owner gave to a buddy stays.
void Nodes::Impl::affiliations(Node& node, const Reply& reply, state::Time now) {
    const auto there =
        reply.answer == Answer::accepted ? pubsub::parse_affiliations(*reply.iq) : std::nullopt;
    std::vector<std::string> missing = grantees();
    if (!there) return grant_to(node, missing, now);
    std::vector<std::string> revoked;
    for (const pubsub::Affiliation& each : *there) {
        const auto jid = c2s::parse_jid(each.jid);
        if (!jid || each.affiliation == "none" || each.affiliation.empty()) continue;
        std::erase(missing, c2s::to_string(jid->bare()));
        may_use_it(node, each, jid->bare(), revoked);
    }
    tell_strangers(node, {node.strangers.begin(), node.strangers.end()});
    revoke(node, revoked, now);
    grant_to(node, missing, now);
}

/// Whom we may have granted our own node is revoked; an owner of it was made one by somebody else.
void Nodes::Impl::may_use_it(Node& node, const pubsub::Affiliation& who, const c2s::Jid& bare,
                             std::vector<std::string>& revoked) {
    const std::string jid = c2s::to_string(bare);
    const bool granted = admitted_.contains(jid) || is_buddy(jid);
    if (granted) node.granted.insert(jid);
    if (granted || bare == self_->bare() || who.affiliation == "outcast") return;
    if (node.view.role == Role::own && who.affiliation != "owner")
        revoked.push_back(jid);
    else
        node.strangers.insert(jid);
}

// --- who is no buddy any more ---

void Nodes::Impl::part_from_strangers(Node& node, state::Time now) {
    std::erase_if(node.strangers, [this](const std::string& jid) { return is_buddy(jid); });
    std::vector<std::string> gone;
    std::ranges::copy_if(node.granted, std::back_inserter(gone), [this](const std::string& jid) {
        return !admitted_.contains(jid) && !is_buddy(jid);
    });
    if (gone.empty() || !node.owner) return;
    for (const std::string& jid : gone)
        node.granted.erase(jid);
    if (node.view.role == Role::own) return revoke(node, gone, now);
    node.strangers.insert(gone.begin(), gone.end());
    tell_strangers(node, gone);
}

/// The subscription goes with the affiliation on Prosody, and stays on ejabberd.
void Nodes::Impl::revoke(Node& node, const std::vector<std::string>& who, state::Time now) {
    for (std::size_t done = 0; done < who.size(); done += most_at_once) {
        const auto begin = who.begin() + static_cast<std::ptrdiff_t>(done);
        const std::vector<std::string> some(
            begin, begin + static_cast<std::ptrdiff_t>(std::min(most_at_once, who.size() - done)));
        std::vector<pubsub::Affiliation> none;
        for (const std::string& jid : some) {
            none.push_back({jid, "none"});
            node.revoked.insert(jid);
        }
        Element unsubscribe = pubsub::set_subscribed(node.service, node.view.name, some);
        for (Element& each : unsubscribe.children.front().children.front().children)
            each.set("subscription", "none");
        requests_.ask(std::move(unsubscribe), [](const Reply&, state::Time) {}, now, pending_.stanzas);
        ask(node, pubsub::set_affiliations(node.service, node.view.name, none), &Impl::revoked, now);
        pending_.news.push_back({News::Kind::revoked, node.view.name, listed(some)});
    }
}

void Nodes::Impl::revoked(Node& node, const Reply& reply, state::Time) {
    if (reply.answer != Answer::refused) return;
    node.view.trouble =
        "who is no buddy any more still may hear it: " + words_of(pubsub::parse_error(*reply.iq));
    say(node, News::Kind::trouble, node.view.trouble);
}

/// It does not ask again for what it was not told that it lost.
void Nodes::Impl::subscribe_again(Node& node, const std::vector<std::string>& who, state::Time now) {
    std::vector<std::string> again;
    std::ranges::copy_if(who, std::back_inserter(again),
                         [&](const std::string& jid) { return node.revoked.erase(jid) > 0; });
    if (again.empty()) return;
    requests_.ask(
        pubsub::set_subscribed(node.service, node.view.name, again), [](const Reply&, state::Time) {}, now,
        pending_.stanzas);
}

void Nodes::Impl::tell_strangers(Node& node, const std::vector<std::string>& who) {
    if (who.empty()) return;
    pending_.news.push_back({News::Kind::stranger, node.view.name, listed(who)});
}

// --- grant, go on ---

void Nodes::Impl::grant_to(Node& node, const std::vector<std::string>& who, state::Time now) {
    if (who.empty()) return be_ready(node, now);
    std::vector<pubsub::Affiliation> wanted;
    for (const std::string& bare : who) {
        wanted.push_back({bare, std::string(affiliation_of(node))});
        node.granted.insert(bare);
    }
    ask(node, pubsub::set_affiliations(node.service, node.view.name, wanted), &Impl::granted, now);
    subscribe_again(node, who, now);
}

void Nodes::Impl::granted(Node& node, const Reply& reply, state::Time now) {
    if (reply.answer == Answer::refused) {
        node.view.trouble = "buddies not granted: " + words_of(pubsub::parse_error(*reply.iq));
        say(node, News::Kind::trouble, node.view.trouble);
    }
    if (node.view.standing != Standing::ready) be_ready(node, now);
}

/// One more, of a node that is ready; one that is not asks for all when it is.
void Nodes::Impl::grant_later(Node& node, const std::string& bare, state::Time now) {
    const bool ours = node.view.role != Role::other && node.view.role != Role::leaf && node.owner;
    if (!self_ || !ours || node.view.standing != Standing::ready || node.granted.contains(bare)) return;
    grant_to(node, {bare}, now);
    enrol(node, {bare}, now);
}

/// What comes of it is not waited for: a node is as good without, but for Asterisks.
void Nodes::Impl::enrol(Node& node, const std::vector<std::string>& who, state::Time now) {
    const bool asterisks = node.view.role == Role::asterisk_state || node.view.role == Role::asterisk_mwi;
    const bool can = asterisks && node.owner && node.view.standing == Standing::ready;
    if (software_ != Software::ejabberd || !can || who.empty()) return;
    requests_.ask(
        pubsub::set_subscribed(node.service, node.view.name, who), [](const Reply&, state::Time) {}, now,
        pending_.stanzas);
}

// --- what came of it ---

void Nodes::Impl::be_ready(Node& node, state::Time now) {
    node.view.standing = Standing::ready;
    node.announced = true;
    node.told = false;
    node.ready_at = now;
    if (node.mending) node.view.trouble.clear();
    node.mending = false;
    pending_.events.push_back({Event::Kind::ready, node.view.name, node.view.role});
    if (leaves_under_way_.erase({node.service, node.view.name}) > 0) pump_leaves(now);
    if (node.view.role != Role::other) part_from_strangers(node, now);
    for (const std::string& bare : grantees())
        grant_later(node, bare, now);
    enrol(node, grantees(), now);
    if (node.owner && node.view.role != Role::leaf) try_again(node, now + patience);
}

void Nodes::Impl::fail(Node& node, const pubsub::Error& error, Standing denied, state::Time now) {
    const Meaning meaning = meaning_of(error);
    const Standing standing = meaning == Meaning::no_service ? Standing::no_service
                              : meaning == Meaning::absent   ? Standing::absent
                                                             : denied;
    fail(node, standing, words_of(error), now);
}

/// The pause grows until it was ready for `patience`.
void Nodes::Impl::fail(Node& node, Standing standing, std::string text, state::Time now) {
    const bool steady = node.announced && now - node.ready_at >= patience;
    const bool lost = std::exchange(node.announced, false);
    node.turn = ++turns_;
    node.mending = false;
    node.view.standing = standing;
    node.view.trouble = std::move(text);
    if (lost || !node.told)
        pending_.events.push_back(
            {lost ? Event::Kind::lost : Event::Kind::failed, node.view.name, node.view.role});
    node.told = true;
    say(node, News::Kind::trouble, node.view.trouble + help(node, standing));
    node.step = std::clamp(steady ? least_step : node.step * 2, least_step, most_step);
    if (node.view.role != Role::leaf) try_again(node, now + node.step);
    if (leaves_under_way_.erase({node.service, node.view.name}) > 0) pump_leaves(now);
}

/// Trouble is said once a stream and node.
void Nodes::Impl::say(Node& node, News::Kind kind, std::string text) {
    if (std::exchange(node.patient, false)) return;
    if (std::exchange(node.said, true)) return;
    pending_.news.push_back({kind, node.view.name, std::move(text)});
}

void Nodes::Impl::try_again(Node& node, std::optional<state::Time> when) {
    const Key key(node.service, node.view.name);
    if (node.again) due_.erase({*node.again, key});
    node.again = when;
    if (when) due_.emplace(*when, key);
}

}  // namespace lamplight::bus::xmpp
