#pragma once

#include "console/registry.hpp"
#include "log/log.hpp"
#include "state/engine.hpp"
#include "state/mwi.hpp"

#include <boost/asio/io_context.hpp>
#include <tl/expected.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::conf {
struct Configuration;  // conf/configuration.hpp
}

namespace lamplight::bus {

/// What the daemon offers to its modules. Lives longer than any module; everything on the loop's thread.
class Host {
public:
    virtual ~Host() = default;

    virtual boost::asio::io_context& loop() = 0;
    virtual log::Log& log() = 0;
    virtual console::Registry& commands() = 0;

    /// The engine, to ask and to feed. Whoever feeds it hands the changes to publish() in the same turn of
    /// the loop.
    virtual state::Engine& engine() = 0;
    virtual state::Time now() const = 0;
    /// For people: the wall clock's reading of an engine time.
    virtual std::chrono::system_clock::time_point wall(state::Time time) const = 0;
    /// Hands changes on to hints, watchers, the other modules and the log, and clears them. Modules get them
    /// through Module::on_changes, the caller's own included. Must not be called from within on_changes: post
    /// instead.
    virtual void publish(state::Changes& changes) = 0;

    /// Message counts of every node, to ask; fed through publish_mwi() only.
    virtual const state::MwiTable& mwi() const = 0;
    /// What was received of message counts, in order, and clears it. Their nodes come from the engine, and
    /// what was heard of nodes in the same turn is published first. Must not be called from within on_changes
    /// or on_mwi_changes: post instead.
    virtual void publish_mwi(std::vector<state::MwiInput>& inputs) = 0;

    /// Our own nodes with their present incarnations; the daemon's own EID first.
    virtual std::vector<state::Announcement> own_nodes() const = 0;
    /// A peer holds a higher incarnation of one of our EIDs: raises ours, stores it, announces again through
    /// on_changes (own_votes of everything) and on_own_nodes_changed.
    virtual void raise_incarnation(const state::Eid& eid, std::uint64_t seen) = 0;

    /// The running one: after a reload another value at the same place.
    virtual const conf::Configuration& configuration() const = 0;
    virtual const std::string& name() const = 0;  ///< lamplight.conf's `name`
    virtual const std::filesystem::path& run_dir() const = 0;
    virtual const std::filesystem::path& state_dir() const = 0;
    virtual const std::filesystem::path& config_dir() const = 0;
    /// For `core show settings`: this file was read.
    virtual void note_file_read(const std::filesystem::path& file) = 0;

    /// The place of what several modules of a process have in common, by name: made by the first of them,
    /// kept by those that use it, empty when there is none. Who goes from there empties it in its destructor:
    /// even an expired pointer needs code of the library that made it.
    virtual std::weak_ptr<void>& shared(std::string_view name) = 0;
};

/// How the daemon ends, for the goodbye.
enum class Goodbye : std::uint8_t { stop, restart };

/// What `bus show` prints of one bus.
struct Status {
    std::string bus;  ///< `local`
    bool up = false;
    std::string detail;  ///< one line: `3 peers`, `waiting for Corosync since 10:02:11`
    std::uint32_t peers = 0;
    std::uint64_t votes_out = 0;
    std::uint64_t votes_in = 0;
    std::uint64_t frames_out = 0;
    std::uint64_t frames_in = 0;
    std::uint64_t refused_frames = 0;  ///< malformed, by whoever
    std::uint64_t waiting = 0;         ///< votes not yet sent
};

/// A loaded module. Made by its plugin's factory, destroyed before the plugin is closed.
class Module {
public:
    virtual ~Module() = default;

    /// The engine changed: own votes to send, members to know. Must return quickly and not publish.
    virtual void on_changes(const state::Changes& changes) = 0;
    /// Our own nodes have other message counts, each (node, mailbox) once: read from Host::mwi() when sent.
    /// Must return quickly and not publish.
    virtual void on_mwi_changes(std::span<const state::MwiOwnChange> /*changes*/) {}
    /// own_nodes() says something new (an incarnation, a PBX link came): announce again.
    virtual void on_own_nodes_changed() {}
    /// Reads its files again. A failure says what is wrong (`file:line: …`, a line each) and leaves
    /// everything as it was.
    virtual tl::expected<void, std::string> reload() = 0;
    /// Says goodbye and calls `done` when the others have it or cannot have it, at most 2 s later.
    virtual void say_goodbye(Goodbye how, std::function<void()> done) = 0;
    virtual std::vector<Status> status() const = 0;
    /// As `module show` counts it: what hangs on this module now.
    virtual unsigned use_count() const { return 0; }
};

/// What a plugin exports, under the C name `lamplight_plugin`.
struct Plugin {
    unsigned abi = 0;             ///< plugin_abi of the build that made it
    const char* build = nullptr;  ///< version of the build; another one is refused
    const char* name = nullptr;   ///< `bus_local.so`
    const char* description = nullptr;
    const char* config_file = nullptr;  ///< loaded when this file is there; nullptr: when nothing else is
    /// Makes the module, or says why not; nothing is left behind then.
    tl::expected<std::unique_ptr<Module>, std::string> (*make)(Host& host) = nullptr;
};
inline constexpr unsigned plugin_abi = 3;
inline constexpr const char* plugin_symbol = "lamplight_plugin";

}  // namespace lamplight::bus
