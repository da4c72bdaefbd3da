#include "remote.hpp"

#include <fmt/format.h>

#include <utility>

namespace lamplight::app {

using console::client::Connection;
using console::client::Failure;

namespace {

/// A daemon that restarts is back sooner.
constexpr std::chrono::seconds comes_back_within(10);

}  // namespace

Remote::Remote(std::filesystem::path socket, std::chrono::milliseconds patience, Show show)
    : socket_(std::move(socket)), patience_(patience), show_(std::move(show)) {}

tl::expected<void, std::string> Remote::connect() {
    auto connection = Connection::open(socket_, Connection::Clock::now() + patience_);
    if (!connection) return tl::unexpected(connection.error());
    connection_ = std::move(*connection);
    greeting_ = connection_->greeting();
    if (subscribed_) subscribe();
    return {};
}

template <typename Answer, typename Request>
tl::expected<Answer, Failure> Remote::ask(Request request, std::chrono::milliseconds patience) {
    if (!connection_) return tl::unexpected(Failure::closed);
    const auto deadline = Connection::Clock::now() + patience;
    request.id = ++last_id_;
    if (const auto sent = connection_->send(request, deadline); !sent) return tl::unexpected(sent.error());
    for (;;) {
        auto message = connection_->receive(deadline);
        if (!message) return tl::unexpected(message.error());
        auto* answer = std::get_if<Answer>(&*message);
        // An answer of another number belongs to a question that was given up.
        if (answer != nullptr && answer->id == request.id) return std::move(*answer);
        show_news(*message);
    }
}

void Remote::subscribe() {
    subscribed_ = true;
    if (!ask<console::SubscribeAnswer>(console::SubscribeRequest{}, patience_)) lose();
}

tl::expected<console::RunAnswer, std::string> Remote::run(const std::string& line, bool json) {
    if (!connection_)
        return tl::unexpected(fmt::format("{} is not there; the command was not sent.", name()));
    auto answer = ask<console::RunAnswer>(console::RunRequest{0, line, json}, patience_);
    if (answer) return std::move(*answer);
    if (answer.error() == Failure::timed_out)
        return tl::unexpected(
            fmt::format("{} gave no answer within {} s; the command may still have its effect "
                        "(--timeout waits longer).",
                        name(), std::chrono::duration<double>(patience_).count()));
    const bool nonsense = answer.error() == Failure::nonsense;
    connection_.reset();
    lost_at_ = Connection::Clock::now();
    return tl::unexpected(nonsense ? fmt::format("{} answered what this program does not understand.", name())
                                   : fmt::format("{} closed the connection before it answered.", name()));
}

std::vector<std::string> Remote::complete(const std::string& line) {
    auto answer = ask<console::CompleteAnswer>(console::CompleteRequest{0, line}, std::chrono::seconds(2));
    return answer ? std::move(answer->words) : std::vector<std::string>{};
}

void Remote::take_news() {
    while (connection_) {
        const auto message = connection_->try_receive();
        if (!message) return lose();
        if (!*message) return;
        show_news(**message);
    }
}

bool Remote::try_again() {
    if (connection_) return true;
    auto connection = Connection::open(socket_, Connection::Clock::now() + std::chrono::milliseconds(500));
    if (!connection) return Connection::Clock::now() - lost_at_ < comes_back_within;
    connection_ = std::move(*connection);
    greeting_ = connection_->greeting();
    if (subscribed_) subscribe();
    show_(fmt::format("Connected to {} (Lamplight {}) again.", name(), version()));
    return true;
}

void Remote::show_news(const console::ServerMessage& message) {
    if (const auto* line = std::get_if<console::LogLine>(&message)) show_(line->line);
    if (const auto* lost = std::get_if<console::LostLines>(&message))
        show_(fmt::format("-- {} lines lost --", lost->count));
    if (const auto* refusal = std::get_if<console::Refusal>(&message))
        show_(fmt::format("{} says: {}.", name(), refusal->why));
}

void Remote::lose() {
    if (!connection_) return;
    connection_.reset();
    lost_at_ = Connection::Clock::now();
    show_(fmt::format("Disconnected: {} is gone. Waiting {} s for it to come back; 'quit' ends.", name(),
                      comes_back_within.count()));
}

}  // namespace lamplight::app
