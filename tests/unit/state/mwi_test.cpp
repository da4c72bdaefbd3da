#include "state/mwi.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::state {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr NodeId a{0};
constexpr NodeId b{1};
const Mailbox box{"6001", "default"};

Time at(std::int64_t ms) {
    return Time{Duration{ms}};
}

MwiVote vote(NodeId node, std::uint32_t new_messages, std::uint64_t sequence, std::uint64_t incarnation = 1) {
    return {box, node, {new_messages, 0}, VoteKind::state, {incarnation, sequence}};
}

MwiVote withdrawal(NodeId node, std::uint64_t sequence) {
    return {box, node, {}, VoteKind::withdrawal, {1, sequence}};
}

MwiVote plain(NodeId node, std::uint32_t new_messages) {
    return {box, node, {new_messages, 0}, VoteKind::state, {}};
}

struct MwiTableTest : testing::Test {
    MwiTable table;
    std::vector<MwiChange> changes;

    std::optional<std::uint32_t> shown() const {
        const auto counts = table.aggregate(box);
        return counts ? std::optional(counts->new_messages) : std::nullopt;
    }
    void node_goes_to(NodeId node, Standing standing, Cause cause = Cause::member_failed) {
        const NodeChange change{node, Standing::present, standing, cause, Bus::local};
        table.follow({&change, 1}, changes);
    }
};

TEST_F(MwiTableTest, AnnouncesTheFirstCountsOfAMailbox) {
    EXPECT_EQ(table.apply(vote(a, 2, 10), at(10), changes), MwiOutcome::applied);
    EXPECT_THAT(changes, ElementsAre(MwiChange{box, std::nullopt, MessageCounts{2, 0}, a, Cause::vote}));
}

TEST_F(MwiTableTest, KnowsNothingOfAMailboxNeverHeardOf) {
    EXPECT_EQ(table.aggregate({"6001", "other"}), std::nullopt);
    table.apply(vote(a, 2, 10), at(10), changes);
    EXPECT_EQ(table.aggregate({"6001", "other"}), std::nullopt);
}

TEST_F(MwiTableTest, TheNewestOfTwoNodesIsShownAndNothingIsSummed) {
    table.apply(vote(a, 2, 10), at(10), changes);
    table.apply(vote(b, 3, 20), at(20), changes);
    EXPECT_EQ(shown(), 3u);
    table.apply(vote(a, 1, 30), at(30), changes);
    EXPECT_EQ(shown(), 1u);
}

TEST_F(MwiTableTest, TheNewestWinsWhateverTheOrderOfArrival) {
    table.apply(vote(b, 3, 20), at(100), changes);
    table.apply(vote(a, 2, 10), at(101), changes);
    EXPECT_EQ(shown(), 3u);
}

TEST_F(MwiTableTest, OfEqualAgesTheHigherCountsAreShown) {
    table.apply(vote(a, 5, 10), at(10), changes);
    table.apply(vote(b, 3, 10), at(10), changes);
    EXPECT_EQ(shown(), 5u);
}

TEST_F(MwiTableTest, AClockInTheFutureDoesNotWinForEver) {
    table.apply(vote(a, 9, 1'000'000), at(10), changes);
    table.apply(vote(b, 1, 20), at(20), changes);
    EXPECT_EQ(shown(), 1u);
}

TEST_F(MwiTableTest, OnAWireWithoutVersionsTheLastToArriveIsTheNewest) {
    table.apply(plain(a, 2), at(10), changes);
    table.apply(plain(b, 0), at(20), changes);
    EXPECT_EQ(shown(), 0u);
    table.apply(plain(a, 4), at(30), changes);
    EXPECT_EQ(shown(), 4u);
}

TEST_F(MwiTableTest, RefusesAnOldVersion) {
    table.apply(vote(a, 2, 10), at(10), changes);
    EXPECT_EQ(table.apply(vote(a, 7, 9), at(20), changes), MwiOutcome::refused_old);
    EXPECT_EQ(table.apply(vote(a, 7, 10), at(20), changes), MwiOutcome::refused_old);
    EXPECT_EQ(table.apply(vote(a, 7, 99), at(99), changes), MwiOutcome::applied);
    EXPECT_EQ(table.apply(vote(a, 1, 100, 2), at(100), changes), MwiOutcome::applied);
    EXPECT_EQ(table.apply(vote(a, 7, 200, 1), at(200), changes), MwiOutcome::refused_old);
    EXPECT_EQ(shown(), 1u);
    EXPECT_EQ(table.count(MwiOutcome::refused_old), 3u);
}

