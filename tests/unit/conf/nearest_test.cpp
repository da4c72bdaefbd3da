#include "conf/nearest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace lamplight::conf {
namespace {

constexpr std::array<std::string_view, 4> names{"silent_hold", "restart_hold", "forget_after", "name"};

TEST(Nearest, CountsLettersPutInTakenOutChangedAndSwapped) {
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("abc", "abc"), 0u);
    EXPECT_EQ(edit_distance("ABC", "abc"), 0u);
    EXPECT_EQ(edit_distance("abd", "abc"), 1u);
    EXPECT_EQ(edit_distance("acb", "abc"), 1u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Nearest, FindsWhatWasMeant) {
    EXPECT_EQ(nearest("silent_hodl", names), "silent_hold");
    EXPECT_EQ(nearest("nmae", names), "name");
    EXPECT_EQ(nearest("RESTARTHOLD", names), "restart_hold");
}

TEST(Nearest, FindsNothingWhenNothingIsNear) {
    EXPECT_EQ(nearest("max_devices", names), std::nullopt);
    EXPECT_EQ(nearest("", names), std::nullopt);
    EXPECT_EQ(nearest(std::string(5000, 'x'), names), std::nullopt);
}

}  // namespace
}  // namespace lamplight::conf
