#pragma once

#include "bus/module.hpp"

#include <tl/expected.hpp>

#include <filesystem>
#include <memory>
#include <string>

namespace lamplight::daemon {

/// An opened plugin, checked: its symbol, its plugin_abi and its build are ours. Everything it is called by
/// is found now, so that nothing is missing later.
class ModuleLibrary {
public:
    /// Says why not: the missing library by its name, the wrong build, a file that is no module.
    static tl::expected<ModuleLibrary, std::string> open(const std::filesystem::path& file);
    ModuleLibrary(ModuleLibrary&&) noexcept = default;
    ModuleLibrary& operator=(ModuleLibrary&&) noexcept = default;

    const bus::Plugin& plugin() const { return *plugin_; }
    /// Unmaps the plugin's code. Nothing of it may be on its way any more: no handler in the loop, no
    /// callback.
    void close() { handle_.reset(); }
    /// Leaves the code where it is until the process ends.
    void keep_open() { (void)handle_.release(); }

private:
    struct Closer {
        void operator()(void* handle) const;
    };
    using Handle = std::unique_ptr<void, Closer>;
    ModuleLibrary(Handle handle, const bus::Plugin& plugin) : handle_(std::move(handle)), plugin_(&plugin) {}

    Handle handle_;
    const bus::Plugin* plugin_;
};

/// `lib/lamplight/modules` beside the core library, in the build tree as where it is installed.
std::filesystem::path default_module_dir();

}  // namespace lamplight::daemon
