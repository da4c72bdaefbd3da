#pragma once

#include "conf/problem.hpp"
#include "log/log.hpp"
#include "state/hints.hpp"
#include "state/policy.hpp"
#include "state/types.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::conf {

// --- logger.conf ---

enum class ChannelKind : std::uint8_t { console, file, syslog };
/// The word in brackets before the levels: `[json]notice,warning`.
enum class LineFormat : std::uint8_t { standard, plain, json };
enum class RotateStrategy : std::uint8_t { sequential, rotate, timestamp, none };

/// One line of [logfiles].
struct LoggerChannel {
    ChannelKind kind{};
    std::string name;  ///< as written: `full`, `console`, `syslog.local0`
    std::filesystem::path
        file;  ///< of a file: absolute, below log_dir unless written so; host name appended if asked for
    std::string facility;  ///< of a syslog: `local0`
    std::vector<log::Level>
        levels;  ///< sorted, each once; Asterisk's others (dtmf, fax, security …) are left out
    std::optional<std::uint8_t> verbose_depth;  ///< of `verbose(3)`; empty: what `core set verbose` says
    LineFormat format = LineFormat::standard;
    Place place;

    bool shows(log::Level level) const;
};

struct LoggerSettings {
    bool present = false;                  ///< there is a logger.conf
    std::string date_format = "%b %e %T";  ///< strftime, and Asterisk's %q, %3q …: fractions of a second
    bool use_callids = true;
    RotateStrategy rotate = RotateStrategy::sequential;
    std::uint32_t queue_limit = 1'000;  ///< lines waiting to be written
    std::vector<LoggerChannel> channels;
};

// --- modules.conf, or [modules] of lamplight.conf ---

enum class ModuleVerb : std::uint8_t { load, noload, require };
struct ModuleRule {
    ModuleVerb verb{};
    std::string module;  ///< lower case, with `.so`: `res_corosync.so`
    Place place;
};

/// What the rules say of one module.
enum class ModuleVerdict : std::uint8_t {
    automatic,  ///< load it when its file is there
    load,       ///< load it; go on without it when that fails
    require,    ///< load it; do not start without it
    exclude,
};

struct ModuleRules {
    bool autoload = true;
    std::vector<ModuleRule>
        rules;  ///< may name modules of Asterisk that Lamplight has no use for: not an error

    /// `noload` beats `load` and `require`. `module` with or without `.so`, any case; ask once for each name
    /// that a module answers to (res_jabber.so, res_xmpp.so).
    ModuleVerdict verdict(std::string_view module) const;
};

// --- res_corosync.conf, and [corosync] of lamplight.conf ---

/// Which of Asterisk's events go over Asterisk's group on the ring.
struct CorosyncSettings {
    struct Events {
        bool mwi = false;
        bool device_state = false;
        bool ping = true;
        bool cluster_discovery = true;

        bool operator==(const Events&) const = default;
    };

    bool present = false;  ///< there is a res_corosync.conf
    Events publish;
    Events subscribe;

    bool operator==(const CorosyncSettings&) const = default;
};

/// How the hash of a text is made in Asterisk's events (docs/protocol/asterisk-events.md).
enum class AsteriskHash : std::uint8_t { modern, legacy };

// --- ais.conf, [ais] of lamplight.conf, /etc/ais/openais.conf ---

/// One event channel of ais.conf: its section's name, and which of Asterisk's events go through it.
struct AisChannel {
    struct Events {
        bool mwi = false;
        bool device_state = false;
        bool operator==(const Events&) const = default;
    };

    std::string name;
    Events publish;
    Events subscribe;
    Place place;
};

struct AisSettings {
    bool present = false;              ///< there is an ais.conf
    std::vector<AisChannel> channels;  ///< in the file's order; names are unique, case ignored
    // Of openais.conf's `event` block: the event service's delivery_queue_size and delivery_queue_resume.
    std::uint32_t queue_limit = 1'000;  ///< events that wait for a subscriber
    std::uint32_t queue_resume = 500;   ///< less than the limit
};

/// Which Asterisk reads the events we publish in channels: they differ in the number of one element.
enum class AsteriskRelease : std::uint8_t { v1_8, v10 };

// --- jabber.conf or xmpp.conf ---

/// A `buddy` of a client.
struct JabberBuddy {
    std::string jid;  ///< as written, with a resource or without; `*@example.org`: every account there
    std::optional<state::Eid> eid;  ///< of the `eid` line after it: whose votes come from this JID
    Place place;
    Place eid_place{};  ///< of the `eid` line

    bool operator==(const JabberBuddy& other) const { return jid == other.jid && eid == other.eid; }
};

/// One section of jabber.conf: a client that logs in. Options of [general] it does not have itself are filled
/// in.
struct JabberClient {
    enum class TlsMode : std::uint8_t { starttls, direct };

    std::string name;
    Place place;           ///< of the section
    Place usetls_place;    ///< of `usetls`, where it is written; else of the section
    std::string username;  ///< local@domain, without the resource
    std::string resource;  ///< of username, else the file's default (`asterisk`, `asterisk-xmpp`)
    std::string secret;
    std::string server_host;  ///< empty: by the domain
    std::uint16_t port = 5222;
    bool port_given = false;
    std::string pubsub_node;  ///< JID of the PubSub service
    bool distribute_events = false;

