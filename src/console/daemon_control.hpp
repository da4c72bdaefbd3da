#pragma once

#include "console/registry.hpp"
#include "state/device_state.hpp"
#include "state/mwi.hpp"
#include "state/types.hpp"

#include <tl/expected.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lamplight::console {

/// The end of something the daemon was asked to do: on success what to tell beyond the command's own words
/// (often nothing; warnings of a reload, a line each), else why not (`file:line: …` for configuration, a line
/// each). Called exactly once, now or later, on the loop's thread.
using Done = std::function<void(tl::expected<std::string, std::string>)>;

/// A custom state of this node, as it is stored.
struct CustomState {
    std::string device;  ///< `Custom:abc`
    state::DeviceState state{};
};

/// How the daemon is to end. `stop` says goodbye to the others (its votes go at once), `restart` that it
/// comes back.
enum class Ending : std::uint8_t { stop, restart };
/// `gracefully` waits, for a bounded time, until every own vote has been sent and every console answered.
enum class When : std::uint8_t { now, gracefully };

/// What is read again; a failure leaves the running configuration of everything in the scope as it was.
enum class Scope : std::uint8_t {
    all,       ///< `core reload`, SIGHUP
    dialplan,  ///< extensions.conf
    logger,    ///< logger.conf; its files are opened again
    modules,   ///< `module reload`: every loaded module
};

/// One line of `module show`.
struct ModuleView {
    std::string name;  ///< `res_corosync.so`
    std::string description;
    unsigned use_count = 0;
    bool loaded = false;
    std::string problem;  ///< why it is not loaded, empty when nobody wanted it
    /// Another name it answers to (`res_xmpp.so`), and as what it is known by that; empty: none.
    std::string alias;
    std::string alias_description;
};

/// One line of `bus show`; the fields are those of bus::Status, which this folder may not include.
struct BusView {
    std::string bus;
    bool up = false;
    std::string detail;
    std::uint32_t peers = 0;
    std::uint64_t votes_out = 0;
    std::uint64_t votes_in = 0;
    std::uint64_t frames_out = 0;
    std::uint64_t frames_in = 0;
    std::uint64_t refused_frames = 0;
    std::uint64_t waiting = 0;  ///< votes not yet sent
};

/// What `core show settings` and `core show uptime` say.
struct Settings {
    std::string name;     ///< lamplight.conf's `name`
    std::string version;  ///< `0.1.0`
    std::string build;    ///< what it was built with and for: `g++ 12.2.0 on x86_64`
    state::Eid eid;
    std::uint64_t incarnation = 0;
    std::int64_t pid = 0;
    std::chrono::system_clock::time_point started;
    std::chrono::system_clock::time_point reloaded;  ///< the last reload that succeeded, else `started`
    std::filesystem::path config_file;               ///< lamplight.conf
    std::filesystem::path config_dir;
    std::filesystem::path run_dir;
    std::filesystem::path state_dir;
    std::filesystem::path module_dir;
    std::vector<std::filesystem::path> files_read;
    /// Further lines, name and value, for what the daemon wants said: `Custom states kept`, `yes`.
    std::vector<std::pair<std::string, std::string>> more;
};

/// What the commands need of the daemon beyond engine, hints and log. The daemon implements it, tests fake
/// it; it outlives every command. Everything on the loop's thread; nothing blocks. Who asked has been logged
/// by the command.
class DaemonControl {
public:
    virtual ~DaemonControl() = default;

    // --- time ---
    virtual state::Time now() const = 0;
    /// The wall clock's reading of an engine time.
    virtual std::chrono::system_clock::time_point wall(state::Time time) const = 0;

    // --- custom states of this daemon's own node ---
    /// Votes and stores. `device` is normalised (`Custom:` spelled so, a name behind it), `state` is not
    /// UNKNOWN. The vote is in the engine, and published, when this returns; `done` waits for the commit to
    /// disk. A failure (full disk) says why; the vote has then gone back to what is stored.
    virtual void set_custom(std::string_view device, state::DeviceState state, const Asker& asker,
                            Done done) = 0;
    /// Takes the vote back and forgets the stored state. Fails when there is none.
    virtual void delete_custom(std::string_view device, const Asker& asker, Done done) = 0;
    /// Those of this node, sorted by device.
    virtual std::vector<CustomState> custom_states() const = 0;

    // --- message counts ---
    virtual const state::MwiTable& mwi() const = 0;
    /// Counts of this daemon's own node: announced when this returns, kept until it ends. Fails at a limit.
    virtual tl::expected<void, std::string> update_mwi(const state::Mailbox& mailbox,
                                                       state::MessageCounts counts, const Asker& asker) = 0;
    /// Takes them back. Fails when there are none.
    virtual tl::expected<void, std::string> delete_mwi(const state::Mailbox& mailbox, const Asker& asker) = 0;

    // --- the daemon itself ---
    /// `done` is called before the end begins, so that the console still gets its answer.
    virtual void end(Ending ending, When when, const Asker& asker, Done done) = 0;
    virtual void reload(Scope scope, const Asker& asker, Done done) = 0;
    virtual Settings settings() const = 0;

    // --- modules ---
    // Names are as typed: with or without `.so`, aliases (`res_xmpp`) included.
    /// Sorted by name; those not loaded too, with `loaded` false.
    virtual std::vector<ModuleView> modules() const = 0;
    virtual void load_module(std::string_view name, const Asker& asker, Done done) = 0;
    virtual void unload_module(std::string_view name, const Asker& asker, Done done) = 0;
    virtual void reload_module(std::string_view name, const Asker& asker, Done done) = 0;
    virtual std::vector<BusView> buses() const = 0;
};

}  // namespace lamplight::console
