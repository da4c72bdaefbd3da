#include "log/log.hpp"

#include "log/channels.hpp"
#include "log/line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>

namespace lamplight::log {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class LogTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "lamplight-log-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string path(const std::string& name) const { return (folder_ / name).string(); }

    std::string content(const std::string& name) {
        EXPECT_TRUE(log_.flush(10s));
        std::ifstream in(path(name));
        return {std::istreambuf_iterator<char>(in), {}};
    }

    static Channels files(std::vector<Channel> channels) {
        Channels all;
        all.channels = std::move(channels);
        return all;
    }
    Channel file(const std::string& name, LevelSet levels) const {
        return {Target::file, path(name), levels, {}};
    }

    void configure(const Channels& channels) { ASSERT_TRUE(log_.configure(channels)); }

    std::filesystem::path folder_;
    Log log_;
};

/// Keeps the lines a console session hears.
class Ear {
public:
    explicit Ear(Log& log) : log_(log) {
        id_ = log.attach([this](const Record& record) {
            const std::lock_guard lock(mutex_);
            lines_.push_back(console_line(record, "x"));
            texts_.emplace_back(record.text);
        });
    }
    ~Ear() { log_.detach(id_); }
    std::vector<std::string> texts() {
        const std::lock_guard lock(mutex_);
        return texts_;
    }
    std::vector<std::string> lines() {
        const std::lock_guard lock(mutex_);
        return lines_;
    }

private:
    Log& log_;
    ListenerId id_{};
    std::mutex mutex_;
    std::vector<std::string> lines_;
    std::vector<std::string> texts_;
};

TEST_F(LogTest, WritesTheTrueFileLineAndBareFunction) {
    configure(Channels::without_file(Foreground::no));
    Ear ear(log_);
    log_.notice("Custom:{} is {}", "abc", 3);
    const auto line = __LINE__ - 1;
    ASSERT_EQ(ear.lines().size(), 1U);
    EXPECT_EQ(ear.lines()[0],
              fmt::format("[x] NOTICE[{}]: log_test.cpp:{} TestBody: Custom:abc is 3", ::gettid(), line));
}

TEST_F(LogTest, SendsEachLevelOnlyWhereItsChannelWantsIt) {
    configure(files({file("messages", level_bit(Level::notice)), file("full", all_levels)}));
    log_.notice("one");
    log_.error("two");
    EXPECT_THAT(content("messages"), HasSubstr("log_test.cpp: one\n"));
    EXPECT_THAT(content("messages"), Not(HasSubstr("two")));
    EXPECT_THAT(content("full"), HasSubstr("one"));
    EXPECT_THAT(content("full"), HasSubstr("two"));
}

TEST_F(LogTest, PrintsABareLineOnConsolesWithItsDateAloneAndInFilesAsANotice) {
    Channels channels = files({file("messages", level_bit(Level::notice))});
    channels.channels.push_back({Target::console, {}, all_levels, {}});
    configure(channels);
    Ear ear(log_);
    log_.bare("corosync {}", "[CLM   ] Members Left:");
    ASSERT_EQ(ear.lines().size(), 1u);
    EXPECT_THAT(ear.lines()[0],
                testing::MatchesRegex("... [ 123][0-9] ..:..:.. corosync \\[CLM   \\] Members Left:"));
    EXPECT_THAT(content("messages"),
                testing::MatchesRegex("\\[.+\\] NOTICE\\[.+\\] log_test.cpp: corosync \\[CLM   \\] "
                                      "Members Left:\n"));
}

TEST_F(LogTest, ShowsDebugOnlyAsDeepAsItIsSet) {
    configure(files({file("full", all_levels)}));
    log_.debug(1, "hidden");
    EXPECT_EQ(log_.set_debug(2), 0);
    log_.debug(2, "shown");
    log_.debug(3, "too deep");
    EXPECT_EQ(log_.set_debug(0), 2);
    EXPECT_THAT(content("full"), Not(HasSubstr("hidden")));
    EXPECT_THAT(content("full"), HasSubstr("shown"));
    EXPECT_THAT(content("full"), Not(HasSubstr("too deep")));
}

