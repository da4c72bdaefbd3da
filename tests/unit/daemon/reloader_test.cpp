#include "daemon/reloader.hpp"

#include "temporary_folder.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lamplight::daemon {
namespace {

using console::Scope;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class ReloaderTest : public testing::Test {
protected:
    void write_main(const std::string& name, const std::string& more = {}) {
        test::write_file(folder_ / "lamplight.conf", "[general]\nname = " + name +
                                                         "\nrun_dir = " + folder_.path().string() +
                                                         "\nstate_dir = " + folder_.path().string() +
                                                         "\nentityid = 02:00:00:00:00:01\n" + more);
    }
    void write_hints(const std::string& extension) {
        test::write_file(folder_ / "extensions.conf",
                         "[default]\nexten => " + extension + ",hint,Custom:a\n");
    }
    conf::Configuration read() {
        auto loaded = conf::load(folder_ / "lamplight.conf", conf::MainFile::must_exist, disk_,
                                 conf::this_machine(disk_));
        EXPECT_TRUE(loaded.ok()) << to_lines(loaded.problems);
        return std::move(loaded.value);
    }
    std::unique_ptr<CustomStates> open_states() {
        auto store = Store::open(folder_ / "pbx1.db");
        EXPECT_TRUE(store) << store.error().text;
        return std::move(*CustomStates::make(loop_, std::move(*store)));
    }

    tl::expected<std::string, std::string> reload(Scope scope) {
        std::optional<tl::expected<std::string, std::string>> answer;
        reloader_.reload(scope,
                         [&](tl::expected<std::string, std::string> result) { answer = std::move(result); });
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!answer && std::chrono::steady_clock::now() < deadline) {
            loop_.restart();
            loop_.run_one_until(deadline);
        }
        return answer.value_or(tl::unexpected(std::string("no answer")));
    }
    bool has_hint(const std::string& extension) {
        state::Changes changes;
        return hub_.hints().find(extension, "default", changes).has_value();
    }

    test::TemporaryFolder folder_;
    conf::DiskFiles disk_;
    boost::asio::io_context loop_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{loop_.get_executor()};
    log::Log log_;
    console::Registry commands_;
    conf::Configuration running_ = (write_main("pbx1"), write_hints("6001"), read());
    std::unique_ptr<CustomStates> states_ = open_states();
    Hub hub_{{loop_, log_, commands_, running_, *states_}, 1000};
    ModuleManager modules_{hub_, TEST_MODULES};
    Reloader reloader_{{loop_, log_, log::Foreground::yes, running_, hub_, modules_},
                       {folder_ / "lamplight.conf", conf::MainFile::must_exist},
                       {}};
};

TEST_F(ReloaderTest, TakesNewHints) {
    for (const Scope scope : {Scope::all, Scope::dialplan}) {
        const std::string extension = scope == Scope::all ? "6002" : "6003";
        write_hints(extension);
        const auto result = reload(scope);
        ASSERT_TRUE(result) << result.error();
        EXPECT_THAT(*result, IsEmpty());
        EXPECT_TRUE(has_hint(extension));
        EXPECT_FALSE(has_hint("6001"));
    }
    EXPECT_TRUE(reloader_.reloaded());
}

TEST_F(ReloaderTest, SaysThatAFileIsGone) {
    for (const Scope scope : {Scope::dialplan, Scope::all}) {
        write_hints("6002");
        ASSERT_TRUE(reload(Scope::all));
        std::filesystem::remove(folder_ / "extensions.conf");
        const auto result = reload(scope);
        ASSERT_TRUE(result) << result.error();
        EXPECT_THAT(*result, HasSubstr("extensions.conf: is gone, what it said holds no longer"));
        EXPECT_FALSE(has_hint("6002"));
    }
}

TEST_F(ReloaderTest, AWrongFileChangesNothing) {
    test::write_file(folder_ / "extensions.conf",
                     "[default]\nexten => 6009,hint,Custom:a\n#exec /bin/true\n");
    for (const Scope scope : {Scope::all, Scope::dialplan}) {
        const auto result = reload(scope);
        ASSERT_FALSE(result);
        EXPECT_THAT(result.error(), HasSubstr("extensions.conf:3: "));
        EXPECT_TRUE(has_hint("6001"));
        EXPECT_FALSE(has_hint("6009"));
    }
    EXPECT_FALSE(reloader_.reloaded());
}

TEST_F(ReloaderTest, SaysEveryProblemAtOnce) {
    write_main("pbx1", "entityid = nonsense\n");
    test::write_file(folder_ / "logger.conf", "[logfiles\n");
    EXPECT_THAT(reload(Scope::all).error(),
                AllOf(HasSubstr("lamplight.conf:6: "), HasSubstr("logger.conf:1: ")));
}

TEST_F(ReloaderTest, WhatCannotChangeKeepsItsValueAndIsSaid) {
    const auto eid = running_.eid;
    write_main("other", "entityid = 02:00:00:00:00:99\n");
    write_hints("6002");
    const auto result = reload(Scope::all);
    ASSERT_TRUE(result) << result.error();
    EXPECT_THAT(*result,
                AllOf(HasSubstr("name changed: takes effect at the next start"), HasSubstr("entityid")));
    EXPECT_EQ(running_.name, "pbx1");
    EXPECT_EQ(running_.eid, eid);
    EXPECT_TRUE(has_hint("6002"));
}

TEST_F(ReloaderTest, TakesANewPolicy) {
    write_main("pbx1", "[policy]\nsilent_hold = 3\n");
    const auto result = reload(Scope::all);
    ASSERT_TRUE(result) << result.error();
    EXPECT_EQ(hub_.engine().policy().silent_hold, std::chrono::seconds(3));
}

TEST_F(ReloaderTest, TakesNewLogChannels) {
    test::write_file(folder_ / "logger.conf", "[logfiles]\n" + (folder_ / "full").string() + " => notice\n");
    const auto result = reload(Scope::logger);
    ASSERT_TRUE(result) << result.error();
    EXPECT_EQ(log_.channels().size(), 1u);
    EXPECT_EQ(log_.channels().front().channel.name, (folder_ / "full").string());
}

TEST(LogChannels, ADaemonInTheBackgroundIsHeardBySyslog) {
    const auto channels = log_channels({}, log::Foreground::no);
    EXPECT_THAT(channels.channels,
                testing::Contains(testing::Field(&log::Channel::target, log::Target::syslog)));
    const auto foreground = log_channels({}, log::Foreground::yes);
    EXPECT_THAT(foreground.channels,
                testing::Not(testing::Contains(testing::Field(&log::Channel::target, log::Target::syslog))));
}

}  // namespace
}  // namespace lamplight::daemon
