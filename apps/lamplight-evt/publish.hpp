#pragma once

#include "channel.hpp"
#include "input.hpp"

#include <deque>
#include <optional>

namespace lamplight::evt_app {

/// `publish`: one event or one a line of standard input. An id is printed when its event has come back from
/// the group: then everybody has it, in its place among all others.
///
/// Bounds  what is under way: the service's queue; beyond it lines wait, and nobody reads on.
class Publish : public ChannelCommand {
public:
    Publish(Session& session, const PublishOptions& options);

    void on_settled() override { go_on(); }
    void on_room() override { go_on(); }
    std::string unfinished() const override;

private:
    using Error = bus::ais::evt::Error;

    void on_open() override;
    void go_on();
    /// False when there is nothing to publish now.
    bool publish_next();
    std::optional<std::string> next_data();
    bool is_all_published();
    void print_returned();
    void finish();

    PublishOptions options_;
    bus::ais::evt::Attributes attributes_;
    std::optional<std::string> kept_;  ///< to publish, and there was no room
    std::optional<Input> input_;
    std::deque<bus::ais::evt::EventId> under_way_;
    std::uint64_t published_ = 0;
};

}  // namespace lamplight::evt_app
