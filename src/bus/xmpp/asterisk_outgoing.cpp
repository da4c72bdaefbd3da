// What waits, what is taken, the dump, the goodbye. What became of a publish: asterisk_answers.cpp.
#include "bus/xmpp/asterisk_outgoing.hpp"

#include "wire/pubsub/payload.hpp"
#include "wire/pubsub/request.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace lamplight::bus::xmpp {

using state::DeviceId;
using state::DeviceState;
using state::Mailbox;
namespace pubsub = wire::pubsub;

namespace {

/// Devices or mailboxes looked at for one stanza.
constexpr std::uint32_t slice = 16'384;
/// While both wait, one stanza of so many is the dump's.
constexpr std::uint32_t dump_turn = 4;

/// Asterisk parts the item's id at the first @.
bool fits(const Mailbox& mailbox) {
    return pubsub::is_sendable_name(mailbox.name) && pubsub::is_sendable_name(mailbox.context) &&
           mailbox.name.find('@') == std::string::npos;
}

/// As Asterisk, which reads an int, can say it.
std::uint32_t sendable(std::uint32_t count) {
    return std::min<std::uint32_t>(count, std::numeric_limits<std::int32_t>::max());
}

}  // namespace

// --- what is to be said ---

void AsteriskOutgoing::begin(const AsteriskVotes::ClientSettings& settings) {
    forget();
    settings_ = settings;
    states_ = counts_ = {};
    without_options_ = false;
    refusals_.clear();
    blamed_item_.reset();
    unparked_.reset();
    unpark_at_.reset();
    for (sync::Bits* bits : {&leaf_ready_, &leaf_wanted_, &leaf_asked_, &leaf_failed_})
        bits->clear();
    leaf_queue_.clear();
    leaves_asked_ = 0;
}

void AsteriskOutgoing::forget() {
    for (sync::Bits& bits : parked_)
        bits.clear();
    changes_.clear();
    mwi_changes_.clear();
    parked_count_ = 0;
    parked_mwi_.clear();
    dump_devices_.end();
    dump_mailboxes_.end();
    dumping_ = false;
    in_flight_.clear();
}

void AsteriskOutgoing::node_ready(std::string_view node) {
    if (node == AsteriskVotes::device_state)
        open(states_);
    else if (node == AsteriskVotes::message_waiting)
        open(counts_);
    else if (settings_.collection)
        leaf_answered(node, LeafIs::ready);
}

/// Who was told of a refusal and says that the node is ready knows that we may publish there. What was
/// refused alone is tried once more, but not again and again.
void AsteriskOutgoing::open(Node& node) {
    if (!node.open) {
        const bool proved = node.proved || node.reported;
        node = {};
        node.open = true;
        node.proved = proved;
        node.first_tag = last_tag_ + 1;
    }
    unpark_at_ = unparked_ ? std::max(common_.now, *unparked_ + item_pause) : common_.now;
    unpark_when_due();
}

void AsteriskOutgoing::unpark_when_due() {
    if (!unpark_at_ || *unpark_at_ > common_.now) return;
    unpark_at_.reset();
    if (parked_count_ == 0 && parked_mwi_.empty()) return;
    unparked_ = common_.now;
    unpark_votes();
    unpark_counts();
}

void AsteriskOutgoing::node_failed(std::string_view node) {
    if (node == AsteriskVotes::device_state)
        states_.open = false;
    else if (node == AsteriskVotes::message_waiting)
        counts_.open = false;
    else if (settings_.collection)
        leaf_answered(node, LeafIs::failed);
}

/// Cost: O(1).
void AsteriskOutgoing::vote_changed(std::uint16_t place, std::uint32_t device) {
    changes_.add({place, device});
}

void AsteriskOutgoing::mwi_changed(std::uint16_t place, const Mailbox& mailbox) {
    mwi_changes_.insert({place, mailbox});
}

/// Their numbers will be other devices'.
void AsteriskOutgoing::devices_forgotten(std::span<const state::DeviceForgotten> devices) {
    sync::Bits gone;
    for (const state::DeviceForgotten& forgotten : devices) {
        const std::uint32_t device = state::index_of(forgotten.device);
        gone.add(device);
        for (sync::Bits& bits : parked_)
            parked_count_ -= bits.remove(device);
        end_asking(device);
        leaf_ready_.remove(device);
        leaf_failed_.remove(device);
        leaf_wanted_.remove(device);
    }
    std::erase_if(leaf_queue_, [&](std::uint32_t device) { return gone.has(device); });
    std::erase_if(in_flight_, [&](const InFlight& message) {
        return message.about == About::vote && gone.has(message.device);
    });
}

