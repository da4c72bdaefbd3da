#include "bus/ais/clm/membership.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace lamplight::bus::ais::clm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Ids = std::vector<NodeId>;

std::vector<NodeId> ids_of(const std::vector<Node>& nodes) {
    std::vector<NodeId> ids;
    for (const Node& node : nodes)
        ids.push_back(node.id);
    return ids;
}

/// `2 joined`, and `3 left -` for who is no member.
std::vector<std::string> told(const std::vector<Notification>& notifications) {
    constexpr std::string_view names[]{"?", "none", "joined", "left", "reconfigured"};
    std::vector<std::string> lines;
    for (const Notification& n : notifications)
        lines.push_back(fmt::format("{} {}{}", n.node.id, names[static_cast<std::size_t>(n.change)],
                                    n.node.member ? "" : " -"));
    return lines;
}

class MembershipTest : public testing::Test {
protected:
    MembershipTest() { membership_.set_self(2); }

    std::optional<Transition> ring(std::uint64_t sequence, const Ids& nodes) {
        return membership_.on_ring(sequence, nodes);
    }
    std::uint64_t initial_view(NodeId id) const { return membership_.known_node(id).initial_view; }

    Membership membership_;
};

// --- views ---

TEST_F(MembershipTest, KnowsNothingBeforeTheFirstRing) {
    EXPECT_FALSE(membership_.known());
    EXPECT_EQ(membership_.view(), 0u);
    EXPECT_THAT(membership_.members(), IsEmpty());
    EXPECT_EQ(membership_.node(Membership::local_node).error(), Error::unavailable);
    EXPECT_EQ(membership_.node(2).error(), Error::unavailable);
    EXPECT_EQ(membership_.own_initial_view(), 0u);
}

TEST_F(MembershipTest, ThatIsAloneAtFirstSeesItselfJoin) {
    EXPECT_EQ(ring(40, {2}),
              (Transition{.view = 10, .before = {}, .left = {}, .joined = {2}, .members = {2}}));
    EXPECT_TRUE(membership_.known());
    EXPECT_EQ(membership_.view(), 10u);
    EXPECT_EQ(membership_.own_initial_view(), 0u) << "it may have been there for years";
}

TEST_F(MembershipTest, ThatFindsOthersAtFirstSeesAllJoinInOrderOfId) {
    EXPECT_EQ(ring(44, {3, 1, 2, 3}),
              (Transition{.view = 11, .before = {}, .left = {}, .joined = {1, 2, 3}, .members = {1, 2, 3}}));
    EXPECT_EQ(initial_view(1), 0u) << "when they joined is not known";
}

TEST_F(MembershipTest, SeesWhoJoinsAndWhoLeaves) {
    ring(40, {2});
    EXPECT_EQ(ring(44, {2, 1}),
              (Transition{.view = 11, .before = {2}, .left = {}, .joined = {1}, .members = {1, 2}}));
    EXPECT_EQ(ring(52, {2, 3}),
              (Transition{.view = 13, .before = {1, 2}, .left = {1}, .joined = {3}, .members = {2, 3}}));
    EXPECT_EQ(membership_.view(), 13u);
    EXPECT_FALSE(membership_.known_node(1).member);
}

TEST_F(MembershipTest, HearsOfTheSameRingAgainWithoutAView) {
    ring(40, {1, 2});
    EXPECT_EQ(ring(40, {2, 1}), std::nullopt);
    EXPECT_EQ(membership_.view(), 10u);
}

TEST_F(MembershipTest, TakesARingOfOtherNumberWithTheSameNodesForAView) {
    ring(40, {1, 2});
    EXPECT_EQ(ring(48, {1, 2}),
              (Transition{.view = 12, .before = {1, 2}, .left = {}, .joined = {}, .members = {1, 2}}))
        << "a node that restarts quickly";
    EXPECT_EQ(membership_.view(), 12u);
}

TEST_F(MembershipTest, HoldsAsManyNodesAsCorosyncAllows) {
    Ids all(384);
    std::iota(all.begin(), all.end(), 1u);
    const auto transition = ring(40, all);
    ASSERT_TRUE(transition);
    EXPECT_EQ(transition->joined.size(), 384u);
    EXPECT_EQ(membership_.members().size(), 384u);
    EXPECT_EQ(membership_.members().front().id, 2u);
}

