#include "conf/print.hpp"

#include "conf/ais_conf.hpp"
#include "conf/configuration.hpp"
#include "conf/corosync_conf.hpp"
#include "conf/jabber_conf.hpp"
#include "conf/lamplight_conf.hpp"
#include "conf/modules_conf.hpp"
#include "support.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace lamplight::conf {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A text whose `;name = value` lines are options.
std::string uncommented(const std::string& sample) {
    std::istringstream in(sample);
    std::string text;
    for (std::string line; std::getline(in, line);)
        text += (line.size() > 1 && line[0] == ';' && line[1] != ' ' && line.find('=') != line.npos
                     ? line.substr(1)
                     : line) +
                "\n";
    return text;
}

std::string content_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// The samples as the build printed them, under the names that the daemon reads.
MemoryFiles sample_files() {
    MemoryFiles files;
    for (const char* name : {"lamplight.conf", "asterisk.conf", "logger.conf", "modules.conf",
                             "extensions.conf", "res_corosync.conf", "ais.conf", "jabber.conf"}) {
        const auto path = std::filesystem::path(LAMPLIGHT_SAMPLES) / (std::string(name) + ".sample");
        files.put(std::string("/etc/lamplight/") + name, content_of(path));
    }
    return files;
}

Loaded load_from(const MemoryFiles& files) {
    return load("/etc/lamplight/lamplight.conf", MainFile::must_exist, files, {"host1", "machine"});
}

TEST(Samples, AreReadWithoutAProblem) {
    const Loaded loaded = load_from(sample_files());
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    EXPECT_EQ(loaded.files_read.size(), 8u);
    EXPECT_EQ(loaded.value.hints.hints.size(), 4u);
    EXPECT_EQ(loaded.value.logger.channels.size(), 1u);
    EXPECT_EQ(loaded.value.modules.verdict("res_ais.so"), ModuleVerdict::automatic);
    EXPECT_TRUE(loaded.value.corosync.publish.device_state && loaded.value.corosync.subscribe.device_state);
    ASSERT_EQ(loaded.value.ais.channels.size(), 1u);
    EXPECT_EQ(loaded.value.ais.channels[0].name, "device_state");
    EXPECT_TRUE(loaded.value.ais.channels[0].publish.device_state);
    EXPECT_TRUE(loaded.value.ais.channels[0].subscribe.device_state);
    ASSERT_EQ(loaded.value.jabber.clients.size(), 1u);
    EXPECT_EQ(loaded.value.jabber.clients[0].username, "server1@example.org");
    EXPECT_TRUE(loaded.value.jabber.clients[0].distribute_events);
}

TEST(Samples, OfXmppConfIsReadInPlaceOfThatOfJabberConf) {
    MemoryFiles files = one_file("/etc/lamplight/lamplight.conf", "");
    files.put("/etc/lamplight/xmpp.conf",
              content_of(std::filesystem::path(LAMPLIGHT_SAMPLES) / "xmpp.conf.sample"));
    const Loaded loaded = load_from(files);
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    ASSERT_EQ(loaded.value.jabber.clients.size(), 1u);
    EXPECT_EQ(loaded.value.jabber.clients[0].priority, 1);
}

TEST(Samples, GiveTheDefaults) {
    const Configuration sample = load_from(sample_files()).value;
    const Configuration bare = load_from(one_file("/etc/lamplight/lamplight.conf", "")).value;
    EXPECT_EQ(sample.name, bare.name);
    EXPECT_EQ(sample.eid, bare.eid);
    EXPECT_EQ(sample.run_dir, bare.run_dir);
    EXPECT_EQ(sample.limits.devices, bare.limits.devices);
    EXPECT_EQ(sample.policy.silent_hold, bare.policy.silent_hold);
    EXPECT_TRUE(sample.policy.rules.empty());
}

std::size_t used_options(const FileTable& table) {
    return static_cast<std::size_t>(
        std::count_if(table.options.begin(), table.options.end(),
                      [](const OptionInfo& option) { return option.type != ValueType::ignored; }));
}

TEST(Samples, HaveExamplesThatPassTheChecks) {
    for (const FileTable* table :
         {&lamplight_table().info, &modules_table().info, &corosync_table().info, &ais_table().info,
          &jabber_table(JabberFile::jabber_conf).info, &jabber_table(JabberFile::xmpp_conf).info}) {
        const std::string path = "/c/" + std::string(table->file);
        const File file = read_file(path, "/c", one_file(path, uncommented(sample_text(*table))));
        Problems problems = file.problems;
        const auto found = find_options(file, *table, problems);
        EXPECT_THAT(lines_of(problems), IsEmpty());
        EXPECT_EQ(found.size(), used_options(*table));
    }
}

TEST(Samples, LeaveOutWhatLamplightHasNoUseFor) {
    EXPECT_THAT(content_of(std::filesystem::path(LAMPLIGHT_SAMPLES) / "asterisk.conf.sample"),
                Not(HasSubstr("maxcalls")));
}

TEST(Samples, HaveLinesThatFitATerminal) {
    std::istringstream in(sample_text(lamplight_table().info));
    for (std::string line; std::getline(in, line);)
        EXPECT_LE(line.size(), 100u) << line;
}

TEST(Manual, HasEveryOption) {
    const std::string text = manual_text(lamplight_table().info);
    for (const OptionInfo& option : lamplight_table().info.options)
        EXPECT_THAT(text, HasSubstr(".BI " + roff_text(option.name) + " \" = \" "));
    EXPECT_THAT(text, HasSubstr(".SS [policy]\n"));
}

TEST(Manual, TakesNothingOfATextForARequest) {
    EXPECT_EQ(roff_text(".so /etc/passwd"), "\\&.so /etc/passwd");
    EXPECT_EQ(roff_text("'br"), "\\&'br");
    EXPECT_EQ(roff_text("a-b \\n \"x\" it's"), "a\\-b \\en \\(dqx\\(dq it\\(aqs");
}

}  // namespace
}  // namespace lamplight::conf
