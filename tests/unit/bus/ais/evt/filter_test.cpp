#include "bus/ais/evt/event.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::bus::ais::evt {
namespace {

using namespace std::string_literals;
using Type = Filter::Type;
using Patterns = std::vector<Pattern>;

bool passes(const Filter& filter, const Pattern& pattern) {
    return matches(std::array{filter}, std::array{pattern});
}

TEST(EvtFilter, APrefixIsTheBeginningOfThePattern) {
    EXPECT_TRUE(passes({Type::prefix, "dev"}, "device"));
    EXPECT_TRUE(passes({Type::prefix, "device"}, "device"));
    EXPECT_FALSE(passes({Type::prefix, "devices"}, "device"));
    EXPECT_FALSE(passes({Type::prefix, "ice"}, "device"));
}

TEST(EvtFilter, ASuffixIsTheEndOfThePattern) {
    EXPECT_TRUE(passes({Type::suffix, "ice"}, "device"));
    EXPECT_TRUE(passes({Type::suffix, "device"}, "device"));
    EXPECT_FALSE(passes({Type::suffix, "a device"}, "device"));
    EXPECT_FALSE(passes({Type::suffix, "dev"}, "device"));
}

TEST(EvtFilter, AnExactFilterIsThePatternItself) {
    EXPECT_TRUE(passes({Type::exact, "device"}, "device"));
    EXPECT_FALSE(passes({Type::exact, "devic"}, "device"));
    EXPECT_FALSE(passes({Type::exact, "device"}, "devic"));
    EXPECT_FALSE(passes({Type::exact, "Device"}, "device"));
}

TEST(EvtFilter, PassAllPassesWhateverItsOwnPattern) {
    EXPECT_TRUE(passes({Type::pass_all, "something else"}, "device"));
    EXPECT_TRUE(passes({Type::pass_all, {}}, {}));
}

TEST(EvtFilter, AnEmptyPrefixAndSuffixPassAndAnEmptyExactOneOnlyNothing) {
    EXPECT_TRUE(passes({Type::prefix, {}}, "device"));
    EXPECT_TRUE(passes({Type::suffix, {}}, "device"));
    EXPECT_FALSE(passes({Type::exact, {}}, "device"));
    EXPECT_TRUE(passes({Type::exact, {}}, {}));
}

TEST(EvtFilter, ATypeThatThereIsNotPassesNothing) {
    EXPECT_FALSE(passes({static_cast<Type>(0), "device"}, "device"));
    EXPECT_FALSE(passes({static_cast<Type>(5), "device"}, "device"));
}

TEST(EvtFilter, ANulIsAByteLikeAnyOtherAndEndsNothing) {
    EXPECT_FALSE(passes({Type::exact, "device\0a"s}, "device\0b"s));
    EXPECT_FALSE(passes({Type::exact, "device"}, "device\0"s));
    EXPECT_FALSE(passes({Type::exact, "device\0"s}, "device"));
    EXPECT_TRUE(passes({Type::exact, "\0\0"s}, "\0\0"s));
    EXPECT_FALSE(passes({Type::exact, "\0\0"s}, "\0"s));
    EXPECT_TRUE(passes({Type::prefix, "a\0b"s}, "a\0bc"s));
    EXPECT_FALSE(passes({Type::prefix, "a\0x"s}, "a\0bc"s));
    EXPECT_TRUE(passes({Type::suffix, "\0c"s}, "ab\0c"s));
    EXPECT_FALSE(passes({Type::suffix, "c"}, "c\0"s));
}

TEST(EvtFilter, BytesAbove127AreComparedAsTheyAre) {
    EXPECT_TRUE(passes({Type::prefix, "\xff\x80"}, "\xff\x80\x01"));
    EXPECT_FALSE(passes({Type::exact, "\xc3\xa4"}, "\xc3\xa5"));
}

TEST(EvtFilter, FiltersAndPatternsAreComparedPositionByPosition) {
    const std::vector<Filter> filters{{Type::exact, "a"}, {Type::prefix, "b"}};
    EXPECT_TRUE(matches(filters, Patterns{"a", "bc"}));
    EXPECT_FALSE(matches(filters, Patterns{"bc", "a"}));
    EXPECT_FALSE(matches(filters, Patterns{"a", "c"}));
    EXPECT_FALSE(matches(filters, Patterns{"x", "b"}));
}

TEST(EvtFilter, PatternsWithoutAFilterBesideThemPass) {
    const std::vector<Filter> filters{{Type::exact, "a"}};
    EXPECT_TRUE(matches(filters, Patterns{"a", "whatever", "it is"}));
    EXPECT_FALSE(matches(filters, Patterns{"whatever", "a"}));
}

TEST(EvtFilter, FiltersWithoutAPatternBesideThemAreComparedWithAnEmptyOne) {
    EXPECT_FALSE(matches(std::vector<Filter>{{Type::exact, "a"}, {Type::exact, "b"}}, Patterns{"a"}));
    EXPECT_FALSE(matches(std::vector<Filter>{{Type::prefix, "a"}}, Patterns{}));
    EXPECT_TRUE(matches(std::vector<Filter>{{Type::exact, "a"}, {Type::exact, {}}}, Patterns{"a"}));
    EXPECT_TRUE(matches(std::vector<Filter>{{Type::pass_all, "a"}, {Type::prefix, {}}}, Patterns{}));
}

TEST(EvtFilter, WithoutFiltersEverythingPasses) {
    EXPECT_TRUE(matches({}, Patterns{"a", "b"}));
    EXPECT_TRUE(matches({}, {}));
}

}  // namespace
}  // namespace lamplight::bus::ais::evt