TEST_F(LogTest, ShowsDebugOfOneModuleAlone) {
    configure(files({file("full", all_levels)}));
    EXPECT_EQ(log_.set_debug(3, "log_test"), 0);
    EXPECT_TRUE(log_.shows(Level::debug, 3, "tests/unit/log/log_test.cpp"));
    EXPECT_FALSE(log_.shows(Level::debug, 4, "tests/unit/log/log_test.cpp"));
    EXPECT_FALSE(log_.shows(Level::debug, 1, "src/state/engine.cpp"));
    EXPECT_THAT(log_.debug_modules(), ElementsAre(testing::Pair("log_test", 3)));
    EXPECT_EQ(log_.set_debug(0, "log_test"), 3);
    EXPECT_FALSE(log_.shows(Level::debug, 1, "tests/unit/log/log_test.cpp"));
    EXPECT_THAT(log_.debug_modules(), IsEmpty());
}

TEST_F(LogTest, AChannelsOwnVerboseDepthBeatsTheCoreOne) {
    auto deep = file("deep", level_bit(Level::verbose));
    deep.verbose_depth = 3;
    configure(files({deep, file("core", level_bit(Level::verbose))}));
    log_.verbose(3, "three");
    log_.verbose(4, "four");
    EXPECT_EQ(log_.set_verbose(1), 0);
    log_.verbose(1, "one");
    EXPECT_THAT(content("deep"), HasSubstr("    -- three"));
    EXPECT_THAT(content("deep"), Not(HasSubstr("four")));
    EXPECT_THAT(content("core"), Not(HasSubstr("three")));
    EXPECT_THAT(content("core"), HasSubstr(" one"));
}

TEST_F(LogTest, ALineForNobodyIsNotWanted) {
    configure(files({file("messages", level_bit(Level::error))}));
    EXPECT_FALSE(log_.shows(Level::notice, 0, "x.cpp"));
    EXPECT_TRUE(log_.shows(Level::error, 0, "x.cpp"));
}

TEST_F(LogTest, AFileThatCannotBeOpenedIsSaidOnceOnTheOthersAndTriedAgain) {
    auto bad = file("no/such/folder/full", all_levels);
    const auto problems = log_.configure(files({bad, file("good", all_levels)}));
    ASSERT_TRUE(problems);
    ASSERT_EQ(problems->size(), 1U);
    EXPECT_THAT((*problems)[0], HasSubstr("No such file or directory"));
    log_.notice("still written");
    const auto text = content("good");
    EXPECT_THAT(text, HasSubstr("cannot be opened"));
    EXPECT_EQ(text.find("cannot be opened"), text.rfind("cannot be opened"));
    EXPECT_THAT(text, HasSubstr("still written"));
    EXPECT_THAT(log_.channels()[0].problem, HasSubstr("No such file"));

    std::filesystem::create_directories(folder_ / "no/such/folder");
    EXPECT_THAT(log_.reopen(), IsEmpty());
    log_.notice("now too");
    EXPECT_THAT(content("no/such/folder/full"), HasSubstr("now too"));
    EXPECT_EQ(log_.channels()[0].problem, "");
}

TEST_F(LogTest, AFullDiskIsSaidOnceAndDisturbsNothingElse) {
    Channels channels = files({{Target::file, "/dev/full", all_levels, {}}, file("good", all_levels)});
    configure(channels);
    log_.notice("first");
    ASSERT_TRUE(log_.flush(10s));
    log_.notice("second");
    const auto text = content("good");
    EXPECT_THAT(text, HasSubstr("/dev/full cannot be written: No space left on device"));
    EXPECT_EQ(text.find("cannot be written"), text.rfind("cannot be written"));
    EXPECT_THAT(text, HasSubstr("first"));
    EXPECT_THAT(text, HasSubstr("second"));
    EXPECT_THAT(log_.channels()[0].problem, HasSubstr("No space left"));
}

TEST_F(LogTest, APipeIsRefusedInsteadOfWaitedFor) {
    ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
    const auto problems = log_.configure(files({file("pipe", all_levels), file("good", all_levels)}));
    ASSERT_TRUE(problems);
    EXPECT_EQ(problems->size(), 1U);
}