TEST_F(MwiTableTest, ARepetitionChangesNothing) {
    table.apply(vote(a, 2, 10), at(10), changes);
    changes.clear();
    EXPECT_EQ(table.apply(vote(a, 2, 10), at(20), changes), MwiOutcome::confirmed);
    EXPECT_EQ(table.apply(vote(a, 2, 11), at(20), changes), MwiOutcome::confirmed);
    EXPECT_THAT(changes, IsEmpty());
    table.for_each_vote(box, [](const MwiVoteView& view) { EXPECT_EQ(view.since, at(10)); });
}

TEST_F(MwiTableTest, ALateMessageDoesNotBringAWithdrawnVoteBack) {
    table.apply(vote(a, 2, 10), at(10), changes);
    table.apply(withdrawal(a, 20), at(20), changes);
    EXPECT_EQ(shown(), std::nullopt);
    EXPECT_EQ(changes.back(), (MwiChange{box, MessageCounts{2, 0}, std::nullopt, a, Cause::withdrawal}));
    EXPECT_EQ(table.apply(vote(a, 2, 15), at(30), changes), MwiOutcome::refused_old);
    EXPECT_EQ(shown(), std::nullopt);
    table.apply(vote(a, 0, 40), at(40), changes);
    EXPECT_EQ(shown(), 0u);
}

TEST_F(MwiTableTest, VotesOfANodeThatIsGoneStopCounting) {
    table.apply(vote(a, 2, 10), at(10), changes);
    table.apply(vote(b, 3, 20), at(20), changes);
    changes.clear();
    node_goes_to(b, Standing::stale);
    EXPECT_EQ(shown(), 3u);
    node_goes_to(b, Standing::gone);
    EXPECT_EQ(shown(), 2u);
    node_goes_to(b, Standing::gone);
    node_goes_to(a, Standing::gone);
    EXPECT_EQ(shown(), std::nullopt);
    EXPECT_EQ(changes.size(), 2u);
}

TEST_F(MwiTableTest, WhoReturnsCountsAgainAsItsSnapshotConfirmsIt) {
    const Mailbox other{"6002", "default"};
    table.apply(vote(a, 2, 10), at(10), changes);
    table.apply({other, a, {1, 1}, VoteKind::state, {1, 11}}, at(11), changes);
    node_goes_to(a, Standing::gone);
    changes.clear();
    node_goes_to(a, Standing::present, Cause::member_returned);
    EXPECT_THAT(changes, IsEmpty()) << "it may have lost them with its life";
    EXPECT_FALSE(table.vote(box, a)->counts_now);
    table.snapshot_begin(a);
    EXPECT_EQ(table.apply(vote(a, 2, 10), at(20), changes), MwiOutcome::confirmed);
    EXPECT_EQ(shown(), 2u);
    EXPECT_TRUE(table.snapshot_end(a, changes));
    EXPECT_THAT(changes, ElementsAre(MwiChange{box, std::nullopt, MessageCounts{2, 0}, a, Cause::vote}));
    EXPECT_FALSE(table.vote(other, a));
}

TEST_F(MwiTableTest, OnAWireWithoutVersionsWhoReturnsCountsAgainAtOnce) {
    table.apply(plain(a, 2), at(10), changes);
    node_goes_to(a, Standing::gone);
    EXPECT_EQ(shown(), std::nullopt);
    node_goes_to(a, Standing::present, Cause::member_returned);
    EXPECT_EQ(shown(), 2u);
}

TEST_F(MwiTableTest, WhoOnlyLostItsPbxCountsAgainWithIt) {
    table.apply(vote(a, 2, 10), at(10), changes);
    node_goes_to(a, Standing::gone, Cause::pbx_lost);
    EXPECT_EQ(shown(), std::nullopt);
    node_goes_to(a, Standing::present, Cause::member_returned);
    EXPECT_EQ(shown(), 2u);
}

TEST_F(MwiTableTest, NewestSaysWhoseCountsAreShown) {
    EXPECT_FALSE(table.newest(box));
    table.apply(vote(a, 2, 10), at(10), changes);
    table.apply(vote(b, 3, 20), at(20), changes);
    EXPECT_EQ(table.newest(box)->node, b);
    node_goes_to(b, Standing::gone);
    EXPECT_EQ(table.newest(box)->node, a);
    EXPECT_EQ(table.newest(box)->counts, (MessageCounts{2, 0}));
    table.apply(withdrawal(a, 30), at(30), changes);
    EXPECT_FALSE(table.newest(box));
    EXPECT_TRUE(table.vote(box, a)->withdrawn);
}

TEST_F(MwiTableTest, IsWalkedInOrderFromAnyPlace) {
    EXPECT_EQ(table.after(nullptr), nullptr);
    for (const auto* name : {"6002", "6001", "6003"})
        table.apply({{name, "default"}, a, {1, 0}, VoteKind::state, {1, 10}}, at(10), changes);
    EXPECT_EQ(table.after(nullptr)->name, "6001");
    const Mailbox gone_since{"6001x", ""};
    EXPECT_EQ(table.after(&gone_since)->name, "6002");
    EXPECT_EQ(table.after(&box)->name, "6002");
    const Mailbox last{"6003", "default"};
    EXPECT_EQ(table.after(&last), nullptr);
}

