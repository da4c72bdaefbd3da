// One source for the modules of module_manager_test: what it is called, what it needs and what is wrong with
// it comes from tests/unit/daemon/plugins.cmake.
#include "bus/module.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#ifndef PLUGIN_ABI
#define PLUGIN_ABI lamplight::bus::plugin_abi
#endif
#ifndef PLUGIN_BUILD
#define PLUGIN_BUILD LAMPLIGHT_VERSION
#endif
#ifndef PLUGIN_FILE
#define PLUGIN_FILE nullptr
#endif

#ifdef PLUGIN_NEEDS_NOWHERE
extern "C" int PLUGIN_NEEDS_NOWHERE();
#endif

namespace {

using namespace lamplight;

/// Leaves a marker for each thing it is asked to do: the names of files read are what a test can see.
class TestModule final : public bus::Module {
public:
    explicit TestModule(bus::Host& host) : host_(host), timer_(host.loop()) {
        note("made");
        timer_.expires_after(std::chrono::hours(1));
        timer_.async_wait([](boost::system::error_code) {});
    }
    ~TestModule() override { note("destroyed"); }

    void on_changes(const state::Changes&) override { note("changes"); }
    void on_own_nodes_changed() override { note("own nodes"); }
    tl::expected<void, std::string> reload() override {
        note("reload");
        return {};
    }
    void say_goodbye(bus::Goodbye how, std::function<void()> done) override {
        note(how == bus::Goodbye::stop ? "goodbye stop" : "goodbye restart");
        done();
    }
    std::vector<bus::Status> status() const override {
        bus::Status status;
        status.bus = PLUGIN_NAME;
        status.waiting = 3;
        return {status};
    }
    unsigned use_count() const override { return 2; }

private:
    void note(const std::string& what) { host_.note_file_read(PLUGIN_NAME " " + what); }

    bus::Host& host_;
    boost::asio::steady_timer timer_;
};

tl::expected<std::unique_ptr<bus::Module>, std::string> make(bus::Host& host) {
#ifdef PLUGIN_NEEDS_NOWHERE
    if (PLUGIN_NEEDS_NOWHERE() != 7) return tl::unexpected(std::string("nowhere"));
#endif
#ifdef PLUGIN_REFUSES
    (void)host;
    return tl::unexpected(std::string("refusing.conf:3: no"));
#else
    return std::make_unique<TestModule>(host);
#endif
}

}  // namespace

extern "C" const lamplight::bus::Plugin lamplight_plugin;
extern "C" const lamplight::bus::Plugin lamplight_plugin{
    .abi = PLUGIN_ABI,
    .build = PLUGIN_BUILD,
    .name = PLUGIN_NAME,
    .description = "A module of the tests",
    .config_file = PLUGIN_FILE,
    .make = make,
};
