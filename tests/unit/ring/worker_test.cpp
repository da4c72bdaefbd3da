#include "ring/worker.hpp"

#include <boost/asio/io_context.hpp>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <future>
#include <optional>
#include <thread>
#include <vector>

namespace lamplight::ring {
namespace {

using namespace std::chrono_literals;

std::ptrdiff_t threads() {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
}

class WorkerTest : public testing::Test {
protected:
    /// Runs the loop until `condition`, for at most ten seconds.
    template <typename Condition>
    bool run_until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            loop_.restart();
            loop_.run_one_for(5ms);
        }
        return condition();
    }

    boost::asio::io_context loop_;
    std::optional<Worker> worker_{loop_};
};

TEST_F(WorkerTest, TasksRunInOrderOnOneOtherThreadAndTheirEndsOnTheLoop) {
    std::vector<int> ran;
    std::vector<int> done;
    std::vector<std::thread::id> places;
    for (int i = 0; i < 100; ++i)
        worker_->run(
            [&, i] {
                ran.push_back(i);
                places.push_back(std::this_thread::get_id());
            },
            [&, i] { done.push_back(i); });
    ASSERT_TRUE(run_until([&] { return done.size() == 100; }));
    EXPECT_TRUE(std::ranges::is_sorted(ran));
    EXPECT_EQ(ran, done);
    EXPECT_NE(places.front(), std::this_thread::get_id());
    EXPECT_TRUE(std::ranges::all_of(places, [&](auto place) { return place == places.front(); }));
}

TEST_F(WorkerTest, HasAStackOfItsOwnHoweverSmallTheProcesssIs) {
    pthread_attr_t before;
    pthread_attr_t small;
    ASSERT_EQ(pthread_getattr_default_np(&before), 0);
    ASSERT_EQ(pthread_getattr_default_np(&small), 0);
    pthread_attr_setstacksize(&small, 256u << 10);  // as `ulimit -s 256` would
    ASSERT_EQ(pthread_setattr_default_np(&small), 0);
    worker_.emplace(loop_);
    ASSERT_EQ(pthread_setattr_default_np(&before), 0);
    std::size_t bytes = 0;
    bool done = false;
    worker_->run(
        [&bytes] {
            pthread_attr_t attributes;
            ASSERT_EQ(pthread_getattr_np(pthread_self(), &attributes), 0);
            pthread_attr_getstacksize(&attributes, &bytes);
            pthread_attr_destroy(&attributes);
        },
        [&done] { done = true; });
    ASSERT_TRUE(run_until([&] { return done; }));
    EXPECT_GE(bytes, std::size_t{4} << 20);
}

TEST_F(WorkerTest, AHangingTaskDoesNotHoldTheLoop) {
    std::promise<void> free;
    bool done = false;
    worker_->run([held = free.get_future().share()] { held.wait(); }, [&] { done = true; });
    EXPECT_EQ(loop_.poll(), 0U);
    EXPECT_FALSE(done);
    free.set_value();
    EXPECT_TRUE(run_until([&] { return done; }));
}

TEST_F(WorkerTest, WhatWaitsIsRunAtTheEndButNobodyIsCalled) {
    int ran = 0;
    int done = 0;
    for (int i = 0; i < 10; ++i)
        worker_->run([&] { ++ran; }, [&] { ++done; });
    worker_.reset();
    EXPECT_EQ(ran, 10);
    loop_.poll();
    EXPECT_EQ(done, 0);
}

TEST_F(WorkerTest, TheEndWaitsForAHangingTaskATenthOfASecondAndDropsWhatIsBehind) {
    const auto before = threads();
    auto free = std::make_shared<std::promise<void>>();
    std::promise<void> entered;
    const auto dropped = std::make_shared<bool>(false);
    worker_->run(
        [held = free->get_future().share(), &entered] {
            entered.set_value();
            held.wait();
        },
        {});
    worker_->run([dropped] { *dropped = true; }, {});
    entered.get_future().wait();
    const auto begin = std::chrono::steady_clock::now();
    worker_.reset();
    const auto waited = std::chrono::steady_clock::now() - begin;
    EXPECT_GE(waited, 100ms);
    EXPECT_LT(waited, 1s);
    free->set_value();
    EXPECT_TRUE(run_until([&] { return threads() == before - 1; }));
    EXPECT_FALSE(*dropped);
}

TEST(WorkerInAPlugin, MayBeUnloadedWhileItsThreadHangs) {
    const auto before = threads();
    std::array<int, 2> in{};
    std::array<int, 2> entered{};
    ASSERT_EQ(::pipe(in.data()), 0);
    ASSERT_EQ(::pipe(entered.data()), 0);
    void* plugin = ::dlopen(LAMPLIGHT_TEST_WORKER_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(plugin, nullptr) << ::dlerror();
    const auto begin_to_read = reinterpret_cast<void (*)(int, int)>(::dlsym(plugin, "begin_to_read"));
    const auto end = reinterpret_cast<void (*)()>(::dlsym(plugin, "end"));
    begin_to_read(in[0], entered[1]);
    char byte = 0;
    ASSERT_EQ(::read(entered[0], &byte, 1), 1);
    end();
    EXPECT_EQ(::dlclose(plugin), 0);
    EXPECT_EQ(threads(), before + 1);

    ASSERT_EQ(::write(in[1], &byte, 1), 1);  // the thread comes back into the plugin's code
    ASSERT_EQ(::read(entered[0], &byte, 1), 1);
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (threads() != before && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    EXPECT_EQ(threads(), before);
    for (const int descriptor : {in[0], in[1], entered[0], entered[1]})
        ::close(descriptor);
}

}  // namespace
}  // namespace lamplight::ring
