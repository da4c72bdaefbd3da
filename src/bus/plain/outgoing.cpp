#include "bus/plain/outgoing.hpp"

#include <algorithm>

namespace lamplight::bus::plain {

using state::DeviceId;
using state::DeviceState;
using state::Mailbox;
using state::NodeId;
using wire::MutableBytes;
using namespace wire::event;

namespace {

/// Devices or mailboxes looked at for one message.
constexpr std::uint32_t slice = 65'536;
/// While both wait, one message of so many is the dump's.
constexpr std::uint32_t dump_turn = 4;
/// So long after a process went down we may not know it yet (group::Members waits for the ring's word).
constexpr state::Duration news_of_an_end = std::chrono::milliseconds(500);

}  // namespace

// --- what is to be said ---

void Outgoing::set_self(ring::Member self, std::string address) {
    self_ = self;
    address_ = std::move(address);
}

void Outgoing::set_yields(std::uint16_t place, Yields yields) {
    if (place >= yields_.size()) yields_.resize(std::size_t{place} + 1);
    yields_[place] = yields == Yields::yes;
}

void Outgoing::vote_changed(std::uint16_t place, std::uint32_t device) {
    changes_.add({place, device});
}

void Outgoing::mwi_changed(std::uint16_t place, const Mailbox& mailbox) {
    mwi_changes_.insert({place, mailbox});
}

void Outgoing::dump() {
    if (settings_.publish.device_state) dump_devices();
    if (settings_.publish.mwi) dump_mailboxes();
}

void Outgoing::dump_devices() {
    begin_dump();
    dump_devices_.begin();
    dump_place_ = 0;
}

void Outgoing::dump_mailboxes() {
    begin_dump();
    dump_mailboxes_.begin();
    dump_mailbox_place_ = 0;
}

void Outgoing::begin_dump() {
    if (std::exchange(dumping_, true)) return;
    dumped_ = 0;
    news_.push_back({News::Kind::dump_begins, {}, std::to_string(own_votes())});
}

std::uint64_t Outgoing::own_votes() const {
    std::uint64_t votes = 0;
    for (std::size_t place = 0; place < own_.size(); ++place)
        votes += engine_.node(own_[place].id).votes;
    return votes;
}

void Outgoing::end_dump_when_through() {
    if (!dumping_ || dump_devices_.running() || dump_mailboxes_.running()) return;
    dumping_ = false;
    news_.push_back({News::Kind::dump_ended, {}, std::to_string(dumped_)});
}

void Outgoing::repair(ring::Member stranger, const state::Eid& eid, const std::string& address) {
    const auto node = engine_.find_node(eid);
    drop_repair(stranger);
    if (!node) return;
    repairs_.push_back({{stranger, eid, address}, *node, settings_.publish.cluster_discovery, {}, {}});
    walk_of(repairs_.back());
}

void Outgoing::walk_of(Repair& repair) const {
    if (settings_.publish.device_state) repair.devices.begin();
    if (settings_.publish.mwi) repair.mailboxes.begin();
}

void Outgoing::drop_repair(ring::Member stranger) {
    std::erase_if(repairs_, [&](const Repair& repair) { return repair.stranger.member == stranger; });
    for (InFlight& message : in_flight_)
        if (message.introduced && message.introduced->member == stranger) message.introduced.reset();
}

void Outgoing::end_repair(ring::Member stranger, const state::Eid& eid) {
    drop_repair(stranger);
    const auto spoken = spoken_for_.extract(stranger);
    if (spoken.empty() || now_ - spoken.mapped() > news_of_an_end) return;
    const auto node = engine_.find_node(eid);
    if (!node || goodbye_) return;
    repairs_.push_back({{{}, eid, {}}, *node, false, {}, {}});
    walk_of(repairs_.back());
}

void Outgoing::crossed(NodeId node, DeviceId device) {
    if (behalf_under_way_ == 0) return;
    const auto repeats = [&](const InFlight& message) {
        return message.about == About::behalf_vote && message.place == state::index_of(node) &&
               message.device == state::index_of(device);
    };
    if (std::any_of(in_flight_.begin(), in_flight_.end(), repeats)) crossed_.insert({node, device});
}

void Outgoing::crossed(NodeId node, const Mailbox& mailbox) {
    if (behalf_under_way_ == 0) return;
    const auto repeats = [&](const InFlight& message) {
        return message.about == About::behalf_mwi && message.place == state::index_of(node) &&
               message.mailbox == mailbox;
    };
    if (std::any_of(in_flight_.begin(), in_flight_.end(), repeats)) crossed_mwi_.insert({node, mailbox});
}

/// Of what waits only withdrawals do: every standing vote is said by the walk.
void Outgoing::say_goodbye() {
    if (std::exchange(goodbye_, true)) return;
    repeats_withdrawals_ = dumping_;
    discovery_ = Discovery::none;
    ping_ = false;
    repairs_.clear();
    crossed_.clear();
    crossed_mwi_.clear();
    changes_.remove_if([&](sync::OwnVote vote) { return !is_withdrawn(vote); });
    std::erase_if(mwi_changes_,
                  [&](const sync::OwnMailboxVote& pair) { return !is_withdrawn(pair.place, pair.mailbox); });
    dump();
}

bool Outgoing::is_withdrawn(sync::OwnVote pair) const {
    const auto view = engine_.vote(DeviceId{pair.device}, own_[pair.place].id);
    return view && view->withdrawn;
}

bool Outgoing::is_withdrawn(std::uint16_t place, const Mailbox& mailbox) const {
    const auto view = mwi_.vote(mailbox, own_[place].id);
    return view && view->withdrawn;
}

void Outgoing::forget_own() {
    changes_.clear();
    mwi_changes_.clear();
    dump_devices_.end();
    dump_mailboxes_.end();
    dumping_ = false;
}

void Outgoing::clear() {
    forget_own();
    forget_words();
}

void Outgoing::forget_words() {
    discovery_ = Discovery::none;
    repairs_.clear();
    crossed_.clear();
    crossed_mwi_.clear();
    spoken_for_.clear();
}

void Outgoing::forget_under_way() {
    in_flight_.clear();
    discoveries_under_way_ = 0;
    behalf_under_way_ = 0;
}

// --- what is said ---

bool Outgoing::wants_to_send() const {
    if (goodbye_) return goodbye_waits();
    return discovery_due() || ping_ || changes_wait() || walks();
}

Taken Outgoing::take(MutableBytes out) {
    InFlight about;
    std::size_t bytes = 0;
    if (goodbye_) {
        bytes = take_goodbye(out, about);
    } else {
        const bool dump_first = ++turn_ % dump_turn == 0;
        bytes = take_word(out, about);
        if (bytes == 0 && dump_first) bytes = take_walk(out, about);
        if (bytes == 0) bytes = take_change(out, about);
        if (bytes == 0 && !dump_first) bytes = take_walk(out, about);
    }
    end_dump_when_through();
    if (bytes == 0) return {};
    about.id = MessageId{++messages_};
    discoveries_under_way_ += about.about == About::discovery;
    behalf_under_way_ += about.about == About::behalf_vote || about.about == About::behalf_mwi;
    ++counters_.messages_out;
    in_flight_.push_back(std::move(about));
    return {bytes, MessageId{messages_}};
}

std::size_t Outgoing::take_goodbye(MutableBytes out, InFlight& about) {
    const std::size_t bytes = take_change(out, about);
    return bytes != 0 ? bytes : take_dump(out, about);
}

std::size_t Outgoing::take_word(MutableBytes out, InFlight& about) {
    if (discovery_due()) {
        about.about = About::discovery;
        if (const auto bytes = write(ClusterDiscovery{self_.node_id, address_, own_[0].eid}, out)) {
            const std::string text = state::to_string(own_[0].eid) + " at " + address_;
            news_.push_back({News::Kind::announced, self_, text});
            return bytes;
        }
        address_.clear();  // no address for this wire
    }
    if (std::exchange(ping_, false) && !own_.empty()) {
        about.about = About::ping;
        return write(Ping{own_[0].eid}, out);
    }
    return 0;
}

// --- changes ---

std::size_t Outgoing::take_change(MutableBytes out, InFlight& about) {
    const bool mwi_first = turn_ % 2 == 0;
    std::size_t bytes = mwi_first ? take_mwi_change(out, about) : 0;
    if (bytes == 0) bytes = take_device_change(out, about);
    if (bytes == 0 && !mwi_first) bytes = take_mwi_change(out, about);
    return bytes;
}

std::size_t Outgoing::take_device_change(MutableBytes out, InFlight& about) {
    std::size_t bytes = 0;
    for (std::uint32_t i = 0; i < slice && !changes_.empty() && bytes == 0; ++i)
        bytes = write_own(changes_.take_first(), out, about);
    return bytes;
}

std::size_t Outgoing::take_mwi_change(MutableBytes out, InFlight& about) {
    std::size_t bytes = 0;
    for (std::uint32_t i = 0; i < slice && !mwi_changes_.empty() && bytes == 0; ++i) {
        const auto first = mwi_changes_.extract(mwi_changes_.begin());
        bytes = write_own(first.value().place, first.value().mailbox, out, about);
    }
    return bytes;
}

// --- the dump, and others' votes ---

std::size_t Outgoing::take_walk(MutableBytes out, InFlight& about) {
    const bool repair_first = turn_ / dump_turn % 2 == 0;
    std::size_t bytes = repair_first ? take_repair(out, about) : 0;
    if (bytes == 0) bytes = take_dump(out, about);
    if (bytes == 0 && !repair_first) bytes = take_repair(out, about);
    return bytes;
}

std::size_t Outgoing::take_dump(MutableBytes out, InFlight& about) {
    std::size_t bytes = take_dumped_device(out, about);
    if (bytes == 0 && !dump_devices_.running()) bytes = take_dumped_mailbox(out, about);
    if (bytes != 0) ++dumped_;
    return bytes;
}

std::size_t Outgoing::take_dumped_device(MutableBytes out, InFlight& about) {
    for (std::uint32_t i = 0; i < slice; ++i) {
        const auto device = dump_devices_.at(engine_.device_bound());
        if (!device) return 0;
        while (dump_place_ < own_.size()) {
            const sync::OwnVote pair{dump_place_++, state::index_of(*device)};
            if (passes_over_withdrawals() && is_withdrawn(pair)) continue;
            if (const auto bytes = write_own(pair, out, about)) return bytes;
        }
        dump_place_ = 0;
        dump_devices_.advance();
    }
    return 0;
}

std::size_t Outgoing::take_dumped_mailbox(MutableBytes out, InFlight& about) {
    for (std::uint32_t i = 0; i < slice; ++i) {
        const Mailbox* mailbox = dump_mailboxes_.at(mwi_);
        if (mailbox == nullptr) return 0;
        while (dump_mailbox_place_ < own_.size()) {
            const std::uint16_t place = dump_mailbox_place_++;
            if (passes_over_withdrawals() && is_withdrawn(place, *mailbox)) continue;
            if (const auto bytes = write_own(place, *mailbox, out, about)) return bytes;
        }
        dump_mailbox_place_ = 0;
        dump_mailboxes_.advance(*mailbox);
    }
    return 0;
}

std::size_t Outgoing::take_repair(MutableBytes out, InFlight& about) {
    if (const auto bytes = take_crossed(out, about)) return bytes;
    if (repairs_.empty()) return 0;
    Repair& repair = repairs_.front();
    const std::size_t bytes = take_repair_of(repair, out, about);
    if (bytes != 0 && repair.stranger.member != ring::Member{}) spoken_for_[repair.stranger.member] = now_;
    if (bytes == 0 && !repair.devices.running() && !repair.mailboxes.running()) repairs_.pop_front();
    return bytes;
}

std::size_t Outgoing::take_repair_of(Repair& repair, MutableBytes out, InFlight& about) {
    if (std::exchange(repair.introduce, false)) {
        const auto& [member, eid, address] = repair.stranger;
        about.about = About::behalf_discovery;
        about.introduced = repair.stranger;
        if (const auto bytes = write(ClusterDiscovery{member.node_id, address, eid}, out)) return bytes;
    }
    for (std::uint32_t i = 0; i < slice; ++i) {
        const auto device = repair.devices.at(engine_.device_bound());
        if (!device) break;
        repair.devices.advance();
        if (const auto bytes = write_behalf(repair.node, *device, out, about)) return bytes;
    }
    for (std::uint32_t i = 0; i < slice && !repair.devices.running(); ++i) {
        const Mailbox* mailbox = repair.mailboxes.at(mwi_);
        if (mailbox == nullptr) break;
        repair.mailboxes.advance(*mailbox);
        if (const auto bytes = write_behalf(repair.node, *mailbox, out, about)) return bytes;
    }
    return 0;
}

/// What its owner said anew while our repetition was under way: it must be said once more, behind it.
std::size_t Outgoing::take_crossed(MutableBytes out, InFlight& about) {
    while (!crossed_.empty()) {
        const auto [node, device] = crossed_.extract(crossed_.begin()).value();
        if (const auto bytes = write_behalf(node, device, out, about)) return bytes;
    }
    while (!crossed_mwi_.empty()) {
        const auto [node, mailbox] = crossed_mwi_.extract(crossed_mwi_.begin()).value();
        if (const auto bytes = write_behalf(node, mailbox, out, about)) return bytes;
    }
    return 0;
}

// --- messages ---

std::size_t Outgoing::write_own(sync::OwnVote pair, MutableBytes out, InFlight& about) {
    const DeviceId device{pair.device};
    if (!settings_.publish.device_state || yields(pair.place)) return 0;
    const auto view = engine_.vote(device, own_[pair.place].id);
    if (!view || !view->version.exists()) return 0;
    DeviceStateChange event{engine_.device_name(device), view->state, state::Cachable::yes,
                            own_[pair.place].eid};
    if (!view->cachable) event.cachable = state::Cachable::no;
    if (view->withdrawn || goodbye_) event.state = DeviceState::unavailable;
    about.about = About::vote;
    about.place = pair.place;
    about.device = pair.device;
    const std::size_t bytes = write(event, out);
    if (bytes == 0) too_long(device);
    return bytes;
}

std::size_t Outgoing::write_own(std::uint16_t place, const Mailbox& mailbox, MutableBytes out,
                                InFlight& about) {
    if (!settings_.publish.mwi || yields(place)) return 0;
    const auto view = mwi_.vote(mailbox, own_[place].id);
    if (!view || !view->version.exists()) return 0;
    Mwi event{mailbox.name, mailbox.context, view->counts, own_[place].eid};
    if (view->withdrawn || goodbye_) event.counts = {};
    about.about = About::mwi;
    about.place = place;
    about.mailbox = mailbox;
    const std::size_t bytes = write(event, out);
    if (bytes == 0 && told_too_long_mailboxes_.insert(mailbox).second) ++counters_.names_too_long;
    return bytes;
}

/// A vote of a node that is out of sight is nobody's to repeat; of one that is gone it is taken back.
std::size_t Outgoing::write_behalf(NodeId node, DeviceId device, MutableBytes out, InFlight& about) {
    const auto view = engine_.vote(device, node);
    if (!view || view->withdrawn || (view->counts && view->stale)) return 0;
    about.about = About::behalf_vote;
    about.place = state::index_of(node);
    about.device = state::index_of(device);
    DeviceStateChange event{engine_.device_name(device), view->state, state::Cachable::yes,
                            engine_.node(node).eid};
    if (!view->cachable) event.cachable = state::Cachable::no;
    if (!view->counts) event.state = DeviceState::unavailable;
    return write(event, out);
}

std::size_t Outgoing::write_behalf(NodeId node, const Mailbox& mailbox, MutableBytes out, InFlight& about) {
    const auto view = mwi_.vote(mailbox, node);
    if (!view || view->withdrawn) return 0;
    about.about = About::behalf_mwi;
    about.place = state::index_of(node);
    about.mailbox = mailbox;
    const auto counts = view->counts_now ? view->counts : state::MessageCounts{};
    return write(Mwi{mailbox.name, mailbox.context, counts, engine_.node(node).eid}, out);
}

void Outgoing::too_long(DeviceId device) {
    if (!told_too_long_.add(state::index_of(device))) return;
    ++counters_.names_too_long;
    news_.push_back({News::Kind::name_too_long, {}, std::string(engine_.device_name(device))});
}

// --- what became of it ---

std::deque<Outgoing::InFlight>::iterator Outgoing::under_way(MessageId id) {
    const auto found = std::lower_bound(in_flight_.begin(), in_flight_.end(), id,
                                        [](const InFlight& one, MessageId other) { return one.id < other; });
    return found != in_flight_.end() && found->id == id ? found : in_flight_.end();
}

Outgoing::InFlight Outgoing::remove(const std::deque<InFlight>::iterator& place) {
    InFlight message = std::move(*place);
    in_flight_.erase(place);
    discoveries_under_way_ -= message.about == About::discovery;
    behalf_under_way_ -= message.about == About::behalf_vote || message.about == About::behalf_mwi;
    return message;
}

std::optional<Outgoing::About> Outgoing::delivered(MessageId id) {
    const auto found = under_way(id);
    if (found == in_flight_.end()) return std::nullopt;
    const About about = remove(found).about;
    counters_.votes_out += about == About::vote || about == About::behalf_vote;
    counters_.mwi_out += about == About::mwi || about == About::behalf_mwi;
    return about;
}

void Outgoing::lost(MessageId id) {
    const auto found = under_way(id);
    if (found == in_flight_.end()) return;
    ++counters_.lost;
    say_again(remove(found));
}

void Outgoing::say_again(const InFlight& message) {
    switch (message.about) {
        case About::vote:
            return vote_changed(message.place, message.device);
        case About::mwi:
            return mwi_changed(message.place, message.mailbox);
        case About::discovery:
            return;  // due as long as it has not been delivered
        case About::ping:
            ping_ = !goodbye_;
            return;
        case About::behalf_discovery:
            if (!message.introduced || goodbye_) return;
            if (const auto node = engine_.find_node(message.introduced->eid))
                repairs_.push_back({*message.introduced, *node, true, {}, {}});
            return;
        case About::behalf_vote:
            if (!goodbye_) crossed_.insert({NodeId{message.place}, DeviceId{message.device}});
            return;
        case About::behalf_mwi:
            if (!goodbye_) crossed_mwi_.insert({NodeId{message.place}, message.mailbox});
            return;
    }
}

std::uint64_t Outgoing::waiting() const {
    std::uint64_t dump = 0;
    if (dump_devices_.running())
        dump = std::min<std::uint64_t>(dump_devices_.left(engine_.device_bound()), own_votes());
    return dump + changes_.size() + mwi_changes_.size() + in_flight_.size() + repairs_.size() +
           crossed_.size() + crossed_mwi_.size() + (dump_mailboxes_.running() ? 1 : 0);
}

}  // namespace lamplight::bus::plain
