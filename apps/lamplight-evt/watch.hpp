#pragma once

#include "session.hpp"

#include <deque>

namespace lamplight::evt_app {

/// `watch`: each change of the membership as aisexec -f printed it.
class Watch : public Session::Command {
public:
    explicit Watch(Session& session) : session_(session) {}

    Needs needs() const override { return Needs::ring; }
    void on_transition(const bus::ais::clm::Transition& transition) override;
    void on_described() override;
    WhenLost when_lost() const override { return WhenLost::wait; }
    int on_signal() override { return 0; }

private:
    struct Seen {
        bus::ais::evt::Nanoseconds wall = 0;
        bus::ais::clm::Transition transition;
    };
    void print(const Seen& seen);

    Session& session_;
    std::deque<Seen> unprinted_;  ///< nodes have no addresses yet; as many as come while Corosync is asked
};

}  // namespace lamplight::evt_app
