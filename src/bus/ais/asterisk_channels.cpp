#include "bus/ais/asterisk_channels.hpp"

#include "bus/ais/newest.hpp"
#include "bus/lan/own_group.hpp"
#include "console/texts.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lamplight::bus::ais {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t events_a_turn = 1'024;
constexpr auto told_patience = std::chrono::seconds(10);
constexpr ring::Member nobody;    ///< whose event it is has not been said yet
constexpr auto retry_after = 5s;  ///< a channel that could not be opened

wire::event::Dialect dialect_of(const conf::Configuration& main) {
    using Cachable = wire::event::Dialect::CachableElement;
    return {.hash = wire::event::HashRule::legacy,
            .cachable = main.ais_release == conf::AsteriskRelease::v1_8 ? Cachable::v1_8 : Cachable::v10};
}

}  // namespace

AsteriskChannels::AsteriskChannels(Host& host, EvtGroup& group, const lan::RingNames& names)
    : host_(host),
      log_(host.log()),
      group_(group),
      names_(names),
      channels_(group.service()),
      exchange_(host.engine(), host.mwi(), exchange_settings()),
      timer_(host.loop(), [this] { on_time(); }),
      retry_timer_(host.loop()),
      told_timer_(host.loop()),
      alive_(std::make_shared<AsteriskChannels*>(this)) {
    exchange_.set_own_nodes(host_.own_nodes());
    for (const EventType type : {EventType::mwi, EventType::device_state})
        attributes(type) = {.patterns = {std::string(pattern_of(type))},
                            .priority = evt::lowest_priority,
                            .retention = evt::one_minute,
                            .publisher = {}};
}

AsteriskChannels::~AsteriskChannels() {
    alive_.reset();
}

evt::Attributes& AsteriskChannels::attributes(EventType type) {
    return attributes_[type == EventType::mwi ? 0 : 1];
}

// --- settings ---

plain::Settings AsteriskChannels::exchange_settings() const {
    plain::Settings settings;
    settings.bus = state::Bus::ais_plain;
    settings.identity = plain::Identity::process;
    settings.dump_pause = 1s;  // what a dump says is retained for a minute
    settings.duplicate = host_.configuration().stand_in ? plain::Duplicate::ignore : plain::Duplicate::yield;
    settings.dialect = dialect_of(host_.configuration());
    settings.publish = channels_.publish();
    settings.subscribe = channels_.subscribe();
    return settings;
}

void AsteriskChannels::configure(const conf::AisSettings& settings) {
    settings_ = settings;
    group_.service().configure(settings.queue_limit, settings.queue_resume);
    channels_.configure(settings.channels, group_.moment(), group_.output());
    replaying_ = true;  // of what is subscribed to only now
    drain_soon();
    refusal_told_ = false;
    look_around();
    retry_later();
    settle();
    group_.settle_soon();
}

/// Other channels are open, by us or by others. First what we publish, so that who came gets all of it.
void AsteriskChannels::look_around() {
    exchange_.configure(exchange_settings());
    std::vector<Audience::Event> events;
    const std::vector<evt::Service::ChannelView> all = group_.service().channels();
    audience_.look(channels_.open(), all, group_.link().group().self(), events);
    act_on(events);
    tell_of_unlinked(all);
}

/// We stay in such a channel with those who have it open; somebody who is new finds another of this name.
void AsteriskChannels::tell_of_unlinked(std::span<const evt::Service::ChannelView> all) {
    const ring::Member self = group_.link().group().self();
    for (const evt::Service::ChannelView& channel : all) {
        const bool ours =
            std::ranges::find(channel.opens, self, &evt::Service::OpenView::member) != channel.opens.end();
        if (!channel.unlinked || !ours || !unlinked_told_.insert(channel.id).second) continue;
        log_.warning(
            "AIS: the event channel '{}' was unlinked: its members go on hearing each other, and who opens "
            "'{}' "
            "from now on is in another channel. To follow there: module unload and load res_ais.so",
            channel.name, channel.name);
    }
}

void AsteriskChannels::retry_later() {
    const auto refused = channels_.refused();
    if (refused.empty()) return;
    for (const Channels::Refused& channel : refused)
        if (!refusal_told_)
            log_.error("AIS: the event channel '{}' cannot be opened: {}: {}. Trying again every {} s",
                       channel.name, evt::to_string(channel.error), evt::explain(channel.error),
                       std::chrono::seconds(retry_after).count());
    refusal_told_ = true;
    retry_timer_.expires_after(retry_after);
    retry_timer_.async_wait([alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        const auto self = alive.lock();
        if (error || !self) return;
        (*self)->channels_.retry((*self)->group_.moment());
        (*self)->retry_later();
        (*self)->group_.settle_soon();
    });
}

