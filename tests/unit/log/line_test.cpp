#include "log/line.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace lamplight::log {
namespace {

class Line : public testing::Test {
protected:
    void SetUp() override {
        setenv("TZ", "UTC", 1);
        tzset();
    }

    std::chrono::system_clock::time_point time_ =
        std::chrono::system_clock::time_point(std::chrono::seconds(1289654832)) +
        std::chrono::microseconds(123456);
    Record record_{.level = Level::debug,
                   .depth = 1,
                   .time = time_,
                   .thread = 14801,
                   .file = "devicestate.c",
                   .line = 652,
                   .function = "handle_devstate_change",
                   .text = "Processing device state change for 'Custom:abc'"};
};

TEST_F(Line, LooksOnTheConsoleAsAsteriskPrintsIt) {
    EXPECT_EQ(console_line(record_, "%b %e %H:%M:%S"),
              "[Nov 13 13:27:12] DEBUG[14801]: devicestate.c:652 handle_devstate_change: "
              "Processing device state change for 'Custom:abc'");
}

TEST_F(Line, LooksInAFileAsAsteriskWritesIt) {
    EXPECT_EQ(
        file_line(record_, "%b %e %H:%M:%S"),
        "[Nov 13 13:27:12] DEBUG[14801] devicestate.c: Processing device state change for 'Custom:abc'");
}

TEST_F(Line, OfVerboseHasNoPrefixOnTheConsoleAndItsMarkEverywhere) {
    record_.level = Level::verbose;
    record_.text = "Loaded";
    record_.depth = 3;
    EXPECT_EQ(console_line(record_, "%T"), "    -- Loaded");
    EXPECT_EQ(file_line(record_, "%T"), "[13:27:12] VERBOSE[14801] devicestate.c:     -- Loaded");
    record_.depth = 1;
    EXPECT_EQ(console_line(record_, "%T"), " Loaded");
    record_.depth = 2;
    EXPECT_EQ(console_line(record_, "%T"), "  == Loaded");
    record_.depth = 9;
    EXPECT_EQ(console_line(record_, "%T"), "       > Loaded");
}

TEST_F(Line, ThatIsBareHasOnlyADateOnTheConsoleAndIsANoticeInAFile) {
    record_.level = Level::notice;
    record_.form = Form::bare;
    record_.text = "corosync [CLM   ] \tr(0) ip(10.24.22.144) ";
    EXPECT_EQ(console_line(record_, "%F"), "Nov 13 13:27:12 corosync [CLM   ] \tr(0) ip(10.24.22.144) ");
    EXPECT_EQ(file_line(record_, "%T"),
              "[13:27:12] NOTICE[14801] devicestate.c: corosync [CLM   ] \tr(0) ip(10.24.22.144) ");
    EXPECT_EQ(undated_line(record_),
              "NOTICE[14801] devicestate.c: corosync [CLM   ] \tr(0) ip(10.24.22.144) ");
    record_.time = std::chrono::system_clock::time_point(std::chrono::seconds(1288569605));
    EXPECT_EQ(console_line(record_, "%F").substr(0, 16), "Nov  1 00:00:05 ") << "the day takes two places";
}

TEST_F(Line, DateFormatKnowsFractionsOfTheSecond) {
    EXPECT_EQ(format_date("%F %T.%3q", time_), "2010-11-13 13:27:12.123");
    EXPECT_EQ(format_date("%T.%q", time_), "13:27:12.123");
    EXPECT_EQ(format_date("%T.%6q", time_), "13:27:12.123456");
    EXPECT_EQ(format_date("%1q", time_), "1");
}

TEST_F(Line, DateFormatLeavesAPercentSignBeforeQAlone) {
    EXPECT_EQ(format_date("%%3q", time_), "%3q");
    EXPECT_EQ(format_date("x%", time_).substr(0, 1), "x");
}

TEST(BareFunction, IsTheNameWithoutWhatTheCompilerAdds) {
    EXPECT_EQ(bare_function("std::pair<int, int> a::b::C::foo(T) const [with T = const char*]"), "foo");
    EXPECT_EQ(bare_function("a::b::C::C()"), "C");
    EXPECT_EQ(bare_function("a::b::C::~C()"), "~C");
    EXPECT_EQ(bare_function("void a::b::C::operator()(int)"), "operator()");
    EXPECT_EQ(bare_function("bool a::b::C::operator<(int) const"), "operator<");
    EXPECT_EQ(bare_function("void a::b::{anonymous}::free_(void (*)(int))"), "free_");
    EXPECT_EQ(bare_function("int main(int, char**)"), "main");
}

TEST(BareFunction, OfALambdaIsTheFunctionAroundIt) {
    EXPECT_EQ(bare_function("main()::<lambda()>"), "main");
    EXPECT_EQ(bare_function("a::C::run(int)::<lambda(auto:14)> [with auto:14 = int]"), "run");
    EXPECT_EQ(bare_function("auto main()::(anonymous class)::operator()() const"), "main");
    EXPECT_EQ(bare_function("a::b::{anonymous}::<lambda(auto:14)> [with auto:14 = int]"), "lambda");
}

TEST(BareFunction, OfNonsenseIsTheNonsense) {
    EXPECT_EQ(bare_function(""), "");
    EXPECT_EQ(bare_function(")))"), ")))");
    EXPECT_EQ(bare_function("((("), "(((");
}

TEST(Printable, LetsNobodyForgeALine) {
    EXPECT_EQ(printable("a\nb\x1b[2J\x7f\tc"), "a\\nb\\x1b[2J\\x7f\tc");
    EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
}

TEST(Printable, EscapesWhatIsNoUtf8AndWhatTurnsALineAround) {
    EXPECT_EQ(printable("\xff\xc3"
                        "a\xed\xa0\x80"),
              "\\xff\\xc3a\\xed\\xa0\\x80");
    EXPECT_EQ(printable("\xc2\x9b\xe2\x80\xae"), "\\xc2\\x9b\\xe2\\x80\\xae");
    EXPECT_EQ(printable("C:\\x"), "C:\\x");
}

TEST(ModuleMeans, AFileByItsNameOrAFolderByTheModule) {
    EXPECT_TRUE(module_means("engine", "src/state/engine.cpp"));
    EXPECT_TRUE(module_means("engine.cpp", "src/state/engine.cpp"));
    EXPECT_TRUE(module_means("res_corosync", "src/bus/corosync/ring.cpp"));
    EXPECT_TRUE(module_means("res_corosync.so", "src/bus/corosync/ring.cpp"));
    EXPECT_TRUE(module_means("bus_local", "src/bus/local/peer.cpp"));
    EXPECT_TRUE(module_means("res_jabber", "src/bus/xmpp/stream.cpp"));
    EXPECT_TRUE(module_means("res_xmpp", "src/bus/xmpp/stream.cpp"));
}

TEST(ModuleMeans, NothingElse) {
    EXPECT_FALSE(module_means("", "src/state/engine.cpp"));
    EXPECT_FALSE(module_means("eng", "src/state/engine.cpp"));
    EXPECT_FALSE(module_means("res_ais", "src/bus/corosync/ring.cpp"));
    EXPECT_FALSE(module_means("src/state", "src/state/engine.cpp"));
    EXPECT_FALSE(module_means("res_corosync", "corosync"));
}

}  // namespace
}  // namespace lamplight::log
