#pragma once

#include <boost/json/value.hpp>
#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lamplight::console {

// The words of docs/protocol/console.md: one JSON object a line, in both directions. Pure.

inline constexpr int protocol_version = 1;
/// Longest line a client may send, its line end included.
inline constexpr std::size_t request_bytes = 64 * 1024;
/// Longest line a client takes from a daemon.
inline constexpr std::size_t answer_bytes = 256 * 1024 * 1024;

/// Run one command.
struct RunRequest {
    std::uint64_t id = 0;
    std::string line;
    bool json = false;
};
/// What could stand at the end of a line?
struct CompleteRequest {
    std::uint64_t id = 0;
    std::string line;
};
/// Live log lines from now on, or no longer.
struct SubscribeRequest {
    std::uint64_t id = 0;
    bool on = true;
};
using ClientMessage = std::variant<RunRequest, CompleteRequest, SubscribeRequest>;

/// The first line of every session.
struct Greeting {
    int protocol = protocol_version;
    std::string name;     ///< the daemon's: `pbx1`
    std::string version;  ///< `0.1.0`
};
/// The answer to a RunRequest.
struct RunAnswer {
    std::uint64_t id = 0;
    int status = 0;
    std::string text;
    std::optional<boost::json::value> json;
};
/// The answer to a CompleteRequest.
struct CompleteAnswer {
    std::uint64_t id = 0;
    std::vector<std::string> words;
};
/// The answer to a SubscribeRequest.
struct SubscribeAnswer {
    std::uint64_t id = 0;
    bool on = true;
};
/// A live log line, ready to print.
struct LogLine {
    std::string level;
    std::string line;
};
/// So many log lines were dropped here because the client did not read them.
struct LostLines {
    std::uint64_t count = 0;
};
/// The session ends, for this reason.
struct Refusal {
    std::string why;
};
using ServerMessage =
    std::variant<Greeting, RunAnswer, CompleteAnswer, SubscribeAnswer, LogLine, LostLines, Refusal>;

/// Reads a line without its line end. The error is what is wrong, for people.
tl::expected<ClientMessage, std::string> parse_client_message(std::string_view line);
tl::expected<ServerMessage, std::string> parse_server_message(std::string_view line);

/// One line with its line end. Bytes that are not UTF-8 become U+FFFD, so that what is written can always be
/// read.
std::string encode(const ClientMessage& message);
std::string encode(const ServerMessage& message);

}  // namespace lamplight::console
