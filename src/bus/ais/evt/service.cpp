#include "bus/ais/evt/service.hpp"

#include "bus/ais/evt/impl.hpp"

#include <algorithm>
#include <utility>

namespace lamplight::bus::ais::evt {

void Output::clear() {
    opened.clear();
    ready.clear();
    news.clear();
    opens_changed = false;
}

// --- questions ---

bool Service::Impl::has_open(ring::Member member, std::string_view name) const {
    const Peer* peer = roster_.find(member);
    return peer != nullptr && std::ranges::any_of(peer->opens, [&](const auto& entry) {
               const MemberOpen& open = entry.second;
               const Channel* channel = registry_.find(open.channel);
               return open.name == name && (channel == nullptr || channel->status == Channel::Status::living);
           });
}

std::vector<Service::ChannelView> Service::Impl::channels() const {
    std::map<ChannelId, ChannelView> views;
    std::map<std::string_view, ChannelId> living;
    std::map<ChannelId, ChannelView*> by_id;
    for (const auto& [id, channel] : registry_.channels()) {
        const bool unlinked = channel.status == Channel::Status::unlinked;
        const ChannelId first = unlinked ? id : living.try_emplace(channel.name, id).first->second;
        ChannelView& view =
            views.try_emplace(first, ChannelView{first, channel.name, unlinked, {}, 0, 0}).first->second;
        by_id[id] = &view;
        const RetainedEvents::Shelf* shelf = retained_.shelf(id);
        if (shelf == nullptr) continue;
        view.retained += shelf->list.size();
        view.retained_bytes += shelf->bytes;
    }
    for (const auto& [member, peer] : roster_.peers())
        for (const auto& [handle, open] : peer.opens)
            if (const auto view = by_id.find(open.channel); view != by_id.end())
                view->second->opens.push_back({member, open.flags});
    std::vector<ChannelView> sorted;
    for (auto& [id, view] : views)
        sorted.push_back(std::move(view));
    std::ranges::stable_sort(sorted, {}, &ChannelView::name);
    return sorted;
}

std::vector<Service::MemberView> Service::Impl::members() const {
    std::vector<MemberView> views;
    for (const auto& [member, peer] : roster_.peers()) {
        if (!peer.present) continue;
        views.push_back({.member = member,
                         .known = peer.known,
                         .program = peer.program,
                         .boot_time = peer.boot_time,
                         .initial_view = peer.initial_view,
                         .opens = peer.opens.size()});
    }
    return views;
}

// --- one door ---

Service::Service(const Settings& settings, std::function<std::uint32_t()> draw)
    : impl_(std::make_unique<Impl>(settings, std::move(draw))) {}
Service::~Service() = default;

void Service::configure(std::size_t queue_limit, std::size_t queue_resume) {
    impl_->clients().configure(queue_limit, queue_resume);
}
void Service::joined(ring::Member self, std::span<const ring::Member> there, Moment moment, Output& out) {
    impl_->joined(self, there, moment, out);
}
void Service::set_initial_view(std::uint64_t view) {
    impl_->set_initial_view(view);
}
void Service::member_came(ring::Member member, Moment moment, Output& out) {
    impl_->member_came(member, moment, out);
}
void Service::member_returned(ring::Member member, Moment moment, Output& out) {
    impl_->member_returned(member, moment, out);
}
void Service::member_gone(ring::Member member, state::Departure departure, Moment moment, Output& out) {
    impl_->member_gone(member, departure, moment, out);
}
void Service::receive(ring::Member from, wire::Bytes frame, Moment moment, Output& out) {
    impl_->receive(from, frame, moment, out);
}
void Service::disconnected(Moment moment, Output& out) {
    impl_->disconnected(moment, out);
}

bool Service::wants_to_send() const {
    return impl_->wants_to_send();
}
Service::Taken Service::take(wire::MutableBytes out, Moment moment) {
    return impl_->take(out, moment);
}
void Service::delivered(FrameId id) {
    impl_->delivered(id);
}
void Service::lost(FrameId id) {
    impl_->lost(id);
}

ClientId Service::add_client() {
    return impl_->clients().add();
}
void Service::remove_client(ClientId client) {
    impl_->remove_client(client);
}
tl::expected<void, Error> Service::open(ClientId client, std::string_view name, OpenFlags flags,
                                        Invocation invocation, std::optional<state::Time> deadline, Moment) {
    return impl_->open(client, name, flags, invocation, deadline);
}
tl::expected<void, Error> Service::close(ChannelHandle handle) {
    return impl_->close(handle);
}
tl::expected<void, Error> Service::unlink(ClientId client, std::string_view name) {
    return impl_->unlink(client, name);
}
tl::expected<EventId, Error> Service::publish(ChannelHandle handle, const Attributes& attributes,
                                              wire::Bytes data, Moment moment) {
    return impl_->publish(handle, attributes, data, moment);
}
tl::expected<std::size_t, Error> Service::write_event(ChannelHandle handle, const Attributes& attributes,
                                                      wire::Bytes data, Moment moment,
                                                      wire::MutableBytes out) {
    return impl_->write_event(handle, attributes, data, moment, out);
}
tl::expected<void, Error> Service::subscribe(ChannelHandle handle, std::vector<Filter> filters,
                                             SubscriptionId subscription, Moment moment, Output& out) {
    return impl_->subscribe(handle, std::move(filters), subscription, moment, out);
}
tl::expected<void, Error> Service::unsubscribe(ChannelHandle handle, SubscriptionId subscription) {
    return impl_->clients().unsubscribe(handle, subscription);
}
tl::expected<void, Error> Service::clear_retention(ChannelHandle handle, EventId id) {
    return impl_->clear_retention(handle, id);
}
std::optional<Delivery> Service::next(ClientId client, Moment moment) {
    return impl_->clients().next(client, moment.now);
}
bool Service::has_next(ClientId client) const {
    return impl_->clients().has_next(client);
}

std::optional<state::Time> Service::next_deadline() const {
    return impl_->next_deadline();
}
void Service::on_time(Moment moment, Output& out) {
    impl_->on_time(moment, out);
}
bool Service::in_group() const {
    return impl_->in_group();
}
bool Service::knows_registry() const {
    return impl_->whole();
}
std::size_t Service::waiting() const {
    return impl_->waiting();
}
const Counters& Service::counters() const {
    return impl_->counters();
}
ring::Member Service::owner_of(EventId id) const {
    return impl_->owner_of(id);
}
bool Service::has_open(ring::Member member, std::string_view name) const {
    return impl_->has_open(member, name);
}
std::vector<Service::ChannelView> Service::channels() const {
    return impl_->channels();
}
std::vector<Service::MemberView> Service::members() const {
    return impl_->members();
}

}  // namespace lamplight::bus::ais::evt
