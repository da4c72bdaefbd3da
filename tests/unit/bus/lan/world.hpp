#pragma once

#include "bus/lan/shared_ring.hpp"
#include "conf/configuration.hpp"
#include "fake_corosync.hpp"
#include "wire/vote/decode.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// A daemon with modules on a ring, as far as they are of interest here.
namespace lamplight::bus::lan::test {

using state::DeviceState;
using namespace std::chrono_literals;

/// What modules see of a daemon.
class FakeHost final : public Host {
public:
    explicit FakeHost(boost::asio::io_context& loop) : loop_(loop) {
        log_.set_verbose(3);
        log_.attach([this](const log::Record& record) { lines.emplace_back(record.text); });
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
    void publish(state::Changes& changes) override { changes.clear(); }
    const state::MwiTable& mwi() const override { return mwi_; }
    void publish_mwi(std::vector<state::MwiInput>& inputs) override { inputs.clear(); }
    std::vector<state::Announcement> own_nodes() const override { return {self_}; }
    void raise_incarnation(const state::Eid&, std::uint64_t) override {}
    const conf::Configuration& configuration() const override { return configuration_; }
    const std::string& name() const override { return self_.name; }
    const std::filesystem::path& run_dir() const override { return folder_; }
    const std::filesystem::path& state_dir() const override { return folder_; }
    const std::filesystem::path& config_dir() const override { return folder_; }
    void note_file_read(const std::filesystem::path&) override {}
    std::weak_ptr<void>& shared(std::string_view name) override { return shared_[std::string(name)]; }

    /// An own vote; what the modules are told of it.
    state::Changes vote(const std::string& device) {
        state::Changes changes;
        const auto id = engine_.intern_device(device, changes);
        engine_.set_own(node_, *id, DeviceState::inuse, state::Cachable::yes, state::Cause::console, now(),
                        changes);
        return changes;
    }
    std::size_t lines_with(std::string_view text) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            lines, [&](const std::string& line) { return line.find(text) != std::string::npos; }));
    }

    std::vector<std::string> lines;

private:
    boost::asio::io_context& loop_;
    std::filesystem::path folder_ = "/nonexistent";
    state::Announcement self_{{{0x02, 0, 0, 0, 0, 1}}, "pbx1", 100, {}};
    log::Log log_;
    console::Registry commands_;
    conf::Configuration configuration_;
    state::Engine engine_;
    state::MwiTable mwi_;
    state::NodeId node_{};
    std::map<std::string, std::weak_ptr<void>> shared_;
};

/// A module that shares the ring and notes what it is told.
class FakeModule {
public:
    FakeModule(FakeHost& host, std::string name, state::Bus bus) : ring(SharedRing::of(host, bus)) {
        user = ring->attach({.name = std::move(name),
                             .on_joined = [this] { told.emplace_back("joined"); },
                             .on_lamplights =
                                 [this](const std::vector<ring::Member>& lamplights) {
                                     told.push_back("lamplights " + std::to_string(lamplights.size()));
                                 },
                             .on_lost = [this](const std::string&) { told.emplace_back("lost"); },
                             .on_names = [this] { ++names; }});
    }
    ~FakeModule() { ring->forget(user); }
    FakeModule(const FakeModule&) = delete;
    FakeModule& operator=(const FakeModule&) = delete;

    void say_goodbye(Goodbye how = Goodbye::stop) {
        ring->detach(user, how, [this] { said_goodbye = true; });
    }

    std::shared_ptr<SharedRing> ring;
    SharedRing::UserId user{};
    std::vector<std::string> told;
    int names = 0;
    bool said_goodbye = false;
};

class LanTest : public testing::Test {
protected:
    ~LanTest() override { corosync.resume(); }

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
    /// What is in the loop now, and what comes of it.
    void run_what_waits() {
        loop.restart();
        loop.poll();
    }
    std::unique_ptr<FakeModule> module(const std::string& name, state::Bus bus = state::Bus::corosync) {
        return std::make_unique<FakeModule>(host, name, bus);
    }
    /// In the group, and another Lamplight too; what is said at first has been said.
    std::unique_ptr<FakeModule> joined_module(const std::string& name) {
        corosync.start();
        auto made = module(name);
        EXPECT_TRUE(
            soon([&] { return !made->told.empty() && made->names == 2; }));  // asked again when joined
        corosync.come("lamplight", 2, 4711);
        EXPECT_TRUE(
            soon([&] { return made->told.back() == "lamplights 2" && !corosync.sent("lamplight").empty(); }));
        EXPECT_TRUE(soon([&] { return made->ring->own_group().link().under_way() == 0; }));
        return made;
    }
    std::size_t goodbyes() const {
        const auto sent = corosync.sent("lamplight");
        return static_cast<std::size_t>(std::ranges::count_if(sent, [](const FakeCorosync::Message& message) {
            const auto frame = wire::vote::decode(message);
            return frame && std::holds_alternative<wire::vote::Goodbye>(*frame);
        }));
    }

    FakeCorosync corosync;
    boost::asio::io_context loop;
    FakeHost host{loop};
};

}  // namespace lamplight::bus::lan::test
