#include "state/device_state.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace lamplight::state {
namespace {

TEST(DeviceState, HasAsterisksTexts) {
    struct Row {
        DeviceState state;
        unsigned number;
        std::string_view config;
        std::string_view log;
    };
    const std::array<Row, device_state_count> rows = {{
        {DeviceState::unknown, 0, "UNKNOWN", "Unknown"},
        {DeviceState::not_inuse, 1, "NOT_INUSE", "Not in use"},
        {DeviceState::inuse, 2, "INUSE", "In use"},
        {DeviceState::busy, 3, "BUSY", "Busy"},
        {DeviceState::invalid, 4, "INVALID", "Invalid"},
        {DeviceState::unavailable, 5, "UNAVAILABLE", "Unavailable"},
        {DeviceState::ringing, 6, "RINGING", "Ringing"},
        {DeviceState::ringinuse, 7, "RINGINUSE", "Ring+Inuse"},
        {DeviceState::onhold, 8, "ONHOLD", "On Hold"},
    }};
    for (const Row& row : rows) {
        EXPECT_EQ(static_cast<unsigned>(row.state), row.number);
        EXPECT_EQ(config_text(row.state), row.config);
        EXPECT_EQ(log_text(row.state), row.log);
        EXPECT_EQ(device_state_from_number(row.number), row.state);
        EXPECT_EQ(parse_device_state(row.config), row.state);
    }
}

TEST(DeviceState, ReadsATextInAnyCase) {
    EXPECT_EQ(parse_device_state("not_inuse"), DeviceState::not_inuse);
    EXPECT_EQ(parse_device_state("RingInUse"), DeviceState::ringinuse);
}

TEST(DeviceState, RefusesATextThatIsNoState) {
    for (std::string_view text : {"", "NONSENSE", "INUSE ", " INUSE", "INUS", "Not in use", "1"}) {
        EXPECT_FALSE(parse_device_state(text)) << text;
    }
    EXPECT_FALSE(parse_device_state(std::string_view("INUSE\0", 6)));
}

TEST(DeviceState, RefusesANumberBeyondTheLastState) {
    EXPECT_FALSE(device_state_from_number(9));
    EXPECT_FALSE(device_state_from_number(256));
    EXPECT_FALSE(device_state_from_number(0xffffffffu));
}

TEST(DeviceState, GivesATextForAValueOutOfRange) {
    EXPECT_EQ(config_text(static_cast<DeviceState>(200)), "UNKNOWN");
}

TEST(Join, OfNothingIsInvalid) {
    EXPECT_EQ(join(StateSet{0}), DeviceState::invalid);
}

TEST(Join, IgnoresBitsThatAreNoState) {
    EXPECT_EQ(join(StateSet{0xfe00}), DeviceState::invalid);
}

TEST(Join, RingingBesideAnyUseIsRinginuse) {
    for (DeviceState use : {DeviceState::inuse, DeviceState::busy, DeviceState::onhold}) {
        EXPECT_EQ(join(DeviceState::ringing, use), DeviceState::ringinuse);
    }
}

TEST(ExtensionState, MapsEveryDeviceState) {
    const std::array<int, device_state_count> numbers = {0, 0, 1, 2, 4, 4, 8, 9, 16};
    for (std::uint8_t i = 0; i < device_state_count; ++i) {
        EXPECT_EQ(static_cast<int>(extension_state(static_cast<DeviceState>(i))), numbers[i]) << int{i};
    }
}

TEST(ExtensionState, HasAsterisksTexts) {
    EXPECT_EQ(status_text(ExtensionState::removed), "Unknown");
    EXPECT_EQ(status_text(ExtensionState::deactivated), "Unknown");
    EXPECT_EQ(status_text(ExtensionState::not_inuse), "Idle");
    EXPECT_EQ(status_text(ExtensionState::inuse), "InUse");
    EXPECT_EQ(status_text(ExtensionState::busy), "Busy");
    EXPECT_EQ(status_text(ExtensionState::unavailable), "Unavailable");
    EXPECT_EQ(status_text(ExtensionState::ringing), "Ringing");
    EXPECT_EQ(status_text(ExtensionState::inuse_ringing), "InUse&Ringing");
    EXPECT_EQ(status_text(ExtensionState::onhold), "Hold");
    EXPECT_EQ(status_text(ExtensionState::inuse_onhold), "InUse&Hold");
}

}  // namespace
}  // namespace lamplight::state
