#include "wire/vote/encode.hpp"
#include "world.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>

namespace lamplight::bus::local {
namespace {

using namespace test;
using state::Standing;

/// A bare socket, for everything that a real peer would not do.
class RawSocket {
public:
    RawSocket() : socket_(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
    ~RawSocket() { close(); }
    RawSocket(const RawSocket&) = delete;
    RawSocket& operator=(const RawSocket&) = delete;

    bool connect(const std::filesystem::path& path) {
        const sockaddr_un address = address_of(path);
        return ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    bool listen(const std::filesystem::path& path) {
        const sockaddr_un address = address_of(path);
        return ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
               ::listen(socket_, 1) == 0;
    }
    bool send(const std::vector<std::uint8_t>& bytes) {
        return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0;
    }
    void close() {
        if (socket_ >= 0) ::close(socket_);
        socket_ = -1;
    }

private:
    static sockaddr_un address_of(const std::filesystem::path& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.string().copy(address.sun_path, sizeof address.sun_path - 1);
        return address;
    }
    int socket_;
};

TEST_F(LocalBusTest, TwoDaemonsFindEachOtherWhoeverStartsFirst) {
    for (const auto& [first, second] : {std::pair<std::uint8_t, std::uint8_t>(1, 2), {4, 3}}) {
        auto one = daemon(first);
        auto two = daemon(second);
        one->set("Custom:abc", DeviceState::inuse);
        EXPECT_TRUE(soon([&] { return two->aggregate("Custom:abc") == DeviceState::inuse; }));
        two->set("Custom:abc", DeviceState::ringing);
        EXPECT_TRUE(soon([&] { return one->aggregate("Custom:abc") == DeviceState::ringinuse; }));
        EXPECT_EQ(one->status().peers, 1u) << "one connection a pair";
        EXPECT_EQ(two->status().peers, 1u);
        EXPECT_TRUE(two->status().up);
    }
}

TEST_F(LocalBusTest, EachOfFiveHearsEachOther) {
    std::vector<std::unique_ptr<FakeHost>> daemons;
    for (const std::uint8_t number : {3, 1, 5, 2, 4}) {
        daemons.push_back(daemon(number));
        for (int i = 0; i < 300; ++i)
            daemons.back()->set("PJSIP/" + std::to_string(i), static_cast<DeviceState>(number));
    }
    EXPECT_TRUE(soon([&] {
        for (const auto& at : daemons)
            for (const auto& of : daemons)
                if (at != of && !at->agrees_with(*of)) return false;
        return true;
    }));
    for (const auto& host : daemons)
        EXPECT_EQ(host->status().peers, 4u);
}

TEST_F(LocalBusTest, ALateJoinerGetsAHundredThousandVotes) {
    auto one = daemon(1);
    for (int i = 0; i < 100'000; ++i)
        one->set("PJSIP/" + std::to_string(i), DeviceState::not_inuse);
    auto two = daemon(2);
    EXPECT_TRUE(soon([&] { return two->agrees_with(*one); }));
    EXPECT_EQ(one->status().waiting, 0u);
}

TEST_F(LocalBusTest, APeerThatDiesIsNoticedAtOnceAndItsSocketIsTakenOverByTheNext) {
    auto one = daemon(1);
    auto two = daemon(2, 100);
    two->set("Custom:abc", DeviceState::busy);
    ASSERT_TRUE(soon([&] { return one->aggregate("Custom:abc") == DeviceState::busy; }));
    // What a killed process leaves: closed sockets, and the file.
    std::filesystem::rename(folder.path() / "pbx2.bus", folder.path() / "kept");
    two->module.reset();
    std::filesystem::rename(folder.path() / "kept", folder.path() / "pbx2.bus");
    EXPECT_TRUE(soon([&] { return one->standing(2) == Standing::gone; }));
    EXPECT_EQ(one->aggregate("Custom:abc"), DeviceState::unavailable);
    two = daemon(2, 101);
    two->set("Custom:abc", DeviceState::inuse);
    EXPECT_TRUE(soon([&] { return one->aggregate("Custom:abc") == DeviceState::inuse; }));
}

TEST_F(LocalBusTest, GoodbyesSayHow) {
    auto one = daemon(1);
    auto two = daemon(2);
    auto three = daemon(3);
    two->set("Custom:two", DeviceState::busy);
    three->set("Custom:three", DeviceState::busy);
    ASSERT_TRUE(soon([&] { return one->agrees_with(*two) && one->agrees_with(*three); }));
    EXPECT_TRUE(says_goodbye(*two, Goodbye::restart));
    EXPECT_TRUE(says_goodbye(*three, Goodbye::stop));
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "pbx3.bus"));
    two->module.reset();
    three->module.reset();
    EXPECT_TRUE(soon([&] { return one->status().peers == 0; }));
    EXPECT_EQ(one->standing(2), Standing::stale);
    EXPECT_EQ(one->aggregate("Custom:two"), DeviceState::busy);
    EXPECT_EQ(one->standing(3), Standing::gone);
    EXPECT_EQ(one->aggregate("Custom:three"), DeviceState::unavailable);
}

TEST_F(LocalBusTest, AGoodbyeWithoutPeersIsDoneAndTheModuleCanBeLoadedAgain) {
    auto one = daemon(1);
    EXPECT_TRUE(says_goodbye(*one, Goodbye::stop));
    one->module.reset();
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "pbx1.bus"));
    EXPECT_TRUE(one->load());
    auto two = daemon(2);
    one->set("Custom:abc", DeviceState::busy);
    EXPECT_TRUE(soon([&] { return two->aggregate("Custom:abc") == DeviceState::busy; }));
}

TEST_F(LocalBusTest, AfterItsOwnGoodbyeAnUnloadedModuleHoldsNobodyPresent) {
    auto one = daemon(1);
    auto two = daemon(2);
    ASSERT_TRUE(soon([&] { return one->standing(2) == Standing::present; }));
    EXPECT_TRUE(says_goodbye(*one, Goodbye::stop));
    EXPECT_EQ(one->standing(2), Standing::stale);
}

TEST_F(LocalBusTest, APeerThatDoesNotReadHoldsUpNobodyAndGetsTheNewest) {
    auto one = daemon(1);
    auto two = daemon(2);
    RawSocket deaf;
    ASSERT_TRUE(deaf.connect(folder.path() / "pbx1.bus"));
    ASSERT_TRUE(soon([&] { return one->status().peers == 2; }));
    const std::string prefix = "PJSIP/" + std::string(100, 'x');
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 2000; ++i)
            one->set(prefix + std::to_string(i), round % 2 ? DeviceState::busy : DeviceState::inuse);
        ASSERT_TRUE(soon([&] { return two->agrees_with(*one); }));
    }
    EXPECT_LE(one->status().waiting, 2000u + wire::vote::max_frame_bytes / 13)
        << "a device waits once, and may be in the one frame that is under way";
    EXPECT_GT(one->status().waiting, 0u) << "else this test says nothing";
    deaf.close();
    EXPECT_TRUE(soon([&] { return one->status().peers == 1 && one->status().waiting == 0; }));
}

