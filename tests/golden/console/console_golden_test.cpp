// Replays the transcripts beside this file: each `pbx1*CLI> ` line is a command, what follows its answer,
// each `; ` line something that happens. LAMPLIGHT_UPDATE_GOLDEN=1 writes them anew.
#include "../../unit/console/fake_daemon.hpp"
#include "console/commands.hpp"
#include "console/mailbox.hpp"
#include "log/channels.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>

namespace lamplight::console {
namespace {

constexpr std::string_view prompt = "pbx1*CLI> ";
constexpr std::string_view json_flag = "--json ";

class Theatre {
public:
    Theatre() {
        setenv("TZ", "UTC", 1);
        tzset();
        EXPECT_TRUE(log_.configure({.channels = {{log::Target::console, {}, log::all_levels, {}}}}));
        registration_ = add_commands({daemon_.engine, daemon_.hints, daemon_, log_, registry_});
    }

    std::string play(const std::string& script) {
        std::istringstream lines(script);
        std::string transcript;
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with("; ")) {
                happen(line.substr(2));
                transcript += line + '\n';
            } else if (line.starts_with(prompt)) {
                transcript += line + '\n' + answer(std::string_view(line).substr(prompt.size()));
            }
        }
        return transcript;
    }

private:
    std::string answer(std::string_view line) {
        const bool json = line.starts_with(json_flag);
        if (json) line.remove_prefix(json_flag.size());
        std::string text;
        registry_.run(line, json, Asker{"root", 4713, 0}, [&](const Reply& reply) {
            text = json ? boost::json::serialize(*reply.json) + '\n' : reply.text;
            if (reply.status != 0) text += "(status " + std::to_string(reply.status) + ")\n";
        });
        return text;
    }

    void happen(const std::string& event) {
        std::istringstream words(event);
        std::string who;
        std::string what;
        words >> who >> what;
        if (what == "votes") {
            std::string device;
            std::string state;
            words >> device >> state;
            daemon_.remote_vote(device, state::parse_device_state(state).value());
        } else if (what == "counts") {
            std::string mailbox;
            state::MessageCounts counts;
            words >> mailbox >> counts.new_messages >> counts.old_messages;
            daemon_.remote_count(parse_mailbox(mailbox).value(), counts);
        } else if (what == "fails") {
            daemon_.remote_gone(state::Departure::failed);
        } else if (what == "seconds") {
            daemon_.pass(std::chrono::seconds(std::stoi(who)));
        } else if (what == "becomes") {
            daemon_.remote_gone(state::Departure::silent);
        } else if (what == "hints:") {
            load_hints(words);
        } else {
            ADD_FAILURE() << "unknown event: " << event;
        }
    }

    /// `; the hints: 6001=SIP/a&SIP/b foo=Custom:abc`, all in one context.
    void load_hints(std::istringstream& words) {
        state::HintPlan plan{{{"devstate_test", false, {}}}, {}};
        for (std::string hint; words >> hint;) {
            const auto equals = hint.find('=');
            state::HintDefinition definition{
                "devstate_test", hint.substr(0, equals), hint.substr(equals + 1), {}, "", ""};
            std::istringstream devices(definition.text);
            for (std::string device; std::getline(devices, device, '&');)
                definition.devices.push_back(device);
            plan.hints.push_back(definition);
        }
        daemon_.load_hints(plan);
    }

    FakeDaemon daemon_;
    log::Log log_;
    Registry registry_;
    Registry::Registration registration_;
};

std::string read(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

class Transcript : public testing::TestWithParam<const char*> {};

TEST_P(Transcript, IsAnsweredToTheLetter) {
    const std::string path = std::string(LAMPLIGHT_GOLDEN) + "/" + GetParam();
    const std::string expected = read(path);
    ASSERT_FALSE(expected.empty()) << path;
    const std::string actual = Theatre().play(expected);
    if (std::getenv("LAMPLIGHT_UPDATE_GOLDEN") != nullptr)
        std::ofstream(path) << actual;
    else
        EXPECT_EQ(actual, expected);
}

INSTANTIATE_TEST_SUITE_P(Console, Transcript,
                         testing::Values("core.txt", "devices.txt", "hints.txt", "modules.txt", "mwi.txt",
                                         "events.txt", "json.txt"));

}  // namespace
}  // namespace lamplight::console
