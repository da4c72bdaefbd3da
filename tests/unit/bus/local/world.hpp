#pragma once

#include "bus/module.hpp"
#include "conf/configuration.hpp"

#include <boost/asio/io_context.hpp>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

/// Daemons around the real module, in one process over a folder of their own.
namespace lamplight::bus::local::test {

using state::DeviceState;
using namespace std::chrono_literals;

inline state::Eid eid(std::uint8_t number) {
    return {{0x02, 0, 0, 0, 0, number}};
}

/// The plugin as the daemon opens it.
inline const Plugin& plugin() {
    static const Plugin* const opened = [] {
        void* handle = ::dlopen(LAMPLIGHT_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
        if (handle == nullptr) {
            ADD_FAILURE() << ::dlerror();
            std::abort();
        }
        return static_cast<const Plugin*>(::dlsym(handle, plugin_symbol));
    }();
    return *opened;
}

/// A folder that goes with the test.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "lamplight-local-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// What a module sees of a daemon, and nothing more.
class FakeHost final : public Host {
public:
    FakeHost(boost::asio::io_context& loop, std::filesystem::path run_dir, std::uint8_t number,
             std::uint64_t incarnation = 100)
        : loop_(loop),
          run_dir_(std::move(run_dir)),
          name_("pbx" + std::to_string(number)),
          self_{eid(number), name_, incarnation, {}} {
        state::Changes changes;
        node_ = engine_.add_own_node(self_, now(), changes);
    }

    boost::asio::io_context& loop() override { return loop_; }
    log::Log& log() override { return log_; }
    console::Registry& commands() override { return commands_; }
    state::Engine& engine() override { return engine_; }
    state::Time now() const override {
        return state::Time(
            std::chrono::duration_cast<state::Duration>(std::chrono::steady_clock::now().time_since_epoch()));
    }
    std::chrono::system_clock::time_point wall(state::Time) const override {
        return std::chrono::system_clock::now();
    }
    void publish(state::Changes& changes) override {
        state::Changes round;
        std::swap(round, changes);
        notices.insert(notices.end(), round.notices.begin(), round.notices.end());
        if (module) module->on_changes(round);
    }
    const state::MwiTable& mwi() const override { return mwi_; }
    void publish_mwi(std::vector<state::MwiInput>& inputs) override {
        for (const state::MwiInput& input : inputs)
            mwi_.apply(input, now(), mwi_changes);
        inputs.clear();
    }
    std::vector<state::Announcement> own_nodes() const override { return {self_}; }
    void raise_incarnation(const state::Eid&, std::uint64_t seen) override {
        state::Changes changes;
        engine_.raise_incarnation(node_, seen, changes);
        self_.incarnation = seen + 1;
        if (module) module->on_own_nodes_changed();
        publish(changes);
    }
    const conf::Configuration& configuration() const override { return configuration_; }
    const std::string& name() const override { return name_; }
    const std::filesystem::path& run_dir() const override { return run_dir_; }
    const std::filesystem::path& state_dir() const override { return run_dir_; }
    const std::filesystem::path& config_dir() const override { return run_dir_; }
    void note_file_read(const std::filesystem::path&) override {}
    std::weak_ptr<void>& shared(std::string_view name) override { return shared_[std::string(name)]; }

    tl::expected<void, std::string> load() {
        auto made = plugin().make(*this);
        if (!made) return tl::unexpected(made.error());
        module = std::move(*made);
        return {};
    }
    void set(const std::string& device, DeviceState state) {
        state::Changes changes;
        const auto id = engine_.intern_device(device, changes);
        engine_.set_own(node_, *id, state, state::Cachable::yes, state::Cause::console, now(), changes);
        publish(changes);
    }
    DeviceState aggregate(const std::string& device) const {
        const auto id = engine_.find_device(device);
        return id ? engine_.aggregate(*id) : DeviceState::unknown;
    }
    state::Standing standing(std::uint8_t of) const {
        const auto node = engine_.find_node(eid(of));
        return node ? engine_.node(*node).standing : state::Standing::unheard;
    }
    bool agrees_with(const FakeHost& owner) const {
        const auto node = engine_.find_node(owner.self_.eid);
        return node && engine_.digest(*node) == owner.engine_.digest(owner.node_);
    }
    Status status() const { return module->status().front(); }

    std::vector<state::Notice> notices;
    std::vector<state::MwiChange> mwi_changes;

private:
    boost::asio::io_context& loop_;
    std::filesystem::path run_dir_;
    std::string name_;
    state::Announcement self_;
    log::Log log_;
    console::Registry commands_;
    conf::Configuration configuration_;
    state::Engine engine_;
    state::MwiTable mwi_;
    state::NodeId node_{};
    std::map<std::string, std::weak_ptr<void>> shared_;

public:
    std::unique_ptr<Module> module;  ///< goes first
};

class LocalBusTest : public testing::Test {
protected:
    /// Runs the loop until it is so, or 20 s are over.
    testing::AssertionResult soon(const std::function<bool()>& condition) {
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end)
                return testing::AssertionFailure() << "not within 20 s";
            loop.restart();
            loop.run_one_for(50ms);
        }
        return testing::AssertionSuccess();
    }
    std::unique_ptr<FakeHost> daemon(std::uint8_t number, std::uint64_t incarnation = 100) {
        auto host = std::make_unique<FakeHost>(loop, folder.path(), number, incarnation);
        const auto loaded = host->load();
        EXPECT_TRUE(loaded) << loaded.error();
        return host;
    }
    testing::AssertionResult says_goodbye(FakeHost& host, Goodbye how) {
        bool done = false;
        host.module->say_goodbye(how, [&] { done = true; });
        return soon([&] { return done; });
    }

    TemporaryFolder folder;
    boost::asio::io_context loop;
};

}  // namespace lamplight::bus::local::test
