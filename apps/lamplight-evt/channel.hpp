#pragma once

#include "session.hpp"

#include <string>

namespace lamplight::evt_app {

/// What subcommands that open a channel have in common.
class ChannelCommand : public Session::Command {
public:
    ChannelCommand(Session& session, std::string channel, bus::ais::evt::OpenFlags flags)
        : session_(session), channel_(std::move(channel)), flags_(flags) {}

    Needs needs() const override { return Needs::channels; }
    void on_ready() override;
    void on_output(bus::ais::evt::Output& out) override;

protected:
    /// The channel is open.
    virtual void on_open() = 0;
    void fail(bus::ais::evt::Error error, std::string_view about = {});

    Session& session() { return session_; }
    const std::string& channel() const { return channel_; }
    bus::ais::evt::ClientId client() const { return client_; }
    bus::ais::evt::ChannelHandle handle() const { return handle_; }
    bool is_open() const { return open_; }

private:
    Session& session_;
    std::string channel_;
    bus::ais::evt::OpenFlags flags_;
    bus::ais::evt::ClientId client_{};
    bus::ais::evt::ChannelHandle handle_{};
    bool open_ = false;
};

}  // namespace lamplight::evt_app
