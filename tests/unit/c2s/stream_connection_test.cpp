#include "c2s/connection.hpp"
#include "c2s/connector.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>

namespace lamplight::c2s {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr auto patience = 20s;

/// Runs the loop until something is true; a test fails when it never is.
template <typename Condition>
void run_until(asio::io_context& loop, Condition condition) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        ASSERT_LT(std::chrono::steady_clock::now(), end) << "waited in vain";
        loop.restart();
        loop.run_one_for(100ms);
    }
}

Account account_at(std::string host, std::uint16_t port) {
    Account account;
    account.jid = {"alice", "example.test", "x"};
    account.host = std::move(host);
    account.port = port;
    return account;
}

/// Where somebody listens and nobody accepts: connections are made by the system.
struct Listener {
    explicit Listener(asio::io_context& loop, const char* address = "127.0.0.1")
        : acceptor(loop, tcp::endpoint(asio::ip::make_address(address), 0)) {}

    std::uint16_t port() const { return acceptor.local_endpoint().port(); }

    tcp::acceptor acceptor;
};

class AConnector : public testing::Test {
protected:
    Connector::Result connect(const Account& account, std::chrono::milliseconds most = 15s) {
        std::optional<Connector::Result> result;
        Connector connector(loop_, account, most,
                            [&](Connector::Result got) { result.emplace(std::move(got)); });
        connector.start();
        EXPECT_FALSE(result) << "called from within start()";
        run_until(loop_, [&] { return result.has_value(); });
        return std::move(*result);
    }

    asio::io_context loop_;
    Listener listener_{loop_};
};

TEST_F(AConnector, TakesALiteralAddress) {
    const auto result = connect(account_at("127.0.0.1", listener_.port()));
    ASSERT_TRUE(result);
    EXPECT_EQ(to_string(result->remote_endpoint()), "127.0.0.1:" + std::to_string(listener_.port()));
}

TEST_F(AConnector, TakesAnAddressOfVersionSixWithAndWithoutBrackets) {
    const Listener six(loop_, "::1");
    for (const char* const host : {"::1", "[::1]"}) {
        const auto result = connect(account_at(host, six.port()));
        ASSERT_TRUE(result) << host;
        EXPECT_EQ(to_string(result->remote_endpoint()), "[::1]:" + std::to_string(six.port()));
    }
}

TEST_F(AConnector, SaysWhatItTriedWhenNobodyListens) {
    const std::uint16_t port = Listener(loop_).port();  // gone again
    const auto result = connect(account_at("127.0.0.1", port));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, Failure::Kind::unreachable);
    EXPECT_EQ(result.error().text,
              "cannot connect to 127.0.0.1: 127.0.0.1:" + std::to_string(port) + ": Connection refused");
}

TEST_F(AConnector, SaysThatANameIsNone) {
    const auto result = connect(account_at("not a name", 1));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, Failure::Kind::not_found);
    EXPECT_THAT(result.error().text, HasSubstr("there is no address of not a name"));
}

TEST_F(AConnector, FindsANameOfTheHostsFile) {
    const auto result = connect(account_at("localhost", listener_.port()));
    ASSERT_TRUE(result) << result.error().text;
}

TEST_F(AConnector, IsSilentWhenItIsGone) {
    bool called = false;
    for (const char* const host : {"127.0.0.1", "localhost", "not a name", "nobody.invalid"}) {
        Connector connector(loop_, account_at(host, listener_.port()), 15s,
                            [&](const Connector::Result&) { called = true; });
        connector.start();
        loop_.restart();
        loop_.poll_one();
    }
    loop_.restart();
    loop_.run_for(20ms);
    EXPECT_FALSE(called);
}

TEST_F(AConnector, MayBeDestroyedFromWithinItsCall) {
    std::unique_ptr<Connector> connector;
    bool called = false;
    connector = std::make_unique<Connector>(loop_, account_at("127.0.0.1", listener_.port()), 15s,
                                            [&](const Connector::Result&) {
                                                called = true;
                                                connector.reset();
                                            });
    connector->start();
    run_until(loop_, [&] { return called; });
    EXPECT_FALSE(connector);
}

class AConnection : public testing::Test {
protected:
    void SetUp() override {
        Listener listener(loop_);
        tcp::socket ours(loop_);
        ours.connect(listener.acceptor.local_endpoint());
        listener.acceptor.accept(theirs_);
        theirs_.non_blocking(true);
        connection_ = std::make_shared<Connection>(
            loop_, std::move(ours),
            Connection::Owner{.on_bytes = [this](std::string_view bytes) { take(bytes); },
                              .on_encrypted = [] { FAIL() << "there is no TLS"; },
                              .on_drained = [this] { ++drained_; },
                              .on_end = [this](const Failure& failure) { ended_ = failure; }});
        connection_->start();
    }

