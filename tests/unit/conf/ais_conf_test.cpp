#include "conf/ais_conf.hpp"

#include "support.hpp"

namespace lamplight::conf {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using Events = AisChannel::Events;

const std::string main_path = "/etc/lamplight/lamplight.conf";
const std::string path = "/etc/asterisk/ais.conf";
const std::string openais_path = "/etc/ais/openais.conf";
const std::string one_channel =
    "[device_state]\ntype = event_channel\npublish_event = device_state\nsubscribe_event = device_state\n";

MemoryFiles files_with(const std::string& main, const std::string& ais) {
    return MemoryFiles({{main_path, "[general]\nconfig_dir = /etc/asterisk\n" + main}, {path, ais}});
}

Loaded load_from(const MemoryFiles& files) {
    return load(main_path, MainFile::must_exist, files, {"host1", "machine"});
}

Loaded load_with(const std::string& main, const std::string& ais) {
    return load_from(files_with(main, ais));
}

std::vector<std::string> names_of(const AisSettings& settings) {
    std::vector<std::string> names;
    for (const AisChannel& channel : settings.channels)
        names.push_back(channel.name);
    return names;
}

TEST(AisConf, ThatIsNotThereIsNoProblem) {
    const Loaded loaded = load_from(one_file(main_path, ""));
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    EXPECT_FALSE(loaded.value.ais.present);
    EXPECT_THAT(loaded.value.ais.channels, IsEmpty());
    EXPECT_EQ(loaded.value.ais.queue_limit, 1'000u);
    EXPECT_EQ(loaded.value.ais.queue_resume, 500u);
}

TEST(AisConf, NamesAChannelThatGoesBothWays) {
    const Loaded loaded = load_with("", one_channel);
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    EXPECT_TRUE(loaded.value.ais.present);
    ASSERT_THAT(names_of(loaded.value.ais), ElementsAre("device_state"));
    const AisChannel& channel = loaded.value.ais.channels[0];
    const Events states{.mwi = false, .device_state = true};
    EXPECT_TRUE(channel.publish == states);
    EXPECT_TRUE(channel.subscribe == states);
    EXPECT_EQ(channel.place, (Place{path, 1}));
    EXPECT_THAT(loaded.files_read, Contains(path));
}

TEST(AisConf, NamesSeveralChannelsInItsOrderEachWithItsOwnEvents) {
    const Loaded loaded =
        load_with("",
                  "[general]\n[States]\ntype => EVENT_CHANNEL\nPublish_Event = Device_State\n"
                  "[mwi]\npublish_event = MWI\nsubscribe_event = mwi\n"
                  "subscribe_event = device_state\ntype = event_channel\n");
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    ASSERT_THAT(names_of(loaded.value.ais), ElementsAre("States", "mwi"));
    const AisChannel& states = loaded.value.ais.channels[0];
    const AisChannel& mwi = loaded.value.ais.channels[1];
    EXPECT_TRUE(states.publish == (Events{.mwi = false, .device_state = true}));
    EXPECT_TRUE(states.subscribe == Events{});
    EXPECT_TRUE(mwi.publish == (Events{.mwi = true, .device_state = false}));
    EXPECT_TRUE(mwi.subscribe == (Events{.mwi = true, .device_state = true}));
}

TEST(AisConf, TakesAChannelFromATemplate) {
    const Loaded loaded =
        load_with("", "[any](!)\ntype = event_channel\n[one](any)\nsubscribe_event = device_state\n");
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    EXPECT_THAT(names_of(loaded.value.ais), ElementsAre("one"));
}

TEST(AisConf, PassesOverSectionsOfAnotherTypeOrNone) {
    const Loaded loaded = load_with(
        "", one_channel + "[none]\npublish_event = nonsense\n[log]\ntype = log_channel\nlevel = 3\n");
    EXPECT_TRUE(loaded.ok());
    EXPECT_THAT(
        lines_of(loaded.problems),
        ElementsAre("warning /etc/asterisk/ais.conf:5: [none] has no type, it is passed over, write type "
                    "= event_channel if it is an event channel",
                    "warning /etc/asterisk/ais.conf:8: [log] is of type log_channel, only "
                    "event_channel is known, the section is passed over, correct or remove it"));
    EXPECT_THAT(names_of(loaded.value.ais), ElementsAre("device_state"));
}

TEST(AisConf, WithAnUnknownEventKeepsTheRestOfTheChannel) {
    const Loaded loaded = load_with("", one_channel + "publish_event = presence\npublish_event = mwi\n");
    EXPECT_TRUE(loaded.ok());
    EXPECT_THAT(
        lines_of(loaded.problems),
        ElementsAre("warning /etc/asterisk/ais.conf:5: publish_event = presence is refused, it takes one "
                    "of mwi, device_state"));
    ASSERT_EQ(loaded.value.ais.channels.size(), 1u);
    EXPECT_TRUE(loaded.value.ais.channels[0].publish == (Events{.mwi = true, .device_state = true}));
}

TEST(AisConf, WithAnUnknownOptionKeepsTheRestOfTheChannel) {
    const Loaded loaded = load_with("", one_channel + "publish_events = mwi\n");
    EXPECT_THAT(lines_of(loaded.problems),
                ElementsAre(HasSubstr("warning /etc/asterisk/ais.conf:5: publish_events is no option of ")));
    EXPECT_THAT(lines_of(loaded.problems), ElementsAre(HasSubstr("did you mean publish_event?")));
    EXPECT_THAT(names_of(loaded.value.ais), ElementsAre("device_state"));
}

TEST(AisConf, TakesTheFirstOfTwoChannelsOfOneName) {
    const Loaded loaded =
        load_with("", one_channel + "[Device_State]\ntype = event_channel\npublish_event = mwi\n");
    EXPECT_THAT(lines_of(loaded.problems),
                ElementsAre("warning /etc/asterisk/ais.conf:5: the event channel [Device_State] is there "
                            "already, the one at /etc/asterisk/ais.conf:1 counts, remove one of them"));
    ASSERT_THAT(names_of(loaded.value.ais), ElementsAre("device_state"));
    EXPECT_FALSE(loaded.value.ais.channels[0].publish.mwi);
}

TEST(AisConf, RefusesANameThatNoChannelCanHave) {
    const auto named = [](std::size_t bytes) {
        return load_with(
            "", "[" + std::string(bytes, 'x') + "]\ntype = event_channel\nsubscribe_event = device_state\n");
    };
    EXPECT_THAT(names_of(named(255).value.ais), ElementsAre(std::string(255, 'x')));
    const Loaded longer = named(256);
    EXPECT_THAT(longer.value.ais.channels, IsEmpty());
    EXPECT_THAT(
        lines_of(longer.problems),
        Contains("warning /etc/asterisk/ais.conf:1: the name of an event channel has 256 bytes, one has "
                 "from 1 to 255, the section is passed over, give it another"));
    EXPECT_TRUE(longer.ok());
}

TEST(AisConf, ThatExchangesNoDeviceStateIsNoticed) {
    const std::string notice =
        "notice /etc/asterisk/ais.conf: no device state is exchanged through event channels, no section says "
        "publish_event or subscribe_event = device_state, add both if that is not meant";
    EXPECT_THAT(lines_of(load_with("", "").problems), ElementsAre(notice));
    EXPECT_THAT(lines_of(load_with("", "[mwi]\ntype = event_channel\npublish_event = mwi\n").problems),
                ElementsAre(notice));
    EXPECT_THAT(
        lines_of(load_with("", "[a]\ntype = event_channel\nsubscribe_event = device_state\n").problems),
        IsEmpty())
        << "one way may be meant";
}

TEST(AisConf, OfAModuleThatIsExcludedIsNotRead) {
    for (const char* rules :
         {"[modules]\nnoload = res_ais.so\n", "[modules]\nautoload = no\nload = bus_local\n"}) {
        MemoryFiles files = files_with(rules, "[x]\ntype = y\n");
        files.put(openais_path, "totem {\n}\n");
        const Loaded loaded = load_from(files);
        EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
        EXPECT_FALSE(loaded.value.ais.present);
        EXPECT_THAT(loaded.files_read, Not(Contains(openais_path)));
    }
    EXPECT_TRUE(load_with("[modules]\nautoload = no\nload = res_ais\n", one_channel).value.ais.present);
}

TEST(AisConf, IsReadAgainByItself) {
    MemoryFiles files = files_with("[modules]\nnoload = res_ais.so\n", one_channel);
    const Configuration running = load_from(files).value;
    files.put(path, one_channel + "#include more.conf\n");
    files.put("/etc/asterisk/more.conf", "publish_event = mwi\n");
    files.put(openais_path, "event {\ndelivery_queue_size: 10\n}\n");
    const auto again = load_ais(running, files);
    EXPECT_THAT(lines_of(again.problems), IsEmpty());
    EXPECT_TRUE(again.value.present);
    ASSERT_EQ(again.value.channels.size(), 1u);
    EXPECT_TRUE(again.value.channels[0].publish.mwi);
    EXPECT_EQ(again.value.queue_limit, 10u);
    EXPECT_THAT(again.files_read, ElementsAre(path, "/etc/asterisk/more.conf", openais_path));
    EXPECT_FALSE(load_ais(running, MemoryFiles()).value.present);
}

// --- openais.conf beside it ---

TEST(AisConf, BringsTheQueueOfOpenaisConf) {
    MemoryFiles files = files_with("", one_channel);
    files.put(openais_path, "event {\n delivery_queue_size: 4000\n delivery_queue_resume: 100\n}\n");
    const Loaded loaded = load_from(files);
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    EXPECT_EQ(loaded.value.ais.queue_limit, 4'000u);
    EXPECT_EQ(loaded.value.ais.queue_resume, 100u);
    EXPECT_THAT(loaded.files_read, ElementsAre(main_path, path, openais_path));
}

TEST(AisConf, ThatIsNotThereLeavesOpenaisConfAloneUnlessTheModuleIsAskedFor) {
    MemoryFiles files({{main_path, ""}, {openais_path, "totem {\n}\n"}});
    EXPECT_THAT(lines_of(load_from(files).problems), IsEmpty());
    files.put(main_path, "[modules]\nload = res_ais.so\n");
    EXPECT_THAT(lines_of(load_from(files).problems), ElementsAre(HasSubstr("what it says of totem")));
    files.put(main_path, "[modules]\nrequire = res_ais.so\n");
    EXPECT_THAT(lines_of(load_from(files).problems), ElementsAre(HasSubstr("what it says of totem")));
}

TEST(AisConf, WithAnOpenaisConfThatCannotBeReadIsTakenWithAWarning) {
    MemoryFiles files = files_with("", one_channel);
    files.fail(openais_path, {ReadFailure::not_readable, "Permission denied"});
    const Loaded loaded = load_from(files);
    EXPECT_TRUE(loaded.ok());
    EXPECT_THAT(lines_of(loaded.problems),
                ElementsAre("warning /etc/ais/openais.conf: the file cannot be read, Permission denied, the "
                            "defaults of the event service's queue hold, let the daemon's user read it, or "
                            "remove it"));
    EXPECT_EQ(loaded.value.ais.queue_limit, 1'000u);
}

// --- [ais] of lamplight.conf ---

TEST(AisSection, HasDefaults) {
    const Configuration settings = load_with("", one_channel).value;
    EXPECT_EQ(settings.ais_release, AsteriskRelease::v1_8);
    EXPECT_EQ(settings.openais_conf, openais_path);
}

TEST(AisSection, SaysReleaseAndFile) {
    MemoryFiles files =
        files_with("[ais]\nasterisk_release = 10\nopenais_conf = old/openais.conf\n", one_channel);
    files.put("/etc/lamplight/old/openais.conf", "event {\ndelivery_queue_size: 8\n}\n");
    const Loaded loaded = load_from(files);
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    EXPECT_EQ(loaded.value.ais_release, AsteriskRelease::v10);
    EXPECT_EQ(loaded.value.openais_conf, "/etc/lamplight/old/openais.conf");
    EXPECT_EQ(loaded.value.ais.queue_limit, 8u);
    EXPECT_EQ(load_with("[ais]\nasterisk_release = 1.8\n", "").value.ais_release, AsteriskRelease::v1_8);
}

TEST(AisSection, RefusesAnotherRelease) {
    EXPECT_THAT(
        lines_of(load_with("[ais]\nasterisk_release = 11\n", one_channel).problems),
        ElementsAre("error /etc/lamplight/lamplight.conf:4: asterisk_release = 11 is refused, it takes "
                    "one of 1.8, 10"));
}

}  // namespace
}  // namespace lamplight::conf
