// What became of what was published, and the leaves of collections. What is said: asterisk_outgoing.cpp.
#include "bus/xmpp/asterisk_outgoing.hpp"
#include "wire/pubsub/request.hpp"

#include <algorithm>
#include <array>

namespace lamplight::bus::xmpp {

using state::DeviceId;
using state::Mailbox;
using wire::xml::Element;
namespace pubsub = wire::pubsub;

namespace {

template <std::size_t count>
bool is_one_of(std::string_view condition, const std::array<std::string_view, count>& conditions) {
    return std::find(conditions.begin(), conditions.end(), condition) != conditions.end();
}

/// What servers say to publish-options they do not take: precondition-not-met where the node keeps items
/// (Prosody, ejabberd; with conflict), conflict alone (Tigase 8), and who has no publish-options. When it was
/// something else, it comes again without them.
bool blames_options(const pubsub::Error& error) {
    static constexpr std::array<std::string_view, 4> conditions{"conflict", "feature-not-implemented",
                                                                "not-acceptable", "bad-request"};
    return error.pubsub_condition == "precondition-not-met" || is_one_of(error.condition, conditions);
}

/// What may be about the one item: it is another publisher's (ejabberd), too large, or its id does not
/// please.
bool may_blame_item(std::string_view condition) {
    static constexpr std::array<std::string_view, 5> conditions{"forbidden", "not-allowed", "conflict",
                                                                "not-acceptable", "bad-request"};
    return is_one_of(condition, conditions);
}

}  // namespace

// --- answers ---

void AsteriskOutgoing::answered(std::uint64_t tag, Answer answer, const Element* error) {
    const auto found =
        std::lower_bound(in_flight_.begin(), in_flight_.end(), tag,
                         [](const InFlight& one, std::uint64_t other) { return one.tag < other; });
    if (found == in_flight_.end() || found->tag != tag) return;
    const InFlight message = std::move(*found);
    in_flight_.erase(found);
    switch (answer) {
        case Answer::accepted:
            return accepted(message);
        case Answer::refused:
            ++common_.counters.publish_refused;
            return refused(message, error != nullptr ? *error : Element("iq"));
        case Answer::lost:
            ++common_.counters.publish_lost;
            return say_again(message);
    }
}

void AsteriskOutgoing::accepted(const InFlight& message) {
    ++common_.counters.published;
    Node& node = node_for(message.about);
    node.proved = true;
    node.refused_in_a_row = 0;
    if (!refusals_.empty()) refusals_.accepted(node_of(message));
    if (settings_.collection && message.about == About::vote) {
        leaf_ready_.add(message.device);
        leaf_failed_.remove(message.device);
    }
}

void AsteriskOutgoing::refused(const InFlight& message, const Element& error) {
    const pubsub::Error what = pubsub::parse_error(error);
    if (message.with_options && blames_options(what)) {
        without_options_ = true;
        return say_again(message);
    }
    if (settings_.collection)
        blame_leaf(message, error);
    else
        blame_node(message, what.condition, error);
}

/// Each leaf is a node of its own. What comes of looking after it: node_ready(), or nothing.
void AsteriskOutgoing::blame_leaf(const InFlight& message, const Element& error) {
    if (message.about == About::vote) leaf_ready_.remove(message.device);
    if (goodbye_) return;
    park(message);
    refusals_.add(node_of(message), error, common_.now);
}

void AsteriskOutgoing::blame_node(const InFlight& message, std::string_view condition, const Element& error) {
    Node& node = node_for(message.about);
    // It went before the node was looked after, or others of its kind said so before.
    if (!node.open || message.tag < node.first_tag) return say_again(message);
    ++node.refused_in_a_row;
    if (node.proved && may_blame_item(condition) && node.refused_in_a_row < most_in_a_row) {
        park(message);
        if (goodbye_ || (blamed_item_ && common_.now - *blamed_item_ < item_pause)) return;
        blamed_item_ = common_.now;
    } else {
        node.open = false;
        node.reported = may_blame_item(condition);
        say_again(message);
    }
    if (!goodbye_) refusals_.add(node_of(message), error, common_.now);
}

void AsteriskOutgoing::say_again(const InFlight& message) {
    if (message.about == About::vote)
        vote_changed(message.place, message.device);
    else
        mwi_changed(message.place, message.mailbox);
}

// --- what may not go now ---

void AsteriskOutgoing::park(const InFlight& message) {
    if (message.about == About::vote)
        park(sync::OwnVote{message.place, message.device});
    else
        parked_mwi_.insert({message.place, message.mailbox});
}

void AsteriskOutgoing::park(sync::OwnVote pair) {
    if (pair.place >= parked_.size()) parked_.resize(std::size_t{pair.place} + 1);
    parked_count_ += parked_[pair.place].add(pair.device);
}

void AsteriskOutgoing::unpark(std::uint32_t device) {
    for (std::size_t place = 0; place < parked_.size(); ++place) {
        if (!parked_[place].remove(device)) continue;
        --parked_count_;
        vote_changed(static_cast<std::uint16_t>(place), device);
    }
}

void AsteriskOutgoing::unpark_votes() {
    for (std::uint32_t device = 0; parked_count_ > 0 && device < common_.engine.device_bound(); ++device)
        unpark(device);
}

void AsteriskOutgoing::unpark_counts() {
    mwi_changes_.merge(parked_mwi_);
    parked_mwi_.clear();
}

// --- leaves ---

/// Whether the leaf must be made before; then the vote is parked, and what is on its way of the goodbye is
/// not said: nobody heard of that device here.
bool AsteriskOutgoing::waits_for_leaf(sync::OwnVote pair) {
    if (leaf_ready_.has(pair.device)) return false;
    if (goodbye_) return true;
    park(pair);
    want_leaf(pair.device);
    return true;
}

void AsteriskOutgoing::want_leaf(std::uint32_t device) {
    if (leaf_asked_.has(device) || leaf_failed_.has(device)) return;
    if (leaf_wanted_.add(device)) leaf_queue_.push_back(device);
}

void AsteriskOutgoing::end_asking(std::uint32_t device) {
    leaves_asked_ -= leaf_asked_.remove(device);
}

void AsteriskOutgoing::leaf_answered(std::string_view node, LeafIs what) {
    if (const auto device = common_.engine.find_device(node)) {
        const std::uint32_t at = state::index_of(*device);
        end_asking(at);
        if (what == LeafIs::failed) {
            leaf_ready_.remove(at);
            leaf_failed_.add(at);
        } else {
            leaf_failed_.remove(at);
            leaf_ready_.add(at);
            unpark(at);
        }
    }
    const std::size_t parting = node.find('@');
    if (what == LeafIs::failed || parting == std::string_view::npos) return;
    const Mailbox mailbox{std::string(node.substr(0, parting)), std::string(node.substr(parting + 1))};
    const auto places = static_cast<std::uint16_t>(common_.own.size());
    for (std::uint16_t place = 0; place < places; ++place)
        if (parked_mwi_.erase({place, mailbox}) != 0) mwi_changed(place, mailbox);
}

// --- what it has to say to its owner ---

std::optional<state::Time> AsteriskOutgoing::next_deadline() const {
    const bool leaves = !leaf_queue_.empty() && leaves_asked_ < most_leaves;
    if (!news_.empty() || leaves) return common_.now;
    const std::optional<state::Time> refusals = refusals_.next_deadline();
    return refusals && unpark_at_ ? std::min(refusals, unpark_at_) : refusals ? refusals : unpark_at_;
}

void AsteriskOutgoing::tell(AsteriskVotes::Output& out) {
    unpark_when_due();
    while (auto due = refusals_.take(common_.now))
        look_after(std::move(*due), out);
    tell_leaves(out);
    out.news.insert(out.news.end(), std::make_move_iterator(news_.begin()),
                    std::make_move_iterator(news_.end()));
    news_.clear();
}

/// A leaf that is not found is wanted; should Nodes believe that it is there, it learns better.
void AsteriskOutgoing::look_after(Refusals::Due due, AsteriskVotes::Output& out) {
    const bool missing = settings_.collection && pubsub::parse_error(due.error).is("item-not-found");
    const auto device = common_.engine.find_device(due.node);
    if (missing && device) {
        leaf_failed_.remove(state::index_of(*device));
        want_leaf(state::index_of(*device));
    } else if (missing) {
        out.leaves.push_back({client_, due.node, AsteriskVotes::message_waiting});
    }
    out.refused.push_back({client_, std::move(due.node), std::move(due.error)});
}

void AsteriskOutgoing::tell_leaves(AsteriskVotes::Output& out) {
    for (; !leaf_queue_.empty() && leaves_asked_ < most_leaves; leaf_queue_.pop_front()) {
        const std::uint32_t device = leaf_queue_.front();
        leaf_wanted_.remove(device);
        leaves_asked_ += leaf_asked_.add(device);
        out.leaves.push_back({client_, std::string(common_.engine.device_name(DeviceId{device}))});
    }
}

}  // namespace lamplight::bus::xmpp
