#include "bus/ais/resync.hpp"

#include <gtest/gtest.h>

namespace lamplight::bus::ais {
namespace {

using namespace std::chrono_literals;

TEST(Resync, IsDoneAtOnceAndOncePerAsking) {
    Resync resync;
    const state::Time now{100s};
    EXPECT_FALSE(resync.take(now));
    resync.ask(now);
    EXPECT_EQ(resync.deadline(), now);
    EXPECT_TRUE(resync.take(now));
    EXPECT_FALSE(resync.take(now));
    EXPECT_FALSE(resync.deadline());
}

TEST(Resync, DuringAFloodIsDoneOnceAPauseAndOnceMoreAtItsEnd) {
    Resync resync;
    state::Time now{100s};
    int done = 0;
    for (int i = 0; i < 2'500; ++i, now += 1ms) {  // 2.5 s with a gap every millisecond
        resync.ask(now);
        done += resync.take(now);
    }
    EXPECT_EQ(done, 3);
    ASSERT_TRUE(resync.deadline());
    EXPECT_EQ(*resync.deadline(), state::Time{103s});
    EXPECT_FALSE(resync.take(*resync.deadline() - 1ms));
    EXPECT_TRUE(resync.take(*resync.deadline())) << "what was dropped last is not forgotten";
    EXPECT_FALSE(resync.deadline());
}

}  // namespace
}  // namespace lamplight::bus::ais