TEST_F(LocalBusTest, NonsenseIsCountedAndHarmsNobody) {
    auto one = daemon(1);
    auto two = daemon(2);
    RawSocket strange;
    ASSERT_TRUE(strange.connect(folder.path() / "pbx1.bus"));
    for (const std::vector<std::uint8_t>& bytes :
         {std::vector<std::uint8_t>{1},
          std::vector<std::uint8_t>(200, 0xff),
          std::vector<std::uint8_t>(wire::vote::max_received_bytes + 100, 0x4c),
          {0x4c, 0x76, 7, 1, 0, 0, 0, 8}})
        EXPECT_TRUE(strange.send(bytes));
    EXPECT_TRUE(soon([&] { return one->status().refused_frames == 4; }));
    two->set("Custom:abc", DeviceState::busy);
    EXPECT_TRUE(soon([&] { return one->aggregate("Custom:abc") == DeviceState::busy; }));
}

TEST_F(LocalBusTest, AGoodbyeIsHeardAlthoughItsSenderNeverReadUs) {
    auto one = daemon(1);
    RawSocket brief;
    ASSERT_TRUE(brief.connect(folder.path() / "pbx1.bus"));
    ASSERT_TRUE(soon([&] { return one->status().frames_out > 0; }));
    std::vector<std::uint8_t> frame(wire::vote::max_frame_bytes);
    const auto send = [&](std::size_t bytes) {
        brief.send({frame.begin(), frame.begin() + static_cast<long>(bytes)});
    };
    static constexpr std::uint8_t formats[] = {1};
    const wire::vote::HelloNode self[] = {{eid(9), 5, {}, wire::vote::Link::up, "brief"}};
    send(wire::vote::encode_hello({formats, "x", self, {}}, frame).bytes);
    send(wire::vote::encode(wire::vote::Goodbye{wire::vote::Goodbye::How::restarting}, frame));
    brief.close();  // with our hello unread: our side of the socket says "reset" first
    EXPECT_TRUE(soon([&] { return one->status().peers == 0 && one->status().frames_in == 2; }));
    EXPECT_EQ(one->standing(9), Standing::stale);
}

