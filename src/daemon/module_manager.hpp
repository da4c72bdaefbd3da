#pragma once

#include "bus/module.hpp"
#include "conf/configuration.hpp"
#include "console/daemon_control.hpp"
#include "daemon/module_library.hpp"

#include <boost/asio/steady_timer.hpp>
#include <tl/expected.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::daemon {

/// The plugins: found, loaded by the rules of modules.conf, asked to say goodbye, unloaded.
///
/// A module is loaded when its configuration file is there and the rules do not exclude it; modules without a
/// file
/// (`bus_local.so`) when no other is. Names are taken with or without `.so`, in any case, aliases included
/// (`res_xmpp` is `res_jabber.so`). Everything on the loop's thread.
class ModuleManager {
public:
    using Result = tl::expected<void, std::string>;
    using Done = std::function<void(Result)>;

    ModuleManager(bus::Host& host, std::filesystem::path module_dir);
    /// Destroys the modules, the last loaded first. Their code stays mapped: the loop may still hold handlers
    /// of it.
    ~ModuleManager();
    ModuleManager(const ModuleManager&) = delete;
    ModuleManager& operator=(const ModuleManager&) = delete;

    /// Loads what the rules want. Fails, naming all of them, when a required module cannot be loaded.
    Result start(const conf::ModuleRules& rules);

    Result load(std::string_view name);
    /// Says goodbye, destroys the module and closes its library; `done` comes when it is gone.
    void unload(std::string_view name, Done done);
    Result reload(std::string_view name);
    /// Every loaded module; each failure is told, those without one have reloaded.
    Result reload_all();

    void on_changes(const state::Changes& changes);
    void on_mwi_changes(std::span<const state::MwiOwnChange> changes);
    void on_own_nodes_changed();
    /// Calls `done` when every module has said goodbye, at the latest after `patience`.
    void say_goodbye(bus::Goodbye how, std::function<void()> done);

    /// Sorted by name: those of the folder and those the rules asked for.
    std::vector<console::ModuleView> views() const;
    std::vector<bus::Status> buses() const;
    /// Votes that buses have not sent yet.
    std::uint64_t waiting_votes() const;
    const std::filesystem::path& module_dir() const { return module_dir_; }

    static constexpr std::chrono::seconds patience{3};

private:
    struct Loaded {
        std::string name;
        ModuleLibrary library;
        std::unique_ptr<bus::Module> module;
        bool leaving = false;
    };
    struct Farewell;

    std::vector<std::string> names_in_folder() const;
    Loaded* find(const std::string& name);
    bool wanted(const std::string& name) const;
    void load_wanted(const std::string& name, const conf::ModuleRules& rules,
                     std::vector<std::string>& failures);
    void warn_of_unknown(const conf::ModuleRules& rules);
    void destroy(const std::string& name);

    bus::Host& host_;
    std::filesystem::path module_dir_;
    std::vector<Loaded> loaded_;  ///< in the order of loading
    std::map<std::string, std::string> problems_;
    std::shared_ptr<const int> alive_ = std::make_shared<const int>();
};

}  // namespace lamplight::daemon