TEST_F(MwiTableTest, TakesWhatABusHandsInInItsOrder) {
    for (const MwiInput& input : std::initializer_list<MwiInput>{
             vote(a, 2, 10), MwiSnapshotBegin{a}, MwiSnapshotEnd{a}, vote(b, 1, 9), MwiSnapshotEnd{b}})
        table.apply(input, at(20), changes);
    EXPECT_FALSE(table.vote(box, a)) << "a's snapshot did not confirm it";
    EXPECT_EQ(shown(), 1u) << "an end without a begin is none";
}

TEST_F(MwiTableTest, ANodeThatIsGoneBeforeItsFirstVoteDoesNotCount) {
    node_goes_to(b, Standing::gone);
    table.apply(vote(b, 3, 20), at(20), changes);
    EXPECT_EQ(shown(), std::nullopt);
}

TEST_F(MwiTableTest, TheEndOfASnapshotDropsWhatItDidNotConfirm) {
    const Mailbox other{"6002", "default"};
    table.apply(vote(a, 2, 10), at(10), changes);
    table.apply({other, a, {1, 1}, VoteKind::state, {1, 11}}, at(11), changes);
    table.apply(vote(b, 1, 5), at(12), changes);
    changes.clear();
    table.snapshot_begin(a);
    EXPECT_EQ(table.apply({other, a, {1, 1}, VoteKind::state, {1, 11}}, at(20), changes),
              MwiOutcome::confirmed);
    EXPECT_THAT(changes, IsEmpty());
    EXPECT_TRUE(table.snapshot_end(a, changes));
    EXPECT_THAT(changes,
                ElementsAre(MwiChange{box, MessageCounts{2, 0}, MessageCounts{1, 0}, a, Cause::snapshot}));
    EXPECT_EQ(table.aggregate(other), (MessageCounts{1, 1}));
}

TEST_F(MwiTableTest, AnEndWithoutABeginChangesNothing) {
    table.apply(vote(a, 2, 10), at(10), changes);
    EXPECT_FALSE(table.snapshot_end(a, changes));
    EXPECT_FALSE(table.snapshot_end(NodeId{500}, changes));
    EXPECT_EQ(shown(), 2u);
}

TEST_F(MwiTableTest, ForgetsANodeAndItsMailboxes) {
    table.apply(vote(a, 2, 10), at(10), changes);
    node_goes_to(a, Standing::unheard, Cause::forgotten);
    EXPECT_EQ(shown(), std::nullopt);
    EXPECT_EQ(table.size(), 0u);
}

TEST_F(MwiTableTest, RefusesANewcomerAtTheLimitAndKeepsWhatIsThere) {
    MwiTable small({.mailboxes = 1, .nodes = 2});
    EXPECT_EQ(small.apply(vote(a, 1, 10), at(10), changes), MwiOutcome::applied);
    const MwiVote another{{"6002", ""}, a, {}, VoteKind::state, {1, 11}};
    EXPECT_EQ(small.apply(another, at(11), changes), MwiOutcome::refused_limit);
    EXPECT_EQ(small.apply(vote(NodeId{2}, 1, 11), at(11), changes), MwiOutcome::refused_limit);
    EXPECT_EQ(small.apply(vote(b, 4, 12), at(12), changes), MwiOutcome::applied);
    EXPECT_EQ(small.aggregate(box), (MessageCounts{4, 0}));
    EXPECT_EQ(small.size(), 1u);
}

TEST_F(MwiTableTest, RefusesNamesThatAreEmptyOrTooLong) {
    MwiTable small({.name_bytes = 4});
    for (const Mailbox& name : {Mailbox{"", "x"}, Mailbox{"60011", ""}, Mailbox{"1", "12345"}}) {
        EXPECT_EQ(small.apply({name, a, {}, VoteKind::state, {1, 1}}, at(1), changes),
                  MwiOutcome::refused_name);
    }
    EXPECT_EQ(small.size(), 0u);
    EXPECT_EQ(small.count(MwiOutcome::refused_name), 3u);
}

TEST(MwiSequence, FollowsTheClockAndNeverStandsStill) {
    EXPECT_EQ(next_mwi_sequence(0, at(1000)), 1000u);
    EXPECT_EQ(next_mwi_sequence(1000, at(1000)), 1001u);
    EXPECT_EQ(next_mwi_sequence(5000, at(1000)), 5001u);
    EXPECT_EQ(next_mwi_sequence(7, at(-5)), 8u);
}

}  // namespace
}  // namespace lamplight::state
