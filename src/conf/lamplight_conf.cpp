#include "conf/lamplight_conf.hpp"

#include <limits>
#include <utility>

namespace lamplight::conf {

namespace {

using Row = OptionRow<LamplightConf>;
using Target = LamplightConf;

constexpr std::int64_t second = 1'000;
constexpr std::int64_t hour = 3'600 * second;
constexpr std::int64_t day = 24 * hour;

std::filesystem::path resolved(const LamplightConf& target, const Value& value) {
    return (target.settings.lamplight_conf.parent_path() / value.text).lexically_normal();
}

// --- [general] ---

std::string set_name(Target& target, const Value& value) {
    std::string why = refuse_name(value.text);
    if (!why.empty()) return why;
    target.settings.name = value.text;
    target.name_place = value.place;
    return {};
}

std::string set_entityid(Target& target, const Value& value) {
    target.entityid = value.eid;
    target.entityid_place = value.place;
    return {};
}

/// A setter for a path of the settings.
template <auto Member>
std::string set_path(Target& target, const Value& value) {
    target.settings.*Member = resolved(target, value);
    return {};
}

template <auto Member>
std::string set_limit(Target& target, const Value& value) {
    auto& limit = target.settings.limits.*Member;
    limit = static_cast<std::remove_reference_t<decltype(limit)>>(value.number);
    return {};
}

std::vector<Row> identity_rows() {
    return {
        {{.section = "general",
          .name = "name",
          .example = "pbx1",
          .summary = "The name of this Lamplight",
          .help =
              "It is shown to operators of all nodes and names the socket of the console, NAME.ctl. Without "
              "it, "
              "systemname of asterisk.conf counts, else the name of the host. At most 64 bytes, no slash.",
          .since = "0.1.0"},
         set_name},
        {{.section = "general",
          .name = "entityid",
          .type = ValueType::eid,
          .example = "02:00:5e:00:53:01",
          .summary = "The entity ID (EID) under which this Lamplight votes",
          .help = "No other node may have the same. Without it, one is made from /etc/machine-id and the "
                  "name, so that "
                  "it never is the one of an Asterisk on this host; with stand_in, entityid of asterisk.conf "
                  "counts "
                  "before that.",
          .since = "0.1.0"},
         set_entityid},
        {{.section = "general",
          .name = "stand_in",
          .type = ValueType::boolean,
          .fallback = "no",
          .summary = "Whether Lamplight takes the place of an Asterisk that no longer runs on this host",
          .help = "It then uses the entity ID, the JID and the Corosync node that the files in config_dir "
                  "give to "
                  "Asterisk. Otherwise a bus that would share one of them with a running Asterisk stays off "
                  "and says "
                  "why.",
          .since = "0.1.0"},
         [](Target& t, const Value& v) { return t.settings.stand_in = v.flag, std::string{}; }},
    };
}

std::vector<Row> folder_rows() {
    return {
        {{.section = "general",
          .name = "config_dir",
          .type = ValueType::path,
          .example = "/etc/asterisk",
          .summary = "Where the files in Asterisk's own format are read from",
          .help = "extensions.conf, logger.conf, asterisk.conf and the file of each bus. The default is the "
                  "folder of "
                  "lamplight.conf. Relative paths here and below start in that folder.",
          .since = "0.1.0"},
         set_path<&Configuration::config_dir>},
        {{.section = "general",
          .name = "run_dir",
          .type = ValueType::path,
          .fallback = "/run/lamplight",
          .summary = "Where the sockets of the console and of the local bus are",
          .help = "Nodes on one host that are to see each other share it.",
          .since = "0.1.0"},
         set_path<&Configuration::run_dir>},
        {{.section = "general",
          .name = "state_dir",
          .type = ValueType::path,
          .fallback = "/var/lib/lamplight",
          .summary = "Where states that survive a restart are kept",
          .since = "0.1.0"},
         set_path<&Configuration::state_dir>},
        {{.section = "general",
          .name = "log_dir",
          .type = ValueType::path,
          .fallback = "/var/log/lamplight",
          .summary = "Where the log files are that logger.conf names without a path",
          .since = "0.1.0"},
         set_path<&Configuration::log_dir>},
        {{.section = "general",
          .name = "verbose",
          .type = ValueType::integer,
          .fallback = "0",
          .summary = "How deep verbose messages are shown after the start",
          .help = "As core set verbose does later.",
          .since = "0.1.0",
          .least = 0,
          .most = 255},
         [](Target& t, const Value& v) {
             return t.settings.verbose = static_cast<std::uint8_t>(v.number), std::string{};
         }},
        {{.section = "general",
          .name = "debug",
          .type = ValueType::integer,
          .fallback = "0",
          .summary = "How deep debug messages are shown after the start",
          .help = "As core set debug does later.",
          .since = "0.1.0",
          .least = 0,
          .most = 255},
         [](Target& t, const Value& v) {
             return t.settings.debug = static_cast<std::uint8_t>(v.number), std::string{};
         }},
    };
}

std::vector<Row> limit_rows() {
    return {
        {{.section = "general",
          .name = "max_devices",
          .type = ValueType::integer,
          .fallback = "1000000",
          .summary = "How many devices are known at most",
          .help = "At each limit the newcomer is refused, counted and logged once, and what is there goes on "
                  "working.",
          .since = "0.1.0",
          .least = 1,
          .most = 4'000'000,  // name ids on the wire end at 4,194,304
          .unit = "devices"},
         set_limit<&state::Limits::devices>},
        {{.section = "general",
          .name = "max_nodes",
          .type = ValueType::integer,
          .fallback = "1024",
          .summary = "How many nodes are known at most",
          .since = "0.1.0",
          .least = 1,
          .most = 65'000,
          .unit = "nodes"},
         set_limit<&state::Limits::nodes>},
        {{.section = "general",
          .name = "max_senders",
          .type = ValueType::integer,
          .fallback = "4096",
          .summary = "How many connections may vote at the same time",
          .since = "0.1.0",
          .least = 1,
          .most = 1'000'000,
          .unit = "senders"},
         set_limit<&state::Limits::senders>},
        {{.section = "general",
          .name = "max_name_bytes",
          .type = ValueType::integer,
          .fallback = "255",
          .summary = "How long the name of a device may be",
          .help = "Asterisk's own wires carry 79 bytes.",
          .since = "0.1.0",
          .least = 79,
          .most = 255,
          .unit = "bytes"},
         set_limit<&state::Limits::name_bytes>},
        {{.section = "general",
          .name = "journal_entries",
          .type = ValueType::integer,
          .fallback = "1048576",
          .summary = "How many transitions of all devices together are remembered",
          .help = "Each takes 32 bytes; the oldest go first.",
          .since = "0.1.0",
          .least = 1,
          .most = 1'000'000'000,
          .unit = "transitions"},
         set_limit<&state::Limits::journal_entries>},
    };
}

// --- [policy] ---

template <auto Member>
std::string set_policy(Target& target, const Value& value) {
    target.settings.policy.*Member = value.duration;
    return {};
}

template <state::Departure Event>
std::string add_rule(Target& target, const Value& value) {
    target.settings.policy.rules.push_back({Event, value.list.front(), {value.duration}});
    return {};
}

std::vector<Row> policy_rows() {
    return {
        {{.section = "policy",
          .name = "restart_hold",
          .type = ValueType::duration,
          .fallback = "15s",
          .summary = "How long the votes of a node that restarts go on counting",
          .help = "They are marked stale meanwhile. The same holds for a daemon that died beside a PBX that "
                  "may be "
                  "well.",
          .since = "0.1.0",
          .least = 0,
          .most = day},
         set_policy<&state::Policy::restart_hold>},
        {{.section = "policy",
          .name = "silent_hold",
          .type = ValueType::duration,
          .fallback = "15s",
          .summary = "How long the votes of a node that cannot be reached go on counting",
          .help = "It may be down, or the network between may be cut.",
          .since = "0.1.0",
          .least = 0,
          .most = day},
         set_policy<&state::Policy::silent_hold>},
        {{.section = "policy",
          .name = "forget_after",
          .type = ValueType::duration,
          .fallback = "24h",
          .summary = "How long votes that stopped counting are kept, so that their story can be told",
          .since = "0.1.0",
          .least = second,
          .most = 366 * day},
         set_policy<&state::Policy::forget_after>},
    };
}

/// `silent = pbx*, 30s`: one option for each event.
Row rule_row(std::string_view event, std::string_view example, std::string_view summary,
             std::string (*set)(Target&, const Value&)) {
    return {{.section = "policy",
             .name = event,
             .type = ValueType::hold,
             .example = example,
             .summary = summary,
             .since = "0.1.0",
             .least = 0,
             .most = day,
             .repeat = Repeat::many},
            set};
}

std::vector<Row> rule_rows() {
    using enum state::Departure;
    std::vector<Row> rows{
        rule_row("left", "*, 0s", "How long the votes of nodes go on counting after they said goodbye",
                 add_rule<left>),
        rule_row("restarting", "*, 15s",
                 "How long the votes of nodes go on counting after they said that they restart",
                 add_rule<restarting>),
        rule_row("failed", "*, 0s", "How long the votes of nodes go on counting after their process died",
                 add_rule<failed>),
        rule_row("daemon_failed", "*, 15s",
                 "How long the votes of PBXs go on counting after the daemon that speaks for them died",
                 add_rule<daemon_failed>),
        rule_row("silent", "branch*, 60s",
                 "How long the votes of nodes go on counting after they could not be reached any more",
                 add_rule<silent>),
        rule_row("pbx_lost", "*, 0s",
                 "How long the votes of nodes go on counting after they lost the link to their PBX",
                 add_rule<pbx_lost>)};
    rows.front().info.help =
        "Each line names nodes, by name or entity ID, and a time; it may be repeated, and the last line that "
        "fits a node counts.";
    return rows;
}

// --- [modules], [senders], [hints], [corosync], [ais] ---

template <ModuleVerb Verb>
std::string add_module(Target& target, const Value& value) {
    std::string why = refuse_module(value.text);
    if (why.empty())
        target.settings.modules.rules.push_back({Verb, module_file_name(value.text), value.place});
    return why;
}

Row module_row(std::string_view verb, std::string_view example, std::string_view summary,
               std::string (*set)(Target&, const Value&)) {
    return {{.section = "modules",
             .name = verb,
             .example = example,
             .summary = summary,
             .since = "0.1.0",
             .repeat = Repeat::many},
            set};
}

std::vector<Row> module_rows() {
    return {
        {{.section = "modules",
          .name = "autoload",
          .type = ValueType::boolean,
          .fallback = "yes",
          .summary = "Whether a module is loaded when the file it is configured by is there",
          .since = "0.1.0"},
         [](Target& t, const Value& v) { return t.settings.modules.autoload = v.flag, std::string{}; }},
        module_row("load", "res_corosync.so", "A module that is loaded in any case",
                   add_module<ModuleVerb::load>),
        module_row("noload", "res_xmpp.so", "A module that is not loaded", add_module<ModuleVerb::noload>),
        module_row("require", "res_corosync.so", "A module without which the daemon does not start",
                   add_module<ModuleVerb::require>),
    };
}

std::vector<Row> other_rows() {
    return {
        {{.section = "senders",
          .name = "may_speak_for",
          .type = ValueType::list,
          .example = "guardian*, 02:00:5e:00:53:09",
          .summary = "Senders whose votes for any node are heard",
          .help =
              "By the name or entity ID they announce, with * and ?. They never come to own a node: it is "
              "heard itself, too, and the newest vote counts.",
          .since = "0.1.0",
          .repeat = Repeat::many},
         [](Target& t, const Value& v) {
             auto& senders = t.settings.policy.may_speak_for;
             senders.insert(senders.end(), v.list.begin(), v.list.end());
             return std::string{};
         }},
        {{.section = "hints",
          .name = "max_watchers",
          .type = ValueType::integer,
          .fallback = "10000",
          .summary = "How many watchers one hint may have",
          .since = "0.1.0",
          .least = 1,
          .most = 10'000'000,
          .unit = "watchers"},
         [](Target& t, const Value& v) {
             t.settings.hint_limits.watchers_per_hint = static_cast<std::uint32_t>(v.number);
             return std::string{};
         }},
        {{.section = "hints",
          .name = "max_automatic",
          .type = ValueType::integer,
          .fallback = "100000",
          .summary = "How many hints may come from patterns and autohints",
          .since = "0.1.0",
          .least = 0,
          .most = 10'000'000,
          .unit = "hints"},
         [](Target& t, const Value& v) {
             t.settings.hint_limits.automatic_hints = static_cast<std::uint32_t>(v.number);
             return std::string{};
         }},
    };
}

std::vector<Row> corosync_rows() {
    return {
        {{.section = "corosync",
          .name = "asterisk_hash",
          .type = ValueType::choice,
          .fallback = "modern",
          .summary = "How the names in events to Asterisk servers are hashed",
          .help = "Use legacy while an Asterisk 11 or older is in the ring: it shows a device as unavailable "
                  "whose hash is not its own. Later ones do not care.",
          .since = "0.1.0",
          .choices = {"modern", "legacy"}},
         [](Target& t, const Value& v) {
             t.settings.asterisk_hash = v.text == "legacy" ? AsteriskHash::legacy : AsteriskHash::modern;
             return std::string{};
         }},
        {{.section = "corosync",
          .name = "asterisk_group",
          .type = ValueType::boolean,
          .fallback = "yes",
          .summary = "Whether Lamplight joins the group of the Asterisk servers",
          .help = "No is for a ring of Lamplights only: they have a group of their own, and "
                  "res_corosync.conf says nothing then.",
          .since = "0.1.0"},
         [](Target& t, const Value& v) { return t.settings.asterisk_group = v.flag, std::string{}; }},
    };
}

std::vector<Row> ais_rows() {
    return {
        {{.section = "ais",
          .name = "asterisk_release",
          .type = ValueType::choice,
          .fallback = "1.8",
          .summary = "Which Asterisk the events in event channels are written for",
          .help = "The number of one element differs between 1.8 and 10, the last with event channels; both "
                  "kinds cannot be served at once.",
          .since = "0.1.0",
          .choices = {"1.8", "10"}},
         [](Target& t, const Value& v) {
             t.settings.ais_release = v.text == "10" ? AsteriskRelease::v10 : AsteriskRelease::v1_8;
             return std::string{};
         }},
        {{.section = "ais",
          .name = "openais_conf",
          .type = ValueType::path,
          .fallback = "/etc/ais/openais.conf",
          .summary = "OpenAIS' own file, if it is still there",
          .help = "delivery_queue_size and delivery_queue_resume of its event block count; the rest has no "
                  "meaning any more.",
          .since = "0.1.0"},
         set_path<&Configuration::openais_conf>},
    };
}

OptionTable<LamplightConf> make_table() {
    std::vector<Row> rows;
    for (auto* part : {identity_rows, folder_rows, limit_rows, policy_rows, rule_rows, module_rows,
                       other_rows, corosync_rows, ais_rows})
        for (Row& row : part())
            rows.push_back(std::move(row));
    using enum SectionInfo::Content;
    return {
        "lamplight.conf",
        Owner::lamplight,
        {{"general", options, "Who this Lamplight is, where its files are, and its limits."},
         {"policy", options,
          "What becomes of a node's votes when it goes away. A time of 0s stops them from counting at once."},
         {"modules", options,
          "Which modules are loaded, if there is no modules.conf beside this file. Each bus is a module."},
         {"senders", options, "Who may vote for others: guardians that speak for nodes that cannot."},
         {"hints", options, "Limits of the hints in extensions.conf."},
         {"corosync", options, "What res_corosync.conf, which is Asterisk's too, has no word for."},
         {"ais", options, "What ais.conf, which is Asterisk's too, has no word for."}},
        std::move(rows)};
}

}  // namespace

const OptionTable<LamplightConf>& lamplight_table() {
    static const OptionTable<LamplightConf> table = make_table();
    return table;
}

std::string refuse_name(std::string_view name) {
    constexpr std::size_t longest = 64;
    if (name.empty()) return "a name has at least one letter";
    if (name.size() > longest) return "it is longer than 64 bytes";
    if (name.front() == '.' || name.front() == '-') return "it begins with a dot or a dash";
    for (const char c : name)
        if (static_cast<unsigned char>(c) < 33 || c == '/' || c == 127)
            return "it is a file name too: no blank and no slash";
    return {};
}

std::string refuse_module(std::string_view name) {
    constexpr std::size_t longest = 128;
    if (name.size() > longest) return "it is longer than 128 bytes";
    for (const char c : name)
        if (static_cast<unsigned char>(c) < 33 || c == '/' || c == 127)
            return "it names a file of the modules' folder: no blank and no slash";
    return {};
}

std::string module_file_name(std::string_view name) {
    std::string file(name);
    for (char& c : file)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return file.ends_with(".so") ? file : file + ".so";
}

}  // namespace lamplight::conf
