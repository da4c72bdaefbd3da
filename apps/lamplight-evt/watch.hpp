#pragma once

#include "session.hpp"

#include <deque>

namespace lamplight::evt_app {

/// `watch`: each change of the membership as aisexec -f printed it.
///
/// Bounds  changes that wait, for addresses or for a reader: 1,000; the oldest go, and that is said.
class Watch : public Session::Command {
public:
    explicit Watch(Session& session) : session_(session) {}

    Needs needs() const override { return Needs::ring; }
    void on_transition(const bus::ais::clm::Transition& transition) override;
    void on_described() override;
    void on_room() override { print_described(); }
    WhenLost when_lost() const override { return WhenLost::wait; }
    int on_signal() override { return 0; }

private:
    struct Seen {
        bus::ais::evt::Nanoseconds wall = 0;
        bus::ais::clm::Transition transition;
    };
    void print_described();
    void print(const Seen& seen);

    Session& session_;
    std::deque<Seen> unprinted_;
    std::size_t described_ = 0;  ///< the first of unprinted_, whose nodes have their addresses
    std::uint64_t dropped_ = 0;
};

}  // namespace lamplight::evt_app
