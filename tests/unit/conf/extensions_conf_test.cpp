#include "conf/extensions_conf.hpp"

#include "support.hpp"

namespace lamplight::conf {

// Found by argument-dependent lookup, so that a failing test shows hints.
static std::string shown(const state::HintDefinition& hint) {
    std::string devices;
    for (const std::string& device : hint.devices)
        devices += (devices.empty() ? "" : "&") + device;
    return hint.extension + "@" + hint.context + " " + devices + " (" + hint.display_name + ") " +
           hint.presence;
}

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Read {
    state::HintPlan plan;
    Problems problems;
    std::vector<std::string> hints;
};

Read read(const std::string& content) {
    Read read;
    const File file = read_file("/e/extensions.conf", "/e", MemoryFiles({{"/e/extensions.conf", content}}));
    read.problems = file.problems;
    DialplanGeneral general;
    extensions_table().apply(file, general, read.problems);
    read.plan = read_hints(file, Globals(), 255, read.problems);
    for (const state::HintDefinition& hint : read.plan.hints)
        read.hints.push_back(shown(hint));
    return read;
}

TEST(HintText, HasDevicesAPresenceAndAName) {
    const HintText all = parse_hint_text("SIP/a&SIP/b,CustomPresence:joe(Joe Schmoe)");
    EXPECT_EQ(all.devices, "SIP/a&SIP/b");
    EXPECT_EQ(all.presence, "CustomPresence:joe");
    EXPECT_EQ(all.display_name, "Joe Schmoe");
    const HintText other_order = parse_hint_text("SIP/a&SIP/b(Joe Schmoe),CustomPresence:joe");
    EXPECT_EQ(other_order.devices, "SIP/a&SIP/b");
    EXPECT_EQ(other_order.presence, "CustomPresence:joe");
    EXPECT_EQ(other_order.display_name, "Joe Schmoe");
}

TEST(HintText, IsSplitAtTheLastComma) {
    const HintText text = parse_hint_text("SIP/a,SIP/b,CustomPresence:x");
    EXPECT_EQ(text.devices, "SIP/a,SIP/b");
    EXPECT_EQ(text.presence, "CustomPresence:x");
}

TEST(HintText, MayBeAPresenceOnly) {
    const HintText text = parse_hint_text(",CustomPresence:bob");
    EXPECT_EQ(text.devices, "");
    EXPECT_EQ(text.presence, "CustomPresence:bob");
}

TEST(HintText, LeavesVariablesWhole) {
    const HintText text = parse_hint_text("Custom:${EXTEN:1,(2)}&SIP/a(N)");
    EXPECT_EQ(text.devices, "Custom:${EXTEN:1,(2)}&SIP/a");
    EXPECT_EQ(text.display_name, "N");
}

TEST(HintText, MayBeWrong) {
    EXPECT_TRUE(parse_hint_text("SIP/a(Joe").unclosed);
    EXPECT_EQ(parse_hint_text("SIP/a(Joe").display_name, "Joe");
    EXPECT_TRUE(parse_hint_text("SIP/a)(").unclosed);
    EXPECT_EQ(parse_hint_text("").devices, "");
    EXPECT_EQ(parse_hint_text("${").devices, "${");
}

TEST(Hints, AreTakenOutOfADialplan) {
    const Read all = read(
        "[general]\nstatic=yes\n[phones]\nexten => 6001,hint,SIP/6001&Custom:DND6001,CustomPresence:6001\n"
        "exten = 6001,1,Dial(SIP/6001,30)\n same => n,Hangup()\nexten => 6002 , hint , SIP/6002 & SIP/6002 "
        "&\n");
    EXPECT_THAT(all.problems, IsEmpty());
    EXPECT_THAT(all.hints, ElementsAre("6001@phones SIP/6001&Custom:DND6001 () CustomPresence:6001",
                                       "6002@phones SIP/6002 () "));
    EXPECT_EQ(all.plan.hints[0].text, "SIP/6001&Custom:DND6001");
}

TEST(Hints, MayBeGivenWithSame) {
    EXPECT_THAT(
        read("[c]\nexten => 1,1,Answer()\nsame => n(x),NoOp()\nsame => hint,SIP/1\nsame => n,Hangup\n").hints,
        ElementsAre("1@c SIP/1 () "));
}

TEST(Hints, HaveGlobalsPutIn) {
    const Read all = read(
        "[globals]\nE6002 = SIP/6002&Custom:DND6002\nPRE => SIP\nDEV = ${PRE}/9\nPARK=70\n"
        "DEVICE_STATE(Custom:x) = INUSE\n"
        "[c]\nexten => 6002,hint,${E6002}\nexten => ${PARK}1,hint,park:${PARK}1@parkedcalls\nexten => "
        "9,hint,${DEV:0:3}/x${GLOBAL(PARK)}\n");
    EXPECT_THAT(all.problems, IsEmpty());
    EXPECT_THAT(all.hints, ElementsAre("6002@c SIP/6002&Custom:DND6002 () ", "701@c park:701@parkedcalls () ",
                                       "9@c SIP/x70 () "));
}

TEST(Hints, OfPatternsKeepTheExtension) {
    const Read all = read(
        "[globals]\nP=Custom\n[c]\nexten => _1XX,hint,${P}:p${EXTEN}&SIP/${EXTEN:1:2}\n"
        "exten => _[6-7,9]XX,hint,SIP/x\n");
    EXPECT_THAT(all.problems, IsEmpty());
    EXPECT_THAT(all.hints,
                ElementsAre("_1XX@c Custom:p${EXTEN}&SIP/${EXTEN:1:2} () ", "_[6-7,9]XX@c SIP/x () "));
}

TEST(Hints, LoseTheCallerOfTheirExtension) {
    const Read all = read("[c]\nexten => 6001/5551234,hint,SIP/a\nexten => 6001,hint,SIP/b\n");
    EXPECT_THAT(all.problems, IsEmpty());
    EXPECT_THAT(all.hints, ElementsAre("6001@c SIP/a () ", "6001@c SIP/b () "));
}

TEST(Hints, ThatStandTwiceCountOnceAndNameBothLines) {
    const Read all = read(
        "[c]\nexten => 6001,hint,SIP/a\n[d]\nexten => 6001,hint,SIP/x\n[c]\nexten => 60-01,hint,SIP/b\n");
    EXPECT_THAT(all.hints, ElementsAre("6001@c SIP/a () ", "6001@d SIP/x () "));
    EXPECT_THAT(
        lines_of(all.problems),
        ElementsAre(
            "warning /e/extensions.conf:6: 60-01@c has a hint already, it stands at /e/extensions.conf:2 and "
            "counts, remove one of them"));
}

TEST(Hints, ThatOnlyAPbxCanWorkOutAreLeftOut) {
    const Read all = read(
        "[c]\nexten => 1,hint,${DB(DEVICE/1/dial)}\nexten => 2,hint,SIP/$[1+1]\nexten => "
        "_3X,hint,${E${EXTEN}}\n");
    EXPECT_THAT(all.hints, IsEmpty());
    EXPECT_THAT(
        lines_of(all.problems),
        ElementsAre("warning /e/extensions.conf:2: the hint of 1 is ignored, only a running PBX can work out "
                    "${DB(DEVICE/1/dial)}, write its devices out",
                    HasSubstr(":3: the hint of 2 is ignored"), HasSubstr("work out ${E${EXTEN}}")));
}

TEST(Hints, WithAVariableThatIsNotSetAreKeptAndNamed) {
    const Read all = read("[c]\nexten => 1,hint,${E1}\n");
    EXPECT_THAT(all.hints, ElementsAre("1@c  () "));
    EXPECT_THAT(
        lines_of(all.problems),
        ElementsAre(
            "warning /e/extensions.conf:2: in the hint of 1 the variable E1 is empty, [globals] does not set "
            "it, set it or write the device out"));
}

TEST(Hints, WithATooLongDeviceAreRefused) {
    const Read all = read("[c]\nexten => 1,hint,SIP/" + std::string(252, 'a') + "\nexten => 2,hint,SIP/" +
                          std::string(251, 'a'));
    EXPECT_EQ(all.hints.size(), 1u);
    EXPECT_THAT(lines_of(all.problems),
                ElementsAre(HasSubstr("error /e/extensions.conf:2: the hint of 1 is refused, the device")));
    EXPECT_THAT(lines_of(all.problems), ElementsAre(HasSubstr("has 256 bytes and the limit is 255")));
}

TEST(Hints, WithAWrongExtensionAreIgnored) {
    const Read all = read("[c]\nexten => _[1,hint,SIP/1\nexten => ,hint,SIP/2\nexten => " +
                          std::string(256, '1') + ",hint,SIP/3\n");
    EXPECT_THAT(all.hints, IsEmpty());
    EXPECT_EQ(all.problems.size(), 3u);
}

TEST(Hints, WithAnOpenNameAreKept) {
    const Read all = read("[c]\nexten => 1,hint,SIP/1(Joe\n");
    EXPECT_THAT(all.hints, ElementsAre("1@c SIP/1 (Joe) "));
    EXPECT_THAT(lines_of(all.problems), ElementsAre(HasSubstr("the display name of 1 has no closing )")));
}

TEST(Dialplan, IsPassedOverWithoutAComplaint) {
    const Read all = read(
        "[general]\nstatic=yes\nwriteprotect=no\nclearglobalvars=no\nautofallthrough="
        "yes\nextenpatternmatchnew=no\nuserscontext=default\n"
        "[globals]\nTRUNK=DAHDI/g1\n"
        "[macro-dial]\nexten => s,1,GotoIf($[\"${MACRO_EXTEN:1:2}\" = \"${CUT(ARGS,\\,,1)}\"]?yes:no)\n"
        "exten => s,n(yes),Set(CHANNEL(language)=en)\nexten => s,n+2(no),Hangup\nexten => "
        "s,yes+101,Congestion\n"
        "exten => s,s,NoOp(\"a,b\\;c\")\nexten => t,next,Hangup()\nexten => i,102,Playback(invalid)\n"
        "exten => h,1,System(/usr/bin/x \\; y)\nsame => same,Verbose(1,${EXTEN})\n"
        "exten => 100/5551234,1,Answer()\n same => n(label with blanks),Wait(1)\n"
        "include => other\ninclude => daytime,9:00-17:00,mon-fri,*,*\nignorepat => 9\n"
        "switch => Realtime/@\nlswitch => Loopback/12${EXTEN}@x\neswitch => IAX2/${A}@b\n"
        "[t](!)\nexten => 7,hint,SIP/not\n");
    EXPECT_THAT(lines_of(all.problems), IsEmpty());
    EXPECT_THAT(all.hints, IsEmpty());
    ASSERT_EQ(all.plan.contexts.size(), 1u);
    EXPECT_THAT(all.plan.contexts[0].includes, ElementsAre("other", "daytime"));
}

TEST(Dialplan, MergesContextsOfOneName) {
    const Read all = read("[a]\ninclude => x\n[A]\n[a]\ninclude => y\ninclude => x\nautohints = yes\n");
    ASSERT_EQ(all.plan.contexts.size(), 2u);
    EXPECT_EQ(all.plan.contexts[0].name, "a");
    EXPECT_TRUE(all.plan.contexts[0].autohints);
    EXPECT_THAT(all.plan.contexts[0].includes, ElementsAre("x", "y"));
    EXPECT_EQ(all.plan.contexts[1].name, "A");
    EXPECT_FALSE(all.plan.contexts[1].autohints);
}

TEST(Dialplan, WarnsOfWhatAsteriskWouldWarnOf) {
    const Read all = read(
        "[general]\nstaitc=yes\n[c]\nsame => n,X\nexten => 1,n,X\nexten => 1,hnit,SIP/1\nexten => "
        "1,n(open,X\n"
        "exten => 1\nextne => 1,1,X\nfrob => 1\nautohints = maybe\nexten => 1,0,X\n");
    EXPECT_THAT(
        lines_of(all.problems),
        ElementsAre(
            "warning /e/extensions.conf:2: staitc is no option of [general], did you mean static?",
            "warning /e/extensions.conf:4: same is ignored, no exten stands before it in [c], begin with "
            "exten =>",
            "warning /e/extensions.conf:5: the line is ignored, it has priority n, it is the first of [c], "
            "begin with "
            "priority 1",
            "warning /e/extensions.conf:6: the line is ignored, hnit is no priority, did you mean hint?",
            "warning /e/extensions.conf:7: the line is ignored, its label has no closing ), write it as "
            "n(label)",
            "warning /e/extensions.conf:8: the line is ignored, nothing is no priority, write a number, n, "
            "or hint",
            "warning /e/extensions.conf:9: extne is ignored, [c] has no such word, did you mean exten?",
            "warning /e/extensions.conf:10: frob is ignored, [c] has no such word, correct or remove it",
            "warning /e/extensions.conf:11: autohints = maybe is ignored, it takes yes or no",
            "warning /e/extensions.conf:12: the line is ignored, 0 is no priority, write a number, n, or "
            "hint"));
}

}  // namespace
}  // namespace lamplight::conf
