#include "conf/values.hpp"

#include "conf/utf8.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::conf {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Bool, IsAsterisksWords) {
    for (const char* yes : {"yes", "true", "y", "t", "1", "on", "YES", "On"})
        EXPECT_EQ(parse_bool(yes), true) << yes;
    for (const char* no : {"no", "false", "n", "f", "0", "off", "NO", "Off"})
        EXPECT_EQ(parse_bool(no), false) << no;
    for (const char* other : {"", "2", "ja", "yes ", "enabled"})
        EXPECT_EQ(parse_bool(other), std::nullopt) << other;
}

TEST(Integer, IsTheWholeText) {
    EXPECT_EQ(parse_integer("42"), 42);
    EXPECT_EQ(parse_integer("-7"), -7);
    EXPECT_EQ(parse_integer("+7"), 7);
    for (const char* bad : {"", "+", "+-1", "4x", "0x10", "1.5", "9223372036854775808", " 1"})
        EXPECT_EQ(parse_integer(bad), std::nullopt) << bad;
}

TEST(Duration, HasUnitsAndSecondsWithoutOne) {
    EXPECT_EQ(parse_duration("15"), 15s);
    EXPECT_EQ(parse_duration("15s"), 15s);
    EXPECT_EQ(parse_duration("500ms"), 500ms);
    EXPECT_EQ(parse_duration("2 m"), 2min);
    EXPECT_EQ(parse_duration("24H"), 24h);
    EXPECT_EQ(parse_duration("7d"), 168h);
    EXPECT_EQ(parse_duration("0"), 0s);
}

TEST(Duration, RefusesWhatIsNoneOrDoesNotFit) {
    for (const char* bad :
         {"", "s", "-1s", "1.5s", "1h30m", "5 fortnights", "99999999999999999999", "9223372036854775807d"})
        EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
}

TEST(Duration, IsWrittenInItsLargestWholeUnit) {
    EXPECT_EQ(format_duration(0ms), "0s");
    EXPECT_EQ(format_duration(15s), "15s");
    EXPECT_EQ(format_duration(1500ms), "1500ms");
    EXPECT_EQ(format_duration(24h), "24h");
    EXPECT_EQ(format_duration(90min), "90m");
}

TEST(Bytes, HaveStepsOf1024) {
    EXPECT_EQ(parse_bytes("4096"), 4096u);
    EXPECT_EQ(parse_bytes("64K"), 65536u);
    EXPECT_EQ(parse_bytes("10 MiB"), 10u << 20);
    EXPECT_EQ(parse_bytes("2gb"), 2ull << 30);
    for (const char* bad : {"", "K", "-1", "1T", "9999999999G", "1 2"})
        EXPECT_EQ(parse_bytes(bad), std::nullopt) << bad;
}

TEST(Quotes, AreTakenOffOnce) {
    EXPECT_EQ(unquote("\"a b\""), "a b");
    EXPECT_EQ(unquote("\"a \\\"b\\\" \\\\c\""), "a \"b\" \\c");
    EXPECT_EQ(unquote("\"\""), "");
    EXPECT_EQ(unquote("\"a"), "\"a");
    EXPECT_EQ(unquote("\""), "\"");
    EXPECT_EQ(unquote("a"), "a");
}

TEST(List, IsSeparatedByCommasOutsideOfQuotes) {
    EXPECT_THAT(parse_list("a, b ,,\"c, d\" ,"), ElementsAre("a", "b", "c, d"));
    EXPECT_THAT(parse_list(" , "), IsEmpty());
    EXPECT_THAT(parse_list("\"open, end"), ElementsAre("\"open, end"));
}

TEST(Utf8, IsCheckedToTheByte) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("abc é € 𝄞"));
    EXPECT_TRUE(is_utf8("\xf4\x8f\xbf\xbf"));
    for (const char* bad : {"\xe9", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                            "\xf4\x90\x80\x80", "\xf8", "\x80", "\xe2\x82", "\xc3("})
        EXPECT_FALSE(is_utf8(bad)) << bad;
}

}  // namespace
}  // namespace lamplight::conf