void AsteriskOutgoing::dump() {
    if (!std::exchange(dumping_, true)) {
        dumped_ = 0;
        if (!goodbye_)
            news_.push_back({AsteriskVotes::News::Kind::dump_begins, client_, std::to_string(own_votes())});
    }
    dump_devices_.begin();
    dump_place_ = 0;
    dump_mailboxes_.begin();
    dump_mailbox_place_ = 0;
}

void AsteriskOutgoing::end_dump_when_through() {
    if (!dumping_ || dump_devices_.running() || dump_mailboxes_.running()) return;
    dumping_ = false;
    if (!goodbye_) news_.push_back({AsteriskVotes::News::Kind::dump_ended, client_, std::to_string(dumped_)});
}

/// Of what waits only withdrawals do: every standing vote is said by the walk.
void AsteriskOutgoing::say_goodbye(Withdrawals withdrawals) {
    if (std::exchange(goodbye_, true)) return;
    repeats_withdrawals_ = dumping_ || withdrawals == Withdrawals::repeated;
    unpark_votes();
    unpark_counts();
    changes_.remove_if([&](sync::OwnVote vote) { return !is_withdrawn(vote); });
    std::erase_if(mwi_changes_, [&](const sync::OwnMailboxVote& pair) { return !is_withdrawn(pair); });
    dump();
}

bool AsteriskOutgoing::said_goodbye() const {
    return goodbye_ && !changes_wait() && !dump_waits() && in_flight_.empty();
}

bool AsteriskOutgoing::is_withdrawn(sync::OwnVote pair) const {
    const auto view = common_.engine.vote(DeviceId{pair.device}, common_.own[pair.place].id);
    return view && view->withdrawn;
}

bool AsteriskOutgoing::is_withdrawn(const sync::OwnMailboxVote& pair) const {
    const auto view = common_.mwi.vote(pair.mailbox, common_.own[pair.place].id);
    return view && view->withdrawn;
}

// --- what is said ---

AsteriskVotes::Wants AsteriskOutgoing::wants_to_send() const {
    using Wants = AsteriskVotes::Wants;
    if (changes_wait()) return Wants::fresh;
    if (dump_waits()) return goodbye_ ? Wants::fresh : Wants::bulk;
    return Wants::nothing;
}

std::optional<AsteriskVotes::Taken> AsteriskOutgoing::take() {
    const bool dump_first = ++turn_ % dump_turn == 0 && !goodbye_;
    InFlight about;
    Stanza stanza;
    bool fresh = goodbye_;
    if (dump_first) stanza = take_dump(about);
    if (!stanza) {
        stanza = take_change(about);
        fresh = fresh || stanza.has_value();
    }
    if (!stanza && !dump_first) stanza = take_dump(about);
    end_dump_when_through();
    if (!stanza) return std::nullopt;
    about.tag = ++last_tag_;
    in_flight_.push_back(std::move(about));
    return AsteriskVotes::Taken{std::move(*stanza), last_tag_, fresh};
}

// --- changes ---

AsteriskOutgoing::Stanza AsteriskOutgoing::take_change(InFlight& about) {
    const bool mwi_first = turn_ % 2 == 0;
    Stanza stanza;
    if (mwi_first) stanza = take_mwi_change(about);
    if (!stanza) stanza = take_device_change(about);
    if (!stanza && !mwi_first) stanza = take_mwi_change(about);
    return stanza;
}

AsteriskOutgoing::Stanza AsteriskOutgoing::take_device_change(InFlight& about) {
    Stanza stanza;
    for (std::uint32_t i = 0; i < slice && device_changes_wait() && !stanza; ++i)
        stanza = write(changes_.take_first(), about);
    return stanza;
}

AsteriskOutgoing::Stanza AsteriskOutgoing::take_mwi_change(InFlight& about) {
    Stanza stanza;
    for (std::uint32_t i = 0; i < slice && mwi_changes_wait() && !stanza; ++i)
        stanza = write(mwi_changes_.extract(mwi_changes_.begin()).value(), about);
    return stanza;
}

// --- the dump ---

AsteriskOutgoing::Stanza AsteriskOutgoing::take_dump(InFlight& about) {
    Stanza stanza;
    if (device_dump_waits()) stanza = take_dumped_device(about);
    if (!stanza && !device_dump_waits() && mailbox_dump_waits()) stanza = take_dumped_mailbox(about);
    dumped_ += stanza.has_value();
    return stanza;
}

AsteriskOutgoing::Stanza AsteriskOutgoing::take_dumped_device(InFlight& about) {
    for (std::uint32_t looked_at = 0; looked_at < slice && device_dump_waits(); ++looked_at) {
        const auto device = dump_devices_.at(common_.engine.device_bound());
        if (!device) return std::nullopt;
        if (dump_place_ < common_.own.size()) {
            const sync::OwnVote pair{dump_place_++, state::index_of(*device)};
            if (passes_over(is_withdrawn(pair))) continue;
            if (Stanza stanza = write(pair, about)) return stanza;
            continue;
        }
        dump_place_ = 0;
        dump_devices_.advance();
    }
    return std::nullopt;
}

