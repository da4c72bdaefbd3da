#include "conf/globals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::conf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Globals some() {
    Globals globals;
    globals.set("E6001", "SIP/6001");
    globals.set("N", "6001");
    globals.set("WORD", "0123456789");
    return globals;
}

TEST(Globals, ArePutIntoAText) {
    EXPECT_EQ(some().expand("${E6001}&Custom:DND${N}").text, "SIP/6001&Custom:DND6001");
    EXPECT_EQ(some().expand("${GLOBAL(E6001)}").text, "SIP/6001");
    EXPECT_EQ(some().expand("no variable").text, "no variable");
}

TEST(Globals, MayNameEachOther) {
    EXPECT_EQ(some().expand("${E${N}}").text, "SIP/6001");
}

TEST(Globals, AreCutByOffsetAndLength) {
    EXPECT_EQ(some().expand("${WORD:3}").text, "3456789");
    EXPECT_EQ(some().expand("${WORD:3:2}").text, "34");
    EXPECT_EQ(some().expand("${WORD:-3}").text, "789");
    EXPECT_EQ(some().expand("${WORD:-3:2}").text, "78");
    EXPECT_EQ(some().expand("${WORD:2:-3}").text, "23456");
    EXPECT_EQ(some().expand("${WORD:0:-20}").text, "");
    EXPECT_EQ(some().expand("${WORD:99}").text, "");
    EXPECT_EQ(some().expand("${WORD:-99:2}").text, "01");
    EXPECT_EQ(some().expand("${WORD:x}").text, "0123456789");
    EXPECT_EQ(some().expand("${WORD:-9223372036854775808:-9223372036854775808}").text, "");
}

TEST(Globals, WithoutAValueAreEmptyAndNamed) {
    const Expansion expansion = some().expand("a${NONE}b${GLOBAL(NADA)}");
    EXPECT_EQ(expansion.text, "ab");
    EXPECT_THAT(expansion.unset, ElementsAre("NONE", "NADA"));
}

TEST(Globals, LoseTheUnderscoresOfInheritance) {
    Globals globals;
    globals.set("__X", "1");
    globals.set("_Y", "2");
    EXPECT_EQ(globals.expand("${X}${Y}").text, "12");
}

TEST(Globals, CannotWorkOutFunctionsAndExpressions) {
    EXPECT_EQ(some().expand("a${DB(x/${N})}b").beyond, "${DB(x/${N})}");
    EXPECT_EQ(some().expand("$[1+1]").beyond, "$[1+1]");
    EXPECT_EQ(some().expand("${E${DB(x)}}").beyond, "${DB(x)}");
}

TEST(Globals, KeepTheExtensionOfAPattern) {
    const Expansion kept =
        some().expand("Custom:p${EXTEN:1:2}&SIP/${EXTEN}&${E6001}", Globals::Extension::kept);
    EXPECT_EQ(kept.text, "Custom:p${EXTEN:1:2}&SIP/${EXTEN}&SIP/6001");
    EXPECT_EQ(kept.beyond, "");
    EXPECT_THAT(kept.unset, IsEmpty());
    EXPECT_EQ(some().expand("${E${EXTEN}}", Globals::Extension::kept).beyond, "${E${EXTEN}}");
}

TEST(Globals, DoNotLookAtWhatWasPutIn) {
    Globals globals;
    globals.set("A", "${B}");
    globals.set("B", "no");
    EXPECT_EQ(globals.expand("${A}").text, "${B}");
}

TEST(Globals, LeaveAnOpenBraceAsItIs) {
    EXPECT_EQ(some().expand("a${N").text, "a${N");
    EXPECT_EQ(some().expand("$").text, "$");
    EXPECT_EQ(some().expand("5$ ${}").text, "5$ ");
}

TEST(Globals, DoNotGrowWithoutEnd) {
    Globals globals;
    globals.set("A", std::string(100, 'x'));
    for (int i = 0; i < 60; ++i)
        globals.set("A", globals.expand("${A}${A}").text);
    const Expansion expansion = globals.expand("${A}${A}");
    EXPECT_EQ(expansion.text.size(), Globals::longest_bytes);
    EXPECT_TRUE(expansion.too_long);
}

TEST(Globals, DoNotNestWithoutEnd) {
    std::string text;
    for (int i = 0; i < 1000; ++i)
        text += "${";
    text += std::string(1000, '}');
    EXPECT_NE(some().expand(text).beyond, "");
}

}  // namespace
}  // namespace lamplight::conf
