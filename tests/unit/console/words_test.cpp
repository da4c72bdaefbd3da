#include "console/words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::console {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Words, AreSeparatedByBlanks) {
    EXPECT_THAT(*split_words("  core\tshow   hints \r\n"), ElementsAre("core", "show", "hints"));
    EXPECT_THAT(*split_words("   "), IsEmpty());
}

TEST(Words, KeepWhatIsQuoted) {
    EXPECT_THAT(*split_words(R"(device show like "a b")"), ElementsAre("device", "show", "like", "a b"));
    EXPECT_THAT(*split_words(R"(a"b c"d "")"), ElementsAre("ab cd", ""));
    EXPECT_THAT(*split_words(R"(a\ b \"c)"), ElementsAre("a b", "\"c"));
}

TEST(Words, RefuseAnOpenQuoteAndAnEndingBackslash) {
    EXPECT_THAT(split_words("a \"b").error(), HasSubstr("quote"));
    EXPECT_THAT(split_words("a \\").error(), HasSubstr("backslash"));
}

TEST(Words, RefuseWhatIsTooMuch) {
    EXPECT_FALSE(split_words(std::string(line_bytes + 1, 'a')));
    std::string many;
    for (std::size_t i = 0; i <= line_words; ++i)
        many += "a ";
    EXPECT_THAT(split_words(many).error(), HasSubstr("64 words"));
    EXPECT_FALSE(split_words(std::string_view("a\0b", 3)));
}

TEST(Words, StillBeingTypedEndWithTheOneBegun) {
    const auto line = split_begun("core sho");
    EXPECT_THAT(line.words, ElementsAre("core"));
    EXPECT_EQ(line.begun, "sho");
    EXPECT_EQ(split_begun("core ").begun, "");
    EXPECT_THAT(split_begun("core ").words, ElementsAre("core"));
    EXPECT_EQ(split_begun("like \"a b").begun, "a b");
}

TEST(Words, QuotedComeBackAsTheyWere) {
    for (const std::string word : {"plain", "a b", "", "quote\"", "back\\slash"})
        EXPECT_THAT(*split_words(quoted_word(word)), ElementsAre(word));
    EXPECT_EQ(quoted_word("plain"), "plain");
}

}  // namespace
}  // namespace lamplight::console