AsteriskOutgoing::Stanza AsteriskOutgoing::take_dumped_mailbox(InFlight& about) {
    for (std::uint32_t looked_at = 0; looked_at < slice; ++looked_at) {
        const Mailbox* mailbox = dump_mailboxes_.at(common_.mwi);
        if (mailbox == nullptr) return std::nullopt;
        if (dump_mailbox_place_ < common_.own.size()) {
            const sync::OwnMailboxVote pair{dump_mailbox_place_++, *mailbox};
            if (passes_over(is_withdrawn(pair))) continue;
            if (Stanza stanza = write(pair, about)) return stanza;
            continue;
        }
        dump_mailbox_place_ = 0;
        dump_mailboxes_.advance(*mailbox);
    }
    return std::nullopt;
}

// --- stanzas ---

/// The vote as it is now; none when there is none of ours, its name does not fit, or its leaf is not there
/// yet.
AsteriskOutgoing::Stanza AsteriskOutgoing::write(sync::OwnVote pair, InFlight& about) {
    const DeviceId device{pair.device};
    const plain::OwnNode& node = common_.own[pair.place];
    const auto view = common_.engine.vote(device, node.id);
    if (!view || !view->version.exists()) return std::nullopt;
    const std::string_view name = common_.engine.device_name(device);
    if (!pubsub::is_sendable_name(name)) return too_long(device), std::nullopt;
    if (makes_leaves_first() && waits_for_leaf(pair)) return std::nullopt;

    pubsub::StateItem item{std::string(name), node.eid, view->state, state::Cachable::yes};
    if (!view->cachable) item.cachable = state::Cachable::no;
    if (view->withdrawn || goodbye_) item.state = DeviceState::unavailable;
    const bool with_options = !view->cachable && !without_options_;
    about.about = About::vote;
    about.with_options = with_options;
    about.place = pair.place;
    about.device = pair.device;
    return pubsub::publish(
        settings_.service, settings_.collection ? name : AsteriskVotes::device_state, pubsub::make_item(item),
        with_options ? pubsub::PublishOptions::not_persistent : pubsub::PublishOptions::none);
}

AsteriskOutgoing::Stanza AsteriskOutgoing::write(const sync::OwnMailboxVote& pair, InFlight& about) {
    const plain::OwnNode& node = common_.own[pair.place];
    const auto view = common_.mwi.vote(pair.mailbox, node.id);
    if (!view || !view->version.exists()) return std::nullopt;
    if (!fits(pair.mailbox)) {
        if (common_.told_mailboxes.insert(pair.mailbox).second)
            news_.push_back({AsteriskVotes::News::Kind::name_too_long, client_,
                             pair.mailbox.name + '@' + pair.mailbox.context});
        return std::nullopt;
    }
    pubsub::MailboxItem item{pair.mailbox, node.eid, sendable(view->counts.new_messages),
                             sendable(view->counts.old_messages)};
    if (view->withdrawn || goodbye_) item.new_messages = item.old_messages = 0;
    about.about = About::mwi;
    about.place = pair.place;
    about.mailbox = pair.mailbox;
    return pubsub::publish(settings_.service, node_of(about), pubsub::make_item(item));
}

void AsteriskOutgoing::too_long(DeviceId device) {
    if (!common_.told_devices.add(state::index_of(device))) return;
    news_.push_back(
        {AsteriskVotes::News::Kind::name_too_long, client_, std::string(common_.engine.device_name(device))});
}

std::string AsteriskOutgoing::node_of(const InFlight& message) const {
    const bool vote = message.about == About::vote;
    if (!settings_.collection)
        return std::string(vote ? AsteriskVotes::device_state : AsteriskVotes::message_waiting);
    if (vote) return std::string(common_.engine.device_name(DeviceId{message.device}));
    return message.mailbox.name + '@' + message.mailbox.context;
}

std::uint64_t AsteriskOutgoing::own_votes() const {
    std::uint64_t votes = 0;
    for (std::size_t place = 0; place < common_.own.size(); ++place)
        votes += common_.engine.node(common_.own[place].id).votes;
    return votes;
}

std::uint64_t AsteriskOutgoing::waiting() const {
    std::uint64_t dump = 0;
    if (dump_devices_.running())
        dump = std::min<std::uint64_t>(dump_devices_.left(common_.engine.device_bound()), own_votes());
    return dump + changes_.size() + mwi_changes_.size() + in_flight_.size() + parked_count_ +
           parked_mwi_.size() + (dump_mailboxes_.running() ? 1 : 0);
}

}  // namespace lamplight::bus::xmpp
