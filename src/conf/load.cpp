#include "conf/ais_conf.hpp"
#include "conf/asterisk_conf.hpp"
#include "conf/configuration.hpp"
#include "conf/corosync_conf.hpp"
#include "conf/extensions_conf.hpp"
#include "conf/file.hpp"
#include "conf/jabber_conf.hpp"
#include "conf/lamplight_conf.hpp"
#include "conf/logger_conf.hpp"
#include "conf/modules_conf.hpp"
#include "conf/openais_conf.hpp"
#include "conf/reader.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

namespace lamplight::conf {

namespace {

/// What the reading of files has brought so far.
struct Reading {
    Problems problems;
    std::vector<std::string> files_read;

    void take(File& file, Owner owner) {
        // What Asterisk passes over in its own files is a mistake in ours.
        if (owner == Owner::lamplight)
            for (Problem& problem : file.problems)
                problem.severity = Severity::error;
        std::move(file.problems.begin(), file.problems.end(), std::back_inserter(problems));
        if (!file.read) return;
        for (const std::string& name : file.names)
            if (std::find(files_read.begin(), files_read.end(), name) == files_read.end())
                files_read.push_back(name);
    }

    void report(Severity severity, Place place, std::string what, std::string why, std::string what_to_do) {
        problems.push_back(
            {severity, std::move(place), std::move(what), std::move(why), std::move(what_to_do)});
    }

    /// Into the order of the files, then of the lines, then of how they were found.
    void sort_problems() {
        std::map<std::string_view, std::size_t> rank;
        for (const std::string& name : files_read)
            rank.emplace(name, rank.size());
        std::map<std::tuple<std::size_t, std::uint32_t, std::size_t>, Problem> sorted;
        for (Problem& problem : problems) {
            const auto found = rank.find(problem.place.file);
            const std::size_t file = found == rank.end() ? rank.size() : found->second;
            sorted.emplace(std::tuple(file, problem.place.line, sorted.size()), std::move(problem));
        }
        problems.clear();
        for (auto& [key, problem] : sorted)
            problems.push_back(std::move(problem));
    }

