#include "console/trace.hpp"

#include "fake_daemon.hpp"
#include "log/channels.hpp"
#include "log/line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::console {
namespace {

using state::DeviceState;
using testing::ElementsAre;
using testing::IsEmpty;

class TraceTest : public testing::Test {
protected:
    TraceTest() {
        EXPECT_TRUE(log_.configure(log::Channels::without_file(log::Foreground::no)));
        log_.set_debug(1);
        id_ = log_.attach([this](const log::Record& record) {
            lines_.push_back(fmt::format("{} {}: {}", record.file, record.function, record.text));
        });
    }
    ~TraceTest() override { log_.detach(id_); }

    void trace(DeviceState before) {
        trace_change(log_, daemon_.engine, *daemon_.engine.find_device("Custom:abc"), before);
    }

    log::Log log_;
    FakeDaemon daemon_;
    std::vector<std::string> lines_;
    log::ListenerId id_{};
};

TEST_F(TraceTest, SaysEachServersVoteTheResultAndTheChange) {
    daemon_.set_custom("Custom:abc", DeviceState::not_inuse, {}, [](const auto&) {});
    daemon_.remote_vote("Custom:abc", DeviceState::inuse);
    trace(DeviceState::not_inuse);
    EXPECT_THAT(
        lines_,
        ElementsAre(
            "trace.cpp handle_devstate_change: Processing device state change for 'Custom:abc'",
            "trace.cpp process_collection: Adding per-server state of 'Not in use' for 'Custom:abc'",
            "trace.cpp process_collection: Adding per-server state of 'In use' for 'Custom:abc'",
            "trace.cpp process_collection: Aggregate devstate result is 'In use' for 'Custom:abc'",
            "trace.cpp process_collection: Aggregate state for device 'Custom:abc' has changed to 'In use'"));
}

TEST_F(TraceTest, SaysWhenTheAggregateDidNotChange) {
    daemon_.remote_vote("Custom:abc", DeviceState::inuse);
    trace(DeviceState::inuse);
    EXPECT_EQ(lines_.back(),
              "trace.cpp process_collection: Aggregate state for device 'Custom:abc' has not changed "
              "from 'In use'");
}

TEST_F(TraceTest, AVoteThatDoesNotCountIsNotAdded) {
    daemon_.remote_vote("Custom:abc", DeviceState::inuse);
    daemon_.remote_gone(state::Departure::left);
    trace(DeviceState::inuse);
    EXPECT_THAT(lines_, testing::SizeIs(3));
}

TEST_F(TraceTest, IsSilentWithoutDebug) {
    log_.set_debug(0);
    daemon_.remote_vote("Custom:abc", DeviceState::inuse);
    EXPECT_FALSE(traces(log_));
    trace(DeviceState::inuse);
    EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(TraceTest, SpeaksWhenDebugIsSetForItsFileAlone) {
    log_.set_debug(0);
    log_.set_debug(1, "trace");
    EXPECT_TRUE(traces(log_));
}

}  // namespace
}  // namespace lamplight::console
