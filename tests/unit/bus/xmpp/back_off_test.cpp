#include "bus/xmpp/back_off.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace lamplight::bus::xmpp {
namespace {

using namespace std::chrono_literals;
using Trouble = BackOff::Trouble;
constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

TEST(BackOff, DoublesFromOneSecondToAMinute) {
    BackOff back_off;
    for (const state::Duration step : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s})
        EXPECT_EQ(back_off.next(Trouble::passing, 0), step / 2);
}

TEST(BackOff, DrawsFromHalfOfTheStepToTheWholeOfIt) {
    for (std::uint64_t random = 0; random < 3'000; ++random) {
        BackOff back_off;
        const state::Duration pause = back_off.next(Trouble::passing, random);
        EXPECT_GE(pause, 500ms);
        EXPECT_LE(pause, 1s);
    }
    EXPECT_EQ(BackOff().next(Trouble::passing, 500), 1s);
    EXPECT_LE(BackOff().next(Trouble::passing, largest), 1s);
}

TEST(BackOff, WaitsLongAtOnceWhenTheTroubleWillLast) {
    BackOff back_off;
    EXPECT_GE(back_off.next(Trouble::lasting, 7), 30s);
    EXPECT_GE(back_off.next(Trouble::passing, 7), 30s);
}

TEST(BackOff, IsShortAgainAfterASuccess) {
    BackOff back_off;
    back_off.next(Trouble::lasting, 0);
    back_off.succeeded();
    EXPECT_EQ(back_off.next(Trouble::passing, 0), 500ms);
}

TEST(BackOff, DoesNotWaitForATryThatIsWantedButOnceInARow) {
    BackOff back_off;
    EXPECT_EQ(back_off.next(Trouble::wants_another, largest), 0s);
    for (const state::Duration step : {1s, 2s, 4s})
        EXPECT_EQ(back_off.next(Trouble::wants_another, 0), step / 2);
    EXPECT_EQ(back_off.next(Trouble::passing, 0), 4s);
    EXPECT_EQ(back_off.next(Trouble::wants_another, 0), 0s);
    back_off.succeeded();
    EXPECT_EQ(back_off.next(Trouble::wants_another, 0), 0s);
}

TEST(BackOff, LeavesARivalAMinuteAndFiveFromThenOnAlsoAfterASteadyStream) {
    BackOff back_off;
    state::Time now{1h};
    EXPECT_EQ(back_off.next_after_rival(now, 0), 60s);
    for (int i = 0; i < 20; ++i) {
        back_off.succeeded();
        now += 5min;
        EXPECT_EQ(back_off.next_after_rival(now, 0), 5min);
    }
    now += BackOff::rival_memory;
    EXPECT_EQ(back_off.next_after_rival(now, 0), 60s);
}

TEST(BackOff, LeavesNoRivalLessThanThatAndNoQuarterMore) {
    for (std::uint64_t random :
         {std::uint64_t(0), std::uint64_t(1), std::uint64_t(16'000'000'000), largest}) {
        BackOff back_off;
        for (const state::Duration least : {60s, 300s}) {
            const state::Duration pause = back_off.next_after_rival(state::Time{1h}, random);
            EXPECT_GE(pause, least);
            EXPECT_LE(pause, least + least / 4);
        }
    }
}

}  // namespace
}  // namespace lamplight::bus::xmpp