TEST_F(LocalBusTest, ALivingDaemonsNameIsRefusedAndNothingOfItIsTouched) {
    auto one = daemon(1);
    FakeHost again(loop, folder.path(), 1);
    const auto loaded = again.load();
    ASSERT_FALSE(loaded);
    EXPECT_NE(
        loaded.error().find("pbx1.bus belongs to a living daemon (pid " + std::to_string(::getpid()) + ")"),
        std::string::npos)
        << loaded.error();
    auto two = daemon(2);
    one->set("Custom:abc", DeviceState::busy);
    EXPECT_TRUE(soon([&] { return two->aggregate("Custom:abc") == DeviceState::busy; }));
}

TEST_F(LocalBusTest, AStaleSocketIsReplacedAndAFileThatIsNoneIsLeftAlone) {
    {
        RawSocket dead;
        ASSERT_TRUE(dead.listen(folder.path() / "pbx1.bus"));
    }
    ASSERT_TRUE(std::filesystem::exists(folder.path() / "pbx1.bus"));
    auto one = daemon(1);
    std::ofstream(folder.path() / "pbx2.bus") << "precious";
    FakeHost two(loop, folder.path(), 2);
    const auto loaded = two.load();
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().find("is no socket"), std::string::npos) << loaded.error();
    EXPECT_EQ(std::filesystem::file_size(folder.path() / "pbx2.bus"), 8u);
}

TEST_F(LocalBusTest, TheSocketIsForItsOwnerAndTheGroupLamplightOnly) {
    auto one = daemon(1);
    struct stat status{};
    ASSERT_EQ(::lstat((folder.path() / "pbx1.bus").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0007, 0u);
    EXPECT_TRUE((status.st_mode & 0777) == 0600 || (status.st_mode & 0777) == 0660);
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
        EXPECT_EQ(entry.path().filename(), "pbx1.bus") << "no helper's file stays";
}

TEST_F(LocalBusTest, AFolderThatIsNotThereOrAPathTooLongIsSaid) {
    FakeHost nowhere(loop, folder.path() / "missing", 1);
    const auto missing = nowhere.load();
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().find("No such file or directory"), std::string::npos) << missing.error();
    const auto deep = folder.path() / std::string(100, 'd');
    std::filesystem::create_directory(deep);
    FakeHost long_path(loop, deep, 1);
    const auto too_long = long_path.load();
    ASSERT_FALSE(too_long);
    EXPECT_NE(too_long.error().find("107 bytes"), std::string::npos) << too_long.error();
}

