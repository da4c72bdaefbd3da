#include "console_fixture.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>

namespace lamplight::console {
namespace {

using state::DeviceState;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class EventCommandsTest : public ConsoleTest {
protected:
    /// Our own votes for so many devices.
    void vote(int devices) {
        for (int number = 0; number < devices; ++number)
            daemon_.set_custom(fmt::format("Custom:{:05}", number), DeviceState::inuse, {},
                               [](const auto&) {});
    }
    std::size_t events(const Reply& reply) const { return reply.json->at("events").as_array().size(); }
};

TEST_F(EventCommandsTest, DumpsWhatCountsInAsterisksLayout) {
    vote(1);
    EXPECT_EQ(run("event dump cache DeviceStateChange").text,
              "Event Type: DeviceStateChange\n"
              "Cache Unique Keys:\n"
              "--> Device\n"
              "--> EntityID\n"
              "\n"
              "--- Begin Cache Dump ---\n"
              "\n"
              "Event: DeviceStateChange\n"
              "Device: Custom:00000\n"
              "State: 2\n"
              "Cachable: 1\n"
              "EntityID: 02:00:00:00:00:01\n"
              "\n"
              "--- End Cache Dump ---\n"
              "\n");
}

TEST_F(EventCommandsTest, AVoteThatIsNotCachableSaysSo) {
    state::Changes changes;
    const auto device = *daemon_.engine.intern_device("PJSIP/alice", changes);
    daemon_.engine.set_own(daemon_.own, device, DeviceState::busy, state::Cachable::no, state::Cause::console,
                           daemon_.now(), changes);
    EXPECT_THAT(run("event dump cache DeviceStateChange").text, HasSubstr("State: 3\nCachable: 0\n"));
}

TEST_F(EventCommandsTest, WithdrawnVotesAndMailboxesAreNotThere) {
    vote(1);
    daemon_.delete_custom("Custom:00000", {}, [](const auto&) {});
    run("mwi update 6001 1 0");
    run("mwi delete 6001");
    EXPECT_EQ(events(run("event dump cache DeviceStateChange", true)), 0u);
    EXPECT_EQ(events(run("event dump cache MWI", true)), 0u);
}

TEST_F(EventCommandsTest, ADumpThatIsCutSaysSo) {
    vote(10'000);
    for (const auto* type : {"DeviceState", "DeviceStateChange"}) {
        const auto whole = run(fmt::format("event dump cache {}", type), true);
        EXPECT_EQ(events(whole), 10'000u);
        EXPECT_TRUE(whole.json->at("complete").as_bool());
        EXPECT_THAT(run(fmt::format("event dump cache {}", type)).text,
                    EndsWith("--- End Cache Dump ---\n\n"));
    }
    vote(10'001);
    for (const auto* type : {"DeviceState", "DeviceStateChange"}) {
        const auto cut = run(fmt::format("event dump cache {}", type), true);
        EXPECT_EQ(events(cut), 10'000u);
        EXPECT_FALSE(cut.json->at("complete").as_bool());
        EXPECT_THAT(run(fmt::format("event dump cache {}", type)).text,
                    EndsWith("Only the first 10000 events are shown: see 'device show like <text>' for "
                             "others.\n"));
    }
}

TEST_F(EventCommandsTest, ManyMailboxesAreCutToo) {
    for (int number = 0; number < 10'001; ++number)
        ASSERT_TRUE(daemon_.update_mwi({fmt::format("{:05}", number), "default"}, {1, 0}, {}));
    EXPECT_EQ(events(run("event dump cache MWI", true)), 10'000u);
    EXPECT_THAT(run("event dump cache MWI").text, HasSubstr("see 'mwi show like <text>'"));
}

TEST_F(EventCommandsTest, ATypeThatIsNotKeptIsNoFailureAndAnUnknownOneIs) {
    EXPECT_EQ(run("event dump cache ping").status, 0);
    EXPECT_EQ(run("event dump cache ping").text, "Event type 'ping' has no cache.\n");
    EXPECT_EQ(run("event dump cache device").status, 1);
    EXPECT_THAT(run("event dump cache device").text,
                HasSubstr("Invalid cached event type: 'device'\nUsage: event dump cache"));
    EXPECT_EQ(run("event dump cache").status, 1);
    EXPECT_EQ(run("event dump cache MWI MWI").status, 1);
}

TEST_F(EventCommandsTest, CompletesTheTypes) {
    EXPECT_THAT(registry_.complete("event dump cache "),
                ElementsAre("DeviceState", "DeviceStateChange", "MWI"));
    EXPECT_THAT(registry_.complete("event dump cache M"), ElementsAre("MWI"));
    EXPECT_THAT(registry_.complete("event dump cache MWI "), IsEmpty());
}

}  // namespace
}  // namespace lamplight::console
