#include "conf/options.hpp"

#include "conf/asterisk_conf.hpp"
#include "conf/extensions_conf.hpp"
#include "conf/lamplight_conf.hpp"
#include "conf/logger_conf.hpp"
#include "conf/modules_conf.hpp"
#include "support.hpp"

namespace lamplight::conf {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Applied {
    LamplightConf conf;
    Problems problems;
};

Applied apply(const std::string& content) {
    Applied applied;
    applied.conf.settings.lamplight_conf = "/etc/l/lamplight.conf";
    const File file =
        read_file("/etc/l/lamplight.conf", "/etc/l", MemoryFiles({{"/etc/l/lamplight.conf", content}}));
    lamplight_table().set_defaults(applied.conf);
    lamplight_table().apply(file, applied.conf, applied.problems);
    return applied;
}

std::vector<const FileTable*> all_tables() {
    return {&lamplight_table().info, &asterisk_table().info, &logger_table().info, &modules_table().info,
            &extensions_table().info};
}

TEST(Options, HaveDefaultsThatPassTheirOwnChecks) {
    for (const FileTable* table : all_tables())
        for (const OptionInfo& option : table->options) {
            EXPECT_TRUE(option.fallback.empty() || parse_value(option, option.fallback)) << option.name;
            EXPECT_TRUE(option.example.empty() || parse_value(option, option.example)) << option.name;
        }
}

TEST(Options, AreDescribed) {
    for (const FileTable* table : all_tables())
        for (const OptionInfo& option : table->options) {
            if (option.type == ValueType::ignored) continue;
            EXPECT_FALSE(option.summary.empty()) << option.name;
            EXPECT_FALSE(option.summary.ends_with('.')) << option.name;
            EXPECT_FALSE(option.since.empty()) << option.name;
            EXPECT_FALSE(describe_type(option).empty()) << option.name;
        }
}

TEST(Options, BelongToASectionOfTheirTable) {
    for (const FileTable* table : all_tables())
        for (const OptionInfo& option : table->options)
            EXPECT_TRUE(
                std::any_of(table->sections.begin(), table->sections.end(),
                            [&](const SectionInfo& section) { return section.name == option.section; }))
                << option.name;
}

TEST(Options, GiveTheDefaultsThatTheSettingsHaveByThemselves) {
    const Configuration applied = apply("").conf.settings;
    const Configuration bare;
    EXPECT_EQ(applied.policy.restart_hold, bare.policy.restart_hold);
    EXPECT_EQ(applied.policy.silent_hold, bare.policy.silent_hold);
    EXPECT_EQ(applied.policy.forget_after, bare.policy.forget_after);
    EXPECT_EQ(applied.limits.devices, bare.limits.devices);
    EXPECT_EQ(applied.limits.nodes, bare.limits.nodes);
    EXPECT_EQ(applied.limits.name_bytes, bare.limits.name_bytes);
    EXPECT_EQ(applied.limits.journal_entries, bare.limits.journal_entries);
    EXPECT_EQ(applied.limits.senders, bare.limits.senders);
    EXPECT_EQ(applied.hint_limits.watchers_per_hint, bare.hint_limits.watchers_per_hint);
    EXPECT_EQ(applied.hint_limits.automatic_hints, bare.hint_limits.automatic_hints);
    EXPECT_EQ(applied.stand_in, bare.stand_in);
    EXPECT_EQ(applied.modules.autoload, bare.modules.autoload);
    LoggerGeneral logger;
    logger_table().set_defaults(logger);
    EXPECT_EQ(logger.settings.date_format, LoggerSettings{}.date_format);
    EXPECT_EQ(logger.settings.queue_limit, LoggerSettings{}.queue_limit);
    EXPECT_EQ(logger.settings.rotate, LoggerSettings{}.rotate);
    EXPECT_EQ(logger.settings.use_callids, LoggerSettings{}.use_callids);
}

TEST(Options, OfLamplightConfReachTheSettings) {
    const auto [conf, problems] = apply(
        "[general]\nname = \"pbx1\"\nentityid = 02:00:5E:00:53:01\nstand_in = yes\nconfig_dir = ../asterisk\n"
        "run_dir = /tmp/run\nstate_dir=/tmp/state\nlog_dir=/tmp/log\nverbose=3\ndebug=2\nmax_devices=10\n"
        "max_nodes=20\nmax_senders=30\nmax_name_bytes=80\njournal_entries=40\n"
        "[policy]\nrestart_hold=1s\nsilent_hold=2500ms\nforget_after=2d\nsilent = branch*, 60s\nleft = 5s\n"
        "[modules]\nautoload=no\nload=RES_corosync\nnoload=res_ais.so\nrequire=bus_local.so\n"
        "[senders]\nmay_speak_for = guard*, \"a,b\"\nmay_speak_for = c\n"
        "[hints]\nmax_watchers=7\nmax_automatic=0\n");
    EXPECT_THAT(lines_of(problems), IsEmpty());
    const Configuration& s = conf.settings;
    EXPECT_EQ(s.name, "pbx1");
    EXPECT_EQ(to_string(conf.entityid.value()), "02:00:5e:00:53:01");
    EXPECT_TRUE(s.stand_in);
    EXPECT_EQ(s.config_dir, "/etc/asterisk");
    EXPECT_EQ(s.run_dir, "/tmp/run");
    EXPECT_EQ(s.state_dir, "/tmp/state");
    EXPECT_EQ(s.log_dir, "/tmp/log");
    EXPECT_EQ(s.verbose, 3);
    EXPECT_EQ(s.debug, 2);
    EXPECT_EQ(s.limits.devices, 10u);
    EXPECT_EQ(s.limits.nodes, 20u);
    EXPECT_EQ(s.limits.senders, 30u);
    EXPECT_EQ(s.limits.name_bytes, 80u);
    EXPECT_EQ(s.limits.journal_entries, 40u);
    EXPECT_EQ(s.policy.restart_hold, 1s);
    EXPECT_EQ(s.policy.silent_hold, 2500ms);
    EXPECT_EQ(s.policy.forget_after, 48h);
    ASSERT_EQ(s.policy.rules.size(), 2u);
    EXPECT_EQ(s.policy.rules[0].event, state::Departure::silent);
    EXPECT_EQ(s.policy.rules[0].node_pattern, "branch*");
    EXPECT_EQ(s.policy.rules[0].hold.for_, 60s);
    EXPECT_EQ(s.policy.rules[1].event, state::Departure::left);
    EXPECT_EQ(s.policy.rules[1].node_pattern, "*");
    EXPECT_FALSE(s.modules.autoload);
    EXPECT_EQ(s.modules.verdict("res_corosync"), ModuleVerdict::load);
    EXPECT_EQ(s.modules.verdict("res_ais.so"), ModuleVerdict::exclude);
    EXPECT_EQ(s.modules.verdict("Bus_Local.so"), ModuleVerdict::require);
    EXPECT_EQ(s.modules.verdict("res_xmpp.so"), ModuleVerdict::exclude);
    EXPECT_THAT(s.policy.may_speak_for, ElementsAre("guard*", "a,b", "c"));
    EXPECT_EQ(s.hint_limits.watchers_per_hint, 7u);
    EXPECT_EQ(s.hint_limits.automatic_hints, 0u);
}

TEST(Options, ThatAreUnknownGetTheNearestKnownName) {
    EXPECT_THAT(
        lines_of(
            apply("[general]\nnmae = x\n[polcy]\n[policy]\nsilent_hodl = 1\nmax_nodes = 3\nfrobnicate = 1\n")
                .problems),
        ElementsAre(
            "error /etc/l/lamplight.conf:2: nmae is no option of [general], did you mean name?",
            "error /etc/l/lamplight.conf:3: [polcy] is no section of lamplight.conf, did you mean [policy]?",
            "error /etc/l/lamplight.conf:5: silent_hodl is no option of [policy], did you mean silent_hold?",
            "error /etc/l/lamplight.conf:6: max_nodes is no option of [policy], it belongs into [general]",
            "error /etc/l/lamplight.conf:7: frobnicate is no option of [policy], correct or remove it"));
}

TEST(Options, RefuseValuesAndSayWhatTheyTake) {
    EXPECT_THAT(
        lines_of(apply("[general]\nname = a/b\nentityid = 00:11\nstand_in = perhaps\nmax_nodes = "
                       "0\nmax_devices = 1e6\n"
                       "[policy]\nsilent_hold = soon\nforget_after = 1ms\nsilent = "
                       "pbx*\n[senders]\nmay_speak_for = ,\n"
                       "[modules]\nload = ../evil.so\n[general]\nentityid = 00:00:00:00:00:00\nrun_dir =\n")
                     .problems),
        ElementsAre(
            HasSubstr(":3: entityid = 00:11 is refused, it takes an entity ID other than zero"),
            HasSubstr(":4: stand_in = perhaps is refused, it takes yes or no"),
            HasSubstr(":5: max_nodes = 0 is refused, it takes a whole number from 1 to 65000 (nodes)"),
            HasSubstr(
                ":6: max_devices = 1e6 is refused, it takes a whole number from 1 to 4000000 (devices)"),
            HasSubstr(":8: silent_hold = soon is refused, it takes a time from 0s to 24h, such as 500ms, "
                      "15s, 2m, 24h"),
            HasSubstr(":9: forget_after = 1ms is refused, it takes a time from 1s to 8784h"),
            HasSubstr(":10: silent = pbx* is refused, it takes a time from 0s to 24h, such as 15s, or nodes "
                      "and a time"),
            HasSubstr(":12: may_speak_for = , is refused, it takes names separated by commas"),
            HasSubstr(":16: entityid = 00:00:00:00:00:00 is refused"),
            HasSubstr(":17: run_dir =  is refused, it takes a path"),
            HasSubstr(":2: name = a/b is refused, it is a file name too: no blank and no slash"),
            HasSubstr(":14: load = ../evil.so is refused, it names a file of the modules' folder")));
}

TEST(Options, OfAWrongFileDoNotFillTheScreen) {
    std::string content = "[general]\n";
    for (int i = 0; i < 5000; ++i)
        content += "exten => 1,1,Answer()\n";
    EXPECT_EQ(apply(content).problems.size(), most_problems + 1);
}

TEST(Options, ThatAreSetTwiceCountLastAndSaySo) {
    const auto [conf, problems] = apply("[general]\nname = a\nname = b\n");
    EXPECT_EQ(conf.settings.name, "b");
    EXPECT_THAT(
        lines_of(problems),
        ElementsAre(
            "warning /etc/l/lamplight.conf:3: name is set again, it was set at /etc/l/lamplight.conf:2 and "
            "the last one counts, remove one of them"));
}

TEST(Options, MayOverrideATemplateInSilence) {
    const auto [conf, problems] = apply("[t](!)\nmax_nodes = 5\n[general](t)\nmax_nodes = 6\n");
    EXPECT_EQ(conf.settings.limits.nodes, 6u);
    EXPECT_THAT(problems, IsEmpty());
}

TEST(Options, KnowEveryTypeOfValue) {
    const OptionInfo bytes{
        .section = "s", .name = "n", .type = ValueType::bytes, .least = 1024, .most = 4096};
    EXPECT_EQ(parse_value(bytes, "2K").value().number, 2048);
    EXPECT_EQ(parse_value(bytes, "5K").error(),
              "it takes a number of bytes from 1024 to 4096, such as 64K, 10M");
    const OptionInfo choice{
        .section = "s", .name = "n", .type = ValueType::choice, .choices = {"none", "rotate"}};
    EXPECT_EQ(parse_value(choice, "ROTATE").value().text, "rotate");
    EXPECT_EQ(parse_value(choice, "x").error(), "it takes one of none, rotate");
    const OptionInfo pattern{.section = "s", .name = "n", .type = ValueType::pattern};
    EXPECT_EQ(parse_value(pattern, "pbx*").value().text, "pbx*");
    EXPECT_FALSE(parse_value(pattern, "\"\""));
}

TEST(Name, IsAFileNameToo) {
    EXPECT_EQ(refuse_name("pbx1.example.com"), "");
    for (const char* bad : {"", "a/b", ".hidden", "..", "-x", "a b", "a\nb"})
        EXPECT_NE(refuse_name(bad), "") << bad;
    EXPECT_NE(refuse_name(std::string(65, 'a')), "");
}

}  // namespace
}  // namespace lamplight::conf
