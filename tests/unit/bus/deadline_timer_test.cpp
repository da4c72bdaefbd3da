#include "bus/deadline_timer.hpp"

#include <gtest/gtest.h>

namespace lamplight::bus {
namespace {

using namespace std::chrono_literals;

constexpr state::Time now{};
constexpr auto patience = 10s;

class Timer : public testing::Test {
protected:
    boost::asio::io_context loop;
    int woken = 0;
    std::optional<DeadlineTimer> timer{std::in_place, loop, [this] { ++woken; }};
};

TEST_F(Timer, WakesOnceWhenTheDeadlineHasCome) {
    timer->set(now + 1ms, now);
    loop.run_for(patience);
    EXPECT_EQ(woken, 1);
}

TEST_F(Timer, ADeadlineThatHasPassedWakesToo) {
    timer->set(now - 1h, now);
    loop.run_for(patience);
    EXPECT_EQ(woken, 1);
}

TEST_F(Timer, TheSameDeadlineMayBeSetAgainAfterItWoke) {
    timer->set(now + 1ms, now);
    loop.run_for(patience);
    loop.restart();
    timer->set(now + 1ms, now);
    loop.run_for(patience);
    EXPECT_EQ(woken, 2);
}

TEST_F(Timer, TheNewestDeadlineCounts) {
    timer->set(now + 1h, now);
    timer->set(now + 1ms, now);
    loop.run_for(patience);
    EXPECT_EQ(woken, 1);
}

TEST_F(Timer, WithoutADeadlineNobodyIsWoken) {
    timer->set(now + 1ms, now);
    timer->set(std::nullopt, now);
    loop.run_for(patience);
    EXPECT_EQ(woken, 0);
}

TEST_F(Timer, NobodyIsWokenAfterItsEnd) {
    timer->set(now + 1ms, now);
    timer.reset();
    loop.run_for(patience);
    EXPECT_EQ(woken, 0);
}

TEST_F(Timer, ItMayEndOrBeSetWhileItWakes) {
    timer.emplace(loop, [this] {
        if (++woken == 1) return timer->set(now + 1ms, now);
        timer.reset();
    });
    timer->set(now, now);
    loop.run_for(patience);
    EXPECT_EQ(woken, 2);
}

}  // namespace
}  // namespace lamplight::bus
