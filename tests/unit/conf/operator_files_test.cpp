// Whole files as operators have them, from tests/data/conf.
#include "conf/configuration.hpp"
#include "support.hpp"

#include <filesystem>

namespace lamplight::conf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Loaded load_folder(const std::string& folder) {
    const std::filesystem::path path =
        std::filesystem::path(LAMPLIGHT_TEST_DATA) / "conf" / folder / "lamplight.conf";
    return load(path, MainFile::may_be_missing, DiskFiles(), {"host1", "machine"});
}

std::vector<std::string> hints_of(const Configuration& configuration) {
    std::vector<std::string> hints;
    for (const state::HintDefinition& hint : configuration.hints.hints)
        hints.push_back(hint.extension + "@" + hint.context + " " + hint.text +
                        (hint.display_name.empty() ? "" : "(" + hint.display_name + ")") +
                        (hint.presence.empty() ? "" : "," + hint.presence));
    return hints;
}

/// What is complained of beside the lamplight.conf that is not there.
std::vector<std::string> complaints(const Loaded& loaded) {
    Problems problems;
    for (const Problem& problem : loaded.problems)
        if (problem.severity != Severity::notice) problems.push_back(problem);
    return lines_of(problems);
}

TEST(OperatorFiles, OfFreePbxAreReadUntouched) {
    const Loaded loaded = load_folder("freepbx");
    EXPECT_THAT(complaints(loaded), IsEmpty());
    EXPECT_THAT(
        hints_of(loaded.value),
        ElementsAre("6001@ext-local PJSIP/6001&Custom:DND6001,CustomPresence:6001",
                    "6002@ext-local SIP/6002&Custom:DND6002,CustomPresence:6002",
                    "6003@ext-local PJSIP/6003&PJSIP/6003-mobile",
                    "*216001@ext-findmefollow Custom:FOLLOWME6001",
                    "_*21X.@ext-findmefollow Custom:FOLLOWME${EXTEN:3}",
                    "*766001@ext-dnd-hints Custom:DEVDND6001", "_*84X.@ext-dnd-hints Custom:CAMPON${EXTEN:3}",
                    "*456001*5000@app-blf-queues Queue:5000_pause_Local/6001@from-queue/n",
                    "700@ext-meetme confbridge:700", "_7[1-8]@park-hints park:${EXTEN}@parkedcalls",
                    "800@doors Custom:door1&Custom:door2(Haustür)"));
    EXPECT_EQ(loaded.value.logger.channels.size(), 3u);
    EXPECT_EQ(loaded.value.logger.channels.at(0).verbose_depth, 3);
    EXPECT_EQ(loaded.files_read.size(), 8u);
}

TEST(OperatorFiles, OfADistributionAreReadUntouched) {
    const Loaded loaded = load_folder("debian");
    EXPECT_THAT(complaints(loaded), IsEmpty());
    EXPECT_THAT(hints_of(loaded.value), ElementsAre("6245@default SIP/Grandstream1&SIP/Xlite1(Joe Schmoe)",
                                                    "6361@default ,CustomPresence:bob"));
    EXPECT_EQ(loaded.value.name, "office");
    EXPECT_EQ(to_string(loaded.value.pbx_eid.value()), "00:16:3e:01:02:03");
    EXPECT_EQ(loaded.value.eid_source, EidSource::derived);
    EXPECT_EQ(loaded.value.logger.date_format, "%F %T.%3q");
    EXPECT_EQ(loaded.value.logger.channels.size(), 7u);
    EXPECT_EQ(loaded.value.modules.verdict("chan_oss.so"), ModuleVerdict::exclude);
    EXPECT_EQ(loaded.value.modules.verdict("res_corosync.so"), ModuleVerdict::automatic);
}

TEST(OperatorFiles, WithTemplatesAndWindowsLineEndsAreReadUntouched) {
    const Loaded loaded = load_folder("templates");
    EXPECT_THAT(complaints(loaded), IsEmpty());
    EXPECT_THAT(hints_of(loaded.value),
                ElementsAre("100@first SIP/reception", "101@first SIP/101(Zoë)", "102@first SIP/102",
                            "100@second SIP/reception", "201@second SIP/201(Müller; Anna)"));
    EXPECT_TRUE(loaded.value.hints.contexts.at(0).autohints);
}

}  // namespace
}  // namespace lamplight::conf