// --- what the group says ---

void AsteriskChannels::on_joined() {
    exchange_.set_self(group_.link().group().self(), {});
    on_described();
    tell_when_not_told();
}

/// Until a member has told us the channels of the cluster, none is open for us.
void AsteriskChannels::tell_when_not_told() {
    told_timer_.expires_after(told_patience);
    told_timer_.async_wait([alive = std::weak_ptr(alive_)](boost::system::error_code error) {
        const auto self = alive.lock();
        if (error || !self || !(*self)->group_.joined() || (*self)->group_.service().knows_registry()) return;
        (*self)->log_.warning(
            "AIS: in the group saEvt for {} s, and no member has told which event channels there are: votes "
            "of "
            "Asterisk servers wait. Is one of the processes of `lamplight-evt members --json` halted?",
            std::chrono::seconds(told_patience).count());
    });
}

void AsteriskChannels::on_lost() {
    held_ = false;
    copies_.clear();
    exchange_.disconnected();
}

void AsteriskChannels::on_described() {
    const std::string name = group_.membership().known_node(group_.link().group().self().node_id).name;
    for (evt::Attributes& one : attributes_)
        one.publisher = name;
}

void AsteriskChannels::on_member(const group::MemberEvent& event) {
    std::vector<Audience::Event> events;
    audience_.on_member(event, events);
    act_on(events);
    if (event.kind == group::MemberEvent::Kind::gone) early_.erase(event.member);
}

void AsteriskChannels::act_on(const std::vector<Audience::Event>& events) {
    using Kind = Audience::Event::Kind;
    const state::Time now = host_.now();
    for (const auto& [kind, member, departure] : events) {
        const std::string label = names_.label(member);
        switch (kind) {
            case Kind::came:
                log_.verbose(3, "AIS: {} has an event channel of ours open", label);
                exchange_.member_came(member, label, now, out_);
                if (early_.erase(member) + early_.erase(nobody) > 0) resync_.ask(now);
                break;
            case Kind::returned:
                log_.verbose(3, "AIS: {} can be heard again in our event channels", label);
                exchange_.member_returned(member, now, out_);
                break;
            case Kind::hears_more:
                log_.verbose(3, "AIS: {} has one more event channel of ours open", label);
                exchange_.member_hears_more(member, now, out_);
                break;
            case Kind::gone:
                log_.verbose(3, "AIS: {} has no event channel of ours open any more ({})", label,
                             state::to_string(departure));
                exchange_.member_gone(member, departure, now, out_);
                break;
        }
    }
}

void AsteriskChannels::on_output(evt::Output& out) {
    for (const evt::News& news : out.news)
        on_news(news);
    for (const evt::Opened& opened : out.opened)
        on_opened(opened);
    if (out.opens_changed || !out.opened.empty()) look_around();
    if (std::ranges::find(out.ready, channels_.client()) == out.ready.end()) return;
    if (replaying_)
        drain_soon();
    else
        drain_at_once();
}

/// As they come, so that the queue holds no more than one frame brought.
void AsteriskChannels::drain_at_once() {
    const evt::Moment moment = group_.moment();
    while (const auto delivery = group_.service().next(channels_.client(), moment))
        on_delivery(*delivery, moment);
}

void AsteriskChannels::on_opened(const evt::Opened& opened) {
    if (opened.client != channels_.client()) return;
    if (const auto name = channels_.on_opened(opened, group_.moment(), group_.output())) {
        log_.verbose(2, "AIS: the event channel '{}' is open", *name);
        replaying_ = true;
        drain_soon();
    }
    if (opened.error) retry_later();
    group_.settle_soon();
}

void AsteriskChannels::on_news(const evt::News& news) {
    using Kind = evt::News::Kind;
    const std::string who = names_.label(news.member);
    switch (news.kind) {
        case Kind::registry_known:
            return log_.verbose(2, "AIS: the event channels of the cluster are known: {}", news.text);
        case Kind::malformed:
            return log_.warning("AIS: a frame of event channels from {} was refused: {}", who, news.text);
        case Kind::lost:
            return;  // told by the notice in our queue, when what is missing is asked for
        case Kind::not_retained:
            return log_.warning(
                "AIS: events are not retained any more, because the limit is reached{}{}: who opens a "
                "channel within a minute of them does not get them",
                news.text.empty() ? "" : ": ", news.text);
        case Kind::other_version:
            return log_.warning("AIS: {} speaks another format of event channels: it is not heard", who);
        case Kind::foreign_id:
            return log_.warning("AIS: an event from {} was refused: its id is another's or reserved", who);
    }
}

// --- events in ---

