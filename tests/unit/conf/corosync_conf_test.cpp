#include "conf/corosync_conf.hpp"

#include "support.hpp"

namespace lamplight::conf {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Events = CorosyncSettings::Events;

const std::string main_path = "/etc/lamplight/lamplight.conf";
const std::string path = "/etc/asterisk/res_corosync.conf";
const std::string both_ways = "[general]\npublish_event = device_state\nsubscribe_event = device_state\n";

Loaded load_with(const std::string& main, const std::string& corosync) {
    const MemoryFiles files(
        {{main_path, "[general]\nconfig_dir = /etc/asterisk\n" + main}, {path, corosync}});
    return load(main_path, MainFile::must_exist, files, {"host1", "machine"});
}

CorosyncSettings settings_of(const std::string& corosync) {
    return load_with("", corosync).value.corosync;
}

std::vector<std::string> lines_about(const std::string& corosync) {
    return lines_of(load_with("", corosync).problems);
}

TEST(CorosyncConf, ThatIsNotThereIsNoProblem) {
    const MemoryFiles files = one_file(main_path, "");
    const Loaded loaded = load(main_path, MainFile::must_exist, files, {"host1", "machine"});
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    EXPECT_TRUE(loaded.value.corosync == CorosyncSettings{});
    EXPECT_FALSE(loaded.value.corosync.present);
}

TEST(CorosyncConf, SwitchesPingAndDiscoveryOnAndTheOthersOffWhenItSaysNothing) {
    const CorosyncSettings settings = settings_of("[general]\n");
    const Events defaults{.mwi = false, .device_state = false, .ping = true, .cluster_discovery = true};
    EXPECT_TRUE(settings.present);
    EXPECT_TRUE(settings.publish == defaults);
    EXPECT_TRUE(settings.subscribe == defaults);
}

TEST(CorosyncConf, SwitchesEachEventAndEachWayByItself) {
    const CorosyncSettings out = settings_of("[general]\npublish_event = device_state\n");
    EXPECT_TRUE(out.publish.device_state);
    EXPECT_FALSE(out.publish.mwi);
    EXPECT_TRUE(out.subscribe == Events{});
    const CorosyncSettings in = settings_of("[general]\nsubscribe_event = mwi\n");
    EXPECT_TRUE(in.subscribe.mwi);
    EXPECT_FALSE(in.subscribe.device_state);
    EXPECT_TRUE(in.publish == Events{});
}

TEST(CorosyncConf, AddsAnEventWithEachLine) {
    const Loaded loaded = load_with("",
                                    "[general]\npublish_event = mwi\npublish_event => device_state\n"
                                    "publish_event = ping\npublish_event = cluster_discovery\n"
                                    "subscribe_event = mwi\nsubscribe_event = device_state\n"
                                    "subscribe_event = mwi\n");
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    const Events all{.mwi = true, .device_state = true, .ping = true, .cluster_discovery = true};
    EXPECT_TRUE(loaded.value.corosync.publish == all);
    EXPECT_TRUE(loaded.value.corosync.subscribe == all);
    EXPECT_THAT(loaded.files_read, Contains(path));
}

TEST(CorosyncConf, ReadsNamesInAnyCase) {
    const CorosyncSettings settings =
        settings_of("[GENERAL]\nPublish_Event = Device_State\nsubscribe_event = MWI\n");
    EXPECT_TRUE(settings.publish.device_state);
    EXPECT_TRUE(settings.subscribe.mwi);
}

TEST(CorosyncConf, WithAnUnknownEventIsAnError) {
    const Loaded loaded =
        load_with("", both_ways + "publish_event = presence\nsubscribe_event = devicestate\n");
    EXPECT_FALSE(loaded.ok());
    EXPECT_THAT(
        lines_of(loaded.problems),
        ElementsAre("error /etc/asterisk/res_corosync.conf:4: publish_event = presence is refused, it "
                    "takes one of mwi, device_state, ping, cluster_discovery",
                    AllOf(HasSubstr("error /etc/asterisk/res_corosync.conf:5: subscribe_event"),
                          HasSubstr("is refused"))));
    EXPECT_FALSE(load_with("", both_ways + "publish_event =\n").ok());
}

TEST(CorosyncConf, WithUnknownOptionsOrSectionsIsTakenWithAWarning) {
    const Loaded loaded = load_with("", both_ways + "publish_events = mwi\n[mwi]\nsubscribe_event = mwi\n");
    EXPECT_TRUE(loaded.ok());
    EXPECT_THAT(
        lines_of(loaded.problems),
        ElementsAre(
            "warning /etc/asterisk/res_corosync.conf:4: publish_events is no option of [general], did "
            "you mean publish_event?",
            HasSubstr("warning /etc/asterisk/res_corosync.conf:5: [mwi] is no section of "
                      "res_corosync.conf, known are [general]")));
    EXPECT_FALSE(loaded.value.corosync.subscribe.mwi) << "it stands in another section";
}

TEST(CorosyncConf, ThatExchangesNoDeviceStateIsNoticed) {
    EXPECT_THAT(lines_about("[general]\npublish_event = mwi\n"),
                ElementsAre("notice /etc/asterisk/res_corosync.conf: no device state is exchanged with "
                            "Asterisk servers, neither publish_event nor subscribe_event names device_state, "
                            "add both if that is not meant"));
    EXPECT_THAT(lines_about("[general]\npublish_event = device_state\n"), IsEmpty())
        << "one way may be meant";
    EXPECT_THAT(lines_about("[general]\nsubscribe_event = device_state\n"), IsEmpty());
    EXPECT_THAT(lines_of(load_with("[corosync]\nasterisk_group = no\n", "[general]\n").problems), IsEmpty())
        << "said already";
}

TEST(CorosyncConf, OfAModuleThatIsExcludedIsNotRead) {
    const std::string broken = "[general]\npublish_event = presence\n";
    for (const char* rules :
         {"[modules]\nnoload = res_corosync.so\n", "[modules]\nautoload = no\nload = bus_local\n"}) {
        const Loaded loaded = load_with(rules, broken);
        EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
        EXPECT_FALSE(loaded.value.corosync.present);
    }
    EXPECT_FALSE(load_with("[modules]\nautoload = no\nload = res_corosync\n", broken).ok());
}

TEST(CorosyncConf, IsReadAgainByItself) {
    MemoryFiles files({{main_path, "[general]\nconfig_dir = /etc/asterisk\n"}, {path, both_ways}});
    const Configuration running = load(main_path, MainFile::must_exist, files, {"host1", "machine"}).value;
    files.put(path, both_ways + "#include more.conf\n");
    files.put("/etc/asterisk/more.conf", "publish_event = mwi\n");
    const auto again = load_corosync(running, files);
    EXPECT_TRUE(again.ok());
    EXPECT_TRUE(again.value.present);
    EXPECT_TRUE(again.value.publish.mwi);
    EXPECT_THAT(again.files_read, ElementsAre(path, "/etc/asterisk/more.conf"));
    files.put("/etc/asterisk/more.conf", "publish_event = mwy\n");
    EXPECT_THAT(lines_of(load_corosync(running, files).problems),
                ElementsAre(HasSubstr("error /etc/asterisk/more.conf:1: publish_event = mwy is refused")));
    EXPECT_FALSE(load_corosync(running, MemoryFiles()).value.present);
}

// --- [corosync] of lamplight.conf ---

TEST(CorosyncSection, HasDefaultsForARingOfLaterAsterisks) {
    const Configuration settings = load_with("", both_ways).value;
    EXPECT_EQ(settings.asterisk_hash, AsteriskHash::modern);
    EXPECT_TRUE(settings.asterisk_group);
}

TEST(CorosyncSection, SaysHashAndGroup) {
    const Loaded loaded = load_with("[corosync]\nasterisk_hash = Legacy\nasterisk_group = no\n", both_ways);
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    EXPECT_EQ(loaded.value.asterisk_hash, AsteriskHash::legacy);
    EXPECT_FALSE(loaded.value.asterisk_group);
    EXPECT_EQ(load_with("[corosync]\nasterisk_hash = modern\n", both_ways).value.asterisk_hash,
              AsteriskHash::modern);
}

TEST(CorosyncSection, RefusesAnotherHash) {
    const Loaded loaded = load_with("[corosync]\nasterisk_hash = old\n", both_ways);
    EXPECT_THAT(lines_of(loaded.problems),
                ElementsAre("error /etc/lamplight/lamplight.conf:4: asterisk_hash = old is refused, it takes "
                            "one of modern, legacy"));
}

}  // namespace
}  // namespace lamplight::conf
