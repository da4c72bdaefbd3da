#include "administer.hpp"

#include <fmt/format.h>

namespace lamplight::evt_app {

namespace evt = bus::ais::evt;

Clear::Clear(Session& session, const ClearOptions& options)
    : ChannelCommand(session, options.channel, {evt::OpenFlags::publisher}), options_(options) {}

void Clear::on_open() {
    const auto cleared = session().service().clear_retention(handle(), options_.id);
    if (!cleared && cleared.error() == evt::Error::not_exist)
        return session().fail(
            fmt::format("channel {} retains no event {}: it has expired, was cleared, or was never "
                        "retained (SA_AIS_ERR_NOT_EXIST)",
                        escaped(channel()), to_string(options_.id)));
    if (!cleared) return fail(cleared.error(), fmt::format(", event {}", to_string(options_.id)));
    asked_ = true;
    session().group().settle_soon();
}

void Clear::on_settled() {
    if (asked_ && session().service().waiting() == 0) session().end(0);
}

void Unlink::on_ready() {
    const auto unlinked = session_.service().unlink(session_.service().add_client(), options_.channel);
    if (!unlinked) return session_.fail(complaint_of(options_.channel, unlinked.error()));
    asked_ = true;
    session_.group().settle_soon();
}

void Unlink::on_settled() {
    if (asked_ && session_.service().waiting() == 0) session_.end(0);
}

}  // namespace lamplight::evt_app
