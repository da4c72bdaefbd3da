#include "console/server.hpp"

#include "console/client/connection.hpp"
#include "console/client/socket_choice.hpp"
#include "console/control_socket.hpp"
#include "log/channels.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

namespace lamplight::console {
namespace {

using namespace std::chrono_literals;
using client::Connection;
using client::Failure;
using testing::ElementsAre;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

/// A folder for sockets, short enough for their paths.
class Folder {
public:
    Folder() {
        std::string pattern = "/tmp/lamplight-XXXXXX";
        path_ = ::mkdtemp(pattern.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::filesystem::path operator/(const char* name) const { return path_ / name; }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

class ServerTest : public testing::Test {
protected:
    void SetUp() override {
        EXPECT_TRUE(log_.configure(log::Channels::without_file(log::Foreground::no)));
        registration_ = registry_.add(
            {command("echo", [](const Request& request,
                                const Responder& responder) { responder(Reply::ok(request.line)); }),
             command("whoami",
                     [](const Request& request, const Responder& responder) {
                         responder(Reply::ok(fmt::format("{} {}", request.asker.pid, request.asker.uid)));
                     }),
             command("big",
                     [](const Request&, const Responder& responder) {
                         responder(Reply::ok(std::string(8 << 20, 'x')));
                     }),
             command("later", [this](const Request&, Responder responder) {
                 const std::lock_guard lock(mutex_);
                 later_ = std::move(responder);
                 came_.notify_all();
             })});
        options_.socket = folder_ / "pbx1.ctl";
        options_.name = "pbx1";
        options_.version = "0.1.0";
        options_.group = "no-such-group-here";
    }
    void TearDown() override {
        on_loop([this] { server_.reset(); });
        work_.reset();
        thread_.join();
    }

    static Command command(std::string words, std::function<void(const Request&, Responder)> run) {
        Command one;
        one.words = std::move(words);
        one.run = std::move(run);
        return one;
    }

    void serve() {
        on_loop([this] {
            auto server = Server::make(loop_, registry_, log_, options_);
            ASSERT_TRUE(server) << server.error();
            server_ = std::move(*server);
        });
    }

    /// Runs on the loop's thread and waits for it.
    template <typename Action>
    void on_loop(Action action) {
        std::promise<void> done;
        boost::asio::post(loop_, [&] {
            action();
            done.set_value();
        });
        done.get_future().wait();
    }

    static Clock::time_point soon() { return Clock::now() + 20s; }

    Connection connect() {
        auto connection = Connection::open(options_.socket, soon());
        EXPECT_TRUE(connection) << connection.error();
        return std::move(*connection);
    }

    static RunAnswer run(Connection& connection, std::string line) {
        EXPECT_TRUE(connection.send(RunRequest{1, std::move(line), false}, soon()));
        for (;;) {
            auto message = connection.receive(soon());
            if (!message) {
                ADD_FAILURE() << to_string(message.error());
                return {};
            }
            if (auto* answer = std::get_if<RunAnswer>(&*message)) return std::move(*answer);
        }
    }

    /// A socket without the client's manners.
    int raw() const {
        const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, options_.socket.c_str(), sizeof address.sun_path - 1);
        EXPECT_EQ(::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        return descriptor;
    }
    static std::string read_to_end(int descriptor) {
        std::string all;
        char space[4096];
        for (ssize_t size = 0; (size = ::read(descriptor, space, sizeof space)) > 0;)
            all.append(space, static_cast<std::size_t>(size));
        ::close(descriptor);
        return all;
    }

    void wait_for_later() {
        std::unique_lock lock(mutex_);
        ASSERT_TRUE(came_.wait_for(lock, 20s, [this] { return later_ != nullptr; }));
    }

    bool wait_for_sessions(std::size_t count) {
        for (const auto end = soon(); Clock::now() < end; std::this_thread::yield()) {
            std::size_t now = 0;
            on_loop([&] { now = server_->sessions(); });
            if (now == count) return true;
        }
        return false;
    }

    Folder folder_;
    log::Log log_;
    Registry registry_;
    Registry::Registration registration_;
    ServerOptions options_;
    boost::asio::io_context loop_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ = make_work_guard(loop_);
    std::unique_ptr<Server> server_;
    std::mutex mutex_;
    std::condition_variable came_;
    Responder later_;
    std::thread thread_{[this] { loop_.run(); }};
};

TEST_F(ServerTest, GreetsRunsAndAnswers) {
    serve();
    auto connection = connect();
    EXPECT_EQ(connection.greeting().name, "pbx1");
    EXPECT_EQ(run(connection, "echo hello").text, "echo hello");
    EXPECT_EQ(run(connection, "nothing").status, 1);
    EXPECT_EQ(run(connection, "whoami").text, fmt::format("{} {}", ::getpid(), ::getuid()));
}

TEST_F(ServerTest, CompletesALine) {
    serve();
    auto connection = connect();
    ASSERT_TRUE(connection.send(CompleteRequest{5, "ec"}, soon()));
    const auto answer = connection.receive(soon());
    ASSERT_TRUE(answer);
    EXPECT_THAT(std::get<CompleteAnswer>(*answer).words, ElementsAre("echo"));
}

TEST_F(ServerTest, SendsAnAnswerOfAnySizeWhole) {
    serve();
    auto connection = connect();
    EXPECT_EQ(run(connection, "big").text.size(), std::size_t{8 << 20});
    EXPECT_EQ(run(connection, "echo").text, "echo");
}

TEST_F(ServerTest, SendsLiveLinesToWhoAskedForThem) {
    serve();
    auto connection = connect();
    ASSERT_TRUE(connection.send(SubscribeRequest{1, true}, soon()));
    ASSERT_TRUE(std::holds_alternative<SubscribeAnswer>(*connection.receive(soon())));
    log_.notice("from this thread");
    on_loop([this] { log_.warning("from the loop"); });
    EXPECT_THAT(std::get<LogLine>(*connection.receive(soon())).line, HasSubstr("from this thread"));
    const auto second = std::get<LogLine>(*connection.receive(soon()));
    EXPECT_THAT(second.line, HasSubstr("server_test.cpp"));
    EXPECT_EQ(second.level, "WARNING");
}

TEST_F(ServerTest, DropsCountsAndTellsLinesThatNobodyReads) {
    serve();
    auto connection = connect();
    ASSERT_TRUE(connection.send(SubscribeRequest{1, true}, soon()));
    ASSERT_TRUE(connection.receive(soon()));
    constexpr int written = 4'000;
    on_loop([this] {
        for (int i = 0; i < written; ++i)
            log_.notice("{} {}", i, std::string(500, 'x'));
    });
    std::uint64_t lost = 0;
    int heard = 0;
    while (heard + static_cast<int>(lost) < written) {
        const auto message = connection.receive(soon());
        ASSERT_TRUE(message);
        if (const auto* count = std::get_if<LostLines>(&*message))
            lost += count->count;
        else
            ++heard;
    }
    EXPECT_GT(lost, 0U);
    EXPECT_EQ(heard + static_cast<int>(lost), written);
    EXPECT_EQ(run(connection, "echo still here").text, "echo still here");
}

TEST_F(ServerTest, EndsASessionThatSpeaksNonsense) {
    serve();
    const int descriptor = raw();
    ASSERT_GT(::write(descriptor, "GET / HTTP/1.1\n", 15), 0);
    EXPECT_THAT(read_to_end(descriptor), HasSubstr("\"error\":\"not JSON"));
    auto connection = connect();
    EXPECT_EQ(run(connection, "echo").text, "echo");
}

TEST_F(ServerTest, EndsASessionWhoseLineIsTooLong) {
    serve();
    const int descriptor = raw();
    const std::string endless(request_bytes + 1'000, 'x');
    for (std::size_t sent = 0; sent < endless.size();) {
        const auto size = ::send(descriptor, endless.data() + sent, endless.size() - sent, MSG_NOSIGNAL);
        if (size <= 0) break;
        sent += static_cast<std::size_t>(size);
    }
    EXPECT_THAT(read_to_end(descriptor), HasSubstr("longer than 65536 bytes"));
}

TEST_F(ServerTest, AnswersWhoHasClosedItsOwnHalf) {
    serve();
    const int descriptor = raw();
    const std::string request = "{\"run\":\"later\",\"id\":9}\n";
    ASSERT_GT(::write(descriptor, request.data(), request.size()), 0);
    ::shutdown(descriptor, SHUT_WR);
    wait_for_later();
    on_loop([this] { std::exchange(later_, nullptr)(Reply::ok("at last")); });
    EXPECT_THAT(read_to_end(descriptor), HasSubstr("\"text\":\"at last\""));
    EXPECT_TRUE(wait_for_sessions(0));
}

TEST_F(ServerTest, AnAnswerForWhoHasGoneIsDropped) {
    serve();
    {
        auto connection = connect();
        ASSERT_TRUE(connection.send(RunRequest{1, "later", false}, soon()));
        wait_for_later();
    }
    on_loop([this] { std::exchange(later_, nullptr)(Reply::ok("nobody hears")); });
    EXPECT_TRUE(wait_for_sessions(0));
}

TEST_F(ServerTest, AnAnswerAfterTheServerHasGoneIsDropped) {
    serve();
    auto connection = connect();
    ASSERT_TRUE(connection.send(RunRequest{1, "later", false}, soon()));
    wait_for_later();
    on_loop([this] {
        server_.reset();
        std::exchange(later_, nullptr)(Reply::ok("nobody hears"));
    });
    EXPECT_EQ(connection.receive(soon()).error(), Failure::closed);
}

TEST_F(ServerTest, ClosesWhoNeverSpeaks) {
    options_.first_request = 20ms;
    serve();
    EXPECT_THAT(read_to_end(raw()), HasSubstr("\"lamplight\""));
}

TEST_F(ServerTest, ClosesWhoNeverReads) {
    options_.stuck_reader = 50ms;
    serve();
    auto connection = connect();
    ASSERT_TRUE(connection.send(RunRequest{1, "big", false}, soon()));
    EXPECT_TRUE(wait_for_sessions(0));
}

TEST_F(ServerTest, KeepsWhoIsSilentAfterARequest) {
    options_.first_request = 20ms;
    serve();
    auto connection = connect();
    EXPECT_EQ(run(connection, "echo").text, "echo");
    const int descriptor = raw();
    read_to_end(descriptor);  // its patience was as long as ours, and it has been closed
    EXPECT_EQ(run(connection, "echo").text, "echo");
}

TEST_F(ServerTest, RefusesMoreConsolesThanItsLimit) {
    options_.most_sessions = 2;
    serve();
    auto first = connect();
    auto second = connect();
    const auto third = Connection::open(options_.socket, soon());
    ASSERT_FALSE(third);
    EXPECT_THAT(third.error(), HasSubstr("too many consoles"));
    EXPECT_EQ(run(first, "echo").text, "echo");
    EXPECT_EQ(run(second, "echo").text, "echo");
}

TEST_F(ServerTest, DrainsWhatIsDueBeforeItEnds) {
    serve();
    auto connection = connect();
    ASSERT_TRUE(connection.send(RunRequest{1, "later", false}, soon()));
    wait_for_later();
    std::promise<void> drained;
    on_loop([&] {
        server_->drain([&] { drained.set_value(); });
        std::exchange(later_, nullptr)(Reply::ok("goodbye"));
    });
    EXPECT_EQ(std::get<RunAnswer>(*connection.receive(soon())).text, "goodbye");
    EXPECT_EQ(drained.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(ServerTest, DrainsAtOnceWhenNothingIsDue) {
    serve();
    std::promise<void> drained;
    on_loop([&] { server_->drain([&] { drained.set_value(); }); });
    EXPECT_EQ(drained.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(ServerTest, RemovesItsSocketAtTheEnd) {
    serve();
    EXPECT_TRUE(std::filesystem::is_socket(options_.socket));
    on_loop([this] { server_.reset(); });
    EXPECT_FALSE(std::filesystem::exists(options_.socket));
    const auto nobody = Connection::open(options_.socket, soon());
    ASSERT_FALSE(nobody);
    EXPECT_THAT(nobody.error(), HasSubstr("No daemon is running"));
    EXPECT_THAT(nobody.error(), HasSubstr("systemctl start lamplightd"));
}

TEST(ControlSocketTest, IsOnlyForItsOwnerWithoutTheGroup) {
    const Folder folder;
    const auto socket = ControlSocket::open(folder / "a.ctl", "no-such-group-here");
    ASSERT_TRUE(socket);
    struct stat found{};
    ASSERT_EQ(::stat((folder / "a.ctl").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
}

TEST(ControlSocketTest, IsRefusedWhileADaemonLives) {
    const Folder folder;
    const auto first = ControlSocket::open(folder / "a.ctl", "none");
    ASSERT_TRUE(first);
    const auto second = ControlSocket::open(folder / "a.ctl", "none");
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error(), HasSubstr("in use by a living daemon"));
    EXPECT_TRUE(std::filesystem::exists(folder / "a.ctl"));
}

TEST(ControlSocketTest, ReplacesTheSocketOfADeadDaemon) {
    const Folder folder;
    {
        const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, (folder / "a.ctl").c_str(), sizeof address.sun_path - 1);
        ASSERT_EQ(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        ::close(dead);
    }
    EXPECT_TRUE(ControlSocket::open(folder / "a.ctl", "none"));
}

TEST(ControlSocketTest, TouchesNothingThatIsNoSocket) {
    const Folder folder;
    std::ofstream(folder / "a.ctl") << "precious";
    const auto socket = ControlSocket::open(folder / "a.ctl", "none");
    ASSERT_FALSE(socket);
    EXPECT_THAT(socket.error(), HasSubstr("no socket"));
    EXPECT_EQ(std::filesystem::file_size(folder / "a.ctl"), 8U);
}

TEST(ControlSocketTest, SaysWhatIsWrongWithItsPath) {
    const Folder folder;
    EXPECT_THAT(ControlSocket::open(folder.path() / std::string(120, 'x'), "none").error(),
                HasSubstr("shorter"));
    EXPECT_THAT(ControlSocket::open(folder / "no/such/a.ctl", "none").error(), HasSubstr("No such file"));
}

TEST(SocketChoice, TakesTheOnlyOneAndListsSeveral) {
    const Folder folder;
    EXPECT_THAT(client::only_socket(folder.path()).error(), HasSubstr("No daemon is running"));
    EXPECT_THAT(client::only_socket(folder / "missing").error(), HasSubstr("No daemon is running"));
    const auto first = ControlSocket::open(folder / "pbx1.ctl", "none");
    std::ofstream(folder / "notes.ctl") << "no socket";
    EXPECT_EQ(*client::only_socket(folder.path()), folder / "pbx1.ctl");
    const auto second = ControlSocket::open(folder / "pbx2.ctl", "none");
    EXPECT_THAT(client::only_socket(folder.path()).error(), HasSubstr("pbx1"));
    EXPECT_THAT(client::only_socket(folder.path()).error(), HasSubstr("pbx2"));
}

}  // namespace
}  // namespace lamplight::console
