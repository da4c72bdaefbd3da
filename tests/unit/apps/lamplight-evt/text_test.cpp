#include "text.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <string>

namespace lamplight::evt_app {
namespace {

using namespace std::string_literals;
using bus::ais::evt::EventId;
using bus::ais::evt::Filter;

TEST(EvtText, BytesAreWrittenSoThatTheyCanBeReadBack) {
    EXPECT_EQ(escaped("device_state\0"s), "device_state\\0");
    EXPECT_EQ(escaped("a\\b"), "a\\\\b");
    EXPECT_EQ(escaped("\n\x7f\xff"), "\\x0a\\x7f\\xff");
    EXPECT_EQ(escaped("Büro ☎"), "Büro ☎");
    std::string every;
    for (int byte = 0; byte < 256; ++byte)
        every += static_cast<char>(byte);
    EXPECT_EQ(parse_escaped(escaped(every)), every);
}

TEST(EvtText, WhatOnlyLooksLikeUtf8IsNotPrinted) {
    EXPECT_TRUE(is_printable("plain, Büro, ☎, 😀"));
    for (const std::string& bad :
         {"\xc0\x80"s, "\xc1\xbf"s, "\xe0\x80\x80"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s,
          "\xf5\x80\x80\x80"s, "\xc3"s, "\xe2\x98"s, "\x80"s, "a\0b"s, "\x1b[31m"s}) {
        EXPECT_FALSE(is_printable(bad)) << hex_of(bad);
        EXPECT_EQ(parse_escaped(escaped(bad)), bad);
    }
}

TEST(EvtText, NothingThatTurnsATerminalsLineAroundIsPrinted) {
    EXPECT_FALSE(is_printable("\xc2\x9b"));      // CSI of C1
    EXPECT_FALSE(is_printable("\xe2\x80\xae"));  // right-to-left override
    EXPECT_FALSE(is_printable("\xe2\x80\xa8"));  // line separator
    EXPECT_FALSE(is_printable("\xe2\x81\xa6"));  // isolate
}

TEST(EvtText, AnUnknownEscapeIsAComplaint) {
    for (const char* bad : {"\\", "a\\n", "\\x1", "\\xg0", "\\x0g", "\\x"})
        EXPECT_FALSE(parse_escaped(bad)) << bad;
    EXPECT_EQ(parse_escaped("\\x4A\\x4b\\0\\\\"), "JK\0\\"s);
}

TEST(EvtText, FiltersHaveATypeAndBytes) {
    const auto exact = parse_filter("exact:device_state\\0");
    ASSERT_TRUE(exact);
    EXPECT_EQ(exact->type, Filter::Type::exact);
    EXPECT_EQ(exact->pattern, "device_state\0"s);
    EXPECT_EQ(parse_filter("prefix:a:b")->pattern, "a:b");
    EXPECT_EQ(parse_filter("suffix:")->pattern, "");
    EXPECT_EQ(parse_filter("all")->type, Filter::Type::pass_all);
    for (const char* bad : {"", "exact", "EXACT:a", "all:a", "glob:*", "exact:\\q"})
        EXPECT_FALSE(parse_filter(bad)) << bad;
}

TEST(EvtText, RetentionIsSecondsOrHasAUnit) {
    EXPECT_EQ(parse_retention("90"), 90'000'000'000);
    EXPECT_EQ(parse_retention("0.5"), 500'000'000);
    EXPECT_EQ(parse_retention("90s"), 90'000'000'000);
    EXPECT_EQ(parse_retention("1m"), bus::ais::evt::one_minute);
    EXPECT_EQ(parse_retention("2h"), 7'200'000'000'000);
    EXPECT_EQ(parse_retention("1d"), 86'400'000'000'000);
    EXPECT_EQ(parse_retention("forever"), bus::ais::evt::for_ever);
    EXPECT_EQ(parse_retention("99999999999999d"), bus::ais::evt::for_ever);
    for (const char* bad : {"", "-1", "m", "1x", "1 m", "inf", "nan", "1e3", "ever"})
        EXPECT_FALSE(parse_retention(bad)) << bad;
}

TEST(EvtText, IdsAreHexadecimal) {
    EXPECT_EQ(to_string(EventId{0x9016180a00000009}), "0x9016180a00000009");
    EXPECT_EQ(parse_event_id("0x9016180a00000009"), EventId{0x9016180a00000009});
    EXPECT_EQ(parse_event_id("9016180A00000009"), EventId{0x9016180a00000009});
    for (const char* bad : {"", "0x", "x1", "12345678901234567", "12 ", "-1", "0x-1"})
        EXPECT_FALSE(parse_event_id(bad)) << bad;
}

TEST(EvtText, TimesAreThoseOfALogFile) {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    EXPECT_EQ(log_time(1'289'631'330'000'000'000), "Nov 13 06:55:30");
    EXPECT_EQ(exact_time(1'289'631'330'000'001'999), "Nov 13 06:55:30.000001");
    EXPECT_EQ(log_time(1'767'258'000'000'000'000), "Jan 01 09:00:00");
}

TEST(EvtText, ATimeBeforeTheEpochOrFarBeyondIsNoFault) {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    EXPECT_EQ(exact_time(-1'000), "Dec 31 23:59:59.999999");
    EXPECT_FALSE(exact_time(INT64_MIN).empty());
    EXPECT_FALSE(exact_time(INT64_MAX).empty());
}

TEST(EvtText, TheStateOfADeviceStandsBehindTheLastEqualsSign) {
    const auto text = parse_device_text("Custom:a=b=ringing");
    ASSERT_TRUE(text);
    EXPECT_EQ(text->device, "Custom:a=b");
    EXPECT_EQ(text->state, state::DeviceState::ringing);
    for (const char* bad : {"", "Custom:a", "=INUSE", "Custom:a=", "Custom:a=ON"})
        EXPECT_FALSE(parse_device_text(bad)) << bad;
}

TEST(EvtText, APatternAndANameHaveALimitWhichTheComplaintSays) {
    EXPECT_EQ(parse_pattern("\\x41" + std::string(254, 'p')), "A" + std::string(254, 'p'));
    EXPECT_NE(parse_pattern(std::string(256, 'p')).error().find("at most 255 bytes"), std::string::npos);
    EXPECT_FALSE(parse_pattern("\\q"));
    EXPECT_FALSE(parse_filter("exact:" + std::string(256, 'p')));
    EXPECT_EQ(parse_name(std::string(256, 'c')), std::string(256, 'c'));
    EXPECT_NE(parse_name(std::string(257, 'c')).error().find("at most 256 bytes"), std::string::npos);
    EXPECT_FALSE(parse_name(""));
}

TEST(EvtText, AChannelThatIsNotThereIsSaidInWordsOfTheShell) {
    const auto missing = complaint_of("no\npe", bus::ais::evt::Error::not_exist);
    EXPECT_TRUE(missing.starts_with("channel no\\x0ape: SA_AIS_ERR_NOT_EXIST (12): it is not there;"))
        << missing;
    EXPECT_NE(missing.find("--create"), std::string::npos);
    EXPECT_EQ(missing.find("CHANNEL_CREATE"), std::string::npos);
    EXPECT_NE(complaint_of("c", bus::ais::evt::Error::no_resources, ", event 1").find("channel c, event 1: "),
              std::string::npos);
}

}  // namespace
}  // namespace lamplight::evt_app