void AsteriskChannels::drain_soon() {
    if (std::exchange(draining_, true)) return;
    boost::asio::post(host_.loop(), [alive = std::weak_ptr(alive_)] {
        if (const auto self = alive.lock()) (*self)->drain();
    });
}

/// Of what was retained, the newest is enough: what followed on each other long ago shall not pass once more
/// before everybody's eyes.
void AsteriskChannels::drain() {
    draining_ = false;
    const evt::Moment moment = group_.moment();
    std::vector<evt::Delivery> deliveries;
    while (deliveries.size() < events_a_turn) {
        auto delivery = group_.service().next(channels_.client(), moment);
        if (!delivery) break;
        deliveries.push_back(std::move(*delivery));
    }
    const std::vector<bool> old =
        replaying_ ? made_old(deliveries) : std::vector<bool>(deliveries.size(), false);
    for (std::size_t i = 0; i < deliveries.size(); ++i) {
        counters_.made_old += old[i];
        if (!old[i]) on_delivery(deliveries[i], moment);
    }
    settle();
    if (group_.service().has_next(channels_.client()))
        drain_soon();
    else
        replaying_ = false;
    group_.settle_soon();
}

void AsteriskChannels::on_delivery(const evt::Delivery& delivery, evt::Moment moment) {
    const evt::Event& event = *delivery.event;
    if (event.id == evt::EventId::lost) return on_gap();
    // Not known of what others told us; then by its id.
    const ring::Member said{event.from.node_id, event.from.pid};
    const ring::Member from = said == nobody ? group_.service().owner_of(event.id) : said;
    if (from == group_.link().group().self()) {
        ++counters_.own_events;
        return;
    }
    if (!audience_.contains(from)) {
        ++counters_.unheard;
        if (from == nobody || group_.link().members().is_present(from)) early_.insert(from);
        return;
    }
    ++counters_.events_in;
    const wire::Bytes data{reinterpret_cast<const std::uint8_t*>(event.data.data()), event.data.size()};
    exchange_.receive(from, data, moment.now, out_);
}

void AsteriskChannels::on_gap() {
    ++counters_.gaps;
    resync_.ask(host_.now());
}

void AsteriskChannels::resync() {
    if (!resync_.take(host_.now())) return;
    const std::uint64_t dropped = group_.service().counters().dropped;
    if (dropped != dropped_told_)
        log_.warning(
            "AIS: {} events for us were dropped, because we did not read them in time (delivery_queue_size "
            "of "
            "openais.conf: {}). What is retained is delivered again; what others published without retention "
            "is lost",
            dropped - dropped_told_, settings_.queue_limit);
    dropped_told_ = dropped;
    ++counters_.resyncs;
    channels_.subscribe_again(group_.moment(), group_.output());
    replaying_ = true;
    drain_soon();
    group_.settle_soon();
}

// --- events out ---

bool AsteriskChannels::wants_to_send() const {
    return !held_ && (copies_.waits() || exchange_.wants_to_send());
}

group::Taken AsteriskChannels::take(wire::MutableBytes out) {
    if (!copies_.waits()) {
        const plain::Taken taken = exchange_.take(message_);
        if (taken.bytes == 0) return {};
        const wire::Bytes message{message_.data(), taken.bytes};
        const auto type = type_of(message);
        auto handles = type ? channels_.publishing(*type) : std::vector<evt::ChannelHandle>{};
        if (handles.empty()) {
            exchange_.delivered(taken.id);
            return {};
        }
        copies_.begin(taken.id, message, std::move(handles));
    }
    const Copies::Copy copy = copies_.next();
    const auto bytes = group_.service().write_event(copy.channel, attributes(*type_of(copy.message)),
                                                    copy.message, group_.moment(), out);
    held_ = !bytes && bytes.error() == evt::Error::try_again;
    if (held_) return {};
    copies_.sent();
    if (bytes) return {*bytes, copy.tag};
    ++counters_.not_written;
    on_delivered(copy.tag);
    return {};
}

void AsteriskChannels::on_delivered(std::uint64_t tag) {
    if (const auto message = copies_.delivered(tag)) exchange_.delivered(*message);
}

void AsteriskChannels::on_message_lost(std::uint64_t tag) {
    if (const auto message = copies_.lost(tag)) exchange_.lost(*message);
}

// --- what comes of inputs ---

void AsteriskChannels::on_changes(const state::Changes& changes) {
    exchange_.on_changes(changes);
    if (exchange_.has_strangers()) group_.settle_soon();
}

void AsteriskChannels::on_mwi_changes(std::span<const state::MwiOwnChange> changes) {
    for (const state::MwiOwnChange& change : changes)
        exchange_.mwi_changed(change.node, change.mailbox);
    if (exchange_.has_strangers()) group_.settle_soon();
}

