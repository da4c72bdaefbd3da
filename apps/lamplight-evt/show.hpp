#pragma once

#include "session.hpp"

namespace lamplight::evt_app {

/// `members`: who is in the cluster.
class ShowMembers : public Session::Command {
public:
    explicit ShowMembers(Session& session) : session_(session) {}
    Needs needs() const override { return session_.form() == Form::json ? Needs::opens : Needs::ring; }
    void on_ready() override;

private:
    Session& session_;
};

/// `channels`: which there are, who has them open, what is retained.
class ShowChannels : public Session::Command {
public:
    explicit ShowChannels(Session& session) : session_(session) {}
    Needs needs() const override { return Needs::opens; }
    void on_ready() override;

private:
    std::string text() const;
    std::string json() const;

    Session& session_;
};

}  // namespace lamplight::evt_app