    void take(std::string_view bytes) {
        heard_ += bytes;
        if (on_bytes_) on_bytes_();
    }

    /// What the other side has got by now.
    std::string received() {
        std::array<char, 65536> buffer;
        boost::system::error_code error;
        for (;;) {
            const std::size_t size = theirs_.read_some(asio::buffer(buffer), error);
            if (error) break;
            received_.append(buffer.data(), size);
        }
        is_at_end_ = error == asio::error::eof;
        return received_;
    }

    asio::io_context loop_;
    tcp::socket theirs_{loop_};
    std::shared_ptr<Connection> connection_;
    std::function<void()> on_bytes_;
    std::string heard_;
    std::string received_;
    bool is_at_end_ = false;
    int drained_ = 0;
    std::optional<Failure> ended_;
};

TEST_F(AConnection, WritesWhatCameInOneTurnAtOnceAndSaysThatItIsOut) {
    for (int i = 0; i < 100; ++i)
        connection_->write("0123456789");
    EXPECT_EQ(connection_->unsent_bytes(), 1000U);
    EXPECT_EQ(drained_, 0) << "called from within write()";
    run_until(loop_, [&] { return received().size() == 1000; });
    EXPECT_EQ(drained_, 1);
    EXPECT_EQ(connection_->unsent_bytes(), 0U);
}

TEST_F(AConnection, KeepsWhatTheSystemDoesNotTakeAndGoesOnWhenItDoes) {
    const std::string much(8 * 1024 * 1024, 'x');
    connection_->write(much);
    loop_.run_for(20ms);
    EXPECT_GT(connection_->unsent_bytes(), 0U);
    EXPECT_EQ(drained_, 0);
    run_until(loop_, [&] { return received().size() == much.size() && drained_ == 1; });
}

TEST_F(AConnection, ReadsABoundedAmountATurn) {
    theirs_.non_blocking(false);
    const std::string much(200 * 1024, 'y');
    asio::write(theirs_, asio::buffer(much));
    loop_.restart();
    std::size_t most = 0;
    while (heard_.size() < much.size()) {
        const std::size_t before = heard_.size();
        loop_.restart();
        loop_.run_one_for(1s);
        most = std::max(most, heard_.size() - before);
    }
    EXPECT_LE(most, 64U * 1024U);
}

TEST_F(AConnection, SaysOnceThatTheOtherSideIsGone) {
    asio::write(theirs_, asio::buffer(std::string("last words")));
    theirs_.close();
    run_until(loop_, [&] { return ended_.has_value(); });
    EXPECT_EQ(heard_, "last words");
    EXPECT_EQ(ended_->kind, Failure::Kind::lost);
    EXPECT_EQ(ended_->text, "the server closed the connection");
}

TEST_F(AConnection, IsLostWhenItBreaks) {
    theirs_.set_option(asio::socket_base::linger(true, 0));
    theirs_.close();
    for (int i = 0; i < 3; ++i)
        connection_->write("into the void");  // no signal
    run_until(loop_, [&] { return ended_.has_value(); });
    EXPECT_THAT(ended_->text, HasSubstr("Connection reset by peer"));
}

TEST_F(AConnection, WritesItsLastWordsAndWaitsForTheOtherSidesEnd) {
    bool done = false;
    connection_->write("good");
    connection_->write("bye");
    connection_->finish([&] { done = true; });
    EXPECT_FALSE(done);
    run_until(loop_, [&] { return received() == "goodbye" && is_at_end_; });
    EXPECT_FALSE(done);
    asio::write(theirs_, asio::buffer(std::string("not heard any more")));
    theirs_.close();
    run_until(loop_, [&] { return done; });
    EXPECT_EQ(heard_, "");
    EXPECT_FALSE(ended_);
    EXPECT_EQ(drained_, 0);
}

TEST_F(AConnection, WaitsForAnEndOnlySoLong) {
    const auto before = std::chrono::steady_clock::now();
    bool done = false;
    connection_->finish([&] { done = true; });
    run_until(loop_, [&] { return done; });
    EXPECT_GE(std::chrono::steady_clock::now() - before, Connection::most_linger);
}

TEST_F(AConnection, MayBeFinishedAndDroppedFromWithinItsCalls) {
    bool done = false;
    on_bytes_ = [&] {
        connection_->finish([&] { done = true; });
        connection_.reset();
    };
    asio::write(theirs_, asio::buffer(std::string("x")));
    run_until(loop_, [&] { return heard_ == "x"; });
    theirs_.close();
    run_until(loop_, [&] { return done; });
}

TEST_F(AConnection, IsSilentOnceClosed) {
    asio::write(theirs_, asio::buffer(std::string("x")));
    connection_->write("y");
    connection_->close();
    loop_.restart();
    loop_.run_for(20ms);
    EXPECT_EQ(heard_, "");
    EXPECT_FALSE(ended_);
}

}  // namespace
}  // namespace lamplight::c2s