    bool use_tls = true;
    bool use_sasl = true;
    bool keepalive = true;
    bool tls_verify = true;
    std::string tls_ca;           ///< file; empty: the system's
    std::string tls_certificate;  ///< file, for EXTERNAL; empty: none
    std::string tls_private_key;  ///< file; empty: in tls_certificate
    TlsMode tls_mode = TlsMode::starttls;
    bool srv = false;
    bool register_account = false;

    bool debug = false;
    bool autoprune = false;
    bool autoregister = true;
    bool auth_policy_accept = true;
    bool collection_nodes = false;
    bool pubsub_autocreate = false;
    std::int32_t priority = 0;
    std::string status =
        "available";  ///< as written: available, online, chat, chatty, away, xa, xaway, dnd, …
    std::string status_message = "Online and Available";
    std::vector<JabberBuddy> buddies;

    bool operator==(const JabberClient& other) const;  ///< places aside
};

struct JabberSettings {
    bool present = false;               ///< there is an xmpp.conf or a jabber.conf
    std::string file;                   ///< `xmpp.conf`, which counts where there are both, or `jabber.conf`
    std::vector<JabberClient> clients;  ///< of type client, in the file's order
};

class FileSource;  // conf/reader.hpp

// --- everything ---

enum class EidSource : std::uint8_t { lamplight_conf, asterisk_conf, derived };
std::string_view to_string(EidSource source);

/// What the daemon needs to know, checked and with every default filled in. A plain value.
struct Configuration {
    std::string name;  ///< lamplight.conf's `name`, else systemname, else the host name
    state::Eid eid;    ///< Lamplight's own; never zero when there is no error
    EidSource eid_source = EidSource::derived;
    std::optional<state::Eid> pbx_eid;  ///< asterisk.conf's `entityid`: the PBX linked here
    std::string pbx_name;               ///< asterisk.conf's `systemname`, or empty
    bool stand_in = false;  ///< no Asterisk runs on these files: Lamplight takes its place on the wires

    std::filesystem::path lamplight_conf;  ///< may not exist
    std::filesystem::path config_dir;
    std::filesystem::path run_dir;
    std::filesystem::path state_dir;
    std::filesystem::path log_dir;

    state::Policy policy;
    state::Limits limits;
    state::Hints::Limits hint_limits;

    std::uint8_t verbose = 0;  ///< `core set verbose` and `core set debug` at start
    std::uint8_t debug = 0;
    LoggerSettings logger;
    ModuleRules modules;
    state::HintPlan hints;

    CorosyncSettings corosync;  ///< of res_corosync.conf, unless modules excludes res_corosync.so
    AsteriskHash asterisk_hash = AsteriskHash::modern;
    bool asterisk_group = true;  ///< whether Asterisk's own group is joined

    AisSettings ais;  ///< of ais.conf and openais.conf, unless modules excludes res_ais.so
    AsteriskRelease ais_release = AsteriskRelease::v1_8;
    std::filesystem::path openais_conf = "/etc/ais/openais.conf";  ///< may not exist

    JabberSettings jabber;  ///< of xmpp.conf, else jabber.conf, unless modules excludes res_jabber.so
};

/// What is true of this machine and enters by argument, so that a test can say otherwise.
struct Environment {
    std::string host_name;   ///< as uname(2) says it
    std::string machine_id;  ///< of /etc/machine-id, without the line end; empty when there is none
};
/// Asks the machine; /etc/machine-id is read through `files`.
Environment this_machine(const FileSource& files);

/// The default EID: `02` and five bytes of a hash of both, so never a MAC and equal on every start.
state::Eid derive_eid(std::string_view machine_id, std::string_view name);

/// Where a lamplight.conf that is not there is an error: the operator named it with -C.
enum class MainFile : std::uint8_t { may_be_missing, must_exist };

inline constexpr std::string_view default_lamplight_conf = "/etc/lamplight/lamplight.conf";

/// A part that can be loaded again by itself.
template <typename Part>
struct LoadedPart {
    Part value;
    Problems problems;                    ///< in the order of files and lines
    std::vector<std::string> files_read;  ///< in order, each once, included files too

    bool ok() const { return !has_errors(problems); }
};
using Loaded = LoadedPart<Configuration>;

/// Reads everything: lamplight.conf, then asterisk.conf, logger.conf, modules.conf, extensions.conf,
/// res_corosync.conf, ais.conf and xmpp.conf or jabber.conf where it says, and openais.conf. Never fails as
/// such: with an error among the problems the value is whatever could be understood, good for showing but not
/// for starting. Blocks on the disk.
Loaded load(const std::filesystem::path& lamplight_conf, MainFile main_file, const FileSource& files,
            const Environment& environment);

/// `dialplan reload`, `logger reload`, `module reload`: one file again, with the folders and names of
/// `running`.
LoadedPart<state::HintPlan> load_dialplan(const Configuration& running, const FileSource& files);
LoadedPart<LoggerSettings> load_logger(const Configuration& running, const FileSource& files,
                                       const Environment& environment);
LoadedPart<ModuleRules> load_modules(const Configuration& running, const FileSource& files);
/// Whatever the modules' rules say: for who loads the module by hand.
LoadedPart<CorosyncSettings> load_corosync(const Configuration& running, const FileSource& files);
LoadedPart<AisSettings> load_ais(const Configuration& running, const FileSource& files);
LoadedPart<JabberSettings> load_jabber(const Configuration& running, const FileSource& files);

}  // namespace lamplight::conf