TEST_F(LogTest, AFailingConfigurationKeepsWhatRuns) {
    configure(files({file("full", all_levels)}));
    const auto unknown = log_.configure(files({{Target::syslog, "lokal0", all_levels, {}}}));
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error(), HasSubstr("lokal0"));
    Channels dateless = files({file("other", all_levels)});
    dateless.date_format = "";
    ASSERT_FALSE(log_.configure(dateless));
    log_.notice("goes on");
    EXPECT_THAT(content("full"), HasSubstr("goes on"));
    EXPECT_FALSE(std::filesystem::exists(path("other")));
}

TEST_F(LogTest, ReopensWhatLogrotateMoved) {
    configure(files({file("full", all_levels)}));
    log_.notice("before");
    ASSERT_TRUE(log_.flush(10s));
    std::filesystem::rename(path("full"), path("full.old"));
    log_.reopen();
    log_.notice("after");
    EXPECT_THAT(content("full"), HasSubstr("after"));
    EXPECT_THAT(content("full"), Not(HasSubstr("before")));
    EXPECT_THAT(content("full.old"), HasSubstr("before"));
}

TEST_F(LogTest, RotatesToTheNextFreeNumber) {
    configure(files({file("full", all_levels)}));
    log_.notice("first");
    ASSERT_TRUE(log_.flush(10s));
    EXPECT_THAT(log_.rotate(), IsEmpty());
    log_.notice("second");
    ASSERT_TRUE(log_.flush(10s));
    EXPECT_THAT(log_.rotate(), IsEmpty());
    EXPECT_THAT(content("full.0"), HasSubstr("first"));
    EXPECT_THAT(content("full.1"), HasSubstr("second"));
    EXPECT_EQ(content("full"), "");
}

TEST_F(LogTest, RotatesAsItsStrategySays) {
    auto channels = files({file("full", all_levels)});
    channels.rotation = Rotation::rotate;
    configure(channels);
    for (const auto* line : {"first", "second"}) {
        log_.notice("{}", line);
        ASSERT_TRUE(log_.flush(10s));
        EXPECT_THAT(log_.rotate(), IsEmpty());
    }
    EXPECT_THAT(content("full.0"), HasSubstr("second"));
    EXPECT_THAT(content("full.1"), HasSubstr("first"));
    channels.rotation = Rotation::none;
    configure(channels);
    log_.notice("third");
    EXPECT_THAT(log_.rotate(), IsEmpty());
    EXPECT_THAT(content("full"), HasSubstr("third"));
    channels.rotation = Rotation::timestamp;
    configure(channels);
    EXPECT_THAT(log_.rotate(), IsEmpty());
    EXPECT_EQ(content("full"), "");
}

TEST_F(LogTest, KeepsEveryLineOfManyThreads) {
    configure(files({file("full", level_bit(Level::notice))}));
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread)
        threads.emplace_back([&] {
            for (int i = 0; i < 500; ++i)
                log_.notice("line");
        });
    for (auto& thread : threads)
        thread.join();
    const auto text = content("full");
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2000);
}

TEST_F(LogTest, AListenerHearsNothingAfterItLeft) {
    configure(Channels::without_file(Foreground::no));
    std::atomic<int> heard = 0;
    const auto id = log_.attach([&](const Record&) { ++heard; });
    log_.warning("one");
    log_.detach(id);
    log_.warning("two");
    EXPECT_EQ(heard, 1);
}

TEST_F(LogTest, TheConsoleHearsWhatItsChannelSays) {
    configure(files({{Target::console, {}, static_cast<LevelSet>(level_bit(Level::error)), {}}}));
    Ear ear(log_);
    log_.notice("not for it");
    log_.error("for it");
    EXPECT_THAT(ear.texts(), ElementsAre("for it"));
}

TEST_F(LogTest, TextFromTheNetworkStaysOnOneLine) {
    configure(files({file("full", all_levels)}));
    log_.notice("device {}", "a\n[Nov 13] ERROR[1] forged: x");
    const auto text = content("full");
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST_F(LogTest, AnEndlessTextIsCut) {
    configure(files({file("full", all_levels)}));
    log_.notice("{}", std::string(1 << 20, 'x'));
    EXPECT_LT(content("full").size(), 9000U);
}

}  // namespace
}  // namespace lamplight::log
