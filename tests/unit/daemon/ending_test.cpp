#include "daemon/ending.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::daemon {
namespace {

using console::When;
using testing::ElementsAre;

class EndingTest : public testing::Test {
protected:
    void run_until(const std::function<bool()>& done) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!done()) {
            loop_.restart();
            loop_.run_one_until(deadline);
            ASSERT_LT(std::chrono::steady_clock::now(), deadline);
        }
    }

    boost::asio::io_context loop_;
    bool quiet_ = false;
    int asked_ = 0;
    std::vector<bus::Goodbye> goodbyes_;
    std::vector<After> finished_;
    std::function<void()> said_;
    Ending ending_{loop_,
                   {[this] {
                        ++asked_;
                        return quiet_;
                    },
                    [this](bus::Goodbye how, std::function<void()> done) {
                        goodbyes_.push_back(how);
                        said_ = std::move(done);
                    },
                    [this](After after) { finished_.push_back(after); }}};
};

TEST_F(EndingTest, NowSaysGoodbyeWithoutWaitingForQuiet) {
    ending_.begin({bus::Goodbye::stop, After::exit, When::now});
    EXPECT_TRUE(ending_.begun());
    EXPECT_TRUE(goodbyes_.empty()) << "who asked gets his answer first";
    run_until([&] { return !goodbyes_.empty(); });
    EXPECT_TRUE(finished_.empty());
    said_();
    EXPECT_THAT(finished_, ElementsAre(After::exit));
}

TEST_F(EndingTest, GracefullyWaitsForQuiet) {
    ending_.begin({bus::Goodbye::restart, After::start_again, When::gracefully});
    run_until([&] { return asked_ == 2; });
    EXPECT_TRUE(goodbyes_.empty());
    quiet_ = true;
    run_until([&] { return !goodbyes_.empty(); });
    EXPECT_THAT(goodbyes_, ElementsAre(bus::Goodbye::restart));
    said_();
    EXPECT_THAT(finished_, ElementsAre(After::start_again));
}

TEST_F(EndingTest, ASecondCallHurriesTheFirst) {
    ending_.begin({bus::Goodbye::restart, After::start_again, When::gracefully});
    run_until([&] { return asked_ == 1; });
    ending_.begin({bus::Goodbye::stop, After::exit, When::gracefully});
    EXPECT_THAT(goodbyes_, ElementsAre(bus::Goodbye::restart));
    ending_.begin({bus::Goodbye::stop, After::exit, When::now});
    EXPECT_EQ(goodbyes_.size(), 1u);
}

}  // namespace
}  // namespace lamplight::daemon
