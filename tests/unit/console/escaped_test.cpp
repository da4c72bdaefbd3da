#include "console/escaped.hpp"

#include "console/texts.hpp"
#include "console_fixture.hpp"

#include <gmock/gmock.h>

namespace lamplight::console {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Clears the screen, forges a line, and turns the rest of it around.
const std::string evil = "Custom:\x1b[2J\nforged\xe2\x80\xae\\";
constexpr std::string_view harmless = "Custom:\\x1b[2J\\x0aforged\\xe2\\x80\\xae\\\\";

TEST(Escaped, WhatIsPrintableStaysAsItIs) {
    EXPECT_EQ(escaped("SIP/alice, Büro ☎ 🙂"), "SIP/alice, Büro ☎ 🙂");
    EXPECT_TRUE(is_printable("SIP/alice, Büro ☎ 🙂"));
}

TEST(Escaped, ControlsBytesThatAreNoTextAndWhatTurnsLinesAroundAreSpeltOut) {
    EXPECT_EQ(escaped(evil), harmless);
    for (const std::string& bad :
         {"\t"s, "\r"s, "\0"s, "\x7f"s, "\xc2\x9b"s, "\xff"s, "\xc0\x8a"s, "\xe2\x80"s, "\xed\xa0\x80"s,
          "\xe2\x80\xa8"s, "\xe2\x81\xa6"s, "\xf4\x90\x80\x80"s}) {
        EXPECT_FALSE(is_printable(bad)) << escaped(bad);
        EXPECT_TRUE(is_printable(escaped(bad))) << escaped(bad);
        EXPECT_EQ(escaped(bad).front(), '\\');
    }
}

TEST(Escaped, ACellIsCutAfterItWasEscaped) {
    EXPECT_EQ(cell("a\nb", 8), "a\\x0ab  ");
    EXPECT_EQ(cell("\x1b\x1b\x1b", 6), "\\x1b\\x");
    EXPECT_EQ(cell("\x1b", 0), "\\x1b");
    EXPECT_EQ(cell("Büro", 3), "Bür");
}

class PeersNamesTest : public ConsoleTest {
protected:
    /// A second server whose own name, device and mailbox are all of them evil.
    PeersNamesTest() {
        const auto sender = daemon_.engine.open_sender(state::Bus::local, "evil", daemon_.changes);
        daemon_.engine.announce(*sender, {FakeDaemon::remote_eid, evil, 2'000}, daemon_.now(),
                                daemon_.changes);
        daemon_.engine.sender_present(*sender, daemon_.now(), daemon_.changes);
        daemon_.sender = sender;
        daemon_.remote_vote(evil, state::DeviceState::inuse);
        daemon_.remote_count({evil, evil}, {1, 0});
    }
};

TEST_F(PeersNamesTest, NoTableLetsThemWriteLinesOrDriveTheTerminal) {
    for (const auto* line : {"device show", "node show", "bus show", "mwi show", "event dump cache MWI",
                             "event dump cache DeviceState", "event dump cache DeviceStateChange",
                             "devstate list", "core show hints"}) {
        const auto text = run(line).text;
        EXPECT_EQ(text.find('\x1b'), std::string::npos) << line;
        EXPECT_EQ(text.find("\nforged"), std::string::npos) << line;
        EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos) << line;
    }
    for (const auto* line : {"device show", "node show", "mwi show", "event dump cache MWI",
                             "event dump cache DeviceState", "event dump cache DeviceStateChange"})
        EXPECT_THAT(run(line).text, HasSubstr("Custom:\\x1b[2J\\x0a")) << line;
}

TEST_F(PeersNamesTest, WhoseCountsAreNewerIsSaidInOneLine) {
    daemon_.remote_count({"6001", "default"}, {3, 0});
    daemon_.pass(std::chrono::seconds(1));
    run("mwi update 6001 1 1");
    EXPECT_THAT(run("mwi delete 6001").text, HasSubstr(std::string(harmless) + " says so since"));
}

TEST_F(PeersNamesTest, JsonHasThemAsTheyAre) {
    EXPECT_EQ(run("device show", true).json->at("devices").at(0).at("device").as_string(), evil);
    EXPECT_EQ(run("node show", true).json->at("nodes").at(1).at("node").as_string(), evil);
}

TEST_F(PeersNamesTest, CompletionDoesNotOfferThem) {
    EXPECT_THAT(registry_.complete("device show like "), IsEmpty());
    daemon_.remote_vote("Custom:good", state::DeviceState::inuse);
    EXPECT_THAT(registry_.complete("device show like "), ElementsAre("Custom:good"));
}

}  // namespace
}  // namespace lamplight::console
