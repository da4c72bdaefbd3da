#include "conf/logger_conf.hpp"

#include "support.hpp"

namespace lamplight::conf {
namespace {

using log::Level;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Read {
    LoggerSettings settings;
    Problems problems;
};

Read read(const std::string& content) {
    Read read;
    const File file =
        read_file("/etc/l/logger.conf", "/etc/l", MemoryFiles({{"/etc/l/logger.conf", content}}));
    LoggerGeneral general;
    logger_table().set_defaults(general);
    logger_table().apply(file, general, read.problems);
    read_channels(file, "/var/log/lamplight", "host1", general, read.problems);
    read.settings = general.settings;
    return read;
}

TEST(LoggerConf, KnowsTheThreeKindsOfChannels) {
    const auto [settings, problems] = read(
        "[logfiles]\nconsole => notice,warning,error\nfull => notice,warning,error,debug,verbose\n"
        "/tmp/x.log => error\nsyslog.local3 => warning,error\nSYSLOG => error\n");
    EXPECT_THAT(problems, IsEmpty());
    ASSERT_EQ(settings.channels.size(), 5u);
    EXPECT_EQ(settings.channels[0].kind, ChannelKind::console);
    EXPECT_EQ(settings.channels[1].kind, ChannelKind::file);
    EXPECT_EQ(settings.channels[1].file, "/var/log/lamplight/full");
    EXPECT_THAT(settings.channels[1].levels,
                ElementsAre(Level::error, Level::warning, Level::notice, Level::verbose, Level::debug));
    EXPECT_EQ(settings.channels[2].file, "/tmp/x.log");
    EXPECT_EQ(settings.channels[3].kind, ChannelKind::syslog);
    EXPECT_EQ(settings.channels[3].facility, "local3");
    EXPECT_TRUE(settings.channels[3].shows(Level::warning));
    EXPECT_FALSE(settings.channels[3].shows(Level::notice));
    EXPECT_EQ(settings.channels[4].facility, "local0");
    EXPECT_EQ(to_string(settings.channels[3].place), "/etc/l/logger.conf:5");
}

TEST(LoggerConf, ShowsVerboseOnTheConsoleAsAsteriskDoes) {
    const auto [settings, problems] = read("[logfiles]\nconsole => error,verbose(3)\n");
    EXPECT_THAT(settings.channels.at(0).levels, ElementsAre(Level::error, Level::verbose));
    EXPECT_EQ(settings.channels.at(0).verbose_depth, std::nullopt);
}

TEST(LoggerConf, TakesAVerboseDepthAndAllLevels) {
    const auto [settings, problems] = read("[logfiles]\nfull => verbose(3),*\nmore => verbose(999)\n");
    EXPECT_THAT(problems, IsEmpty());
    EXPECT_EQ(settings.channels.at(0).verbose_depth, 3);
    EXPECT_EQ(settings.channels.at(0).levels.size(), 5u);
    EXPECT_EQ(settings.channels.at(1).verbose_depth, 255);
}

TEST(LoggerConf, TakesAFormatInBrackets) {
    const auto [settings, problems] =
        read("[logfiles]\na => [json]error\nb => [Plain] error\nc => [default]error\nd => error\n");
    EXPECT_THAT(problems, IsEmpty());
    EXPECT_EQ(settings.channels.at(0).format, LineFormat::json);
    EXPECT_EQ(settings.channels.at(1).format, LineFormat::plain);
    EXPECT_EQ(settings.channels.at(2).format, LineFormat::standard);
    EXPECT_EQ(settings.channels.at(3).format, LineFormat::standard);
    EXPECT_THAT(settings.channels.at(1).levels, ElementsAre(Level::error));
}

TEST(LoggerConf, KnowsTheLevelsOfAsteriskAndOfTheOperator) {
    const auto [settings, problems] = read(
        "[general]\ncustom_levels = important, foobar\n[logfiles]\nx => dtmf,fax,security,trace,important\n");
    EXPECT_THAT(problems, IsEmpty());
    EXPECT_THAT(settings.channels.at(0).levels, IsEmpty());
}

TEST(LoggerConf, ReadsGeneral) {
    const auto [settings, problems] = read(
        "[general]\ndateformat = %F %T.%3q\nuse_callids = no\nappendhostname = yes\nrotatestrategy = Rotate\n"
        "logger_queue_limit = 250\nqueue_log = no\nexec_after_rotate = gzip -9 ${filename}.2\n"
        "[logfiles]\nfull => error\n");
    EXPECT_THAT(problems, IsEmpty());
    EXPECT_EQ(settings.date_format, "%F %T.%3q");
    EXPECT_FALSE(settings.use_callids);
    EXPECT_EQ(settings.rotate, RotateStrategy::rotate);
    EXPECT_EQ(settings.queue_limit, 250u);
    EXPECT_EQ(settings.channels.at(0).file, "/var/log/lamplight/full.host1");
}

TEST(LoggerConf, WarnsOfWhatItDoesNotKnow) {
    const auto [settings, problems] = read(
        "[general]\ndateformt = %F\nrotatestrategy = sometimes\n[logfiles]\nfull => "
        "notcie,error\nsyslog.locl1 => error\n"
        "x => verbose(a),[y]\nz =>\nj => [jsn]error\nfull => error\n");
    EXPECT_THAT(
        lines_of(problems),
        ElementsAre(
            "warning /etc/l/logger.conf:2: dateformt is no option of [general], did you mean dateformat?",
            "warning /etc/l/logger.conf:3: rotatestrategy = sometimes is refused, it takes one of none, "
            "sequential, "
            "rotate, timestamp",
            "warning /etc/l/logger.conf:5: the level notcie of full is not known, did you mean notice?",
            "warning /etc/l/logger.conf:6: syslog.locl1 is no channel, syslog has no facility locl1, did you "
            "mean "
            "syslog.local1?",
            "warning /etc/l/logger.conf:7: verbose(a) of x is ignored, it takes a number from 0, write for "
            "example "
            "verbose(3)",
            HasSubstr(":7: the level [y] of x is not known"),
            "warning /etc/l/logger.conf:8: z logs nothing, it names no level, write for example "
            "notice,warning,error",
            "warning /etc/l/logger.conf:9: the format [jsn] of j is not known, lines have the default one, "
            "use "
            "default, plain or json",
            "warning /etc/l/logger.conf:10: full is given again, it was given at /etc/l/logger.conf:5 and "
            "the last "
            "one counts, remove one of them"));
    EXPECT_EQ(settings.channels.size(), 4u);
}

}  // namespace
}  // namespace lamplight::conf
