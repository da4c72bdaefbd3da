#include "daemon/module_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <string_view>

namespace lamplight::daemon {

namespace {

/// `libcpg.so.4: cannot open shared object file: No such file or directory` → the missing library, by its
/// name.
std::string explain(const std::filesystem::path& file, std::string_view loader) {
    const auto colon = loader.find(": cannot open shared object file");
    if (colon == std::string_view::npos) return std::string(loader);
    const std::string_view missing = loader.substr(0, colon);
    if (missing == file.string()) return fmt::format("{} cannot be read", missing);
    return fmt::format("the library {} is missing: install the package that brings it", missing);
}

}  // namespace

void ModuleLibrary::Closer::operator()(void* handle) const {
    ::dlclose(handle);
}

tl::expected<ModuleLibrary, std::string> ModuleLibrary::open(const std::filesystem::path& file) {
    std::error_code error;
    if (!std::filesystem::exists(file, error))
        return tl::unexpected(fmt::format("there is no {}", file.string()));
    Handle handle(::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL));
    if (!handle) {
        const char* why = ::dlerror();
        return tl::unexpected(explain(file, why != nullptr ? why : "cannot be loaded"));
    }
    const auto* plugin = static_cast<const bus::Plugin*>(::dlsym(handle.get(), bus::plugin_symbol));
    if (plugin == nullptr) return tl::unexpected(fmt::format("{} is no module of Lamplight", file.string()));
    if (plugin->abi != bus::plugin_abi)
        return tl::unexpected(
            fmt::format("it was built for another Lamplight (interface {}, this one has {}): "
                        "install the one that came with this daemon",
                        plugin->abi, bus::plugin_abi));
    const std::string_view build = plugin->build != nullptr ? plugin->build : "nothing";
    if (build != LAMPLIGHT_VERSION)
        return tl::unexpected(
            fmt::format("it belongs to Lamplight {}, this is {}: install the one that came with "
                        "this daemon",
                        build, LAMPLIGHT_VERSION));
    if (plugin->name == nullptr || plugin->make == nullptr)
        return tl::unexpected(fmt::format("{} is no module of Lamplight", file.string()));
    return ModuleLibrary(std::move(handle), *plugin);
}

std::filesystem::path default_module_dir() {
    // Any function of the core library says where that library lies.
    std::string_view (*const of_core)(state::DeviceState) = &state::config_text;
    Dl_info info{};
    if (::dladdr(reinterpret_cast<const void*>(of_core), &info) == 0 || info.dli_fname == nullptr) return {};
    std::error_code error;
    const auto core = std::filesystem::canonical(info.dli_fname, error);
    return error ? std::filesystem::path() : core.parent_path() / "modules";
}

}  // namespace lamplight::daemon
