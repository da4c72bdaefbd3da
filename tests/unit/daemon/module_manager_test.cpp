#include "daemon/module_manager.hpp"

#include "conf/configuration.hpp"
#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace lamplight::daemon {
namespace {

using conf::ModuleRule;
using conf::ModuleVerb;
using test::TemporaryFolder;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The daemon as a module sees it; keeps what the modules of the tests note.
class TestHost final : public bus::Host {
public:
    explicit TestHost(std::filesystem::path config_dir) : config_dir_(std::move(config_dir)) {
        log_.attach([this](const log::Record& record) { lines_.emplace_back(record.text); });
    }
    boost::asio::io_context& loop() override { return loop_; }
    log::Log& log() override { return log_; }
    console::Registry& commands() override { return commands_; }
    state::Engine& engine() override { return engine_; }
    state::Time now() const override { return {}; }
    std::chrono::system_clock::time_point wall(state::Time) const override { return {}; }
    void publish(state::Changes& changes) override { changes.clear(); }
    const state::MwiTable& mwi() const override { return mwi_; }
    void publish_mwi(std::vector<state::MwiInput>& inputs) override { inputs.clear(); }
    std::vector<state::Announcement> own_nodes() const override { return {}; }
    void raise_incarnation(const state::Eid&, std::uint64_t) override {}
    const conf::Configuration& configuration() const override { return configuration_; }
    const std::string& name() const override { return name_; }
    const std::filesystem::path& run_dir() const override { return config_dir_; }
    const std::filesystem::path& state_dir() const override { return config_dir_; }
    const std::filesystem::path& config_dir() const override { return config_dir_; }
    void note_file_read(const std::filesystem::path& note) override { notes_.push_back(note.string()); }
    std::weak_ptr<void>& shared(std::string_view name) override { return shared_[std::string(name)]; }

    boost::asio::io_context loop_;
    log::Log log_;
    console::Registry commands_;
    state::Engine engine_;
    state::MwiTable mwi_;
    conf::Configuration configuration_;
    std::string name_ = "pbx1";
    std::filesystem::path config_dir_;
    std::vector<std::string> notes_;
    std::vector<std::string> lines_;
    std::map<std::string, std::weak_ptr<void>> shared_;
};

class ModuleManagerTest : public testing::Test {
protected:
    conf::ModuleRules rules(bool autoload, std::vector<ModuleRule> list = {}) {
        conf::ModuleRules made;
        made.autoload = autoload;
        made.rules = std::move(list);
        return made;
    }
    static ModuleRule rule(ModuleVerb verb, const std::string& module) {
        return {verb, module, {"/etc/lamplight/modules.conf", 4}};
    }
    void with_file(const std::string& name) { test::write_file(folder_ / name, "[general]\n"); }

    std::vector<std::string> loaded() const {
        std::vector<std::string> names;
        for (const auto& view : manager_.views()) {
            if (view.loaded) names.push_back(view.name);
        }
        return names;
    }
    std::string problem_of(const std::string& name) const {
        for (const auto& view : manager_.views()) {
            if (view.name == name) return view.problem;
        }
        return "not listed";
    }
    void run() {
        host_.loop_.restart();
        host_.loop_.poll();
    }

    TemporaryFolder folder_;
    TestHost host_{folder_.path()};
    ModuleManager manager_{host_, TEST_MODULES};
};

TEST_F(ModuleManagerTest, TurnsTheLocalBusOnWhenThereIsNothingElse) {
    ASSERT_TRUE(manager_.start(rules(true)));
    EXPECT_THAT(loaded(), ElementsAre("bus_local.so"));
}

TEST_F(ModuleManagerTest, LoadsAModuleWhoseFileIsThere) {
    with_file("good.conf");
    ASSERT_TRUE(manager_.start(rules(true)));
    EXPECT_THAT(loaded(), ElementsAre("res_good.so"));
}

TEST_F(ModuleManagerTest, OneOfSeveralFilesIsEnough) {
    with_file("jabber.conf");
    ASSERT_TRUE(manager_.start(rules(true)));
    EXPECT_THAT(loaded(), ElementsAre("res_jabber.so"));
}

TEST_F(ModuleManagerTest, NoloadKeepsAModuleOutWhateverItsFile) {
    with_file("good.conf");
    with_file("xmpp.conf");
    ASSERT_TRUE(manager_.start(
        rules(true, {rule(ModuleVerb::noload, "res_good.so"), rule(ModuleVerb::noload, "res_xmpp.so"),
                     rule(ModuleVerb::noload, "bus_local.so")})));
    EXPECT_THAT(loaded(), IsEmpty());
}

TEST_F(ModuleManagerTest, WithoutAutoloadOnlyWhatIsNamedIsLoaded) {
    with_file("xmpp.conf");
    ASSERT_TRUE(manager_.start(rules(false, {rule(ModuleVerb::load, "res_good.so")})));
    EXPECT_THAT(loaded(), ElementsAre("res_good.so"));
}

TEST_F(ModuleManagerTest, ARequiredModuleThatCannotBeLoadedIsAFailure) {
    with_file("good.conf");
    const auto started = manager_.start(rules(
        true, {rule(ModuleVerb::require, "res_refusing.so"), rule(ModuleVerb::require, "chan_nothing.so")}));
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error(),
                AllOf(HasSubstr("res_refusing.so: refusing.conf:3: no"), HasSubstr("chan_nothing.so")));
}

