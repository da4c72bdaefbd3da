#include "conf/configuration.hpp"
#include "support.hpp"

namespace lamplight::conf {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string main_path = "/etc/lamplight/lamplight.conf";
const Environment machine{"host1", "0123456789abcdef0123456789abcdef"};

Loaded load_from(const MemoryFiles& files, MainFile main_file = MainFile::may_be_missing,
                 const Environment& environment = machine) {
    return load(main_path, main_file, files, environment);
}

TEST(Load, OfNothingGivesDefaultsAndANotice) {
    const Loaded loaded = load_from(MemoryFiles());
    EXPECT_THAT(
        lines_of(loaded.problems),
        ElementsAre("notice /etc/lamplight/lamplight.conf: the file is not there, every default holds"));
    EXPECT_TRUE(loaded.ok());
    EXPECT_THAT(loaded.files_read, IsEmpty());
    const Configuration& c = loaded.value;
    EXPECT_EQ(c.name, "host1");
    EXPECT_EQ(c.config_dir, "/etc/lamplight");
    EXPECT_EQ(c.run_dir, "/run/lamplight");
    EXPECT_EQ(c.state_dir, "/var/lib/lamplight");
    EXPECT_EQ(c.log_dir, "/var/log/lamplight");
    EXPECT_EQ(c.eid, derive_eid(machine.machine_id, "host1"));
    EXPECT_EQ(c.eid_source, EidSource::derived);
    EXPECT_FALSE(c.pbx_eid);
    EXPECT_FALSE(c.logger.present);
    EXPECT_TRUE(c.modules.autoload);
    EXPECT_EQ(c.modules.verdict("res_corosync.so"), ModuleVerdict::automatic);
}

TEST(Load, OfANamedFileThatIsNotThereIsAnError) {
    EXPECT_THAT(
        lines_of(load_from(MemoryFiles(), MainFile::must_exist).problems),
        ElementsAre(
            "error /etc/lamplight/lamplight.conf: the file is not there, -C names it, correct the name"));
}

TEST(Load, PutsEverythingTogether) {
    const Loaded loaded = load_from(MemoryFiles(
        {{main_path, "[general]\nname = l1\nconfig_dir = /etc/asterisk\n"},
         {"/etc/lamplight/modules.conf", "[modules]\nautoload = no\nload => res_corosync\n"},
         {"/etc/asterisk/modules.conf", "[modules]\nautoload = yes\nnoload = res_corosync.so\n"},
         {"/etc/asterisk/asterisk.conf",
          "[options]\nentityid = 00:11:22:33:44:55\nsystemname = pbx1\nmaxload = 0.9\n"},
         {"/etc/asterisk/logger.conf", "[logfiles]\nfull => error\n#include more.conf\n"},
         {"/etc/asterisk/more.conf", "other => warning\n"},
         {"/etc/asterisk/extensions.conf", "[c]\nexten => 1,hint,Custom:${SYSTEMNAME}-${ENTITYID}\n"}}));
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    EXPECT_THAT(loaded.files_read,
                ElementsAre(main_path, "/etc/asterisk/asterisk.conf", "/etc/asterisk/logger.conf",
                            "/etc/asterisk/more.conf", "/etc/lamplight/modules.conf",
                            "/etc/asterisk/extensions.conf"));
    const Configuration& c = loaded.value;
    EXPECT_EQ(c.name, "l1");
    EXPECT_EQ(c.pbx_name, "pbx1");
    EXPECT_EQ(to_string(c.pbx_eid.value()), "00:11:22:33:44:55");
    EXPECT_EQ(c.eid, derive_eid(machine.machine_id, "l1"));
    EXPECT_EQ(c.logger.channels.size(), 2u);
    EXPECT_TRUE(c.logger.present);
    EXPECT_EQ(c.modules.verdict("res_corosync.so"), ModuleVerdict::load);
    EXPECT_EQ(c.modules.verdict("res_ais.so"), ModuleVerdict::exclude);
    EXPECT_THAT(c.hints.hints.at(0).devices, ElementsAre("Custom:pbx1-00:11:22:33:44:55"));
}

TEST(Load, NamesProblemsOfAllFilesInTheirOrder) {
    const Loaded loaded =
        load_from(MemoryFiles({{main_path, "[general]\nstand_in = x\nrnu_dir = /x\nbroken\n"},
                               {"/etc/lamplight/asterisk.conf", "[options]\nentitiyd = 1\n"},
                               {"/etc/lamplight/logger.conf", "[logfiles]\nfull => eror\n"},
                               {"/etc/lamplight/extensions.conf", "[c]\n#exec x\nexten => 1,hnt,SIP/1\n"}}));
    EXPECT_THAT(
        lines_of(loaded.problems),
        ElementsAre(
            HasSubstr("error /etc/lamplight/lamplight.conf:2: stand_in = x is refused"),
            HasSubstr(
                "error /etc/lamplight/lamplight.conf:3: rnu_dir is no option of [general], did you mean "
                "run_dir?"),
            HasSubstr("error /etc/lamplight/lamplight.conf:4: `broken` is ignored"),
            HasSubstr(
                "warning /etc/lamplight/asterisk.conf:2: entitiyd is no option of [options], did you mean "
                "entityid?"),
            HasSubstr("warning /etc/lamplight/logger.conf:2: the level eror of full"),
            HasSubstr("error /etc/lamplight/extensions.conf:2: #exec x is refused"),
            HasSubstr("warning /etc/lamplight/extensions.conf:3: the line is ignored, hnt is no priority")));
    EXPECT_FALSE(loaded.ok());
}

// --- name ---

TEST(Name, IsThatOfLamplightConfElseTheSystemnameElseTheHosts) {
    MemoryFiles files = one_file("/etc/lamplight/asterisk.conf", "[options]\nsystemname = pbx1\n");
    EXPECT_EQ(load_from(files).value.name, "pbx1");
    files.put(main_path, "[general]\nname = mine\n");
    EXPECT_EQ(load_from(files).value.name, "mine");
    files.put("/etc/lamplight/asterisk.conf", "[options]\nautosystemname = yes\n");
    EXPECT_EQ(load_from(files).value.name, "mine");
    EXPECT_EQ(load_from(files).value.pbx_name, "host1");
    EXPECT_EQ(load_from(MemoryFiles()).value.name, "host1");
}

TEST(Name, ThatCannotBeAFileNameIsAnErrorWhereItStands) {
    const MemoryFiles files(
        {{main_path, "[general]\n"}, {"/etc/lamplight/asterisk.conf", "[options]\nsystemname = a/b\n"}});
    EXPECT_THAT(
        lines_of(load_from(files).problems),
        ElementsAre(
            "error /etc/lamplight/asterisk.conf:2: the systemname `a/b` cannot be Lamplight's name, it is a "
            "file name too: no blank and no slash, set name in [general] of lamplight.conf"));
    EXPECT_THAT(lines_of(load_from(MemoryFiles(), MainFile::may_be_missing, {"", "1"}).problems),
                Contains(HasSubstr("the host name `` cannot be Lamplight's name")));
}

// --- entity ID ---

TEST(Eid, IsMadeOfMachineAndName) {
    const state::Eid eid = derive_eid("m1", "a");
    EXPECT_EQ(eid.bytes[0], 0x02);
    EXPECT_EQ(eid, derive_eid("m1", "a"));
    EXPECT_NE(eid, derive_eid("m1", "b"));
    EXPECT_NE(eid, derive_eid("m2", "a"));
    EXPECT_NE(derive_eid("m", "1a"), derive_eid("m1", "a"));
}

TEST(Eid, OfThePbxIsLamplightsOwnOnlyWhenItStandsIn) {
    MemoryFiles files({{main_path, "[general]\nstand_in = yes\n"},
                       {"/etc/lamplight/asterisk.conf", "[options]\nentityid = 00:11:22:33:44:55\n"}});
    EXPECT_EQ(to_string(load_from(files).value.eid), "00:11:22:33:44:55");
    EXPECT_EQ(load_from(files).value.eid_source, EidSource::asterisk_conf);
    files.put(main_path, "[general]\nstand_in = yes\nentityid = 02:00:00:00:00:01\n");
    EXPECT_EQ(to_string(load_from(files).value.eid), "02:00:00:00:00:01");
    EXPECT_EQ(load_from(files).value.eid_source, EidSource::lamplight_conf);
    files.put(main_path, "[general]\n");
    EXPECT_EQ(load_from(files).value.eid_source, EidSource::derived);
}

TEST(Eid, SharedWithAPbxThatMayRunIsWarnedOf) {
    MemoryFiles files({{main_path, "[general]\nentityid = 00:11:22:33:44:55\n"},
                       {"/etc/lamplight/asterisk.conf", "[options]\nentityid = 0:11:22:33:44:55\n"}});
    EXPECT_THAT(
        lines_of(load_from(files).problems),
        ElementsAre(HasSubstr(
            "warning /etc/lamplight/lamplight.conf:2: entityid is that of the PBX in asterisk.conf")));
    files.put(main_path, "[general]\nentityid = 00:11:22:33:44:55\nstand_in = yes\n");
    EXPECT_THAT(load_from(files).problems, IsEmpty());
}

TEST(Eid, CannotBeMadeWithoutAMachineId) {
    const MemoryFiles files = one_file(main_path, "[general]\n");
    EXPECT_THAT(lines_of(load_from(files, MainFile::must_exist, {"host1", ""}).problems),
                ElementsAre(HasSubstr(
                    "error /etc/lamplight/lamplight.conf: there is no entity ID, entityid is not set and "
                    "/etc/machine-id cannot be read")));
}

TEST(Machine, IsAskedForItsIdThroughTheFiles) {
    EXPECT_EQ(this_machine(one_file("/etc/machine-id", "abc123\nrest\n")).machine_id, "abc123");
    EXPECT_EQ(this_machine(MemoryFiles()).machine_id, "");
    EXPECT_FALSE(this_machine(MemoryFiles()).host_name.empty());
}

// --- modules ---

TEST(Modules, OfLamplightConfBeatThoseOfModulesConf) {
    const Loaded loaded =
        load_from(MemoryFiles({{main_path, "[modules]\nnoload = res_ais.so\n"},
                               {"/etc/lamplight/modules.conf", "[modules]\nautoload = no\nbroken\n"}}));
    EXPECT_EQ(loaded.value.modules.verdict("res_ais.so"), ModuleVerdict::exclude);
    EXPECT_EQ(loaded.value.modules.verdict("res_xmpp.so"), ModuleVerdict::automatic);
    EXPECT_THAT(
        lines_of(loaded.problems),
        ElementsAre(
            "warning /etc/lamplight/lamplight.conf:1: [modules] counts, /etc/lamplight/modules.conf is there "
            "too and is not read, remove one of them"));
}

TEST(Modules, ConfWithoutAutoloadLoadsOnlyWhatItNames) {
    const Loaded loaded =
        load_from(MemoryFiles({{main_path, "[general]\n"},
                               {"/etc/lamplight/modules.conf",
                                "[modules]\nload => chan_sip.so\npreload => res_odbc.so\npreload-require => "
                                "res_x\nrequire = bus_local\n"
                                "[global]\nx = y\n"}}));
    EXPECT_THAT(lines_of(loaded.problems), IsEmpty());
    EXPECT_EQ(loaded.value.modules.verdict("res_ais.so"), ModuleVerdict::exclude);
    EXPECT_EQ(loaded.value.modules.verdict("res_odbc.so"), ModuleVerdict::load);
    EXPECT_EQ(loaded.value.modules.verdict("res_x.so"), ModuleVerdict::require);
    EXPECT_EQ(loaded.value.modules.verdict("bus_local.so"), ModuleVerdict::require);
}

TEST(Modules, CannotBeRequiredAndExcluded) {
    const Loaded loaded = load_from(MemoryFiles(
        {{main_path, "[general]\n"},
         {"/etc/lamplight/modules.conf",
          "[modules]\nrequire = res_ais\nnoload = res_ais.so\nload = reds_ais.so\nlaod = res_x\n"}}));
    EXPECT_THAT(lines_of(loaded.problems),
                ElementsAre("error /etc/lamplight/modules.conf:2: res_ais.so is required and excluded, a "
                            "noload names it too, "
                            "remove one of them",
                            HasSubstr("warning /etc/lamplight/modules.conf:4: reds_ais.so is no module"),
                            HasSubstr("warning /etc/lamplight/modules.conf:5: laod is no option of "
                                      "[modules], did you mean load?")));
}

// --- reload of a part ---

TEST(Reload, ReadsOnePartWithTheFoldersThatRun) {
    MemoryFiles files({{main_path, "[general]\nconfig_dir = /a\n"},
                       {"/a/extensions.conf", "[c]\nexten => 1,hint,SIP/1\n"}});
    const Configuration running = load_from(files).value;
    EXPECT_EQ(load_dialplan(running, files).value, running.hints);
    files.put("/a/extensions.conf", "[c]\nexten => 2,hint,SIP/2\n#exec x\n");
    const auto dialplan = load_dialplan(running, files);
    EXPECT_EQ(dialplan.value.hints.at(0).extension, "2");
    EXPECT_FALSE(dialplan.ok());
    EXPECT_THAT(dialplan.files_read, ElementsAre("/a/extensions.conf"));

    files.put("/a/logger.conf", "[logfiles]\nx => error\n");
    EXPECT_EQ(load_logger(running, files, machine).value.channels.at(0).file, "/var/log/lamplight/x");
    files.put("/etc/lamplight/modules.conf", "[modules]\nload = res_ais\n");
    EXPECT_EQ(load_modules(running, files).value.verdict("res_ais"), ModuleVerdict::load);
}

}  // namespace
}  // namespace lamplight::conf
