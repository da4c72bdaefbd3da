#include "bus/group/members.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace lamplight::bus::group {
namespace {

using namespace std::chrono_literals;
using ring::Member;
using ring::Moved;
using ring::Reason;
using state::Departure;

constexpr Member us{1, 100};
constexpr Member neighbour{1, 101};
constexpr Member second{2, 200};
constexpr Member beside_second{2, 201};
constexpr Member third{3, 300};

std::string text(const MemberEvent& event) {
    const std::string who = std::to_string(event.member.node_id) + "/" + std::to_string(event.member.pid);
    switch (event.kind) {
        case MemberEvent::Kind::came:
            return who + " came";
        case MemberEvent::Kind::returned:
            return who + " returned";
        case MemberEvent::Kind::gone:
            return who + " " + std::string(to_string(event.departure));
    }
    return who + " ?";
}

using Said = std::vector<std::string>;

/// A group as Corosync keeps it, and what Members makes of it.
struct Corosync {
    Members members;
    std::vector<Member> list;
    state::Time now{1000s};
    std::vector<MemberEvent> events;

    Said said() {
        Said texts;
        for (const MemberEvent& event : events)
            texts.push_back(text(event));
        events.clear();
        return texts;
    }
    Said change(std::vector<Moved> left, std::vector<Moved> joined) {
        for (const Moved& moved : left)
            std::erase(list, moved.member);
        for (const Moved& moved : joined)
            if (std::find(list.begin(), list.end(), moved.member) == list.end()) list.push_back(moved.member);
        members.on_membership({list, left, joined}, now, events);
        return said();
    }
    Said left(Member member, Reason reason) { return change({{member, reason}}, {}); }
    Said joined(Member member, Reason reason = Reason::join) { return change({}, {{member, reason}}); }
    Said totem(std::vector<std::uint32_t> nodes) {
        members.on_totem({nodes}, now, events);
        return said();
    }
    Said we_join(std::vector<Member> there = {}) {
        list = std::move(there);
        members.on_joined(us);
        return joined(us);
    }
    Said lost() {
        members.on_lost(now, events);
        return said();
    }
    Said message_from(Member member) {
        members.on_message_from(member, events);
        return said();
    }
    Said pass(state::Duration time) {
        now += time;
        if (const auto due = members.next_deadline(); due && *due <= now) members.on_time(now, events);
        return said();
    }
};

/// We and `second` in the group, three nodes in the ring.
struct GroupOfTwo : testing::Test, Corosync {
    GroupOfTwo() {
        we_join();
        totem({1, 2, 3});
        joined(second);
    }
};

TEST(Members, WhoWasThereBeforeUsCameAtOnceAndWeOurselvesAreNobody) {
    Corosync corosync;
    EXPECT_EQ(corosync.we_join({second, third}), (Said{"2/200 came", "3/300 came"}));
    EXPECT_TRUE(corosync.members.in_group());
    EXPECT_EQ(corosync.members.self(), us);
    EXPECT_EQ(corosync.members.present(), (std::vector{second, third}));
    EXPECT_FALSE(corosync.members.is_present(us));
}

TEST_F(GroupOfTwo, WhoJoinsComesAtOnce) {
    EXPECT_EQ(joined(third), Said{"3/300 came"});
    EXPECT_TRUE(members.is_present(third));
}

TEST_F(GroupOfTwo, WhoComesUpWithItsNodeComesAtTheTotemCallbackAndOnce) {
    EXPECT_EQ(joined(third, Reason::node_up), Said{});
    EXPECT_FALSE(members.is_present(third));
    EXPECT_EQ(totem({1, 2, 3}), Said{"3/300 came"});
    EXPECT_EQ(pass(1s), Said{});
    EXPECT_EQ(message_from(third), Said{});
}

TEST_F(GroupOfTwo, WhoComesUpWithItsNodeComesBeforeItsFirstMessage) {
    joined(third, Reason::node_up);
    EXPECT_EQ(message_from(third), Said{"3/300 came"});
    EXPECT_EQ(totem({1, 2, 3}), Said{});
}

TEST_F(GroupOfTwo, WhoComesUpWithItsNodeComesAfterAHundredMillisecondsWithoutATotemCallback) {
    joined(third, Reason::node_up);
    EXPECT_EQ(pass(99ms), Said{});
    EXPECT_EQ(pass(1ms), Said{"3/300 came"});
    EXPECT_EQ(members.next_deadline(), std::nullopt);
}

TEST_F(GroupOfTwo, WhoWasExpectedAndIsGoneBeforeItWasSaidIsNeverSpokenOf) {
    joined(third, Reason::node_up);
    EXPECT_EQ(left(third, Reason::node_down), Said{});
    EXPECT_EQ(totem({1, 2}), Said{});
    EXPECT_EQ(pass(10s), Said{});
}

TEST_F(GroupOfTwo, WhoLeavesHasLeft) {
    EXPECT_EQ(left(second, Reason::leave), Said{"2/200 left"});
    EXPECT_FALSE(members.is_present(second));
    EXPECT_EQ(pass(10s), Said{});
}

TEST_F(GroupOfTwo, AProcessThatGoesDownHasFailedWhenTheRingKeepsItsNode) {
    EXPECT_EQ(left(second, Reason::process_down), Said{});
    EXPECT_TRUE(members.is_present(second)) << "nobody said that it is gone";
    EXPECT_EQ(totem({1, 2}), Said{}) << "another change of the ring says nothing";
    EXPECT_EQ(pass(99ms), Said{});
    EXPECT_EQ(pass(1ms), Said{"2/200 failed"});
    EXPECT_EQ(members.next_deadline(), std::nullopt);
}

TEST_F(GroupOfTwo, AProcessThatGoesDownIsSilentWhenTheRingLosesItsNodeFiftyFiveMillisecondsLater) {
    left(second, Reason::process_down);
    pass(55ms);
    EXPECT_EQ(totem({1, 3}), Said{"2/200 silent"});
    EXPECT_EQ(pass(10min), Said{}) << "its node is not in the ring";
}

TEST_F(GroupOfTwo, AProcessThatGoesDownIsSilentWhenAnotherOfItsNodeGoesDownWithTheNode) {
    joined(beside_second);
    left(second, Reason::process_down);
    EXPECT_EQ(left(beside_second, Reason::node_down), (Said{"2/200 silent", "2/201 silent"}));
}

TEST_F(GroupOfTwo, AProcessThatGoesDownAndIsBackWithinAHundredMillisecondsWasSilentAndReturned) {
    left(second, Reason::process_down);
    pass(50ms);
    EXPECT_EQ(joined(second), (Said{"2/200 silent", "2/200 returned"}));
    EXPECT_EQ(pass(10s), Said{});
}

TEST_F(GroupOfTwo, AnotherProcessThatJoinsOnItsNodeEndsTheDoubt) {
    left(second, Reason::process_down);
    pass(20ms);
    EXPECT_EQ(joined(beside_second), (Said{"2/200 failed", "2/201 came"}));
    EXPECT_EQ(pass(10s), Said{});
}

TEST_F(GroupOfTwo, AProcessElsewhereThatJoinsDoesNotEndTheDoubt) {
    left(second, Reason::process_down);
    EXPECT_EQ(joined(third), Said{"3/300 came"});
    EXPECT_EQ(totem({1, 3}), Said{"2/200 silent"});
}

TEST_F(GroupOfTwo, ANodeThatGoesDownLeavesItsProcessesSilent) {
    joined(beside_second);
    EXPECT_EQ(change({{second, Reason::node_down}, {beside_second, Reason::node_down}}, {}),
              (Said{"2/200 silent", "2/201 silent"}));
    EXPECT_EQ(totem({1, 3}), Said{});
    EXPECT_EQ(pass(1min), Said{});
}

TEST_F(GroupOfTwo, LeftAndJoinedInOneChangeIsSilentThenReturned) {
    EXPECT_EQ(change({{second, Reason::node_down}}, {{second, Reason::node_up}}), Said{"2/200 silent"});
    EXPECT_EQ(totem({1, 2, 3}), Said{"2/200 returned"});
    EXPECT_EQ(change({{second, Reason::process_down}}, {{second, Reason::join}}),
              (Said{"2/200 silent", "2/200 returned"}));
    EXPECT_EQ(pass(10s), Said{});
}

TEST_F(GroupOfTwo, JoinedWithoutAWordOfItsLeavingIsSilentThenReturned) {
    EXPECT_EQ(joined(second, Reason::node_up), Said{"2/200 silent"});
    EXPECT_EQ(totem({1, 2, 3}), Said{"2/200 returned"});
}

TEST_F(GroupOfTwo, WhoIsNotInTheListIsSilentAlsoWhenNobodySaidThatItLeft) {
    list = {us};
    EXPECT_EQ(change({}, {}), Said{"2/200 silent"});
}

TEST_F(GroupOfTwo, WhoIsInTheListIsExpectedAlsoWhenNobodySaidThatItJoined) {
    list = {us, second, third};
    EXPECT_EQ(change({}, {}), Said{});
    EXPECT_EQ(totem({1, 2, 3}), Said{"3/300 came"});
}

TEST_F(GroupOfTwo, ASilentMemberWhoseNodeIsBackWithoutItHasFailedAfterFiveSeconds) {
    left(second, Reason::node_down);
    totem({1, 3});
    pass(1min);
    EXPECT_EQ(totem({1, 2, 3}), Said{});
    EXPECT_EQ(pass(4999ms), Said{});
    EXPECT_EQ(pass(1ms), Said{"2/200 failed"});
}

TEST_F(GroupOfTwo, ASilentMemberThatIsBackInTimeHasReturned) {
    left(second, Reason::node_down);
    totem({1, 3});
    totem({1, 2, 3});
    pass(3s);
    EXPECT_EQ(joined(second, Reason::node_up), Said{});
    EXPECT_EQ(totem({1, 2, 3}), Said{"2/200 returned"});
    EXPECT_EQ(pass(10s), Said{});
}

TEST_F(GroupOfTwo, TheFiveSecondsBeginAnewWhenItsNodeWasAwayAgain) {
    left(second, Reason::node_down);
    totem({1, 3});
    totem({1, 2, 3});
    pass(4s);
    totem({1, 3});
    EXPECT_EQ(pass(10s), Said{});
    totem({1, 2, 3});
    EXPECT_EQ(pass(4s), Said{});
    EXPECT_EQ(pass(1s), Said{"2/200 failed"});
}

TEST_F(GroupOfTwo, AProcessOfTheSameNodeInTheGroupShowsThatTheNodeIsBack) {
    left(second, Reason::node_down);
    totem({1, 3});
    EXPECT_EQ(joined(beside_second), Said{"2/201 came"});
    EXPECT_EQ(pass(5s), Said{"2/200 failed"});
}

TEST_F(GroupOfTwo, OnlyTheProcessThatLeftIsGoneNotItsNeighbour) {
    joined(beside_second);
    EXPECT_EQ(left(beside_second, Reason::leave), Said{"2/201 left"});
    EXPECT_TRUE(members.is_present(second));
    EXPECT_EQ(pass(10s), Said{});
}

TEST_F(GroupOfTwo, ProcessesOnOurOwnNodeAreNeighbours) {
    EXPECT_TRUE(members.neighbours().empty());
    EXPECT_EQ(joined(neighbour), Said{"1/101 came"});
    EXPECT_EQ(members.neighbours(), std::vector{neighbour});
    left(neighbour, Reason::process_down);
    pass(100ms);
    EXPECT_TRUE(members.neighbours().empty());
}

TEST_F(GroupOfTwo, WhenOurOwnConnectionIsLostEverybodyIsSilent) {
    joined(third);
    left(third, Reason::process_down);
    EXPECT_EQ(lost(), (Said{"2/200 silent", "3/300 silent"}));
    EXPECT_FALSE(members.in_group());
    EXPECT_EQ(members.next_deadline(), std::nullopt);
    EXPECT_EQ(pass(1h), Said{});
}

TEST_F(GroupOfTwo, AMemberThatWasOnlyExpectedWhenTheConnectionWasLostNeverWas) {
    joined(third, Reason::node_up);
    EXPECT_EQ(lost(), Said{"2/200 silent"});
    EXPECT_EQ(we_join({second}), Said{"2/200 returned"});
    EXPECT_EQ(pass(10s), Said{});
}

TEST_F(GroupOfTwo, WhoIsThereWhenWeAreBackHasReturnedAndOthersStaySilentWhileTheirNodeIsAway) {
    joined(third);
    lost();
    EXPECT_EQ(we_join({second}), Said{"2/200 returned"});
    EXPECT_EQ(totem({1, 2}), Said{});
    EXPECT_EQ(pass(1h), Said{});
    EXPECT_EQ(totem({1, 2, 3}), Said{});
    EXPECT_EQ(pass(5s), Said{"3/300 failed"});
}

TEST_F(GroupOfTwo, WhoIsMissingWhenWeAreBackHasFailedAfterFiveSecondsWhenItsNodeIsInTheRing) {
    lost();
    EXPECT_EQ(we_join(), Said{});
    EXPECT_EQ(totem({1, 2}), Said{});
    EXPECT_EQ(pass(5s), Said{"2/200 failed"});
}

TEST_F(GroupOfTwo, AfterARestartOfOurCorosyncTheRingMergesAndAllReturn) {
    joined(third);
    lost();
    EXPECT_EQ(we_join(), Said{});
    EXPECT_EQ(totem({1}), Said{});
    pass(3s);
    EXPECT_EQ(change({}, {{second, Reason::node_up}, {third, Reason::node_up}}), Said{});
    EXPECT_EQ(totem({1, 2, 3}), (Said{"2/200 returned", "3/300 returned"}));
}

TEST(Members, RingsThatMergeAfterAColdStartBringTheOthersAtTheTotemCallback) {
    Corosync corosync;
    EXPECT_EQ(corosync.we_join(), Said{});
    EXPECT_EQ(corosync.totem({1}), Said{});
    EXPECT_EQ(corosync.change({}, {{second, Reason::node_up}, {third, Reason::node_up}}), Said{});
    EXPECT_EQ(corosync.totem({1, 2, 3}), (Said{"2/200 came", "3/300 came"}));
}

TEST_F(GroupOfTwo, ASplitSilencesTheOthersAndItsHealingBringsThemBack) {
    joined(third);
    EXPECT_EQ(change({{second, Reason::node_down}, {third, Reason::node_down}}, {}),
              (Said{"2/200 silent", "3/300 silent"}));
    EXPECT_EQ(totem({1}), Said{});
    pass(20s);
    EXPECT_EQ(change({}, {{second, Reason::node_up}}), Said{});
    EXPECT_EQ(change({}, {{third, Reason::node_up}}), Said{});
    EXPECT_EQ(totem({1, 2, 3}), (Said{"2/200 returned", "3/300 returned"}));
    EXPECT_EQ(pass(10s), Said{});
}

TEST_F(GroupOfTwo, AMergeOfWhichTheFirstListIsCompleteAndTheFirstMoveIsNotIsWaitedForToo) {
    change({{second, Reason::node_down}}, {});
    totem({1});
    list = {us, second, third};
    EXPECT_EQ(change({}, {{second, Reason::node_up}}), Said{});
    EXPECT_EQ(change({}, {{third, Reason::node_up}}), Said{});
    EXPECT_EQ(totem({1, 2, 3}), (Said{"2/200 returned", "3/300 came"}));
}

TEST_F(GroupOfTwo, ANodeThatKeepsGoingDownWithNewProcessesDoesNotFillTheTable) {
    Said failed;
    for (std::uint32_t pid = 1000; pid < 1100; ++pid) {
        joined({3, pid});
        for (const std::string& said : left({3, pid}, Reason::node_down))
            if (said.ends_with("failed")) failed.push_back(said);
    }
    EXPECT_EQ(failed.size(), 100 - Members::max_silent_a_node);
    EXPECT_EQ(failed.front(), "3/1000 failed");
}

}  // namespace
}  // namespace lamplight::bus::group