TEST_F(ModuleManagerTest, AModuleThatWasOnlyWantedDoesNotStopTheStart) {
    with_file("refusing.conf");
    ASSERT_TRUE(manager_.start(rules(true)));
    EXPECT_EQ(problem_of("res_refusing.so"), "refusing.conf:3: no");
    EXPECT_THAT(loaded(), ElementsAre("bus_local.so"));
}

TEST_F(ModuleManagerTest, LinesForAsterisksModulesAreNoMistake) {
    ASSERT_TRUE(manager_.start(rules(true, {rule(ModuleVerb::load, "chan_pjsip.so")})));
    EXPECT_THAT(host_.lines_, testing::Not(Contains(HasSubstr("chan_pjsip"))));
    ASSERT_TRUE(manager_.start(rules(true, {rule(ModuleVerb::load, "bus_locl.so")})));
    EXPECT_THAT(host_.lines_,
                Contains(AllOf(HasSubstr("/etc/lamplight/modules.conf:4"), HasSubstr("bus_locl.so"))));
}

TEST_F(ModuleManagerTest, NamesTheLibraryThatIsMissing) {
    const auto result = manager_.load("res_corosync");
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error(), HasSubstr("the library libnowhere.so is missing"));
    EXPECT_THAT(problem_of("res_corosync.so"), HasSubstr("libnowhere.so"));
}

TEST_F(ModuleManagerTest, NamesTheLibraryThatIsMissingToALibraryOfTheModule) {
    EXPECT_THAT(manager_.load("res_through").error(), HasSubstr("the library libnowhere.so is missing"));
}

TEST_F(ModuleManagerTest, RefusesWhatIsNotOurs) {
    EXPECT_THAT(manager_.load("res_other_interface").error(), HasSubstr("interface 99"));
    EXPECT_THAT(manager_.load("res_other_build").error(), HasSubstr("0.0.1"));
    EXPECT_THAT(manager_.load("not_a_plugin").error(), HasSubstr("no module of Lamplight"));
    EXPECT_THAT(manager_.load("res_nothing").error(), HasSubstr("there is no"));
    EXPECT_THAT(manager_.load("../modules/res_good").error(), HasSubstr("no module's name"));
    EXPECT_THAT(loaded(), IsEmpty());
}

TEST_F(ModuleManagerTest, TakesNamesAsPeopleTypeThem) {
    EXPECT_TRUE(manager_.load("res_xmpp"));
    EXPECT_TRUE(manager_.load("Res_Good.so"));
    EXPECT_THAT(loaded(), ElementsAre("res_good.so", "res_jabber.so"));
    EXPECT_THAT(manager_.load("res_jabber").error(), HasSubstr("loaded already"));
}

TEST_F(ModuleManagerTest, UnloadingSaysGoodbyeThenDestroys) {
    ASSERT_TRUE(manager_.load("res_good"));
    int done = 0;
    manager_.unload("res_good", [&](ModuleManager::Result result) { done += result ? 1 : 100; });
    EXPECT_EQ(done, 0);
    run();
    EXPECT_EQ(done, 1);
    EXPECT_THAT(host_.notes_,
                ElementsAre("res_good.so made", "res_good.so goodbye stop", "res_good.so destroyed"));
    EXPECT_THAT(loaded(), IsEmpty());
    ASSERT_TRUE(manager_.load("res_good"));
    manager_.unload("res_none", [&](ModuleManager::Result result) { done += result ? 100 : 1; });
    run();
    EXPECT_EQ(done, 2);
}

TEST_F(ModuleManagerTest, HandsChangesAndReloadsOn) {
    ASSERT_TRUE(manager_.load("res_good"));
    host_.notes_.clear();
    manager_.on_changes({});
    manager_.on_own_nodes_changed();
    EXPECT_TRUE(manager_.reload("res_good"));
    EXPECT_TRUE(manager_.reload_all());
    EXPECT_THAT(host_.notes_, ElementsAre("res_good.so changes", "res_good.so own nodes",
                                          "res_good.so reload", "res_good.so reload"));
    EXPECT_THAT(manager_.reload("res_jabber").error(), HasSubstr("not loaded"));
    EXPECT_EQ(manager_.waiting_votes(), 3u);
    EXPECT_EQ(manager_.views().front().use_count, 0u);
}

TEST_F(ModuleManagerTest, EverybodySaysGoodbyeAndThenItIsOver) {
    ASSERT_TRUE(manager_.load("res_good"));
    ASSERT_TRUE(manager_.load("bus_local"));
    bool over = false;
    manager_.say_goodbye(bus::Goodbye::restart, [&] { over = true; });
    EXPECT_FALSE(over);
    run();
    EXPECT_TRUE(over);
    EXPECT_THAT(host_.notes_,
                AllOf(Contains("res_good.so goodbye restart"), Contains("bus_local.so goodbye restart")));
}

}  // namespace
}  // namespace lamplight::daemon
