#include "bus/ais/channels_text.hpp"
#include "bus/ais/clm/membership.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::bus::ais::clm {
namespace {

using testing::ElementsAre;
using testing::IsSupersetOf;

// Ids as Corosync makes them of an address when corosync.conf has none.
constexpr NodeId node_144 = 0x0a181690;
constexpr NodeId node_242 = 0x0a1816f2;
constexpr NodeId node_33 = 0x0a181621;

const std::vector<ring::RingNode> described{
    {node_144, "", "10.24.22.144"}, {node_242, "", "10.24.22.242"}, {node_33, "", "10.24.22.33"}};

class ClmTexts : public testing::Test {
protected:
    ClmTexts() {
        membership_.set_self(node_144);
        membership_.describe(described);
    }

    std::vector<std::string> lines_of(std::uint64_t sequence, const std::vector<NodeId>& nodes) {
        return aisexec_lines(membership_.on_ring(sequence, nodes).value(), membership_);
    }

    Membership membership_;
};

TEST_F(ClmTexts, SayThatANodeJoinedAsAisexecDid) {
    membership_.on_ring(40, std::vector<NodeId>{node_144});
    EXPECT_THAT(lines_of(44, {node_144, node_242}),
                ElementsAre("[CLM   ] CLM CONFIGURATION CHANGE",                             //
                            "[CLM   ] New Configuration:",                                   //
                            "[CLM   ] \tr(0) ip(10.24.22.144) ",                             //
                            "[CLM   ] Members Left:",                                        //
                            "[CLM   ] Members Joined:",                                      //
                            "[CLM   ] CLM CONFIGURATION CHANGE",                             //
                            "[CLM   ] New Configuration:",                                   //
                            "[CLM   ] \tr(0) ip(10.24.22.144) ",                             //
                            "[CLM   ] \tr(0) ip(10.24.22.242) ",                             //
                            "[CLM   ] Members Left:",                                        //
                            "[CLM   ] Members Joined:",                                      //
                            "[CLM   ] \tr(0) ip(10.24.22.242) ",                             //
                            "[TOTEM ] A processor joined or left the membership and a new "  //
                            "membership was formed.",                                        //
                            "[MAIN  ] Completed service synchronization, ready to provide service."));
}

/// One blank for each run of them, as the book prints.
std::string one_line(const std::vector<std::string>& lines, std::size_t from) {
    std::string text;
    for (std::size_t i = from; i < lines.size(); ++i)
        for (const char c : "Nov 13 06:55:30 corosync " + lines[i] + " ") {
            const bool blank = c == ' ' || c == '\t';
            // The subsystem's name is filled up inside its brackets.
            if (blank && text.ends_with(' ')) continue;
            text += blank ? ' ' : c;
        }
    return text;
}

TEST_F(ClmTexts, AreTheWordsOfTheBookBehindTheTransitionalBlock) {
    membership_.on_ring(40, std::vector<NodeId>{node_144});
    EXPECT_EQ(
        one_line(lines_of(44, {node_144, node_242}), 5),
        "Nov 13 06:55:30 corosync [CLM ] CLM CONFIGURATION CHANGE "
        "Nov 13 06:55:30 corosync [CLM ] New Configuration: "
        "Nov 13 06:55:30 corosync [CLM ] r(0) ip(10.24.22.144) "
        "Nov 13 06:55:30 corosync [CLM ] r(0) ip(10.24.22.242) "
        "Nov 13 06:55:30 corosync [CLM ] Members Left: "
        "Nov 13 06:55:30 corosync [CLM ] Members Joined: "
        "Nov 13 06:55:30 corosync [CLM ] r(0) ip(10.24.22.242) "
        "Nov 13 06:55:30 corosync [TOTEM ] A processor joined or left the membership and a new membership "
        "was formed. "
        "Nov 13 06:55:30 corosync [MAIN ] Completed service synchronization, ready to provide service. ");
}

TEST_F(ClmTexts, SayWhoLeftInTheTransitionalBlock) {
    membership_.on_ring(40, std::vector<NodeId>{node_144, node_242, node_33});
    EXPECT_THAT(lines_of(44, {node_144, node_33}),
                ElementsAre("[CLM   ] CLM CONFIGURATION CHANGE",  //
                            "[CLM   ] New Configuration:",        //
                            "[CLM   ] \tr(0) ip(10.24.22.33) ",   //
                            "[CLM   ] \tr(0) ip(10.24.22.144) ",  //
                            "[CLM   ] Members Left:",             //
                            "[CLM   ] \tr(0) ip(10.24.22.242) ",  //
                            "[CLM   ] Members Joined:",           //
                            "[CLM   ] CLM CONFIGURATION CHANGE",  //
                            "[CLM   ] New Configuration:",        //
                            "[CLM   ] \tr(0) ip(10.24.22.33) ",   //
                            "[CLM   ] \tr(0) ip(10.24.22.144) ",  //
                            "[CLM   ] Members Left:",             //
                            "[CLM   ] Members Joined:",           //
                            testing::StartsWith("[TOTEM ] "), testing::StartsWith("[MAIN  ] ")));
}

TEST_F(ClmTexts, SayOfANodeWithoutAnAddressThatThereIsNoInterface) {
    EXPECT_THAT(lines_of(44, {node_144, 3}), IsSupersetOf({"[CLM   ] \tno interface found for nodeid 3"}));
}

// --- ids ---

TEST(ShownId, OfAnAddressIsByteSwappedAsOpenaisPrintedIt) {
    EXPECT_EQ(shown_id(node_144, "10.24.22.144"), 0x9016180au);
    EXPECT_EQ(shown_id(node_242, "10.24.22.242"), 0xf216180au);
}

TEST(ShownId, ThatIsNoAddressIsItself) {
    EXPECT_EQ(shown_id(2, "10.24.22.242"), 2u);
    EXPECT_EQ(shown_id(node_144, ""), node_144);
    EXPECT_EQ(shown_id(node_144, "10.24.22.242"), node_144);
    EXPECT_EQ(shown_id(node_144, "fd00::1"), node_144);
    EXPECT_EQ(shown_id(node_144, "10.24.22.144 "), node_144);
}

// --- ais clm show members ---

TEST_F(ClmTexts, ListMembersAsAsteriskDid) {
    membership_.on_ring(40, std::vector<NodeId>{node_144});
    EXPECT_EQ(members_text(membership_.members()),
              "\n"
              "=============================================================\n"
              "=== Cluster Members =========================================\n"
              "=============================================================\n"
              "===\n"
              "=== ---------------------------------------------------------\n"
              "=== Node Name: 10.24.22.144\n"
              "=== ==> ID: 0x9016180a\n"
              "=== ==> Address: 10.24.22.144\n"
              "=== ==> Member: Yes\n"
              "=== ---------------------------------------------------------\n"
              "===\n"
              "=============================================================\n"
              "\n");
}

TEST_F(ClmTexts, ListTheOwnNodeFirstAndABlockForEach) {
    membership_.set_self(node_242);
    membership_.on_ring(40, std::vector<NodeId>{node_144, node_242});
    const std::string text = members_text(membership_.members());
    const std::size_t own = text.find("=== Node Name: 10.24.22.242\n=== ==> ID: 0xf216180a\n");
    ASSERT_NE(own, text.npos);
    EXPECT_GT(text.find("=== Node Name: 10.24.22.144\n"), own);
    EXPECT_EQ(members_text({}),
              "\n"
              "=============================================================\n"
              "=== Cluster Members =========================================\n"
              "=============================================================\n"
              "===\n"
              "=============================================================\n"
              "\n");
}

// --- ais evt show event channels ---

TEST(ChannelsText, ListsChannelsAsAsteriskDid) {
    conf::AisChannel channel;
    channel.name = "device_state";
    channel.publish.device_state = channel.subscribe.device_state = true;
    EXPECT_EQ(channels_text(std::vector{channel}),
              "\n"
              "=============================================================\n"
              "=== Event Channels ==========================================\n"
              "=============================================================\n"
              "===\n"
              "=== ---------------------------------------------------------\n"
              "=== Event Channel Name: device_state\n"
              "=== ==> Publishing Event Type: device_state\n"
              "=== ==> Subscribing to Event Type: device_state\n"
              "=== ---------------------------------------------------------\n"
              "===\n"
              "=============================================================\n"
              "\n");
}

TEST(ChannelsText, ListsWhatIsPublishedBeforeWhatIsTakenAndABlockForEachChannel) {
    conf::AisChannel both;
    both.name = "both";
    both.publish = both.subscribe = {.mwi = true, .device_state = true};
    conf::AisChannel silent;
    silent.name = "silent";
    EXPECT_THAT(channels_text(std::vector{both, silent}),
                testing::HasSubstr("=== ---------------------------------------------------------\n"
                                   "=== Event Channel Name: both\n"
                                   "=== ==> Publishing Event Type: mwi\n"
                                   "=== ==> Publishing Event Type: device_state\n"
                                   "=== ==> Subscribing to Event Type: mwi\n"
                                   "=== ==> Subscribing to Event Type: device_state\n"
                                   "=== ---------------------------------------------------------\n"
                                   "===\n"
                                   "=== ---------------------------------------------------------\n"
                                   "=== Event Channel Name: silent\n"
                                   "=== ---------------------------------------------------------\n"
                                   "===\n"
                                   "=============================================================\n"));
}

}  // namespace
}  // namespace lamplight::bus::ais::clm
