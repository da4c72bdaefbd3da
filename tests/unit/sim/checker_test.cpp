#include "sim/checker.hpp"

#include "sim/oracle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::sim {
namespace {

using state::DeviceState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Oracle, AgreesWithTheEnginesJoinOnEverySet) {
    for (unsigned set = 0; set < (1u << state::device_state_count); ++set) {
        std::vector<DeviceState> states;
        for (unsigned i = 0; i < state::device_state_count; ++i) {
            if ((set & (1u << i)) != 0) states.push_back(static_cast<DeviceState>(i));
        }
        EXPECT_EQ(oracle_aggregate(states), state::join(static_cast<state::StateSet>(set))) << set;
    }
}

struct CheckerTest : testing::Test {
    state::Engine engine;
    state::Changes changes;
    state::NodeId self =
        engine.add_own_node({state::Eid{{2, 0, 0, 0, 0, 1}}, "pbx1", 1}, state::Time{}, changes);
    state::Hints hints{engine};
    Checker checker{engine, hints};
    state::DeviceId device = *engine.intern_device("Custom:abc", changes);

    void set(DeviceState value) {
        engine.set_own(self, device, value, state::Cachable::yes, state::Cause::console, state::Time{},
                       changes);
    }
    void hand_over() {
        checker.on_changes(changes);
        changes.clear();
    }
};

TEST_F(CheckerTest, IsContentWithWhatIsRight) {
    for (DeviceState value : {DeviceState::inuse, DeviceState::inuse, DeviceState::busy}) {
        set(value);
        hand_over();
        checker.check();
    }
    engine.withdraw_own(self, device, state::Cause::console, state::Time{}, changes);
    hand_over();
    checker.check();
    EXPECT_THAT(checker.failures(), IsEmpty());
}

TEST_F(CheckerTest, NoticesAChangeThatWasNotAnnounced) {
    set(DeviceState::inuse);
    changes.clear();
    checker.check();
    EXPECT_THAT(checker.failures(), ElementsAre(HasSubstr("never announced")));
}

TEST_F(CheckerTest, NoticesAChangeThatWasLostAfterOthers) {
    set(DeviceState::inuse);
    hand_over();
    set(DeviceState::busy);
    changes.clear();
    checker.check();
    EXPECT_THAT(checker.failures(), ElementsAre(HasSubstr("was announced as INUSE")));
}

TEST_F(CheckerTest, NoticesAChangeThatIsAnnouncedTwice) {
    set(DeviceState::inuse);
    checker.on_changes(changes);
    checker.on_changes(changes);
    EXPECT_THAT(checker.failures(), ElementsAre(HasSubstr("from UNKNOWN to INUSE")));
}

TEST_F(CheckerTest, NoticesAHintThatDoesNotFollow) {
    std::vector<state::HintChange> reported;
    hints.load({{}, {{"ext", "100", "Custom:abc", {"Custom:abc"}, {}, {}}}}, reported, changes);
    checker.on_changes(reported);
    set(DeviceState::inuse);
    hand_over();
    checker.check();
    EXPECT_THAT(checker.failures(), ElementsAre(HasSubstr("hint 100 is Idle")));
}

TEST_F(CheckerTest, NoticesAHintThatIsNotReported) {
    std::vector<state::HintChange> reported;
    hints.load({{}, {{"ext", "100", "Custom:abc", {"Custom:abc"}, {}, {}}}}, reported, changes);
    checker.check();
    EXPECT_THAT(checker.failures(), ElementsAre(HasSubstr("was not reported")));
}

}  // namespace
}  // namespace lamplight::sim
