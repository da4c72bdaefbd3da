#include "subscribe.hpp"

#include <fmt/format.h>

namespace lamplight::evt_app {

namespace evt = bus::ais::evt;

namespace {

evt::OpenFlags flags_of(const SubscribeOptions& options) {
    const std::uint8_t create = options.when_missing == WhenMissing::create ? evt::OpenFlags::create : 0;
    return {static_cast<std::uint8_t>(evt::OpenFlags::subscriber | create)};
}

}  // namespace

Subscribe::Subscribe(Session& session, const SubscribeOptions& options)
    : ChannelCommand(session, options.channel, flags_of(options)), options_(options), timer_(session.loop()) {
    if (options_.filters.empty()) options_.filters.push_back({evt::Filter::Type::pass_all, {}});
}

void Subscribe::on_open() {
    constexpr evt::SubscriptionId the_only = 1;
    bus::ais::EvtGroup& group = session().group();
    const auto subscribed =
        session().service().subscribe(handle(), options_.filters, the_only, group.moment(), group.output());
    if (!subscribed) return fail(subscribed.error());
    group.settle_soon();
    if (!options_.timeout) return;
    timer_.expires_after(*options_.timeout);
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error) on_timeout();
    });
}

void Subscribe::on_output(evt::Output& out) {
    ChannelCommand::on_output(out);
    if (!out.ready.empty()) print();
}

void Subscribe::print() {
    if (!is_open()) return;
    while (session().output().has_room()) {
        const auto delivery = session().service().next(client(), session().group().moment());
        if (!delivery) return;
        print(*delivery);
        if (options_.count == 0 || printed_ < options_.count) continue;
        timer_.cancel();
        return session().end(0);
    }
}

void Subscribe::print(const evt::Delivery& delivery) {
    if (delivery.event->id != evt::EventId::lost) {
        ++printed_;
        return session().output().write(line_of(*delivery.event, session().form()));
    }
    const std::string line = lost_line(session().form());
    if (line.empty()) return Session::say("events were lost here: they came faster than they were read");
    session().output().write(line);
}

void Subscribe::on_timeout() {
    if (status() == 0) return session().end(0);
    session().fail(fmt::format("channel {}: {} of {} events came within the time", escaped(channel()),
                               printed_, options_.count));
}

}  // namespace lamplight::evt_app
