#include "daemon/store.hpp"

#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace lamplight::daemon {
namespace {

using state::DeviceState;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr state::Eid pbx1{{2, 0, 0, 0, 0, 1}};
constexpr state::Eid pbx2{{2, 0, 0, 0, 0, 2}};

Store open_or_fail(const std::filesystem::path& file) {
    auto store = Store::open(file);
    EXPECT_TRUE(store) << store.error().text;
    return std::move(*store);
}

void write_or_fail(Store& store, std::vector<StoreEntry> entries) {
    auto written = store.write(entries);
    ASSERT_TRUE(written) << written.error().text;
}

TEST(Store, KeepsWhatWasWrittenForTheNextStart) {
    TemporaryFolder folder;
    {
        Store store = open_or_fail(folder / "a.db");
        write_or_fail(store, {{"Custom:b", DeviceState::inuse}, {"Custom:a", DeviceState::onhold}});
        write_or_fail(store, {{"Custom:b", DeviceState::busy}});
    }
    EXPECT_THAT(
        *open_or_fail(folder / "a.db").read(),
        ElementsAre(StoreEntry{"Custom:a", DeviceState::onhold}, StoreEntry{"Custom:b", DeviceState::busy}));
}

TEST(Store, ForgetsAnEntryWithoutAState) {
    TemporaryFolder folder;
    Store store = open_or_fail(folder / "a.db");
    write_or_fail(store, {{"Custom:a", DeviceState::inuse}, {"Custom:b", DeviceState::inuse}});
    write_or_fail(store, {{"Custom:a", std::nullopt}, {"Custom:never", std::nullopt}});
    EXPECT_THAT(*store.read(), ElementsAre(StoreEntry{"Custom:b", DeviceState::inuse}));
}

TEST(Store, RefusesToWriteIntoAFileThatSomebodyRemoved) {
    TemporaryFolder folder;
    Store store = open_or_fail(folder / "a.db");
    write_or_fail(store, {{"Custom:a", DeviceState::inuse}});
    std::filesystem::remove(folder / "a.db");
    const auto written = store.write(std::vector<StoreEntry>{{"Custom:a", DeviceState::busy}});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, StoreError::Kind::removed);
}

TEST(Store, KeepsNamesByteForByte) {
    TemporaryFolder folder;
    const std::vector<StoreEntry> odd{{"Custom:'; DROP TABLE custom_state; --", DeviceState::inuse},
                                      {"Custom:Zürich/\xff", DeviceState::busy}};
    Store store = open_or_fail(folder / "a.db");
    write_or_fail(store, odd);
    EXPECT_EQ(*store.read(), odd);
}

TEST(Store, NeverGivesAnIncarnationTwice) {
    TemporaryFolder folder;
    {
        Store store = open_or_fail(folder / "a.db");
        EXPECT_EQ(*store.next_incarnation(pbx1, 1000), 1000u);
        EXPECT_EQ(*store.next_incarnation(pbx1, 1000), 1001u);
        EXPECT_EQ(*store.next_incarnation(pbx2, 5), 5u);
    }
    Store store = open_or_fail(folder / "a.db");
    EXPECT_EQ(*store.next_incarnation(pbx1, 10), 1002u) << "the clock went back";
    EXPECT_EQ(*store.next_incarnation(pbx1, 2000), 2000u);
}

TEST(Store, TellsASecondDaemonThatTheFileIsInUse) {
    TemporaryFolder folder;
    const Store first = open_or_fail(folder / "a.db");
    const auto second = Store::open(folder / "a.db");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, StoreError::Kind::in_use);
    EXPECT_THAT(second.error().text, HasSubstr("another daemon"));
}

TEST(Store, LeavesADamagedFileAsItIs) {
    TemporaryFolder folder;
    const std::string text(5000, 'x');
    test::write_file(folder / "a.db", text);
    const auto store = Store::open(folder / "a.db");
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().kind, StoreError::Kind::damaged);
    EXPECT_THAT(store.error().text, HasSubstr((folder / "a.db").string()));
    EXPECT_EQ(test::read_file(folder / "a.db"), text);
}

