#pragma once

#include "state/engine.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace lamplight::state {

/// An engine with an own node (02:…:01) and words to make others speak.
class EngineFixture : public ::testing::Test {
protected:
    explicit EngineFixture(const Policy& policy = {}, const Limits& limits = {})
        : engine(policy, limits, 42) {
        self = engine.add_own_node({eid(1), "pbx1", 1000}, now, changes);
        changes.clear();
    }

    static Eid eid(std::uint8_t last) { return {{2, 0, 0, 0, 0, last}}; }
    DeviceId device(std::string_view name) { return engine.intern_device(name, changes).value(); }
    void pass(Duration time) {
        now += time;
        engine.on_time(now, changes);
    }

    SenderId join(std::uint8_t last, std::string name, Bus bus = Bus::local, std::uint64_t incarnation = 1,
                  Announcement::Speaks speaks = Announcement::Speaks::for_itself) {
        const SenderId sender = engine.open_sender(bus, name, changes).value();
        EXPECT_EQ(engine.announce(sender, {eid(last), name, incarnation, speaks}, now, changes),
                  AnnounceOutcome::accepted);
        return sender;
    }
    NodeId node(std::uint8_t last) { return engine.intern_node(eid(last), changes).value(); }

    VoteOutcome vote(SenderId sender, std::uint8_t last, std::string_view name, DeviceState state,
                     Version version = {}) {
        const Vote vote{device(name), node(last), state, VoteKind::state, Cachable::yes, sender, version};
        VoteOutcome outcome{};
        engine.apply({&vote, 1}, now, changes, &outcome);
        return outcome;
    }
    VoteOutcome withdraw(SenderId sender, std::uint8_t last, std::string_view name, Version version) {
        const Vote vote{device(name), node(last), {}, VoteKind::withdrawal, Cachable::yes, sender, version};
        VoteOutcome outcome{};
        engine.apply({&vote, 1}, now, changes, &outcome);
        return outcome;
    }
    void set(std::string_view name, DeviceState state) {
        engine.set_own(self, device(name), state, Cachable::yes, Cause::console, now, changes);
    }
    DeviceState aggregate(std::string_view name) { return engine.aggregate(device(name)); }
    Standing standing(std::uint8_t last) { return engine.node(node(last)).standing; }
    VoteView view(std::string_view name, std::uint8_t last) {
        return engine.vote(device(name), node(last)).value();
    }

    Engine engine;
    Changes changes;
    NodeId self{};
    Time now{std::chrono::hours(1)};
};

}  // namespace lamplight::state
