#include "daemon/module_manager.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <ranges>
#include <set>
#include <span>

namespace lamplight::daemon {

namespace {

/// What must be known of a module before its library is opened, because opening it may fail.
struct Known {
    std::string_view name;
    std::string_view alias;
    std::array<std::string_view, 2> files;  ///< any of them wants it; none: when no other module is loaded
    std::string_view description;
    std::string_view alias_description = {};
};
constexpr std::array known_modules{
    Known{"bus_local.so", "", {}, "Local bus: nodes of one host"},
    Known{"res_ais.so", "", {"ais.conf"}, "SAForum AIS"},
    Known{"res_corosync.so", "", {"res_corosync.conf"}, "Corosync"},
    Known{"res_jabber.so",
          "res_xmpp.so",
          {"xmpp.conf", "jabber.conf"},
          "AJI - Asterisk Jabber Interface",
          "Asterisk XMPP Interface"},
};

const Known* known(std::string_view name) {
    const auto place = std::ranges::find_if(known_modules, [&](const Known& k) { return k.name == name; });
    return place == known_modules.end() ? nullptr : &*place;
}

/// The name a module has here: lower case, with its ending, no alias.
std::string canonical(std::string_view typed) {
    std::string name(typed);
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (!name.ends_with(".so")) name += ".so";
    for (const Known& module : known_modules) {
        if (module.alias == name) return std::string(module.name);
    }
    return name;
}

/// The rules speak of a module by any of its names; `noload` beats `require`, that beats `load`.
conf::ModuleVerdict verdict(const conf::ModuleRules& rules, const std::string& name) {
    const auto says = [&](conf::ModuleVerb verb) {
        return std::ranges::any_of(rules.rules, [&](const conf::ModuleRule& rule) {
            return rule.verb == verb && canonical(rule.module) == name;
        });
    };
    if (says(conf::ModuleVerb::noload)) return conf::ModuleVerdict::exclude;
    if (says(conf::ModuleVerb::require)) return conf::ModuleVerdict::require;
    if (says(conf::ModuleVerb::load)) return conf::ModuleVerdict::load;
    return rules.autoload ? conf::ModuleVerdict::automatic : conf::ModuleVerdict::exclude;
}

/// Asterisk has hundreds of modules that Lamplight needs none of; their lines are no mistake.
bool is_asterisk_name(std::string_view name) {
    constexpr std::array families{"app_",    "bridge_", "cdr_", "cel_", "chan_", "codec_",
                                  "format_", "func_",   "pbx_", "res_", "test_"};
    return std::ranges::any_of(families, [&](std::string_view family) { return name.starts_with(family); });
}

std::string join_lines(const std::vector<std::string>& lines) {
    return fmt::format("{}", fmt::join(lines, "\n"));
}

}  // namespace

/// Counts the modules that have not said goodbye yet.
struct ModuleManager::Farewell {
    explicit Farewell(boost::asio::io_context& loop) : timer(loop) {}
    void finish() {
        timer.cancel();
        if (done) std::exchange(done, nullptr)();
    }
    std::size_t missing = 0;
    std::function<void()> done;
    boost::asio::steady_timer timer;
};

ModuleManager::ModuleManager(bus::Host& host, std::filesystem::path module_dir)
    : host_(host), module_dir_(std::move(module_dir)) {}

ModuleManager::~ModuleManager() {
    while (!loaded_.empty()) {
        loaded_.back().module.reset();
        loaded_.back().library.keep_open();
        loaded_.pop_back();
    }
}

std::vector<std::string> ModuleManager::names_in_folder() const {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(module_dir_, error)) {
        if (entry.path().extension() == ".so") names.push_back(entry.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
}

ModuleManager::Loaded* ModuleManager::find(const std::string& name) {
    const auto place = std::ranges::find(loaded_, name, &Loaded::name);
    return place == loaded_.end() ? nullptr : &*place;
}

/// Whether one of the module's files is in the folder of configuration.
bool ModuleManager::wanted(const std::string& name) const {
    const auto present = [&](std::string_view file) {
        std::error_code error;
        return !file.empty() && std::filesystem::exists(host_.config_dir() / file, error);
    };
    if (const Known* module = known(name)) return std::ranges::any_of(module->files, present);
    const auto library = ModuleLibrary::open(module_dir_ / name);
    return library && library->plugin().config_file != nullptr && present(library->plugin().config_file);
}

ModuleManager::Result ModuleManager::start(const conf::ModuleRules& rules) {
    std::vector<std::string> failures;
    std::set<std::string> names;
    for (std::string& name : names_in_folder())
        names.insert(std::move(name));
    for (const Known& module : known_modules)
        names.emplace(module.name);
    for (const conf::ModuleRule& rule : rules.rules) {
        if (rule.verb == conf::ModuleVerb::require) names.insert(canonical(rule.module));
    }
    for (const std::string& name : names)
        load_wanted(name, rules, failures);
    warn_of_unknown(rules);
    if (!failures.empty()) return tl::unexpected(join_lines(failures));
    const std::string fallback = "bus_local.so";
    if (loaded_.empty() && verdict(rules, fallback) != conf::ModuleVerdict::exclude) {
        if (auto result = load(fallback); !result)
            host_.log().warning("No bus is on, this node is alone: {}", result.error());
    }
    return {};
}

void ModuleManager::load_wanted(const std::string& name, const conf::ModuleRules& rules,
                                std::vector<std::string>& failures) {
    const auto what = verdict(rules, name);
    if (what == conf::ModuleVerdict::exclude || (what == conf::ModuleVerdict::automatic && !wanted(name)))
        return;
    const auto result = load(name);
    if (result) return;
    if (what == conf::ModuleVerdict::require)
        failures.push_back(fmt::format("required module {}", result.error()));
    else
        host_.log().error("Module {}", result.error());
}

void ModuleManager::warn_of_unknown(const conf::ModuleRules& rules) {
    const auto present = names_in_folder();
    for (const conf::ModuleRule& rule : rules.rules) {
        const std::string name = canonical(rule.module);
        const bool here = known(name) != nullptr || std::ranges::find(present, name) != present.end();
        if (here || is_asterisk_name(name) || rule.verb == conf::ModuleVerb::require) continue;
        host_.log().warning("{}: there is no module {}: {} has none of that name",
                            conf::to_string(rule.place), name, module_dir_.string());
    }
}

ModuleManager::Result ModuleManager::load(std::string_view typed) {
    const std::string name = canonical(typed);
    if (find(name) != nullptr) return tl::unexpected(fmt::format("{} is loaded already", name));
    if (name.find('/') != std::string::npos)
        return tl::unexpected(fmt::format("{} is no module's name", name));
    const auto fail = [&](const std::string& why) -> Result {
        problems_[name] = why;
        return tl::unexpected(fmt::format("{}: {}", name, why));
    };
    auto library = ModuleLibrary::open(module_dir_ / name);
    if (!library) return fail(library.error());
    auto module = library->plugin().make(host_);
    if (!module) {
        const std::string why = module.error();
        // What it began may still be in the loop; its error's text lives in its code no longer.
        module = nullptr;
        library->keep_open();
        return fail(why);
    }
    problems_.erase(name);
    loaded_.push_back({name, std::move(*library), std::move(*module)});
    host_.log().notice("Module {} loaded: {}", name, loaded_.back().library.plugin().description);
    return {};
}

void ModuleManager::unload(std::string_view typed, Done done) {
    const std::string name = canonical(typed);
    Loaded* loaded = find(name);
    if (loaded == nullptr || loaded->leaving) {
        boost::asio::post(host_.loop(), [name, done = std::move(done)] {
            done(tl::unexpected(fmt::format("{} is not loaded", name)));
        });
        return;
    }
    loaded->leaving = true;
    // Not from inside the module's own call: the answer may come at once.
    loaded->module->say_goodbye(bus::Goodbye::stop, [this, alive = std::weak_ptr(alive_), name, done] {
        boost::asio::post(host_.loop(), [this, alive, name, done] {
            if (alive.expired()) return;
            destroy(name);
            done({});
        });
    });
}

void ModuleManager::destroy(const std::string& name) {
    const auto place = std::ranges::find(loaded_, name, &Loaded::name);
    if (place == loaded_.end()) return;
    place->module.reset();
    // Aborted operations of the module are in the loop's queue now, before what is posted here, and may post
    // once more; the code goes after them.
    auto library = std::make_shared<ModuleLibrary>(std::move(place->library));
    loaded_.erase(place);
    boost::asio::post(host_.loop(), [&loop = host_.loop(), library] {
        boost::asio::post(loop, [library] { library->close(); });
    });
    host_.log().notice("Module {} unloaded", name);
}

ModuleManager::Result ModuleManager::reload(std::string_view typed) {
    const std::string name = canonical(typed);
    Loaded* loaded = find(name);
    if (loaded == nullptr) return tl::unexpected(fmt::format("{} is not loaded", name));
    return loaded->module->reload();
}

ModuleManager::Result ModuleManager::reload_all() {
    std::vector<std::string> failures;
    for (Loaded& loaded : loaded_) {
        if (auto result = loaded.module->reload(); !result) failures.push_back(result.error());
    }
    if (failures.empty()) return {};
    return tl::unexpected(join_lines(failures));
}

void ModuleManager::on_changes(const state::Changes& changes) {
    for (Loaded& loaded : loaded_)
        loaded.module->on_changes(changes);
}

void ModuleManager::on_mwi_changes(std::span<const state::MwiOwnChange> changes) {
    for (Loaded& loaded : loaded_)
        loaded.module->on_mwi_changes(changes);
}

void ModuleManager::on_own_nodes_changed() {
    for (Loaded& loaded : loaded_)
        loaded.module->on_own_nodes_changed();
}

void ModuleManager::say_goodbye(bus::Goodbye how, std::function<void()> done) {
    auto farewell = std::make_shared<Farewell>(host_.loop());
    farewell->done = std::move(done);
    farewell->missing = loaded_.size() + 1;
    farewell->timer.expires_after(patience);
    farewell->timer.async_wait([farewell](boost::system::error_code error) {
        if (!error) farewell->finish();
    });
    const auto one_less = [farewell] {
        if (--farewell->missing == 0) farewell->finish();
    };
    for (Loaded& loaded : loaded_) {
        loaded.leaving = true;
        loaded.module->say_goodbye(how, one_less);
    }
    boost::asio::post(host_.loop(), one_less);
}

std::vector<console::ModuleView> ModuleManager::views() const {
    std::map<std::string, console::ModuleView> found;
    const auto at = [&](const std::string& name) -> console::ModuleView& {
        console::ModuleView& view = found[name];
        view.name = name;
        if (const Known* module = known(name)) {
            view.alias = module->alias;
            view.alias_description = module->alias_description;
        }
        return view;
    };
    for (const std::string& name : names_in_folder()) {
        const Known* module = known(name);
        at(name).description = module != nullptr ? module->description : "";
    }
    for (const auto& [name, problem] : problems_)
        at(name).problem = problem;
    for (const Loaded& loaded : loaded_) {
        console::ModuleView& view = at(loaded.name);
        view.description =
            loaded.library.plugin().description != nullptr ? loaded.library.plugin().description : "";
        view.use_count = loaded.module->use_count();
        view.loaded = true;
    }
    std::vector<console::ModuleView> all;
    for (auto& [name, view] : found)
        all.push_back(std::move(view));
    return all;
}

std::vector<bus::Status> ModuleManager::buses() const {
    std::vector<bus::Status> all;
    for (const Loaded& loaded : loaded_) {
        for (bus::Status& status : loaded.module->status())
            all.push_back(std::move(status));
    }
    return all;
}

std::uint64_t ModuleManager::waiting_votes() const {
    std::uint64_t waiting = 0;
    for (const bus::Status& status : buses())
        waiting += status.waiting;
    return waiting;
}

}  // namespace lamplight::daemon
