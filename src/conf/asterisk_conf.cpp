#include "conf/asterisk_conf.hpp"

#include <utility>

namespace lamplight::conf {

namespace {

using Row = OptionRow<AsteriskConf>;

// What any Asterisk from 1.8 to 23 takes, so that only a real mistake is complained of.
constexpr std::string_view known_directories =
    "astcachedir astetcdir astmoddir astvarlibdir astdbdir astkeydir astdatadir astagidir astspooldir "
    "astrundir "
    "astlogdir astsbindir";
constexpr std::string_view known_files = "astctlpermissions astctlowner astctlgroup astctl";
constexpr std::string_view known_options =
    "verbose debug trace refdebug alwaysfork nofork quiet timestamp execincludes console highpriority "
    "initcrypto "
    "nocolor dontwarn dumpcore languageprefix mindtmfduration maxcalls maxload maxfiles minmemfree "
    "cache_media_frames cache_record_files record_cache_dir transmit_silence transmit_silence_during_record "
    "transcode_via_sln internal_timing runuser rungroup lightbackground forceblackbackground defaultlanguage "
    "documentation_language hideconnect lockconfdir lockmode stdexten live_dangerously rtp_use_dynamic "
    "rtp_pt_dynamic hide_messaging_ami_events sounds_search_custom_dir channel_storage_backend "
    "disable_remote_console_shell";
constexpr std::string_view known_compat = "app_set res_agi pbx_realtime";

std::string set_systemname(AsteriskConf& target, const Value& value) {
    target.systemname = value.text;
    target.systemname_place = value.place;
    return {};
}

OptionTable<AsteriskConf> make_table() {
    std::vector<Row> rows{
        {{.section = "options",
          .name = "entityid",
          .type = ValueType::eid,
          .example = "00:11:22:33:44:55",
          .summary = "The entity ID of the Asterisk that these files belong to",
          .help = "Lamplight links this PBX under it. Lamplight's own votes have another one, unless "
                  "stand_in = yes in "
                  "lamplight.conf: then this is Lamplight's own.",
          .since = "0.1.0"},
         [](AsteriskConf& t, const Value& v) { return t.entityid = v.eid, std::string{}; }},
        {{.section = "options",
          .name = "systemname",
          .example = "pbx1",
          .summary = "The name of this system",
          .help = "It is Lamplight's name too when lamplight.conf gives none.",
          .since = "0.1.0"},
         set_systemname},
        {{.section = "options",
          .name = "autosystemname",
          .type = ValueType::boolean,
          .fallback = "no",
          .summary = "Whether the name of the host is the name of the system",
          .since = "0.1.0"},
         [](AsteriskConf& t, const Value& v) { return t.autosystemname = v.flag, std::string{}; }},
    };
    add_ignored(rows, "options", known_options);
    add_ignored(rows, "directories", known_directories);
    add_ignored(rows, "files", known_files);
    add_ignored(rows, "compat", known_compat);
    using enum SectionInfo::Content;
    return {"asterisk.conf",
            Owner::asterisk,
            {{"options", options,
              "Asterisk's own options; Lamplight uses those named here and passes over the others."},
             {"directories", options},
             {"files", options},
             {"compat", options}},
            std::move(rows)};
}

}  // namespace

const OptionTable<AsteriskConf>& asterisk_table() {
    static const OptionTable<AsteriskConf> table = make_table();
    return table;
}

}  // namespace lamplight::conf
