#pragma once

#include "console/commands.hpp"
#include "fake_daemon.hpp"
#include "log/channels.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

namespace lamplight::console {

/// A console before a FakeDaemon, asked by alice.
class ConsoleTest : public testing::Test {
protected:
    ConsoleTest() {
        setenv("TZ", "UTC", 1);
        tzset();
        EXPECT_TRUE(log_.configure(log::Channels::without_file(log::Foreground::no)));
        registration_ = add_commands({daemon_.engine, daemon_.hints, daemon_, log_, registry_});
        id_ = log_.attach([this](const log::Record& record) { said_.emplace_back(record.text); });
    }
    ~ConsoleTest() override { log_.detach(id_); }

    Reply run(std::string_view line, bool json = false) {
        Reply answer;
        registry_.run(line, json, Asker{"alice", 77, 1000}, [&](Reply reply) { answer = std::move(reply); });
        return answer;
    }

    FakeDaemon daemon_;
    log::Log log_;
    Registry registry_;
    Registry::Registration registration_;
    std::vector<std::string> said_;
    log::ListenerId id_{};
};

}  // namespace lamplight::console
