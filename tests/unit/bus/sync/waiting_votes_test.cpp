#include "bus/sync/waiting_votes.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace lamplight::bus::sync {
namespace {

std::vector<OwnVote> all_of(const WaitingVotes& votes) {
    std::vector<OwnVote> all;
    votes.for_each([&](OwnVote vote) { all.push_back(vote); });
    return all;
}

using List = std::vector<OwnVote>;

TEST(WaitingVotes, VotesAreTakenInTheOrderInWhichTheyChanged) {
    WaitingVotes votes;
    EXPECT_TRUE(votes.empty());
    votes.add({0, 7});
    votes.add({1, 3});
    votes.add({0, 1});
    EXPECT_EQ(all_of(votes), (List{{0, 7}, {1, 3}, {0, 1}}));
    EXPECT_EQ(votes.first(), (OwnVote{0, 7}));
    EXPECT_EQ(votes.size(), 3u);
    EXPECT_EQ(votes.take_first(), (OwnVote{0, 7}));
    EXPECT_EQ(votes.take_first(), (OwnVote{1, 3}));
    EXPECT_EQ(votes.take_first(), (OwnVote{0, 1}));
    EXPECT_TRUE(votes.empty());
}

TEST(WaitingVotes, AVoteThatWaitsAlreadyKeepsItsTurn) {
    WaitingVotes votes;
    votes.add({0, 1});
    votes.add({0, 2});
    votes.add({0, 1});
    EXPECT_EQ(all_of(votes), (List{{0, 1}, {0, 2}}));
}

TEST(WaitingVotes, TheSameDeviceWaitsOnceForEachOwnNode) {
    WaitingVotes votes;
    votes.add({2, 1});
    votes.add({0, 1});
    EXPECT_EQ(all_of(votes), (List{{2, 1}, {0, 1}}));
}

TEST(WaitingVotes, AVoteThatWasTakenIsPutBackBehindTheOthers) {
    WaitingVotes votes;
    votes.add({0, 1});
    votes.add({0, 2});
    votes.add(votes.take_first());
    EXPECT_EQ(all_of(votes), (List{{0, 2}, {0, 1}}));
}

TEST(WaitingVotes, TheFirstIsLookedAtWithoutBeingTaken) {
    WaitingVotes votes;
    votes.add({0, 5});
    EXPECT_EQ(votes.first(), votes.first());
    votes.add({0, 5});
    EXPECT_EQ(votes.size(), 1u);
    votes.remove_first();
    EXPECT_TRUE(votes.empty());
}

TEST(WaitingVotes, WhatIsRemovedMayWaitAgainAndTheRestKeepsItsOrder) {
    WaitingVotes votes;
    for (std::uint32_t device = 0; device < 6; ++device)
        votes.add({0, device});
    votes.remove_first();
    votes.remove_if([](OwnVote vote) { return vote.device % 2 == 0; });
    EXPECT_EQ(all_of(votes), (List{{0, 1}, {0, 3}, {0, 5}}));
    votes.add({0, 4});
    votes.add({0, 3});
    EXPECT_EQ(all_of(votes), (List{{0, 1}, {0, 3}, {0, 5}, {0, 4}}));
}

TEST(WaitingVotes, WhatWasTakenIsNotAskedAboutWhenOthersAreRemoved) {
    WaitingVotes votes;
    votes.add({0, 1});
    votes.add({0, 2});
    votes.remove_first();
    List asked;
    votes.remove_if([&](OwnVote vote) { return asked.push_back(vote), false; });
    EXPECT_EQ(asked, (List{{0, 2}}));
    EXPECT_EQ(all_of(votes), (List{{0, 2}}));
}

TEST(WaitingVotes, AfterClearNothingWaitsAndEverythingMay) {
    WaitingVotes votes;
    votes.add({0, 1});
    votes.add({3, 2});
    votes.remove_first();
    votes.clear();
    EXPECT_TRUE(votes.empty());
    EXPECT_EQ(votes.size(), 0u);
    votes.add({3, 2});
    votes.add({0, 1});
    EXPECT_EQ(all_of(votes), (List{{3, 2}, {0, 1}}));
}

TEST(WaitingVotes, ALongListKeepsItsOrderWhileVotesAreTakenAndPutBack) {
    WaitingVotes votes;
    constexpr std::uint32_t devices = 30'000;
    for (std::uint32_t device = 0; device < devices; ++device)
        votes.add({0, device});
    for (std::uint32_t round = 0; round < 3; ++round) {
        for (std::uint32_t device = 0; device < devices; ++device) {
            ASSERT_EQ(votes.first(), (OwnVote{0, device}));
            votes.add(votes.take_first());
            ASSERT_EQ(votes.size(), devices);
        }
    }
    for (std::uint32_t device = 0; device < devices; ++device)
        ASSERT_EQ(votes.take_first(), (OwnVote{0, device}));
    EXPECT_TRUE(votes.empty());
}

}  // namespace
}  // namespace lamplight::bus::sync
