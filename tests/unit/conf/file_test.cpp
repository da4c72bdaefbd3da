#include "conf/file.hpp"

#include "support.hpp"

#include <fmt/format.h>

namespace lamplight::conf {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

File read(const std::string& content, std::map<std::string, std::string> others = {}) {
    others["/etc/x/main.conf"] = content;
    return read_file("/etc/x/main.conf", "/etc/x", MemoryFiles(others));
}

TEST(File, HoldsSectionsAndOptionsWithTheirPlaces) {
    const File file = read("; first\n[a]\nx = 1\n\n[b]\ny => 2 ; two\n");
    EXPECT_THAT(options_of(file), ElementsAre("a.x=1", "b.y=2"));
    EXPECT_EQ(to_string(file.place(file.sections[1].where)), "/etc/x/main.conf:5");
    EXPECT_EQ(to_string(file.place(file.sections[1].options[0].where)), "/etc/x/main.conf:6");
    EXPECT_THAT(file.problems, IsEmpty());
}

TEST(File, ReadsWindowsLineEndsAndAByteOrderMark) {
    EXPECT_THAT(options_of(read("\xef\xbb\xbf[a]\r\nx = 1\r\ny=2\r\n")), ElementsAre("a.x=1", "a.y=2"));
}

TEST(File, ReadsALastLineWithoutItsEnd) {
    EXPECT_THAT(options_of(read("[a]\nx = 1")), ElementsAre("a.x=1"));
}

TEST(File, KeepsTheEqualsSignsOfAValue) {
    EXPECT_THAT(options_of(read("[a]\nexten => 1,1,Set(X=${Y}=z)\n")),
                ElementsAre("a.exten=1,1,Set(X=${Y}=z)"));
}

TEST(File, KeepsEscapedSemicolonsAndQuotes) {
    EXPECT_THAT(options_of(read("[a]\nx = \"a\\;b\" ; c\n")), ElementsAre("a.x=\"a;b\""));
}

TEST(File, LetsABackslashBeginANameThatLooksLikeSomethingElse) {
    EXPECT_THAT(options_of(read("[a]\n\\[x] = 1\n\\#y = 2\n")), ElementsAre("a.[x]=1", "a.#y=2"));
}

TEST(File, LengthensAnOptionWithPlusEquals) {
    EXPECT_THAT(options_of(read("[a]\nx = 1,\nx += 2\ny += 3\n")), ElementsAre("a.x=1, 2", "a.y=3"));
}

TEST(File, LengthensTheLastOptionOfThatName) {
    EXPECT_THAT(options_of(read("[a]\nx = 1\nx = 2\nx += 3\n")), ElementsAre("a.x=1", "a.x=2 3"));
}

// --- templates ---

TEST(File, InheritsFromTemplatesInTheirOrder) {
    const File file = read("[t](!)\nx = 1\ny = 2\n[u](!)\nz = 3\n[a](t,u)\ny = 4\n");
    EXPECT_THAT(options_of(file), ElementsAre("a.x=1", "a.y=2", "a.z=3", "a.y=4"));
    EXPECT_TRUE(file.sections[2].options[0].inherited);
    EXPECT_EQ(file.place(file.sections[2].options[0].where).line, 2u);
    EXPECT_FALSE(file.sections[2].options[3].inherited);
}

TEST(File, InheritsFromOrdinarySectionsAndTemplatesOfTemplates) {
    EXPECT_THAT(options_of(read("[t](!)\nx = 1\n[u](!,t)\ny = 2\n[a](u)\n[b](a)\n")),
                ElementsAre("a.x=1", "a.y=2", "b.x=1", "b.y=2"));
}

TEST(File, FindsTemplatesInAnyCase) {
    EXPECT_THAT(options_of(read("[Tpl](!)\nx=1\n[a](tPL)\n")), ElementsAre("a.x=1"));
}

TEST(File, AddsToASectionThatIsThere) {
    EXPECT_THAT(options_of(read("[a]\nx=1\n[b]\ny=2\n[a](+)\nz=3\n")),
                ElementsAre("a.x=1", "a.z=3", "b.y=2"));
}

TEST(File, AddsATemplateToASectionThatIsThere) {
    const char* const text = "[t](!)\nx=1\n[a]\ny=2\n[a](+t)\nz=3\n[a](+,t)\n";
    EXPECT_THAT(options_of(read(text)), ElementsAre("a.y=2", "a.x=1", "a.z=3", "a.x=1"));
}

TEST(File, AddsToTheSectionThatAFilterChooses) {
    const char* const text = "[a]\ntype=endpoint\n[a]\ntype=aor\n[a](+type=^aor$)\nmax=1\n";
    EXPECT_THAT(options_of(read(text)), ElementsAre("a.type=endpoint", "a.type=aor", "a.max=1"));
}

TEST(File, SaysThatATemplateIsNotThereAndReadsOn) {
    const File file = read("[a](nowhere)\nx=1\n[b](+)\ny=2\n");
    EXPECT_THAT(lines_of(file.problems), ElementsAre("error /etc/x/main.conf:1: [a] inherits from [nowhere], "
                                                     "there is no section of that name before it, "
                                                     "write the template first",
                                                     "error /etc/x/main.conf:3: [b](+) has no section to add "
                                                     "to, no section of this name stands before it, "
                                                     "write the section first, or take the + away"));
    EXPECT_THAT(options_of(file), ElementsAre("a.x=1", "b.y=2"));
}

TEST(File, WarnsOfABlankBeforeTheParenthesis) {
    EXPECT_THAT(lines_of(read("[a] (!)\n").problems),
                ElementsAre("warning /etc/x/main.conf:1: `(!)` after ] is ignored, a blank stands before the "
                            "(, take it away"));
}

TEST(File, DoesNotLetInheritanceFillTheMemory) {
    std::string text = "[t0](!)\nx=1\n";
    for (int i = 1; i < 40; ++i)
        text += fmt::format("[t{}](!,t{},t{})\n", i, i - 1, i - 1);
    EXPECT_THAT(lines_of(read(text).problems), Contains(HasSubstr("templates bring too many options")));
}

// --- what is wrong ---

TEST(File, CollectsEveryProblem) {
    EXPECT_THAT(
        lines_of(read("x = 1\n[a\ny = 2\n[b]\nnonsense\n= 3\n[c](t\n#frobnicate z\n#include\n").problems),
        ElementsAre(HasSubstr(":1: `x = 1` stands before the first [section]"),
                    HasSubstr(":2: `[a` has no closing ]"),
                    HasSubstr(":5: `nonsense` is ignored, it has no ="),
                    HasSubstr(":6: `= 3` is ignored, no name stands before ="),
                    HasSubstr(":7: `[c](` has no closing )"), HasSubstr(":7: [c] inherits from [t]"),
                    HasSubstr(":8: the directive #frobnicate is ignored"),
                    HasSubstr(":9: #include is ignored, it names no file")));
}

TEST(File, RefusesExecAndSaysWhatToDo) {
    EXPECT_THAT(
        lines_of(read("[a]\n#exec /usr/bin/make-hints\nx = 1\n").problems),
        ElementsAre(
            "error /etc/x/main.conf:2: #exec /usr/bin/make-hints is refused, Lamplight runs no program to "
            "read its configuration, let the program write its output into a file and #include that"));
}

TEST(File, SkipsALineThatIsTooLongAsAsteriskDoes) {
    const std::string long_line = "x = " + std::string(longest_line_bytes, 'a');
    const File file = read("[a]\n" + long_line + "\ny = 2\n");
    EXPECT_THAT(options_of(file), ElementsAre("a.y=2"));
    EXPECT_THAT(lines_of(file.problems),
                ElementsAre(HasSubstr("main.conf:2: a line of 8194 bytes is skipped")));
}

TEST(File, ReadsTheLongestLine) {
    const std::string value(longest_line_bytes - 2, 'a');
    EXPECT_THAT(options_of(read("[a]\nx=" + value + "\n")), ElementsAre("a.x=" + value));
}

TEST(File, RefusesNulBytesOnce) {
    const std::string text("[a]\nx = 1\0 2\ny\0\nz = 3\n", 21);
    const File file = read(text);
    EXPECT_THAT(options_of(file), ElementsAre("a.z=3"));
    EXPECT_THAT(lines_of(file.problems),
                ElementsAre(HasSubstr("error /etc/x/main.conf:2: a line holds a NUL byte")));
}

TEST(File, RefusesUtf16) {
    EXPECT_THAT(lines_of(read(std::string("\xff\xfe[\0a\0]\0", 8)).problems),
                ElementsAre(HasSubstr("the file is UTF-16")));
}

TEST(File, WarnsOnceOfTextThatIsNotUtf8ButNotOfComments) {
    const File file = read("[a]\n; caf\xe9\nx = caf\xe9\ny = caf\xe9\nz = café\n");
    EXPECT_THAT(lines_of(file.problems), ElementsAre(HasSubstr("warning /etc/x/main.conf:3: ")));
    EXPECT_THAT(options_of(file), SizeIs(3));
}

TEST(File, SaysWhereACommentBeganThatIsNeverEnded) {
    EXPECT_THAT(lines_of(read("[a]\n;-- oh\nx = 1\n").problems),
                ElementsAre(HasSubstr("main.conf:2: the comment ;-- is never ended")));
}

TEST(File, EndsTheListOfProblemsSomewhere) {
    std::string text = "[a]\n";
    for (int i = 0; i < 5000; ++i)
        text += "nonsense\n";
    const File file = read(text);
    EXPECT_THAT(file.problems, SizeIs(most_problems + 1));
    EXPECT_THAT(to_string(file.problems.back()), HasSubstr("there are more problems than are listed"));
}

TEST(File, IsMissingWithoutAProblem) {
    const File file = read_file("/etc/x/none.conf", "/etc/x", MemoryFiles());
    EXPECT_TRUE(file.missing);
    EXPECT_FALSE(file.read);
    EXPECT_THAT(file.problems, IsEmpty());
}

TEST(File, ThatCannotBeReadIsAProblem) {
    MemoryFiles files;
    files.fail("/etc/x/main.conf", {ReadFailure::not_readable, "Permission denied"});
    EXPECT_THAT(
        lines_of(read_file("/etc/x/main.conf", "/etc/x", files).problems),
        ElementsAre(
            "error /etc/x/main.conf: the file cannot be read, Permission denied, let the daemon's user "
            "read it"));
}

// --- includes ---

TEST(File, IncludesRelativeToTheFolderOfTheConfiguration) {
    const File file =
        read("[a]\n#include sub/one.conf\ny = 2\n",
             {{"/etc/x/sub/one.conf", "x = 1\n#include two.conf\n"}, {"/etc/x/two.conf", "[b]\nz = 3\n"}});
    EXPECT_THAT(options_of(file), ElementsAre("a.x=1", "a.y=2", "b.z=3"));
    EXPECT_THAT(file.names, ElementsAre("/etc/x/main.conf", "/etc/x/sub/one.conf", "/etc/x/two.conf"));
    EXPECT_EQ(to_string(file.place(file.sections[1].options[0].where)), "/etc/x/two.conf:2");
}

TEST(File, TakesQuotesAndAnglesOffAnIncludedName) {
    EXPECT_THAT(
        options_of(read("#include \"one.conf\"\n#include <two.conf>\n#INCLUDE three.conf ; and a comment\n",
                        {{"/etc/x/one.conf", "[a]\nx=1\n"},
                         {"/etc/x/two.conf", "[b]\ny=2\n"},
                         {"/etc/x/three.conf", "[c]\nz=3\n"}})),
        ElementsAre("a.x=1", "b.y=2", "c.z=3"));
}

TEST(File, IncludesAbsolutePathsAndPatterns) {
    const File file = read("#include /opt/a.conf\n#include \"d/*.conf\"\n#tryinclude e/*.conf\n",
                           {{"/opt/a.conf", "[a]\nx=1\n"},
                            {"/etc/x/d/20.conf", "[c]\nz=3\n"},
                            {"/etc/x/d/10.conf", "[b]\ny=2\n"},
                            {"/etc/x/d/30.txt", "[d]\n"}});
    EXPECT_THAT(options_of(file), ElementsAre("a.x=1", "b.y=2", "c.z=3"));
    EXPECT_THAT(file.problems, IsEmpty());
}

TEST(File, AnIncludedFileGoesOnInTheSectionThatWasLastOpened) {
    // As Asterisk: the including file's own lines stay in [a], the next included file goes on where the last
    // ended.
    EXPECT_THAT(options_of(read("[a]\n#include one.conf\nx=1\n#include two.conf\n",
                                {{"/etc/x/one.conf", "[b]\ny=2\n"}, {"/etc/x/two.conf", "z=3\n"}})),
                ElementsAre("a.x=1", "b.y=2", "b.z=3"));
}

TEST(File, MissesARequiredFileButNotATriedOne) {
    EXPECT_THAT(
        lines_of(read("#include none.conf\n#tryinclude none.conf\n#include none/*.conf\n").problems),
        ElementsAre(
            "error /etc/x/main.conf:1: /etc/x/none.conf cannot be included, No such file or directory, "
            "correct the name or use #tryinclude",
            "notice /etc/x/main.conf:3: #include none/*.conf brings nothing, no file matches "
            "/etc/x/none/*.conf, use #tryinclude if that is meant"));
}

TEST(File, RefusesAFileThatIncludesItself) {
    const File file =
        read("[a]\nx=1\n#include one.conf\ny=2\n", {{"/etc/x/one.conf", "#include main.conf\nz=3\n"}});
    EXPECT_THAT(
        lines_of(file.problems),
        ElementsAre(
            "error /etc/x/one.conf:1: /etc/x/main.conf is not included, it includes itself: main.conf → "
            "one.conf → main.conf, break the circle"));
    EXPECT_THAT(options_of(file), ElementsAre("a.x=1", "a.z=3", "a.y=2"));
}

TEST(File, LimitsHowDeepFilesIncludeEachOther) {
    std::map<std::string, std::string> others;
    for (int i = 0; i < 20; ++i)
        others[fmt::format("/etc/x/{}.conf", i)] = fmt::format("#include {}.conf\n", i + 1);
    EXPECT_THAT(
        lines_of(read("#include 0.conf\n", others).problems),
        ElementsAre(
            "error /etc/x/8.conf:1: /etc/x/9.conf is not included, files are at most 10 deep inside each "
            "other, include it from further out"));
}

TEST(File, LimitsHowManyFilesAreIncluded) {
    std::string twice = "[a]\n";
    for (int i = 0; i < 100; ++i)
        twice += "#include 1.conf\n";
    std::map<std::string, std::string> others;
    for (int i = 1; i < 8; ++i) {
        std::string& text = others[fmt::format("/etc/x/{}.conf", i)];
        for (int k = 0; k < 100; ++k)
            text += fmt::format("#tryinclude {}.conf\n", i + 1);
    }
    const File file = read(twice, others);
    EXPECT_LE(file.names.size(), most_files);
    EXPECT_THAT(lines_of(file.problems), ElementsAre(HasSubstr("too much is included already")));
}

}  // namespace
}  // namespace lamplight::conf
