#include "daemon/hub.hpp"

#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::daemon {
namespace {

using state::Cause;
using state::DeviceState;
using test::TemporaryFolder;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr state::Eid own{{2, 0, 0, 0, 0, 1}};
constexpr state::Eid other{{2, 0, 0, 0, 0, 2}};

conf::Configuration make_configuration() {
    conf::Configuration made;
    made.name = "pbx1";
    made.eid = own;
    made.policy.silent_hold = std::chrono::milliseconds(30);
    made.hints.contexts.emplace_back().name = "default";
    state::HintDefinition& hint = made.hints.hints.emplace_back();
    hint.context = "default";
    hint.extension = "6001";
    hint.text = "Custom:a";
    hint.devices = {"Custom:a"};
    return made;
}

class HubTest : public testing::Test {
protected:
    HubTest() {
        log_.set_verbose(2);
        log_.attach([this](const log::Record& record) { lines_.emplace_back(record.text); });
        hub_.set_outlets({[this](const state::Changes& changes) { on_changes(changes); },
                          [this] { ++own_changed_; },
                          [this](std::span<const state::MwiOwnChange> changes) {
                              for (const state::MwiOwnChange& change : changes)
                                  own_counts_.push_back(change.mailbox.name);
                          }});
    }

    std::unique_ptr<CustomStates> open_states() {
        auto store = Store::open(folder_ / "pbx1.db");
        EXPECT_TRUE(store) << store.error().text;
        (void)store->write(std::vector<StoreEntry>{{"Custom:kept", DeviceState::onhold}});
        auto states = CustomStates::make(loop_, std::move(*store));
        EXPECT_TRUE(states);
        return std::move(*states);
    }

    void on_changes(const state::Changes& changes) {
        for (const auto& change : changes.own_votes)
            own_votes_.emplace_back(hub_.engine().device_name(change.device));
        aggregates_ += changes.aggregates.size();
        if (on_round_) std::exchange(on_round_, nullptr)();
    }

    template <typename Condition>
    void run_until(Condition done) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!done()) {
            loop_.restart();
            loop_.run_one_until(
                std::min(deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds(20)));
            ASSERT_LT(std::chrono::steady_clock::now(), deadline);
        }
    }

    DeviceState aggregate(std::string_view device) {
        const auto id = hub_.engine().find_device(device);
        return id ? hub_.engine().aggregate(*id) : DeviceState::unknown;
    }

    /// Another node, a member of the local bus, votes.
    state::SenderId remote_votes(std::string_view device, DeviceState state) {
        state::Changes changes;
        const auto sender = *hub_.engine().open_sender(state::Bus::local, "pbx2", changes);
        hub_.engine().announce(sender, {other, "pbx2", 7}, hub_.now(), changes);
        hub_.engine().sender_present(sender, hub_.now(), changes);
        const std::vector<state::Vote> votes{{.device = *hub_.engine().intern_device(device, changes),
                                              .node = *hub_.engine().find_node(other),
                                              .state = state,
                                              .sender = sender,
                                              .version = {7, 1}}};
        hub_.engine().apply(votes, hub_.now(), changes);
        hub_.publish(changes);
        return sender;
    }

    TemporaryFolder folder_;
    boost::asio::io_context loop_;
    log::Log log_;
    std::vector<std::string> lines_;
    console::Registry commands_;
    conf::Configuration configuration_ = make_configuration();
    std::unique_ptr<CustomStates> states_ = open_states();
    Hub hub_{{loop_, log_, commands_, configuration_, *states_}, 1000};
    std::vector<std::string> own_votes_;
    std::vector<std::string> own_counts_;
    std::size_t aggregates_ = 0;
    int own_changed_ = 0;
    std::function<void()> on_round_;
};

TEST_F(HubTest, VotesForWhatWasKeptBeforeAnyBusIsThere) {
    EXPECT_EQ(aggregate("Custom:kept"), DeviceState::onhold);
    EXPECT_TRUE(own_votes_.empty());
    EXPECT_EQ(hub_.own_nodes().front().incarnation, 1000u);
}

