#include "sim/bus.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

namespace lamplight::sim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Writes down what it is told.
struct Ear : BusListener {
    std::vector<std::string> heard;

    void on_joined(ProcessId, const std::string& label) override { heard.push_back("joined " + label); }
    void on_gone(ProcessId peer, state::Departure departure) override {
        heard.push_back(fmt::format("gone {} {}", static_cast<int>(peer), to_string(departure)));
    }
    void on_present(ProcessId peer) override {
        heard.push_back(fmt::format("present {}", static_cast<int>(peer)));
    }
    void on_frame(ProcessId from, wire::Bytes frame) override {
        heard.push_back(fmt::format("{}: {}", static_cast<int>(from), wire::text_of(frame)));
    }
    void on_sent(std::uint64_t token) override { heard.push_back(fmt::format("sent {}", token)); }
    void on_lost(std::uint64_t token) override { heard.push_back(fmt::format("lost {}", token)); }
};

struct ModelBusTest : testing::Test {
    Scheduler scheduler;
    Random random{1};
    ModelBus bus{scheduler, random, BusTimes{}};
    std::deque<Ear> ears;
    std::vector<ProcessId> processes;
    std::uint64_t tokens = 0;

    void join(const std::string& host) {
        ears.emplace_back();
        processes.push_back(bus.join(host, ears.back(), host));
    }
    void pass(Duration duration) {
        const Time end = scheduler.now() + duration;
        while (scheduler.step(end)) {
        }
    }
    void three() {
        for (const char* host : {"a", "b", "c"})
            join(host);
        pass(Duration{10});
        forget();
    }
    void forget() {
        for (Ear& ear : ears)
            ear.heard.clear();
    }
    void say(int from, std::string_view text, std::optional<int> to = std::nullopt) {
        const auto bytes = wire::bytes_of(text);
        const auto addressee = to ? std::optional(processes[static_cast<std::size_t>(*to)]) : std::nullopt;
        bus.send(processes[static_cast<std::size_t>(from)], addressee, {bytes.begin(), bytes.end()},
                 ++tokens);
    }
};

TEST_F(ModelBusTest, WhoJoinsSeesWhoIsThereAndIsSeen) {
    join("a");
    join("b");
    pass(Duration{10});
    EXPECT_THAT(ears[0].heard, ElementsAre("joined b"));
    EXPECT_THAT(ears[1].heard, ElementsAre("joined a"));
}

TEST_F(ModelBusTest, AllHearEverythingInOneOrder) {
    three();
    bus.times().jitter = Duration{30};
    say(0, "one");
    say(1, "two");
    say(0, "three");
    pass(Duration{200});
    EXPECT_THAT(ears[2].heard, ElementsAre("0: one", "1: two", "0: three"));
    EXPECT_THAT(ears[0].heard, ElementsAre("sent 1", "1: two", "sent 3"));
}

TEST_F(ModelBusTest, AFrameWithAnAddresseeReachesItAlone) {
    three();
    say(0, "you", 1);
    pass(Duration{10});
    EXPECT_THAT(ears[1].heard, ElementsAre("0: you"));
    EXPECT_THAT(ears[2].heard, IsEmpty());
    bus.kill(processes[1]);
    say(0, "you", 1);
    pass(Duration{10});
    EXPECT_THAT(ears[0].heard, ElementsAre("sent 1", "gone 1 failed", "lost 2"));
}

TEST_F(ModelBusTest, DeathAndGoodbyeAreTold) {
    three();
    bus.kill(processes[0]);
    bus.leave(processes[1]);
    pass(Duration{10});
    EXPECT_THAT(ears[2].heard, ElementsAre("gone 0 failed", "gone 1 left"));
}

TEST_F(ModelBusTest, WhileACutIsBeingNoticedTheRingStandsStillAndThenOnlyTheSendersSideHears) {
    three();
    bus.partition({{"a", "b"}, {"c"}});
    say(0, "late");
    pass(Duration{999});
    EXPECT_THAT(ears[1].heard, IsEmpty());
    EXPECT_FALSE(bus.connected(processes[0], processes[1]));
    pass(Duration{10});
    EXPECT_THAT(ears[0].heard, ElementsAre("gone 2 silent", "sent 1"));
    EXPECT_THAT(ears[1].heard, ElementsAre("gone 2 silent", "0: late"));
    EXPECT_THAT(ears[2].heard, ElementsAre("gone 0 silent", "gone 1 silent"));
    EXPECT_TRUE(bus.connected(processes[0], processes[1]));
    EXPECT_FALSE(bus.connected(processes[0], processes[2]));
}

TEST_F(ModelBusTest, AMergeBringsBackTheSameProcessesAndJoinsNewOnes) {
    three();
    bus.partition({{"a"}, {"b", "c"}});
    pass(Duration{2000});
    bus.kill(processes[2]);
    join("c");
    pass(Duration{10});
    forget();
    bus.heal();
    pass(Duration{100});
    EXPECT_THAT(ears[0].heard, ElementsAre("present 1", "joined c"));
    EXPECT_THAT(ears[1].heard, ElementsAre("present 0"));
}

TEST_F(ModelBusTest, ACutHealedBeforeItIsNoticedLosesNothing) {
    three();
    bus.partition({{"a"}, {"b", "c"}});
    say(0, "one");
    pass(Duration{100});
    bus.heal();
    pass(Duration{100});
    EXPECT_THAT(ears[1].heard, ElementsAre("0: one"));
}

TEST_F(ModelBusTest, AHostThatFallsSilentIsNoticedAfterDetectionAndMayComeBack) {
    three();
    bus.host_down("a");
    pass(Duration{999});
    EXPECT_THAT(ears[1].heard, IsEmpty());
    pass(Duration{2});
    EXPECT_THAT(ears[1].heard, ElementsAre("gone 0 silent"));
    join("a");
    pass(Duration{100});
    EXPECT_THAT(ears[1].heard, ElementsAre("gone 0 silent", "joined a"));
    EXPECT_THAT(ears[0].heard, IsEmpty());
}

}  // namespace
}  // namespace lamplight::sim
