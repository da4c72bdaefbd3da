#include "bus/group/window.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace lamplight::bus::group {
namespace {

using wire::bytes_of;
using Tags = std::vector<std::uint64_t>;

TEST(Window, HasRoomForSoManyMessagesAndForNoMoreUntilOneComesBack) {
    Window window({.messages = 2, .bytes = 1000});
    EXPECT_TRUE(window.has_room());
    window.sent(bytes_of("one"), 1);
    EXPECT_TRUE(window.has_room());
    window.sent(bytes_of("two"), 2);
    EXPECT_FALSE(window.has_room());
    window.came_back(bytes_of("one"));
    EXPECT_TRUE(window.has_room());
}

TEST(Window, HasRoomForSoManyBytes) {
    Window window({.messages = 100, .bytes = 10});
    window.sent(bytes_of("123456789"), 1);
    EXPECT_TRUE(window.has_room());
    window.sent(bytes_of("1"), 2);
    EXPECT_FALSE(window.has_room());
    EXPECT_EQ(window.bytes(), 10u);
    window.came_back(bytes_of("123456789"));
    EXPECT_EQ(window.bytes(), 1u);
    EXPECT_TRUE(window.has_room());
}

TEST(Window, LetsOneMessageThroughThatIsLargerThanItself) {
    const std::vector<std::uint8_t> large(72 * 1024 + 512);
    Window window({});
    EXPECT_TRUE(window.has_room());
    window.sent(large, 1);
    EXPECT_FALSE(window.has_room());
    EXPECT_EQ(window.came_back(large).tag, 1u);
    EXPECT_TRUE(window.has_room());
}

TEST(Window, AnswersWithTheNameOfWhatCameBack) {
    Window window({});
    window.sent(bytes_of("one"), 7);
    const Window::Returned returned = window.came_back(bytes_of("one"));
    EXPECT_TRUE(returned.known);
    EXPECT_EQ(returned.tag, 7u);
    EXPECT_TRUE(returned.lost.empty());
    EXPECT_TRUE(window.empty());
}

TEST(Window, WhatWasSentBeforeAndDidNotComeBackIsLost) {
    Window window({});
    window.sent(bytes_of("one"), 1);
    window.sent(bytes_of("two"), 2);
    window.sent(bytes_of("three"), 3);
    window.sent(bytes_of("four"), 4);
    const Window::Returned returned = window.came_back(bytes_of("three"));
    EXPECT_EQ(returned.tag, 3u);
    EXPECT_EQ(returned.lost, (Tags{1, 2}));
    EXPECT_EQ(window.messages(), 1u);
    EXPECT_EQ(window.bytes(), 4u);
}

TEST(Window, EqualMessagesComeBackInTheirOrder) {
    Window window({});
    window.sent(bytes_of("same"), 1);
    window.sent(bytes_of("same"), 2);
    EXPECT_EQ(window.came_back(bytes_of("same")).tag, 1u);
    EXPECT_EQ(window.came_back(bytes_of("same")).tag, 2u);
}

TEST(Window, WhatWasNeverSentChangesNothing) {
    Window window({});
    window.sent(bytes_of("one"), 1);
    const Window::Returned returned = window.came_back(bytes_of("another's"));
    EXPECT_FALSE(returned.known);
    EXPECT_TRUE(returned.lost.empty());
    EXPECT_EQ(window.messages(), 1u);
    EXPECT_FALSE(window.came_back({}).known);
}

TEST(Window, ALostConnectionLosesEverythingUnderWay) {
    Window window({});
    window.sent(bytes_of("one"), 1);
    window.sent(bytes_of("two"), 2);
    EXPECT_EQ(window.clear(), (Tags{1, 2}));
    EXPECT_TRUE(window.empty());
    EXPECT_EQ(window.bytes(), 0u);
    EXPECT_FALSE(window.came_back(bytes_of("one")).known);
}

}  // namespace
}  // namespace lamplight::bus::group
