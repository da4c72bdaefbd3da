#include "daemon/custom_states.hpp"

#include "temporary_folder.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

namespace lamplight::daemon {
namespace {

using state::DeviceState;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::Pair;

class CustomStatesTest : public testing::Test {
protected:
    void SetUp() override { open(); }

    void open() {
        states_.reset();
        auto store = Store::open(folder_ / "pbx1.db");
        ASSERT_TRUE(store) << store.error().text;
        auto states = CustomStates::make(loop_, std::move(*store));
        ASSERT_TRUE(states) << states.error().text;
        states_ = std::move(*states);
        states_->on_undone([this](const std::string& device, std::optional<DeviceState> stored) {
            undone_.emplace_back(device, stored);
        });
    }

    /// Runs the loop until `done`; the test fails when that takes too long.
    template <typename Condition>
    void run_until(Condition done) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!done()) {
            loop_.restart();
            loop_.run_one_until(deadline);
            ASSERT_LT(std::chrono::steady_clock::now(), deadline);
        }
    }

    CustomStates::Done count() {
        return [this](tl::expected<void, std::string> result) {
            if (result)
                ++succeeded_;
            else
                failures_.push_back(result.error());
        };
    }

    std::vector<std::pair<std::string, DeviceState>> all() const {
        std::vector<std::pair<std::string, DeviceState>> found;
        states_->for_each(
            [&](const std::string& device, DeviceState state) { found.emplace_back(device, state); });
        return found;
    }

    TemporaryFolder folder_;
    boost::asio::io_context loop_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{loop_.get_executor()};
    std::unique_ptr<CustomStates> states_;
    int succeeded_ = 0;
    std::vector<std::string> failures_;
    std::vector<std::pair<std::string, std::optional<DeviceState>>> undone_;
};

TEST_F(CustomStatesTest, CountsAtOnceAndAnswersAfterTheCommit) {
    states_->set("Custom:a", DeviceState::inuse, count());
    EXPECT_EQ(states_->find("Custom:a"), DeviceState::inuse);
    EXPECT_EQ(succeeded_, 0);
    run_until([&] { return succeeded_ == 1; });
    open();
    EXPECT_THAT(all(), ElementsAre(Pair("Custom:a", DeviceState::inuse)));
}

TEST_F(CustomStatesTest, ABurstIsBunchedAndEveryCallerAnswered) {
    for (int i = 0; i < 5000; ++i)
        states_->set("Custom:" + std::to_string(i % 3), static_cast<DeviceState>(1 + i % 8), count());
    run_until([&] { return succeeded_ == 5000; });
    const auto before = all();
    open();
    EXPECT_EQ(all(), before);
    EXPECT_EQ(states_->find("Custom:1"), static_cast<DeviceState>(1 + 4999 % 8));
}

TEST_F(CustomStatesTest, ForgetsForGood) {
    states_->set("Custom:a", DeviceState::inuse, count());
    states_->erase("Custom:a", count());
    EXPECT_EQ(states_->find("Custom:a"), std::nullopt);
    run_until([&] { return succeeded_ == 2; });
    open();
    EXPECT_THAT(all(), ElementsAre());
}

TEST_F(CustomStatesTest, SaysThatThereIsNothingToForget) {
    states_->erase("Custom:none", count());
    EXPECT_TRUE(failures_.empty()) << "not from inside";
    run_until([&] { return failures_.size() == 1; });
}

TEST_F(CustomStatesTest, WritesWhatStillWaitsWhenItEnds) {
    for (int i = 0; i < 10; ++i)
        states_->set("Custom:a", static_cast<DeviceState>(1 + i % 8), count());
    states_->set("Custom:b", DeviceState::busy, count());
    open();
    EXPECT_EQ(states_->find("Custom:a"), static_cast<DeviceState>(1 + 9 % 8));
    EXPECT_EQ(states_->find("Custom:b"), DeviceState::busy);
}

TEST_F(CustomStatesTest, IsIdleWhenEverythingIsCommitted) {
    for (int i = 0; i < 10; ++i)
        states_->set("Custom:" + std::to_string(i), DeviceState::busy, count());
    EXPECT_FALSE(states_->is_idle());
    run_until([&] { return states_->is_idle(); });
    EXPECT_EQ(succeeded_, 10);
}

TEST_F(CustomStatesTest, RaisesAnIncarnationOnDisk) {
    const state::Eid eid{{1, 2, 3, 4, 5, 6}};
    std::vector<std::uint64_t> got;
    const auto keep = [&](tl::expected<std::uint64_t, std::string> value) {
        got.push_back(value.value_or(0));
    };
    states_->next_incarnation(eid, 100, keep);
    states_->next_incarnation(eid, 50, keep);
    run_until([&] { return got.size() == 2; });
    EXPECT_THAT(got, ElementsAre(100u, 101u));
}

class FullDiskTest : public CustomStatesTest {
protected:
    void fill() {
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit none{};
        getrlimit(RLIMIT_FSIZE, &none);
        before_ = none;
        none.rlim_cur = 0;
        setrlimit(RLIMIT_FSIZE, &none);
    }
    void make_room() { setrlimit(RLIMIT_FSIZE, &before_); }
    void TearDown() override { make_room(); }

    rlimit before_{RLIM_INFINITY, RLIM_INFINITY};
};

TEST_F(FullDiskTest, PutsTheStoredStateBackInForce) {
    states_->set("Custom:a", DeviceState::inuse, count());
    run_until([&] { return succeeded_ == 1; });
    fill();
    states_->set("Custom:a", DeviceState::busy, count());
    states_->set("Custom:new", DeviceState::busy, count());
    run_until([&] { return failures_.size() == 2; });
    EXPECT_EQ(states_->find("Custom:a"), DeviceState::inuse);
    EXPECT_EQ(states_->find("Custom:new"), std::nullopt);
    EXPECT_THAT(undone_, testing::UnorderedElementsAre(Pair("Custom:a", DeviceState::inuse),
                                                       Pair("Custom:new", std::nullopt)));
    make_room();
    states_->set("Custom:a", DeviceState::busy, count());
    run_until([&] { return succeeded_ == 2; });
    open();
    EXPECT_THAT(all(), ElementsAre(Pair("Custom:a", DeviceState::busy)));
}

TEST_F(FullDiskTest, AFailedDeletionKeepsTheState) {
    states_->set("Custom:a", DeviceState::inuse, count());
    run_until([&] { return succeeded_ == 1; });
    fill();
    states_->erase("Custom:a", count());
    run_until([&] { return failures_.size() == 1; });
    EXPECT_EQ(states_->find("Custom:a"), DeviceState::inuse);
    EXPECT_THAT(undone_, ElementsAre(Pair("Custom:a", DeviceState::inuse)));
}

}  // namespace
}  // namespace lamplight::daemon
