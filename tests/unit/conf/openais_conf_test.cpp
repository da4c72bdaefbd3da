#include "conf/openais_conf.hpp"

#include "support.hpp"

#include <fmt/format.h>

namespace lamplight::conf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string path = "/etc/ais/openais.conf";

struct Read {
    AisSettings settings;
    std::vector<std::string> problems;
};

Read read(std::string_view text) {
    AisSettings settings;
    Problems problems;
    read_openais(text, path, settings, problems);
    return {settings, lines_of(problems)};
}

std::string event(std::string_view lines) {
    return fmt::format("event {{\n{}}}\n", lines);
}

void expect_defaults(const AisSettings& settings) {
    EXPECT_EQ(settings.queue_limit, 1'000u);
    EXPECT_EQ(settings.queue_resume, 500u);
}

TEST(OpenaisConf, GivesSizeAndResumePointOfTheQueue) {
    const Read both = read(event("\tdelivery_queue_size: 3000\r\n  delivery_queue_resume :  7\n"));
    EXPECT_THAT(both.problems, IsEmpty());
    EXPECT_EQ(both.settings.queue_limit, 3'000u);
    EXPECT_EQ(both.settings.queue_resume, 7u);
}

TEST(OpenaisConf, ResumesAtHalfOfTheSizeWhenItDoesNotSay) {
    const Read size = read(event("delivery_queue_size: 300\n"));
    EXPECT_THAT(size.problems, IsEmpty());
    EXPECT_EQ(size.settings.queue_limit, 300u);
    EXPECT_EQ(size.settings.queue_resume, 150u);
    const Read resume = read(event("delivery_queue_resume: 900\n"));
    EXPECT_THAT(resume.problems, IsEmpty());
    EXPECT_EQ(resume.settings.queue_limit, 1'000u);
    EXPECT_EQ(resume.settings.queue_resume, 900u);
}

TEST(OpenaisConf, ThatSaysNothingLeavesTheDefaults) {
    for (const std::string text :
         {"", "\n\n", "# event {\n", "event {\n}\n", "event{\n#delivery_queue_size: 9\n}"}) {
        const Read nothing = read(text);
        EXPECT_THAT(nothing.problems, IsEmpty()) << text;
        expect_defaults(nothing.settings);
    }
}

TEST(OpenaisConf, TellsOnceWhatHasNoMeaningAnyMore) {
    const Read old = read(
        "compatibility: none\n# a comment with {\ntotem {\n version: 2\n interface {\n  ringnumber: 0\n "
        "}\n}\n"
        "logging {\n to_stderr: yes\n logger {\n  ident: AMF\n }\n}\ntotem {\n}\n" +
        event("delivery_queue_size: 20\nunknown: 1\n"));
    EXPECT_THAT(
        old.problems,
        ElementsAre("notice /etc/ais/openais.conf: what it says of compatibility, totem, logging, "
                    "event.unknown has no meaning any more, of OpenAIS' file only the queue of the event "
                    "service counts, totem belongs into /etc/corosync/corosync.conf"));
    EXPECT_EQ(old.settings.queue_limit, 20u);
    EXPECT_THAT(read("amf {\n mode: disabled\n}\n").problems,
                ElementsAre("notice /etc/ais/openais.conf: what it says of amf has no meaning any more, of "
                            "OpenAIS' file only the queue of the event service counts"));
}

TEST(OpenaisConf, NamesAFewOfManyBlocks) {
    std::string text;
    for (int i = 0; i < 2'000; ++i)
        text += fmt::format("block{} {{\n}}\n", i);
    EXPECT_THAT(read(text).problems, ElementsAre(HasSubstr("block6, block7 and others has no meaning")));
}

TEST(OpenaisConf, TakesNumbersOfTheEventBlockAlone) {
    const Read inner = read(
        "logging {\ndelivery_queue_size: 7\n}\nevent {\ninner {\ndelivery_queue_size: 8\n}\n}\n"
        "delivery_queue_size: 9\n");
    EXPECT_THAT(inner.problems,
                ElementsAre(HasSubstr("logging, event.inner, delivery_queue_size has no meaning")));
    expect_defaults(inner.settings);
}

TEST(OpenaisConf, WithANumberThatDoesNotFitKeepsTheDefaults) {
    for (const std::string value : {"0", "1", "-5", "1000001", "99999999999999999999", "many", "", "5 6"}) {
        const Read bad =
            read(event(fmt::format("delivery_queue_resume: 3\ndelivery_queue_size: {}\n", value)));
        EXPECT_THAT(
            bad.problems,
            ElementsAre(fmt::format("warning /etc/ais/openais.conf:3: delivery_queue_size: {} is refused, it "
                                    "takes a whole number from 2 to 1000000, correct or remove it",
                                    value)));
        expect_defaults(bad.settings);
    }
    EXPECT_THAT(
        read(event("delivery_queue_resume: 0\n")).problems,
        ElementsAre(HasSubstr(":2: delivery_queue_resume: 0 is refused, it takes a whole number from 1")));
}

TEST(OpenaisConf, WithAResumePointThatIsNotLessThanTheSizeKeepsTheDefaults) {
    const Read equal = read(event("delivery_queue_resume: 10\ndelivery_queue_size: 10\n"));
    EXPECT_THAT(
        equal.problems,
        ElementsAre("warning /etc/ais/openais.conf:2: delivery_queue_resume: 10 is refused, it is not less "
                    "than delivery_queue_size, 10, correct or remove it"));
    expect_defaults(equal.settings);
    expect_defaults(read(event("delivery_queue_resume: 1000\n")).settings);
}

TEST(OpenaisConf, TakesTheLargestNumbers) {
    const Read most = read(event("delivery_queue_size: 1000000\ndelivery_queue_resume: 999999\n"));
    EXPECT_THAT(most.problems, IsEmpty());
    EXPECT_EQ(most.settings.queue_limit, 1'000'000u);
    EXPECT_EQ(most.settings.queue_resume, 999'999u);
}

TEST(OpenaisConf, OfNoSuchFormatIsPassedOverAsAWhole) {
    const std::string size = event("delivery_queue_size: 5\n");
    const std::pair<std::string, std::string> cases[]{
        {"totem {\nevent {\n", ":5: the block event has no end"},
        {"}\n", ":4: a block ends that was not begun"},
        {"nonsense\n", ":4: the line is no block, no key and no end of a block"},
        {"totem { version: 2 }\n", ":4: something stands behind the { of a block"},
        {" {\n}\n", ":4: a block has no name"},
        {std::string(9'000, 'x') + ": 1\n", ":4: a line is too long"},
        {std::string("\x7f\x45\x4c\x46\0\x01\n", 7), ":4: the line is no block"}};
    for (const auto& [text, problem] : cases) {
        const Read broken = read(size + text);
        EXPECT_THAT(broken.problems, ElementsAre(testing::StartsWith("warning " + path + problem)));
        EXPECT_THAT(broken.problems, ElementsAre(HasSubstr("the whole file is passed over")));
        expect_defaults(broken.settings);
    }
}

TEST(OpenaisConf, MayNestBlocksAsDeepAsItLikes) {
    std::string text;
    for (int i = 0; i < 100'000; ++i)
        text += "a {\n";
    for (int i = 0; i < 100'000; ++i)
        text += "}\n";
    EXPECT_THAT(read(text).problems, ElementsAre(HasSubstr("what it says of a has no meaning")));
}

}  // namespace
}  // namespace lamplight::conf