TEST_F(HubTest, HandsAVoteOnToModulesAndHints) {
    ASSERT_TRUE(hub_.vote("Custom:a", DeviceState::inuse, Cause::console));
    EXPECT_THAT(own_votes_, ElementsAre("Custom:a"));
    state::Changes changes;
    const auto hint = hub_.hints().find("6001", "default", changes);
    ASSERT_TRUE(hint);
    EXPECT_EQ(hub_.hints().view(*hint).state, state::ExtensionState::inuse);
    EXPECT_THAT(lines_, Contains("Extension 6001@default is InUse now, was Idle"));
}

TEST_F(HubTest, KeepsAPlaceForWhatModulesShareAndNotTheThingItself) {
    EXPECT_EQ(hub_.shared("ring").lock(), nullptr);
    auto made = std::make_shared<int>(7);
    hub_.shared("ring") = made;
    EXPECT_EQ(hub_.shared("ring").lock(), made);
    EXPECT_EQ(hub_.shared("tree").lock(), nullptr);
    made.reset();
    EXPECT_TRUE(hub_.shared("ring").expired());
}

TEST_F(HubTest, SaysWhyANameIsRefused) {
    const auto voted = hub_.vote(std::string(300, 'x'), DeviceState::inuse, Cause::console);
    ASSERT_FALSE(voted);
    EXPECT_THAT(voted.error(), HasSubstr("255"));
}

TEST_F(HubTest, ARoundThatPublishesIsFollowedByAnother) {
    on_round_ = [this] { (void)hub_.vote("Custom:b", DeviceState::busy, Cause::console); };
    ASSERT_TRUE(hub_.vote("Custom:a", DeviceState::inuse, Cause::console));
    EXPECT_THAT(own_votes_, ElementsAre("Custom:a", "Custom:b"));
}

TEST_F(HubTest, TellsOfMembersComingAndGoing) {
    const auto sender = remote_votes("Custom:a", DeviceState::busy);
    EXPECT_THAT(lines_, Contains("pbx2 joined local"));
    state::Changes changes;
    hub_.engine().sender_gone(sender, state::Departure::silent, hub_.now(), changes);
    hub_.publish(changes);
    EXPECT_THAT(lines_, Contains("pbx2 silent on local: its vote is stale for 0 s"));
    EXPECT_EQ(aggregate("Custom:a"), DeviceState::busy);
    run_until([&] { return aggregate("Custom:a") == DeviceState::unavailable; });
    EXPECT_THAT(lines_, Contains("pbx2 did not come back: its vote does not count any more"));
}

TEST_F(HubTest, NamesBothServersThatHaveOneEntityId) {
    remote_votes("Custom:a", DeviceState::busy);
    state::Changes changes;
    const auto sender = *hub_.engine().open_sender(state::Bus::local, "elsewhere", changes);
    hub_.engine().announce(sender, {other, "pbx2", 8}, hub_.now(), changes);
    hub_.publish(changes);
    EXPECT_THAT(lines_, Contains(testing::AllOf(HasSubstr("02:00:00:00:00:02"), HasSubstr("pbx2"),
                                                HasSubstr("elsewhere"))));
}

TEST_F(HubTest, RaisesItsIncarnationOnDiskThenAnnouncesEverythingAgain) {
    hub_.raise_incarnation(own, 5000);
    EXPECT_EQ(own_changed_, 0) << "not before it is stored";
    run_until([&] { return own_changed_ == 1; });
    EXPECT_EQ(hub_.own_nodes().front().incarnation, 5001u);
    EXPECT_THAT(own_votes_, ElementsAre("Custom:kept"));
    hub_.raise_incarnation(own, 4000);
    hub_.raise_incarnation(other, 9000);
    run_until([&] { return states_->is_idle(); });
    EXPECT_EQ(own_changed_, 1);
}