TEST_F(LocalBusTest, ASocketFileThatSomebodyRemovedIsMadeAnew) {
    auto one = daemon(1);
    std::filesystem::remove(folder.path() / "pbx1.bus");
    EXPECT_TRUE(soon([&] { return std::filesystem::exists(folder.path() / "pbx1.bus"); }));
    auto two = daemon(2);
    one->set("Custom:abc", DeviceState::busy);
    EXPECT_TRUE(soon([&] { return two->aggregate("Custom:abc") == DeviceState::busy; }));
}

TEST_F(LocalBusTest, AFolderThatComesBackIsUsedAgainAndConnectionsOutliveIt) {
    auto one = daemon(1);
    auto two = daemon(2);
    ASSERT_TRUE(soon([&] { return one->status().peers == 1; }));
    std::filesystem::remove_all(folder.path());
    EXPECT_TRUE(soon([&] { return !one->status().up && !two->status().up; }));
    EXPECT_NE(one->status().detail.find("no socket can be made in"), std::string::npos)
        << one->status().detail;
    one->set("Custom:abc", DeviceState::busy);
    EXPECT_TRUE(soon([&] { return two->aggregate("Custom:abc") == DeviceState::busy; }));
    std::filesystem::create_directory(folder.path());
    EXPECT_TRUE(soon([&] { return one->status().up && two->status().up; }));
    auto three = daemon(3);
    EXPECT_TRUE(soon([&] { return three->agrees_with(*one) && three->status().peers == 2; }));
}

TEST_F(LocalBusTest, APeerThatLostItsCounterTakesAHigherOne) {
    auto one = daemon(1);
    auto two = daemon(2, 500);
    two->set("Custom:abc", DeviceState::busy);
    ASSERT_TRUE(soon([&] { return one->agrees_with(*two); }));
    two->module.reset();
    ASSERT_TRUE(soon([&] { return one->standing(2) == Standing::gone; }));
    two = daemon(2, 3);
    two->set("Custom:abc", DeviceState::inuse);
    EXPECT_TRUE(soon([&] { return one->agrees_with(*two); }));
    EXPECT_EQ(two->own_nodes()[0].incarnation, 501u);
}

TEST_F(LocalBusTest, WithoutFreeDescriptorsItWaitsAndGoesOnWhenThereAreSome) {
    auto one = daemon(1);
    auto two = daemon(2);
    ASSERT_TRUE(soon([&] { return one->status().peers == 1; }));
    RawSocket caller;
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{3, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    ASSERT_TRUE(caller.connect(folder.path() / "pbx1.bus"));
    // The listening socket is readable and stays so: a loop that waits for it would never come to rest.
    std::size_t handlers = 0;
    for (int i = 0; i < 20; ++i) {
        loop.restart();
        handlers += loop.run_for(10ms);
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_LT(handlers, 50u);
    EXPECT_EQ(one->status().peers, 1u);
    EXPECT_TRUE(soon([&] { return one->status().peers == 2; }));
}

TEST_F(LocalBusTest, TwoDaemonsWithOneEidAreSaid) {
    auto one = daemon(1);
    auto two = daemon(2);
    FakeHost twin(loop, folder.path(), 2);
    two->set("Custom:abc", DeviceState::busy);
    ASSERT_TRUE(soon([&] { return one->agrees_with(*two); }));
    RawSocket impostor;
    ASSERT_TRUE(impostor.connect(folder.path() / "pbx1.bus"));
    std::vector<std::uint8_t> frame(wire::vote::max_frame_bytes);
    static constexpr std::uint8_t formats[] = {1};
    const wire::vote::HelloNode self[] = {{eid(2), 900, {}, wire::vote::Link::up, "impostor"}};
    frame.resize(wire::vote::encode_hello({formats, "x", self, {}}, frame).bytes);
    impostor.send(frame);
    EXPECT_TRUE(soon([&] { return !one->notices.empty(); }));
    EXPECT_EQ(one->notices[0].kind, state::Notice::Kind::duplicate_eid);
    EXPECT_EQ(one->aggregate("Custom:abc"), DeviceState::busy);
}

}  // namespace
}  // namespace lamplight::bus::local
