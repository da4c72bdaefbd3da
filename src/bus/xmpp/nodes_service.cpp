// What the service is, which server it belongs to, and how many leaves are made at once
#include "bus/xmpp/nodes_impl.hpp"
#include "wire/pubsub/names.hpp"

#include <algorithm>
#include <array>

namespace lamplight::bus::xmpp {

namespace ns = wire::pubsub::ns;
namespace pubsub = wire::pubsub;
using wire::xml::Element;

namespace {

constexpr std::size_t longest_name = 64;
constexpr state::Duration most_step = std::chrono::seconds(60);
constexpr state::Duration least_step = std::chrono::seconds(1);
constexpr std::string_view tigase_identity = "Tigase ver. ";

constexpr std::array<std::string_view, 5> denials{"forbidden", "not-allowed", "not-authorized",
                                                  "registration-required", "payment-required"};
constexpr std::array<std::string_view, 4> absences{"service-unavailable", "remote-server-not-found",
                                                   "remote-server-timeout", "gone"};
constexpr std::array<std::string_view, 4> troubles{"internal-server-error", "resource-constraint",
                                                   "recipient-unavailable", "policy-violation"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& all, std::string_view one) {
    return std::ranges::find(all, one) != all.end();
}

/// For a line: no control characters, and not without end.
std::string plain(std::string_view text) {
    std::string out(text.substr(0, longest_name));
    std::erase_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    return out;
}

/// Letters and digits of a version, in whatever dress: `8.1.2-SNAPSHOT-b10857/…`.
std::string version_of(std::string_view text) {
    return plain(text.substr(0, text.find_first_of(" /")));
}

}  // namespace

Meaning meaning_of(const pubsub::Error& error) {
    if (error.is("item-not-found")) return Meaning::absent;
    if (error.is("conflict")) return Meaning::exists;
    if (is_one_of(denials, error.condition)) return Meaning::denied;
    if (is_one_of(absences, error.condition)) return Meaning::no_service;
    if (is_one_of(troubles, error.condition)) return Meaning::passing;
    return Meaning::unfit;
}

std::string words_of(const pubsub::Error& error) {
    std::string words = error.condition;
    if (!error.type.empty()) words += " (" + plain(error.type) + ")";
    if (!error.pubsub_condition.empty()) words += ", " + error.pubsub_condition;
    const std::string text = plain(error.text);
    return text.empty() ? words : words + ": " + text;
}

// --- the service ---

void Nodes::Impl::find_service(state::Time now) {
    service_again_.reset();
    if (settings_.service.empty()) return;
    service_ = Service::asking;
    for (auto& [key, node] : nodes_)
        if (waits_for_service(node) && node.view.standing == Standing::unasked)
            node.view.standing = Standing::asking;
    requests_.ask(
        pubsub::disco_info(settings_.service),
        [this, stream = stream_, asked = settings_.service](const Reply& reply, state::Time at) {
            if (stream == stream_ && asked == settings_.service) service_answered(reply, at);
        },
        now, pending_.stanzas);
    if (software_ == Software::unknown) find_software(now);
}

void Nodes::Impl::service_answered(const Reply& reply, state::Time now) {
    now_ = now;
    if (reply.answer == Answer::lost) return service_failed("it does not answer", now);
    if (reply.answer == Answer::refused) return service_failed(words_of(pubsub::parse_error(*reply.iq)), now);
    const auto disco = pubsub::parse_disco_info(*reply.iq);
    if (!disco || !disco->is_pubsub()) return service_failed("it is no PubSub service", now);
    service_ = Service::found;
    service_trouble_.clear();
    service_step_ = {};
    for (auto& [key, node] : nodes_)
        if (node.service == settings_.service && node.view.role != Role::leaf) start(node, now);
}

void Nodes::Impl::service_failed(std::string text, state::Time now) {
    service_ = Service::failed;
    service_trouble_ = std::move(text);
    service_step_ = std::clamp(service_step_ * 2, least_step, most_step);
    service_again_ = now + service_step_;
    for (auto& [key, node] : nodes_) {
        if (node.service != settings_.service) continue;
        fail(node, Standing::no_service, service_trouble_, now);
        try_again(node, {});
    }
}

// --- the server ---

void Nodes::Impl::find_software(state::Time now) {
    const std::string domain = self_->domain;
    requests_.ask(
        pubsub::get_version(domain),
        [this, stream = stream_, domain](const Reply& reply, state::Time at) {
            if (stream != stream_ || reply.answer == Answer::lost) return;
            now_ = at;
            if (const Element* const query = reply.iq->child("query", ns::version);
                query && reply.answer == Answer::accepted)
                return read_software(std::string(query->text_of("name", ns::version)),
                                     std::string(query->text_of("version", ns::version)));
            requests_.ask(
                pubsub::disco_info(domain),
                [this, stream](const Reply& info, state::Time) {
                    if (stream != stream_ || info.answer != Answer::accepted) return;
                    const Element* const query = info.iq->child("query", ns::disco_info);
                    if (!query) return;
                    for (const Element& each : query->children)
                        if (each.is("identity", ns::disco_info) && each.value_of("category") == "server")
                            read_software(std::string(each.value_of("name")), {});
                },
                at, pending_.stanzas);
        },
        now, pending_.stanzas);
}

void Nodes::Impl::read_software(std::string name, std::string version) {
    if (name.starts_with(tigase_identity)) {
        version = name.substr(tigase_identity.size());
        name = "Tigase";
    }
    software_name_ = plain(name);
    software_version_ = version_of(version);
    const auto begins = [&](std::string_view with) { return name.starts_with(with); };
    software_ = begins("Prosody")    ? Software::prosody
                : begins("ejabberd") ? Software::ejabberd
                : begins("Tigase")   ? Software::tigase
                : begins("Openfire") ? Software::openfire
                                     : Software::other;
    for (auto& [key, node] : nodes_)
        enrol(node, grantees(), now_);
}

// --- leaves ---

void Nodes::Impl::pump_leaves(state::Time now) {
    while (!leaf_queue_.empty() && leaves_under_way_.size() < leaves_at_once) {
        const Key key = std::move(leaf_queue_.front());
        leaf_queue_.pop_front();
        Node* const node = find(key);
        if (!node || node->view.standing != Standing::asking) continue;
        leaves_under_way_.insert(key);
        start(*node, now);
    }
}

}  // namespace lamplight::bus::xmpp
