#pragma once

#include "channel.hpp"

namespace lamplight::evt_app {

/// `clear`: an event is retained no more.
class Clear : public ChannelCommand {
public:
    Clear(Session& session, const ClearOptions& options);
    void on_settled() override;

private:
    void on_open() override;

    ClearOptions options_;
    bool asked_ = false;
};

/// `unlink`: a channel is found by its name no more.
class Unlink : public Session::Command {
public:
    Unlink(Session& session, const UnlinkOptions& options) : session_(session), options_(options) {}
    Needs needs() const override { return Needs::channels; }
    void on_ready() override;
    void on_settled() override;

private:
    Session& session_;
    UnlinkOptions options_;
    bool asked_ = false;
};

}  // namespace lamplight::evt_app
