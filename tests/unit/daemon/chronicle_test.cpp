#include "daemon/chronicle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::daemon {
namespace {

using state::Cause;
using state::Standing;
using testing::AllOf;
using testing::HasSubstr;

constexpr state::Time now{std::chrono::hours(1)};

state::NodeView pbx2(std::uint32_t votes) {
    state::NodeView node;
    node.eid = {{2, 0, 0, 0, 0, 2}};
    node.name = "pbx2";
    node.votes = votes;
    return node;
}

state::NodeChange change(Standing from, Standing to, Cause cause) {
    return {state::NodeId{1}, from, to, cause, state::Bus::local};
}

TEST(Chronicle, SaysWhoWhyAndWhatFollows) {
    auto node = pbx2(12);
    node.until = now + std::chrono::seconds(15);
    EXPECT_EQ(describe(change(Standing::present, Standing::stale, Cause::member_silent), node, now),
              "pbx2 silent on local: its 12 votes are stale for 15 s");
    EXPECT_EQ(describe(change(Standing::present, Standing::stale, Cause::member_restarting), node, now),
              "pbx2 is restarting, says local: its 12 votes are stale for 15 s");
}

TEST(Chronicle, SaysWhenVotesStopCountingAndWhenTheyCountAgain) {
    EXPECT_EQ(describe(change(Standing::present, Standing::gone, Cause::member_left), pbx2(1), now),
              "pbx2 left local: its vote does not count any more");
    EXPECT_EQ(describe(change(Standing::stale, Standing::gone, Cause::hold_expired), pbx2(2), now),
              "pbx2 did not come back: its 2 votes do not count any more");
    EXPECT_EQ(describe(change(Standing::gone, Standing::present, Cause::member_returned), pbx2(2), now),
              "pbx2 is back on local: its 2 votes count");
}

TEST(Chronicle, ANodeWithoutANameIsCalledByItsEntityId) {
    auto node = pbx2(0);
    node.name.clear();
    EXPECT_EQ(describe(change(Standing::unheard, Standing::present, Cause::member_returned), node, now),
              "02:00:00:00:00:02 joined local");
    EXPECT_EQ(describe(change(Standing::present, Standing::gone, Cause::member_failed), node, now),
              "02:00:00:00:00:02 failed on local: it has no votes");
}

TEST(Chronicle, ALimitSaysWhichOptionRaisesIt) {
    state::Notice notice;
    notice.kind = state::Notice::Kind::device_limit;
    notice.first = "Custom:one-more";
    state::Limits limits;
    limits.devices = 10;
    EXPECT_THAT(describe(notice, limits), AllOf(HasSubstr("10 devices"), HasSubstr("Custom:one-more"),
                                                HasSubstr("`max_devices` in lamplight.conf")));
}

TEST(Chronicle, ADoubleIsSaidWithBothNames) {
    state::Notice notice{
        state::Notice::Kind::duplicate_eid, "pbx2 pid 1", "pbx3 pid 2", {{2, 0, 0, 0, 0, 2}}};
    EXPECT_THAT(describe(notice, {}), AllOf(HasSubstr("02:00:00:00:00:02"), HasSubstr("pbx2 pid 1 was first"),
                                            HasSubstr("pbx3 pid 2 is refused")));
}

}  // namespace
}  // namespace lamplight::daemon