void AsteriskChannels::on_own_nodes_changed() {
    exchange_.set_own_nodes(host_.own_nodes());
    group_.settle_soon();
}

void AsteriskChannels::on_lamplights(const std::vector<ring::Member>& lamplights) {
    exchange_.set_lamplights(lamplights, host_.now(), out_);
    settle();
    group_.settle_soon();
}

void AsteriskChannels::on_settled() {
    held_ = false;  // the service may have sent what was to go before
    settle();
}

/// Hands on what an input brought about. Must not run inside on_changes.
void AsteriskChannels::settle() {
    for (const plain::News& news : out_.news)
        tell(news);
    out_.news.clear();
    if (!out_.changes.empty()) host_.publish(out_.changes);
    if (!out_.mwi.empty()) host_.publish_mwi(out_.mwi);
    resync();
    timer_.set(next_deadline(), host_.now());
    finish_goodbye();
}

std::optional<state::Time> AsteriskChannels::next_deadline() const {
    const auto deadline = exchange_.next_deadline();
    const auto again = resync_.deadline();
    return again ? std::min(*again, deadline.value_or(*again)) : deadline;
}

void AsteriskChannels::on_time() {
    exchange_.on_time(host_.now(), out_);
    settle();
    group_.settle_soon();
}

void AsteriskChannels::tell(const plain::News& news) {
    using Kind = plain::News::Kind;
    const std::string who = names_.label(news.member);
    switch (news.kind) {
        case Kind::ping:
        case Kind::discovered:
        case Kind::announced:
        case Kind::shared_node:
        case Kind::shared_node_over:
            return;  // not in event channels
        case Kind::dump_begins:
            return log_.verbose(3, "AIS: dumping {} votes into the event channels", news.text);
        case Kind::dump_ended:
            return log_.verbose(3, "AIS: dumped {} events", news.text);
        case Kind::malformed:
            return log_.warning("AIS: an event from {} was refused: {}", who, news.text);
        case Kind::name_too_long:
            return log_.warning(
                "AIS: the state of '{}' cannot be sent to Asterisk: its wire takes names of at most {} "
                "bytes; "
                "other Lamplights have it",
                news.text, wire::event::max_device_bytes);
        case Kind::yields:
            return log_.warning(
                "AIS: {} publishes with the entity ID {}, which is ours: to all others the two of us would "
                "be "
                "one server. What we have to say for it stays out of the event channels while that program "
                "is "
                "there; other Lamplights have it. Give one of the two another entityid, or set stand_in = "
                "yes "
                "in lamplight.conf when that one is about to go",
                who, news.text);
        case Kind::yields_no_more:
            return log_.notice("AIS: nobody else publishes with our entity ID {} any more: speaking for it",
                               news.text);
    }
}

// --- the end ---

void AsteriskChannels::say_goodbye(Goodbye how, std::function<void()> done) {
    goodbye_ = how;
    goodbye_done_ = std::move(done);
    retry_timer_.cancel();
    if (how == Goodbye::stop) exchange_.say_goodbye();
    group_.settle_soon();
    finish_goodbye();
}

void AsteriskChannels::finish_goodbye() {
    if (!goodbye_done_) return;
    const bool said = *goodbye_ == Goodbye::stop ? exchange_.said_goodbye()
                                                 : !exchange_.has_strangers() || exchange_.waiting() == 0;
    if (!group_.joined() || said) std::exchange(goodbye_done_, nullptr)();
}

// --- questions ---

std::string AsteriskChannels::detail() const {
    if (settings_.channels.empty()) return "no event channel in ais.conf";
    if (!group_.service().knows_registry()) return "waits for a member to tell the channels of the cluster";
    std::string text =
        fmt::format("{} open; {} other {} them open", console::counted(channels_.open().size(), "channel"),
                    exchange_.members(), exchange_.members() == 1 ? "program has" : "programs have");
    if (const std::size_t refused = channels_.refused().size(); refused > 0)
        text += fmt::format("; {} cannot be opened", refused);
    return text;
}

Status AsteriskChannels::status() const {
    const plain::Counters& votes = exchange_.counters();
    Status status;
    status.bus = "channels";
    status.up = group_.joined();
    status.peers = static_cast<std::uint32_t>(exchange_.members());
    status.detail = status.up ? detail() : lan::trouble_of(group_.link());
    status.votes_out = votes.votes_out;
    status.votes_in = votes.votes_in;
    status.frames_out = group_.service().counters().frames_out;
    status.frames_in = group_.service().counters().frames_in;
    status.refused_frames = votes.refused() + group_.service().counters().refused();
    status.waiting = exchange_.members() > 0 ? exchange_.waiting() : 0;  // kept for who comes: nobody waits
    return status;
}

}  // namespace lamplight::bus::ais
