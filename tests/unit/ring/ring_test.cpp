#include "ring/failure.hpp"
#include "ring/group.hpp"
#include "ring/stack.hpp"
#include "ring/types.hpp"
#include "ring/worker.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <chrono>
#include <optional>

namespace lamplight::ring {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// As in cs_error_t (corotypes.h).
constexpr int library = 2;
constexpr int try_again = 6;
constexpr int access = 11;
constexpr int exist = 14;

TEST(Ring, AMemberIsNamedByItsNodeAndProcess) {
    EXPECT_EQ(to_string({.node_id = 2, .pid = 4711}), "node 2 pid 4711");
    EXPECT_LT((Member{.node_id = 1, .pid = 9}), (Member{.node_id = 2, .pid = 1}));
}

TEST(Ring, AFailureHasCorosyncsNameAndNumber) {
    EXPECT_EQ(make_failure(library).text, "CS_ERR_LIBRARY (2)");
    EXPECT_EQ(make_failure(library).code, library);
    EXPECT_EQ(make_failure(4711).text, "unknown error (4711)");
}

TEST(Ring, WhyWeAreNotInAGroupIsSaidWithWhatToDo) {
    EXPECT_EQ(explain(library), "Corosync does not answer (CS_ERR_LIBRARY)");
    EXPECT_EQ(explain(try_again), "Corosync is not ready (CS_ERR_TRY_AGAIN)");
    EXPECT_EQ(explain(exist), "this process is in the group already (CS_ERR_EXIST)");
    EXPECT_THAT(explain(access), HasSubstr("uidgid.d, `uidgid { uid: "));
    EXPECT_THAT(explain(access), HasSubstr("(CS_ERR_ACCESS)"));
}

/// stack_suffices() on a thread with so much stack.
bool suffices(std::size_t bytes) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, bytes);
    bool answer = false;
    pthread_t thread{};
    const auto run = [](void* out) -> void* {
        *static_cast<bool*>(out) = stack_suffices();
        return nullptr;
    };
    EXPECT_EQ(pthread_create(&thread, &attributes, run, &answer), 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
    return answer;
}

TEST(Ring, AStackOfOneMegabyteIsTooSmallAndEightSuffice) {
    EXPECT_FALSE(suffices(1024 * 1024));
    EXPECT_TRUE(suffices(8 * 1024 * 1024));
}

/// Groups of a name nobody else has, whether or not a Corosync answers here: they are kept out.
class GroupTest : public testing::Test {
protected:
    Group::Owner owner() {
        Group::Owner out;
        out.may_join = [](Member, const std::vector<Member>&) { return false; };
        out.on_lost = [this](const std::string&) { ++lost_; };
        return out;
    }

    boost::asio::io_context loop_;
    Worker worker_{loop_};
    int lost_ = 0;
    std::optional<Group> group_{std::in_place, loop_, worker_, "lamplight-unit-test", owner()};
};

TEST_F(GroupTest, NothingIsSentBeforeItIsJoined) {
    EXPECT_EQ(group_->send({}), Sent::not_joined);
    group_->start();
    EXPECT_EQ(group_->send({}), Sent::not_joined);
    EXPECT_EQ(group_->state(), Group::State::connecting);
    EXPECT_EQ(group_->self(), Member{});
    EXPECT_EQ(group_->trouble(), "Corosync has not answered yet");
}

TEST_F(GroupTest, LeavingWhatWasNotJoinedIsDoneInTheNextTurnAndOnce) {
    group_->start();
    int done = 0;
    group_->leave([&] { ++done; });
    EXPECT_EQ(done, 0);
    EXPECT_EQ(group_->state(), Group::State::left);
    loop_.run_for(1s);
    EXPECT_EQ(done, 1);
    EXPECT_EQ(lost_, 0);
    EXPECT_EQ(group_->state(), Group::State::left);
}

TEST_F(GroupTest, NobodyIsCalledAfterItsEnd) {
    group_->start();
    int done = 0;
    group_->leave([&] { ++done; });
    group_.reset();
    loop_.run_for(100ms);
    EXPECT_EQ(done, 0);
    EXPECT_EQ(lost_, 0);
}

}  // namespace
}  // namespace lamplight::ring
