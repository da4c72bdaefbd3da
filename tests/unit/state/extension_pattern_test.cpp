#include "state/extension_pattern.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace lamplight::state {
namespace {

bool matches(std::string_view pattern, std::string_view extension) {
    const auto parsed = ExtensionPattern::parse(pattern);
    EXPECT_TRUE(parsed) << pattern;
    return parsed && parsed->matches(extension);
}

std::vector<std::string> sorted(std::vector<std::string> patterns) {
    std::stable_sort(patterns.begin(), patterns.end(), [](const auto& left, const auto& right) {
        return *ExtensionPattern::parse(left) < *ExtensionPattern::parse(right);
    });
    return patterns;
}

TEST(ExtensionPattern, MatchesDigitClasses) {
    EXPECT_TRUE(matches("_1XX", "100"));
    EXPECT_TRUE(matches("_1xx", "199"));
    EXPECT_FALSE(matches("_1XX", "200"));
    EXPECT_FALSE(matches("_1XX", "10"));
    EXPECT_FALSE(matches("_1XX", "1000"));
    EXPECT_TRUE(matches("_Z", "1"));
    EXPECT_FALSE(matches("_Z", "0"));
    EXPECT_TRUE(matches("_z", "9"));
    EXPECT_TRUE(matches("_N", "2"));
    EXPECT_FALSE(matches("_n", "1"));
    EXPECT_FALSE(matches("_X", "a"));
}

TEST(ExtensionPattern, MatchesBrackets) {
    EXPECT_TRUE(matches("_[1-5a]", "1"));
    EXPECT_TRUE(matches("_[1-5a]", "5"));
    EXPECT_TRUE(matches("_[1-5a]", "a"));
    EXPECT_FALSE(matches("_[1-5a]", "6"));
    EXPECT_FALSE(matches("_[1-5a]", "b"));
    EXPECT_TRUE(matches("_[a-]", "a"));
    EXPECT_FALSE(matches("_[5-1]", "3"));
    EXPECT_TRUE(matches("_1[]2", "12"));
    EXPECT_TRUE(matches("_[X]", "X"));
    EXPECT_FALSE(matches("_[X]", "1"));
}

TEST(ExtensionPattern, DotWantsOneOrMoreAndExclamationZeroOrMore) {
    EXPECT_FALSE(matches("_9.", "9"));
    EXPECT_TRUE(matches("_9.", "91"));
    EXPECT_TRUE(matches("_9.", "9abc*#"));
    EXPECT_TRUE(matches("_9!", "9"));
    EXPECT_TRUE(matches("_9!", "91234"));
    EXPECT_FALSE(matches("_9!", "8"));
    EXPECT_TRUE(matches("_.", "x"));
    EXPECT_FALSE(matches("_.", ""));
    EXPECT_TRUE(matches("_!", ""));
}

TEST(ExtensionPattern, IgnoresDashesOutsideBrackets) {
    EXPECT_TRUE(matches("_1-XX", "100"));
    EXPECT_TRUE(matches("_1XX", "1-0-0"));
    EXPECT_FALSE(matches("_9.", "9-"));
}

TEST(ExtensionPattern, KeepsOtherCharactersAsTheyAre) {
    EXPECT_TRUE(matches("_*X#", "*7#"));
    EXPECT_TRUE(matches("_aliceX", "alice1"));
    EXPECT_FALSE(matches("_aliceX", "Alice1"));
    EXPECT_TRUE(matches("_\xc3\xa9X",
                        "\xc3\xa9"
                        "1"));
}

TEST(ExtensionPattern, RefusesWhatIsNone) {
    EXPECT_EQ(ExtensionPattern::parse("100").error(), PatternError::no_underscore);
    EXPECT_EQ(ExtensionPattern::parse("").error(), PatternError::no_underscore);
    EXPECT_EQ(ExtensionPattern::parse("_1[23").error(), PatternError::open_bracket);
    EXPECT_EQ(ExtensionPattern::parse("_" + std::string(255, 'X')).error(), PatternError::too_long);
    EXPECT_TRUE(ExtensionPattern::parse("_" + std::string(254, 'X')));
}

TEST(ExtensionPattern, TriesTheMoreSpecificFirst) {
    const std::vector<std::string> expected = {"_10[12]", "_10[1-4]", "_10N", "_10Z", "_10X",
                                               "_1XX",    "_1X.",     "_1.",  "_1!",  "_1",
                                               "_[12].",  "_X.",      "_.",   "_!"};
    auto reversed = expected;
    std::reverse(reversed.begin(), reversed.end());
    EXPECT_EQ(sorted(reversed), expected);
}

TEST(ExtensionPattern, OfEqualSetsTheLowerCharactersComeFirst) {
    EXPECT_EQ(sorted({"_[34]", "_[12]", "_[13]"}), (std::vector<std::string>{"_[12]", "_[13]", "_[34]"}));
    EXPECT_EQ(*ExtensionPattern::parse("_[12]X"), *ExtensionPattern::parse("_[21]x"));
}

TEST(ExpandExtension, PutsInTheWholeOrAPart) {
    EXPECT_EQ(expand_extension("Custom:p${EXTEN}", "101"), "Custom:p101");
    EXPECT_EQ(expand_extension("SIP/${EXTEN:1}", "9101"), "SIP/101");
    EXPECT_EQ(expand_extension("SIP/${EXTEN:1:2}", "9101"), "SIP/10");
    EXPECT_EQ(expand_extension("SIP/${EXTEN:-2}", "9101"), "SIP/01");
    EXPECT_EQ(expand_extension("SIP/${EXTEN:-3:1}", "9101"), "SIP/1");
    EXPECT_EQ(expand_extension("SIP/${EXTEN:0:-1}", "9101"), "SIP/910");
    EXPECT_EQ(expand_extension("${EXTEN}&${EXTEN}x", "1"), "1&1x");
    EXPECT_EQ(expand_extension("SIP/a", "1"), "SIP/a");
}

TEST(ExpandExtension, GivesNothingBeyondTheEnd) {
    EXPECT_EQ(expand_extension("<${EXTEN:4}>", "9101"), "<>");
    EXPECT_EQ(expand_extension("<${EXTEN:99}>", "9101"), "<>");
    EXPECT_EQ(expand_extension("<${EXTEN:-99}>", "9101"), "<9101>");
    EXPECT_EQ(expand_extension("<${EXTEN:0:0}>", "9101"), "<>");
    EXPECT_EQ(expand_extension("<${EXTEN:1:99}>", "9101"), "<101>");
    EXPECT_EQ(expand_extension("<${EXTEN:0:-99}>", "9101"), "<>");
    EXPECT_EQ(expand_extension("<${EXTEN:99999999999999999999}>", "9101"), "<9101>");
    EXPECT_EQ(expand_extension("<${EXTEN:9223372036854775807:9223372036854775807}>", "9101"), "<>");
    EXPECT_EQ(expand_extension("<${EXTEN:-9223372036854775808:-9223372036854775808}>", "9101"), "<>");
}

TEST(ExpandExtension, LeavesOutOtherVariablesAndKeepsWhatIsNoVariable) {
    EXPECT_EQ(expand_extension("a${FOO}b", "1"), "ab");
    EXPECT_EQ(expand_extension("a${EXTENSION}b", "1"), "ab");
    EXPECT_EQ(expand_extension("a${EXTEN", "1"), "a${EXTEN");
    EXPECT_EQ(expand_extension("a$b{c}", "1"), "a$b{c}");
    EXPECT_EQ(expand_extension("", "1"), "");
}

TEST(ExpandExtension, DoesNotLookAgainAtWhatItPutIn) {
    EXPECT_EQ(expand_extension("x${EXTEN}", "${EXTEN}"), "x${EXTEN}");
}

TEST(WithoutDashes, LeavesTheRest) {
    EXPECT_EQ(without_dashes("555-12-12"), "5551212");
    EXPECT_EQ(without_dashes("---"), "");
}

}  // namespace
}  // namespace lamplight::state