TEST(Store, FindsDamageInsideADatabase) {
    TemporaryFolder folder;
    {
        Store store = open_or_fail(folder / "a.db");
        std::vector<StoreEntry> many;
        for (int i = 0; i < 2000; ++i)
            many.push_back({"Custom:" + std::to_string(i), DeviceState::inuse});
        write_or_fail(store, many);
    }
    std::string bytes = test::read_file(folder / "a.db");
    ASSERT_GT(bytes.size(), 20'000u);
    for (std::size_t i = 9000; i < 13000; ++i)
        bytes[i] = static_cast<char>(i * 31);
    test::write_file(folder / "a.db", bytes);
    const auto store = Store::open(folder / "a.db");
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().kind, StoreError::Kind::damaged);
}

TEST(Store, LeavesAFileOfALaterVersionAsItIs) {
    TemporaryFolder folder;
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open((folder / "a.db").c_str(), &database), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(database, "PRAGMA user_version = 99", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
    const auto store = Store::open(folder / "a.db");
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().kind, StoreError::Kind::newer);
}

TEST(Store, SaysThatAFolderIsMissing) {
    TemporaryFolder folder;
    const auto store = Store::open(folder / "nowhere" / "a.db");
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().kind, StoreError::Kind::denied);
    EXPECT_THAT(store.error().text, HasSubstr("a.db"));
}

/// Files of this process cannot grow while one lives: what a full disk does.
class FullDisk {
public:
    FullDisk() {
        std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before_);
        rlimit none = before_;
        none.rlim_cur = 0;
        setrlimit(RLIMIT_FSIZE, &none);
    }
    ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

private:
    rlimit before_{};
};

TEST(Store, AFailedWriteChangesNothingAndTheNextOneWorks) {
    TemporaryFolder folder;
    Store store = open_or_fail(folder / "a.db");
    write_or_fail(store, {{"Custom:a", DeviceState::inuse}});
    {
        FullDisk full;
        EXPECT_FALSE(store.write(std::vector<StoreEntry>{{"Custom:a", DeviceState::busy}}));
        EXPECT_FALSE(store.next_incarnation(pbx1, 7));
        EXPECT_THAT(*store.read(), ElementsAre(StoreEntry{"Custom:a", DeviceState::inuse}));
    }
    write_or_fail(store, {{"Custom:b", DeviceState::busy}});
    EXPECT_THAT(*store.read(), ElementsAre(StoreEntry{"Custom:a", DeviceState::inuse},
                                           StoreEntry{"Custom:b", DeviceState::busy}));
}

TEST(Store, AKilledDaemonLosesNothingThatWasCommitted) {
    TemporaryFolder folder;
    int answers[2];
    ASSERT_EQ(pipe(answers), 0);
    const pid_t child = fork();
    if (child == 0) {
        auto store = Store::open(folder / "a.db");
        for (int i = 0; store; ++i) {
            const std::string device = "Custom:" + std::to_string(i % 7);
            const auto state = static_cast<DeviceState>(1 + i % 8);
            if (!store->write(std::vector<StoreEntry>{{device, state}})) _exit(1);
            if (write(answers[1], &i, sizeof i) != sizeof i) _exit(2);
        }
        _exit(3);
    }
    close(answers[1]);
    int last = -1;
    while (last < 60 && read(answers[0], &last, sizeof last) == sizeof last) {
    }
    kill(child, SIGKILL);
    while (read(answers[0], &last, sizeof last) == sizeof last) {
    }
    close(answers[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    ASSERT_GE(last, 60);

    const auto entries = *open_or_fail(folder / "a.db").read();
    const auto after = last + 1;  // committed perhaps, but not answered
    for (int i = last - 6; i <= last; ++i) {
        const std::string device = "Custom:" + std::to_string(i % 7);
        const auto answered = static_cast<DeviceState>(1 + i % 8);
        const auto newer = static_cast<DeviceState>(1 + after % 8);
        const auto place = std::ranges::find(entries, device, &StoreEntry::device);
        ASSERT_NE(place, entries.end());
        if (after % 7 == i % 7)
            EXPECT_THAT(*place->state, testing::AnyOf(answered, newer));
        else
            EXPECT_EQ(*place->state, answered);
    }
}

}  // namespace
}  // namespace lamplight::daemon