    template <typename Part>
    LoadedPart<Part> finish(Part part) {
        sort_problems();
        return {std::move(part), std::move(problems), std::move(files_read)};
    }
};

/// Reads a file and its table's options into `target`, which has the table's defaults before.
template <typename Target>
File read_options(const std::filesystem::path& path, const std::filesystem::path& config_dir,
                  const FileSource& files, const OptionTable<Target>& table, Target& target,
                  Reading& reading) {
    File file = read_file(path.string(), config_dir.string(), files);
    reading.take(file, table.info.owner);
    table.set_defaults(target);
    table.apply(file, target, reading.problems);
    return file;
}

// --- lamplight.conf ---

struct MainRead {
    LamplightConf conf;
    bool names_modules = false;  ///< [modules] says something
    Place modules_place;
};

MainRead read_main(const std::filesystem::path& path, MainFile main_file, const FileSource& files,
                   Reading& reading) {
    MainRead main;
    Configuration& settings = main.conf.settings;
    settings.lamplight_conf = path;
    settings.config_dir = path.parent_path();
    const File file = read_options(path, path.parent_path(), files, lamplight_table(), main.conf, reading);
    if (file.missing && main_file == MainFile::must_exist)
        reading.report(Severity::error, {path.string(), 0}, "the file is not there", "-C names it",
                       "correct the name");
    else if (file.missing)
        reading.report(Severity::notice, {path.string(), 0}, "the file is not there", "every default holds",
                       "");
    for (const Section& section : file.sections)
        if (!section.is_template && same_name(section.name, "modules") && !section.options.empty()) {
            main.names_modules = true;
            main.modules_place = file.place(section.where);
        }
    return main;
}

// --- who we are ---

void choose_name(const LamplightConf& main, const AsteriskConf& asterisk, const Environment& environment,
                 Configuration& settings, Reading& reading) {
    settings.pbx_name = asterisk.autosystemname ? environment.host_name : asterisk.systemname;
    if (!settings.name.empty()) return;
    const bool from_asterisk = !settings.pbx_name.empty();
    settings.name = from_asterisk ? settings.pbx_name : environment.host_name;
    std::string why = refuse_name(settings.name);
    if (why.empty()) return;
    const Place place = from_asterisk && !asterisk.systemname.empty()
                            ? asterisk.systemname_place
                            : Place{main.settings.lamplight_conf.string(), 0};
    reading.report(Severity::error, place,
                   fmt::format("the {} `{}` cannot be Lamplight's name",
                               from_asterisk ? "systemname" : "host name", settings.name),
                   std::move(why), "set name in [general] of lamplight.conf");
}

void choose_eid(const LamplightConf& main, const Environment& environment, Configuration& settings,
                Reading& reading) {
    if (main.entityid) {
        settings.eid = *main.entityid;
        settings.eid_source = EidSource::lamplight_conf;
        if (settings.pbx_eid == main.entityid && !settings.stand_in)
            reading.report(Severity::warning, main.entityid_place,
                           "entityid is that of the PBX in asterisk.conf",
                           "each bus that this PBX may be on stays off",
                           "remove it, or set stand_in = yes if no Asterisk runs here");
        return;
    }
    if (settings.stand_in && settings.pbx_eid) {
        settings.eid = *settings.pbx_eid;
        settings.eid_source = EidSource::asterisk_conf;
        return;
    }
    settings.eid_source = EidSource::derived;
    settings.eid = derive_eid(environment.machine_id, settings.name);
    if (environment.machine_id.empty())
        reading.report(Severity::error, {settings.lamplight_conf.string(), 0}, "there is no entity ID",
                       "entityid is not set and /etc/machine-id cannot be read to make one",
                       "set entityid in [general], or run systemd-machine-id-setup");
}

// --- the other files ---

state::HintPlan read_dialplan(const Configuration& settings, const FileSource& files, Reading& reading) {
    DialplanGeneral general;
    const File file = read_options(settings.config_dir / "extensions.conf", settings.config_dir, files,
                                   extensions_table(), general, reading);
    Globals globals;
    globals.set("SYSTEMNAME", settings.pbx_name);
    globals.set("ENTITYID", to_string(settings.pbx_eid.value_or(settings.eid)));
    return read_hints(file, std::move(globals), settings.limits.name_bytes, reading.problems);
}

LoggerSettings read_logger(const Configuration& settings, const FileSource& files,
                           const Environment& environment, Reading& reading) {
    LoggerGeneral general;
    const File file = read_options(settings.config_dir / "logger.conf", settings.config_dir, files,
                                   logger_table(), general, reading);
    general.settings.present = file.read;
    read_channels(file, settings.log_dir, environment.host_name, general, reading.problems);
    return std::move(general.settings);
}

/// Whether a module's name is one that Asterisk's or Lamplight's modules have.
bool is_module_family(std::string_view name) {
    constexpr std::array<std::string_view, 12> families{"app_",  "bridge_", "cdr_",    "cel_",
                                                        "chan_", "codec_",  "format_", "func_",
                                                        "pbx_",  "res_",    "test_",   "bus_"};
    return std::any_of(families.begin(), families.end(),
                       [&](auto family) { return name.starts_with(family); });
}

void check_modules(const ModuleRules& rules, Reading& reading) {
    for (const ModuleRule& rule : rules.rules) {
        if (!is_module_family(rule.module))
            reading.report(Severity::warning, rule.place, fmt::format("{} is no module", rule.module),
                           "neither Lamplight nor Asterisk has one of that kind", "correct or remove it");
        if (rule.verb == ModuleVerb::require && rules.verdict(rule.module) == ModuleVerdict::exclude)
            reading.report(Severity::error, rule.place,
                           fmt::format("{} is required and excluded", rule.module), "a noload names it too",
                           "remove one of them");
    }
}

ModuleRules read_modules(const MainRead& main, const FileSource& files, Reading& reading) {
    const std::filesystem::path folder = main.conf.settings.lamplight_conf.parent_path();
    ModuleRules rules;
    Reading aside;
    const File file = read_options(folder / "modules.conf", folder, files, modules_table(), rules, aside);
    if (main.names_modules && file.read)
        reading.report(Severity::warning, main.modules_place, "[modules] counts",
                       fmt::format("{} is there too and is not read", file.names.front()),
                       "remove one of them");
    if (main.names_modules || file.missing) {
        rules = main.conf.settings.modules;
    } else {
        std::move(aside.problems.begin(), aside.problems.end(), std::back_inserter(reading.problems));
        reading.files_read.insert(reading.files_read.end(), aside.files_read.begin(), aside.files_read.end());
    }
    check_modules(rules, reading);
    return rules;
}

CorosyncSettings read_corosync(const Configuration& settings, const FileSource& files, Reading& reading) {
    CorosyncSettings corosync;
    const std::string path = (settings.config_dir / "res_corosync.conf").string();
    const File file = read_options(path, settings.config_dir, files, corosync_table(), corosync, reading);
    corosync.present = file.read;
    if (file.read && settings.asterisk_group && !corosync.publish.device_state &&
        !corosync.subscribe.device_state)
        reading.report(Severity::notice, {path, 0}, "no device state is exchanged with Asterisk servers",
                       "neither publish_event nor subscribe_event names device_state",
                       "add both if that is not meant");
    return corosync;
}

/// OpenAIS is gone and its file may have been left behind: nothing in it keeps a daemon from starting.
void read_openais_conf(const Configuration& settings, const FileSource& files, AisSettings& ais,
                       Reading& reading) {
    const std::string path = settings.openais_conf.string();
    const auto content = files.read(path);
    if (content) {
        reading.files_read.push_back(path);
        read_openais(*content, path, ais, reading.problems);
    } else if (content.error().failure != ReadFailure::missing) {
        reading.report(Severity::warning, {path, 0}, "the file cannot be read",
                       content.error().why + ", the defaults of the event service's queue hold",
                       "let the daemon's user read it, or remove it");
    }
}

void check_channels(const AisSettings& ais, const std::string& path, Reading& reading) {
    const bool any = std::any_of(ais.channels.begin(), ais.channels.end(), [](const AisChannel& channel) {
        return channel.publish.device_state || channel.subscribe.device_state;
    });
    if (!any)
        reading.report(Severity::notice, {path, 0}, "no device state is exchanged through event channels",
                       "no section says publish_event or subscribe_event = device_state",
                       "add both if that is not meant");
}

AisSettings read_ais(const Configuration& settings, const FileSource& files, Reading& reading) {
    const std::string path = (settings.config_dir / "ais.conf").string();
    File file = read_file(path, settings.config_dir.string(), files);
    reading.take(file, ais_table().info.owner);
    AisSettings ais;
    ais.present = file.read;
    ais.channels = read_event_channels(file, reading.problems);
    if (file.read) check_channels(ais, path, reading);
    return ais;
}

// --- jabber.conf, xmpp.conf ---

/// The module answers to both names; each rule may use either.
bool is_jabber_excluded(const ModuleRules& rules) {
    const std::array<std::string_view, 2> names{"res_jabber.so", "res_xmpp.so"};
    const bool unloaded = std::any_of(rules.rules.begin(), rules.rules.end(), [&](const ModuleRule& rule) {
        return rule.verb == ModuleVerb::noload && (rule.module == names[0] || rule.module == names[1]);
    });
    return unloaded || std::all_of(names.begin(), names.end(), [&](std::string_view name) {
               return rules.verdict(name) == ModuleVerdict::exclude;
           });
}

void note_both(const std::string& xmpp, const std::string& jabber, const FileSource& files,
               Reading& reading) {
    const auto other = files.read(jabber);
    if (!other && other.error().failure == ReadFailure::missing) return;
    reading.report(Severity::warning, {jabber, 0}, "the file is not read", fmt::format("{} counts", xmpp),
                   "remove one of them");
}

void check_clients(const JabberSettings& jabber, const std::string& path, Reading& reading) {
    const auto& clients = jabber.clients;
    if (clients.empty())
        return reading.report(Severity::warning, {path, 0}, "there is no client",
                              "no section but [general] names an account",
                              "write a section with username, secret and distribute_events = yes");
    if (std::none_of(clients.begin(), clients.end(),
                     [](const JabberClient& client) { return client.distribute_events; }))
        reading.report(Severity::notice, {path, 0}, "no device state is exchanged over XMPP",
                       "no client says distribute_events = yes", "add it if that is not meant");
}

JabberSettings read_jabber(const Configuration& settings, const FileSource& files, Reading& reading) {
    const std::string folder = settings.config_dir.string();
    const std::string xmpp = (settings.config_dir / to_string(JabberFile::xmpp_conf)).string();
    const std::string jabber = (settings.config_dir / to_string(JabberFile::jabber_conf)).string();
    JabberFile kind = JabberFile::xmpp_conf;
    File file = read_file(xmpp, folder, files, Quotes::none);
    if (file.missing) {
        kind = JabberFile::jabber_conf;
        file = read_file(jabber, folder, files, Quotes::none);
    } else {
        note_both(xmpp, jabber, files, reading);
    }
    reading.take(file, jabber_table(kind).info.owner);
    JabberSettings found;
    found.present = file.read;
    if (!file.read) return found;
    found.file = to_string(kind);
    found.clients = read_jabber_clients(file, kind, files, reading.problems);
    check_clients(found, file.names.front(), reading);
    check_eids(found.clients, settings.eid, reading.problems);
    return found;
}

/// The first line of a file, without blanks around it.
std::string first_line(const std::string& path, const FileSource& files) {
    const auto content = files.read(path);
    if (!content) return {};
    return std::string(trimmed(std::string_view(*content).substr(0, content->find('\n'))));
}

}  // namespace

std::string_view to_string(EidSource source) {
    switch (source) {
        case EidSource::lamplight_conf:
            return "lamplight.conf";
        case EidSource::asterisk_conf:
            return "asterisk.conf";
        case EidSource::derived:
            return "made from /etc/machine-id and the name";
    }
    return {};
}

Environment this_machine(const FileSource& files) {
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host.front() = '\0';
    return {host.data(), first_line("/etc/machine-id", files)};
}

state::Eid derive_eid(std::string_view machine_id, std::string_view name) {
    const std::string both = std::string(machine_id) + '\0' + std::string(name);
    const std::uint64_t hash = XXH3_64bits(both.data(), both.size());
    state::Eid eid;
    eid.bytes[0] = 0x02;  // locally administered: no network card has it
    for (std::size_t i = 1; i < eid.bytes.size(); ++i)
        eid.bytes[i] = static_cast<std::uint8_t>(hash >> (8 * (i - 1)));
    return eid;
}

Loaded load(const std::filesystem::path& lamplight_conf, MainFile main_file, const FileSource& files,
            const Environment& environment) {
    Reading reading;
    const std::filesystem::path path = std::filesystem::absolute(lamplight_conf).lexically_normal();
    MainRead main = read_main(path, main_file, files, reading);
    Configuration settings = main.conf.settings;

    AsteriskConf asterisk;
    read_options(settings.config_dir / "asterisk.conf", settings.config_dir, files, asterisk_table(),
                 asterisk, reading);
    settings.pbx_eid = asterisk.entityid;
    choose_name(main.conf, asterisk, environment, settings, reading);
    choose_eid(main.conf, environment, settings, reading);

    settings.logger = read_logger(settings, files, environment, reading);
    settings.modules = read_modules(main, files, reading);
    settings.hints = read_dialplan(settings, files, reading);
    // An Asterisk's file for a module that is not ours to load cannot keep the daemon from starting.
    if (settings.modules.verdict("res_corosync.so") != ModuleVerdict::exclude)
        settings.corosync = read_corosync(settings, files, reading);
    const ModuleVerdict ais = settings.modules.verdict("res_ais.so");
    if (ais != ModuleVerdict::exclude) settings.ais = read_ais(settings, files, reading);
    // On a host without event channels openais.conf is nobody's business.
    if (settings.ais.present || ais == ModuleVerdict::load || ais == ModuleVerdict::require)
        read_openais_conf(settings, files, settings.ais, reading);
    if (!is_jabber_excluded(settings.modules)) settings.jabber = read_jabber(settings, files, reading);
    return reading.finish(std::move(settings));
}

LoadedPart<state::HintPlan> load_dialplan(const Configuration& running, const FileSource& files) {
    Reading reading;
    state::HintPlan plan = read_dialplan(running, files, reading);
    return reading.finish(std::move(plan));
}

LoadedPart<LoggerSettings> load_logger(const Configuration& running, const FileSource& files,
                                       const Environment& environment) {
    Reading reading;
    LoggerSettings settings = read_logger(running, files, environment, reading);
    return reading.finish(std::move(settings));
}

LoadedPart<ModuleRules> load_modules(const Configuration& running, const FileSource& files) {
    Reading reading;
    const MainRead main = read_main(running.lamplight_conf, MainFile::may_be_missing, files, reading);
    ModuleRules rules = read_modules(main, files, reading);
    return reading.finish(std::move(rules));
}

LoadedPart<CorosyncSettings> load_corosync(const Configuration& running, const FileSource& files) {
    Reading reading;
    CorosyncSettings settings = read_corosync(running, files, reading);
    return reading.finish(settings);
}

LoadedPart<AisSettings> load_ais(const Configuration& running, const FileSource& files) {
    Reading reading;
    AisSettings settings = read_ais(running, files, reading);
    read_openais_conf(running, files, settings, reading);
    return reading.finish(std::move(settings));
}

LoadedPart<JabberSettings> load_jabber(const Configuration& running, const FileSource& files) {
    Reading reading;
    JabberSettings settings = read_jabber(running, files, reading);
    return reading.finish(std::move(settings));
}

}  // namespace lamplight::conf
