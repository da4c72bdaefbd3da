#include "channel.hpp"

namespace lamplight::evt_app {

namespace evt = bus::ais::evt;

void ChannelCommand::on_ready() {
    evt::Service& service = session_.service();
    const evt::Moment moment = session_.group().moment();
    client_ = service.add_client();
    constexpr evt::Invocation the_only = 1;
    const auto asked =
        service.open(client_, channel_, flags_, the_only, moment.now + session_.wait(), moment);
    if (!asked) return fail(asked.error());
    session_.group().settle_soon();
}

void ChannelCommand::on_output(evt::Output& out) {
    for (const evt::Opened& opened : out.opened) {
        if (opened.client != client_ || open_) continue;
        if (opened.error) return fail(*opened.error);
        handle_ = opened.handle;
        open_ = true;
        on_open();
    }
}

void ChannelCommand::fail(evt::Error error, std::string_view about) {
    session_.fail(complaint_of(channel_, error, about));
}

}  // namespace lamplight::evt_app