TEST_F(MembershipTest, ForgetsWhoIsLongestGoneOfManyThousandNodes) {
    std::vector<ring::RingNode> nodes{{1, "first", "10.0.0.1"}};
    ring(4, {1, 2});
    membership_.describe(nodes);
    for (NodeId id = 100; id < 5'100; ++id)
        ring(4 * id, {2, id});
    EXPECT_EQ(membership_.known_node(1).name, "node 1") << "forgotten";
    EXPECT_EQ(initial_view(5'098), 5'098u) << "gone a moment ago";
    EXPECT_THAT(ids_of(membership_.members()), ElementsAre(2, 5'099));
}

// --- Corosync comes and goes ---

TEST_F(MembershipTest, IsUnknownWhileCorosyncIsLost) {
    ring(40, {1, 2});
    membership_.on_lost();
    EXPECT_FALSE(membership_.known());
    EXPECT_THAT(membership_.members(), IsEmpty());
    EXPECT_EQ(membership_.node(1).error(), Error::unavailable);
    EXPECT_FALSE(membership_.known_node(1).member);
}

TEST_F(MembershipTest, TellsWhoLeftWhileCorosyncWasLost) {
    ring(40, {1, 2});
    membership_.on_lost();
    membership_.on_lost();
    EXPECT_EQ(ring(52, {2, 3}),
              (Transition{.view = 13, .before = {1, 2}, .left = {1}, .joined = {3}, .members = {2, 3}}));
    EXPECT_EQ(initial_view(3), 0u) << "it joined while nobody looked";
}

TEST_F(MembershipTest, HasNoNewViewWhenTheSameRingIsThereAgain) {
    ring(40, {1, 2});
    membership_.on_lost();
    EXPECT_EQ(ring(40, {1, 2}), std::nullopt);
    EXPECT_TRUE(membership_.known());
    EXPECT_EQ(membership_.view(), 10u);
    EXPECT_EQ(membership_.own_initial_view(), 0u) << "Corosync was there all the time";
}

TEST_F(MembershipTest, ComesBackWithTheSameNodesInAnotherRing) {
    ring(40, {1, 2});
    membership_.on_lost();
    EXPECT_EQ(ring(48, {1, 2}),
              (Transition{.view = 12, .before = {1, 2}, .left = {}, .joined = {}, .members = {1, 2}}));
}

// --- initial views and boot times ---

TEST_F(MembershipTest, KnowsTheInitialViewOfWhomItSawJoin) {
    ring(40, {2});
    ring(44, {1, 2});
    ring(48, {1, 2, 3});
    EXPECT_EQ(initial_view(1), 11u);
    EXPECT_EQ(initial_view(3), 12u);
    ring(52, {2, 3});
    ring(56, {1, 2, 3});
    EXPECT_EQ(initial_view(1), 14u) << "it joined again";
}

TEST_F(MembershipTest, HasAnInitialViewItselfWhenItsCorosyncIsANewOne) {
    ring(40, {1, 2});
    EXPECT_EQ(membership_.own_initial_view(), 0u);
    membership_.on_lost();
    ring(52, {1, 2});
    EXPECT_EQ(membership_.own_initial_view(), 13u);
    ring(56, {1, 2, 3});
    EXPECT_EQ(membership_.own_initial_view(), 13u);
}

TEST_F(MembershipTest, BelievesAHelloMoreThanWhatItSaw) {
    ring(40, {1, 2});
    membership_.on_hello(1, 1'289'654'832'000'000'000, 7);
    EXPECT_EQ(initial_view(1), 7u);
    EXPECT_EQ(membership_.node(1)->boot_time, 1'289'654'832'000'000'000);
    membership_.on_hello(1, time_unknown, 0);
    EXPECT_EQ(initial_view(1), 7u) << "a hello that says nothing";
    EXPECT_EQ(membership_.node(1)->boot_time, 1'289'654'832'000'000'000);
    ring(44, {1, 2, 3});
    membership_.on_hello(3, 5, 10);
    EXPECT_EQ(initial_view(3), 10u) << "its own single ring before it met ours";
}

TEST_F(MembershipTest, KnowsNoBootTimeOfANodeThatJoinedAgain) {
    ring(40, {1, 2});
    membership_.on_hello(1, 5, 7);
    ring(44, {2});
    ring(48, {1, 2});
    EXPECT_EQ(membership_.node(1)->boot_time, time_unknown);
    EXPECT_EQ(initial_view(1), 12u);
}

TEST_F(MembershipTest, PassesOverHellosOfNodesItNeverHeardOf) {
    membership_.on_hello(77, 5, 7);
    EXPECT_EQ(initial_view(77), 0u);
}

// --- members and nodes ---

TEST_F(MembershipTest, ListsItselfFirstAndTheOthersInOrderOfJoining) {
    ring(40, {5, 2, 4});
    ring(44, {5, 2, 4, 3});
    ring(48, {5, 2, 4, 3, 1});
    EXPECT_THAT(ids_of(membership_.members()), ElementsAre(2, 4, 5, 3, 1));
    ring(52, {5, 2, 3, 1});
    ring(56, {5, 2, 3, 1, 4});
    EXPECT_THAT(ids_of(membership_.members()), ElementsAre(2, 5, 3, 1, 4));
}

TEST_F(MembershipTest, GivesANodeByIdAndItselfByTheLocalId) {
    ring(40, {1, 2});
    EXPECT_EQ(membership_.node(1)->id, 1u);
    EXPECT_TRUE(membership_.node(1)->member);
    EXPECT_EQ(membership_.node(Membership::local_node)->id, 2u);
    EXPECT_EQ(membership_.node(3).error(), Error::not_exist);
    ring(44, {2});
    EXPECT_EQ(membership_.node(1).error(), Error::not_exist);
}

// --- names and addresses ---

TEST_F(MembershipTest, NamesANodeByNodelistElseAddressElseNumber) {
    ring(40, {1, 2, 3});
    membership_.describe(std::vector<ring::RingNode>{{1, "pbx1", "10.24.22.144"}, {2, "", "10.24.22.242"}});
    EXPECT_EQ(membership_.node(1)->name, "pbx1");
    EXPECT_EQ(membership_.node(1)->address, "10.24.22.144");
    EXPECT_EQ(membership_.node(2)->name, "10.24.22.242");
    EXPECT_EQ(membership_.node(3)->name, "node 3");
    EXPECT_EQ(membership_.node(3)->address, "");
}

TEST_F(MembershipTest, TellsWhoseDescriptionIsAnother) {
    ring(40, {1, 2});
    const std::vector<ring::RingNode> first{{2, "b", "10.0.0.2"}, {1, "a", "10.0.0.1"}};
    EXPECT_THAT(membership_.describe(first), ElementsAre(1, 2));
    EXPECT_THAT(membership_.describe(first), IsEmpty());
    const auto changed =
        membership_.describe(std::vector<ring::RingNode>{{1, "a", "10.0.0.9"}, {2, "b", ""}});
    EXPECT_THAT(changed, ElementsAre(1));
    EXPECT_EQ(membership_.node(2)->address, "10.0.0.2") << "an address that is not told stays";
    EXPECT_THAT(told(membership_.notifications(changed)), ElementsAre("2 none", "1 reconfigured"));
}

TEST_F(MembershipTest, RemembersHowANodeIsCalledThatIsNotThere) {
    ring(40, {1, 2});
    membership_.describe(std::vector<ring::RingNode>{{1, "a", "10.0.0.1"}, {3, "c", "10.0.0.3"}});
    ring(44, {2});
    EXPECT_EQ(membership_.known_node(1).name, "a");
    EXPECT_EQ(membership_.known_node(3).address, "10.0.0.3");
    EXPECT_FALSE(membership_.known_node(3).member);
}

TEST_F(MembershipTest, RemembersABoundedNumberOfDescriptions) {
    std::vector<ring::RingNode> nodes;
    for (NodeId id = 1; id <= 5'000; ++id)
        nodes.push_back({id, "x", "10.0.0.1"});
    EXPECT_EQ(membership_.describe(nodes).size(), 1'024u);
    EXPECT_EQ(membership_.known_node(5'000).name, "node 5000");
}

// --- tracking ---

TEST_F(MembershipTest, TellsATrackerOfChangesAllMembersAndWhoLeft) {
    ring(40, {1, 2, 4});
    const Transition change = ring(44, {2, 3, 4}).value();
    EXPECT_THAT(told(*membership_.notifications(change, Track::changes)),
                ElementsAre("2 none", "4 none", "3 joined", "1 left -"));
    EXPECT_THAT(told(*membership_.notifications(change, Track::changes | Track::current)),
                ElementsAre("2 none", "4 none", "3 joined", "1 left -"));
}

TEST_F(MembershipTest, TellsATrackerOfChangesOnlyWhoChanged) {
    ring(40, {1, 2, 4});
    const Transition change = ring(44, {2, 3, 4}).value();
    EXPECT_THAT(told(*membership_.notifications(change, Track::changes_only)),
                ElementsAre("3 joined", "1 left -"));
    const Transition same = ring(48, {2, 3, 4}).value();
    EXPECT_THAT(told(*membership_.notifications(same, Track::changes_only)), IsEmpty());
}

TEST_F(MembershipTest, TellsATransitionAsItWasWhenAnotherFollowed) {
    ring(40, {1, 2});
    const Transition left = ring(44, {2}).value();
    ring(48, {1, 2});
    EXPECT_THAT(told(*membership_.notifications(left, Track::changes)), ElementsAre("2 none", "1 left -"));
    const Transition joined = ring(52, {1, 2, 3}).value();
    ring(56, {1, 2});
    EXPECT_THAT(told(*membership_.notifications(joined, Track::changes_only)), ElementsAre("3 joined"));
}

TEST_F(MembershipTest, RefusesFlagsThatNameNoKindOfChangesOrBoth) {
    const Transition change = ring(40, {2}).value();
    for (const int flags : {0, 1, 6, 7, 8, 10, 255})
        EXPECT_EQ(membership_.notifications(change, static_cast<std::uint8_t>(flags)).error(),
                  Error::bad_flags)
            << flags;
}

TEST_F(MembershipTest, TellsWhoAsksForTheCurrentViewAllMembers) {
    ring(40, {1, 2, 4});
    EXPECT_THAT(told(membership_.notifications()), ElementsAre("2 none", "1 none", "4 none"));
}

}  // namespace
}  // namespace lamplight::bus::ais::clm