TEST_F(HubTest, AnnouncesItsMessageCountsAndTheirRepetition) {
    const state::Mailbox box{"6001", "default"};
    ASSERT_TRUE(hub_.vote(box, {2, 1}));
    const auto first = hub_.mwi().vote(box, hub_.own_node());
    ASSERT_TRUE(hub_.vote(box, {2, 1}));
    EXPECT_THAT(own_counts_, ElementsAre("6001", "6001")) << "it makes them the newest again";
    EXPECT_LT(first->version, hub_.mwi().vote(box, hub_.own_node())->version);
    EXPECT_EQ(hub_.mwi().aggregate(box), (state::MessageCounts{2, 1}));
}

TEST_F(HubTest, WithdrawsTheMessageCountsThatItHas) {
    const state::Mailbox box{"6001", "default"};
    EXPECT_FALSE(hub_.withdraw(box));
    ASSERT_TRUE(hub_.vote(box, {2, 1}));
    EXPECT_TRUE(hub_.withdraw(box));
    EXPECT_FALSE(hub_.withdraw(box));
    EXPECT_THAT(own_counts_, ElementsAre("6001", "6001"));
    EXPECT_EQ(hub_.mwi().aggregate(box), std::nullopt);
}

TEST_F(HubTest, SaysWhyAMailboxIsRefusedAndAnnouncesNothing) {
    const auto voted = hub_.vote(state::Mailbox{std::string(300, '6'), "default"}, {1, 0});
    ASSERT_FALSE(voted);
    EXPECT_THAT(voted.error(), HasSubstr("255"));
    EXPECT_TRUE(own_counts_.empty());
}

TEST_F(HubTest, TakesMessageCountsOfOthersAndLosesThemWithTheirNode) {
    const auto sender = remote_votes("Custom:a", DeviceState::busy);
    const state::NodeId node = *hub_.engine().find_node(other);
    const state::Mailbox box{"6001", "default"};
    std::vector<state::MwiInput> inputs{state::MwiVote{box, node, {3, 0}, state::VoteKind::state, {7, 1}}};
    hub_.publish_mwi(inputs);
    EXPECT_TRUE(inputs.empty());
    EXPECT_EQ(hub_.mwi().aggregate(box), (state::MessageCounts{3, 0}));
    EXPECT_TRUE(own_counts_.empty()) << "others' counts are not ours to announce";
    state::Changes changes;
    hub_.engine().sender_gone(sender, state::Departure::failed, hub_.now(), changes);
    hub_.publish(changes);
    EXPECT_EQ(hub_.mwi().aggregate(box), std::nullopt);
}

TEST_F(HubTest, ARaisedIncarnationAnnouncesItsMessageCountsAgainWithTheSameAge) {
    const state::Mailbox box{"6001", "default"};
    ASSERT_TRUE(hub_.vote(box, {2, 1}));
    const auto before = hub_.mwi().vote(box, hub_.own_node())->version;
    own_counts_.clear();
    hub_.raise_incarnation(own, 5000);
    run_until([&] { return own_changed_ == 1; });
    EXPECT_THAT(own_counts_, ElementsAre("6001"));
    EXPECT_EQ(hub_.mwi().vote(box, hub_.own_node())->version, (state::Version{5001, before.sequence}));
    EXPECT_EQ(hub_.mwi().aggregate(box), (state::MessageCounts{2, 1}));
}

TEST_F(HubTest, ReloadsHints) {
    configuration_.hints.hints.front().extension = "6002";
    hub_.reload_hints();
    state::Changes changes;
    EXPECT_FALSE(hub_.hints().find("6001", "default", changes));
    EXPECT_TRUE(hub_.hints().find("6002", "default", changes));
}

TEST_F(HubTest, EngineTimeLooksLikeADate) {
    const auto difference = hub_.wall(hub_.now()) - std::chrono::system_clock::now();
    EXPECT_LT(std::chrono::abs(difference), std::chrono::seconds(1));
}

}  // namespace
}  // namespace lamplight::daemon
