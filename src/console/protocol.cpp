#include "console/protocol.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lamplight::console {

namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

template <typename T>
using Result = tl::expected<T, std::string>;

Result<object> parse_object(std::string_view line, std::size_t most_bytes) {
    if (line.size() > most_bytes)
        return tl::unexpected(fmt::format("a line is longer than {} bytes", most_bytes));
    boost::system::error_code failure;
    boost::json::parse_options options;
    options.max_depth = 16;
    auto parsed = boost::json::parse({line.data(), line.size()}, failure, {}, options);
    if (failure) return tl::unexpected(fmt::format("not JSON: {}", failure.message()));
    if (!parsed.is_object()) return tl::unexpected(std::string("not a JSON object"));
    return std::move(parsed.as_object());
}

std::uint64_t id_of(const object& message) {
    const auto* id = message.if_contains("id");
    if (id == nullptr) return 0;
    if (const auto* number = id->if_uint64()) return *number;
    const auto* number = id->if_int64();
    return number != nullptr && *number >= 0 ? static_cast<std::uint64_t>(*number) : 0;
}

std::string text_of(const object& message, std::string_view name) {
    const auto* found = message.if_contains(name);
    const auto* text = found != nullptr ? found->if_string() : nullptr;
    return text != nullptr ? std::string(text->data(), text->size()) : std::string();
}

std::int64_t number_of(const object& message, std::string_view name) {
    const auto* found = message.if_contains(name);
    const auto* number = found != nullptr ? found->if_int64() : nullptr;
    return number != nullptr ? *number : 0;
}

bool flag_of(const object& message, std::string_view name) {
    const auto* found = message.if_contains(name);
    const auto* flag = found != nullptr ? found->if_bool() : nullptr;
    return flag != nullptr && *flag;
}

bool has_text(const object& message, std::string_view name) {
    const auto* found = message.if_contains(name);
    return found != nullptr && found->is_string();
}

std::vector<std::string> words_of(const object& message) {
    std::vector<std::string> words;
    const auto* found = message.if_contains("words");
    const auto* list = found != nullptr ? found->if_array() : nullptr;
    if (list == nullptr) return words;
    for (const auto& word : *list) {
        if (const auto* text = word.if_string()) words.emplace_back(text->data(), text->size());
    }
    return words;
}

/// How many bytes the well-formed UTF-8 sequence at the start of `text` has; 0 when there is none.
std::size_t sequence_bytes(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = at(0);
    if (first < 0x80) return 1;
    std::size_t size = 0;
    if (first >= 0xc2 && first <= 0xdf) size = 2;
    if (first >= 0xe0 && first <= 0xef) size = 3;
    if (first >= 0xf0 && first <= 0xf4) size = 4;
    if (size == 0 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i) {
        if ((at(i) & 0xc0) != 0x80) return 0;
    }
    const bool overlong = (first == 0xe0 && at(1) < 0xa0) || (first == 0xf0 && at(1) < 0x90);
    const bool impossible = (first == 0xed && at(1) > 0x9f) || (first == 0xf4 && at(1) > 0x8f);
    return overlong || impossible ? 0 : size;
}

/// Device names are bytes; inside a JSON text all bytes beyond ASCII stand in strings.
std::string as_utf8(std::string text) {
    std::size_t good = 0;
    while (good < text.size()) {
        const auto size = sequence_bytes(std::string_view(text).substr(good));
        if (size == 0) break;
        good += size;
    }
    if (good == text.size()) return text;
    std::string out = text.substr(0, good);
    for (std::string_view rest = std::string_view(text).substr(good); !rest.empty();) {
        const auto size = sequence_bytes(rest);
        if (size == 0)
            out += "\xef\xbf\xbd";
        else
            out += rest.substr(0, size);
        rest.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return out;
}

std::string as_line(const object& message) {
    return as_utf8(boost::json::serialize(message)) + '\n';
}

object as_object(const RunRequest& request) {
    return {{"run", request.line}, {"id", request.id}, {"json", request.json}};
}
object as_object(const CompleteRequest& request) {
    return {{"complete", request.line}, {"id", request.id}};
}
object as_object(const SubscribeRequest& request) {
    return {{"subscribe", "log"}, {"id", request.id}, {"on", request.on}};
}
object as_object(const Greeting& greeting) {
    return {{"lamplight", greeting.version}, {"protocol", greeting.protocol}, {"name", greeting.name}};
}
object as_object(const RunAnswer& answer) {
    object message{{"id", answer.id}, {"status", answer.status}, {"text", answer.text}};
    if (answer.json) message["json"] = *answer.json;
    return message;
}
object as_object(const CompleteAnswer& answer) {
    array words;
    for (const auto& word : answer.words)
        words.emplace_back(word);
    return {{"id", answer.id}, {"words", std::move(words)}};
}
object as_object(const SubscribeAnswer& answer) {
    return {{"id", answer.id}, {"subscribed", answer.on}};
}
object as_object(const LogLine& line) {
    return {{"log", line.line}, {"level", line.level}};
}
object as_object(const LostLines& lost) {
    return {{"lost", lost.count}};
}
object as_object(const Refusal& refusal) {
    return {{"error", refusal.why}};
}

}  // namespace

tl::expected<ClientMessage, std::string> parse_client_message(std::string_view line) {
    auto message = parse_object(line, request_bytes);
    if (!message) return tl::unexpected(message.error());
    const auto id = id_of(*message);
    if (has_text(*message, "run")) return RunRequest{id, text_of(*message, "run"), flag_of(*message, "json")};
    if (has_text(*message, "complete")) return CompleteRequest{id, text_of(*message, "complete")};
    if (text_of(*message, "subscribe") == "log")
        return SubscribeRequest{id, !message->contains("on") || flag_of(*message, "on")};
    return tl::unexpected(std::string("none of \"run\", \"complete\" and \"subscribe\": \"log\" is there"));
}

tl::expected<ServerMessage, std::string> parse_server_message(std::string_view line) {
    auto parsed = parse_object(line, answer_bytes);
    if (!parsed) return tl::unexpected(parsed.error());
    auto& message = *parsed;
    const auto id = id_of(message);
    if (has_text(message, "lamplight"))
        return Greeting{static_cast<int>(number_of(message, "protocol")), text_of(message, "name"),
                        text_of(message, "lamplight")};
    if (has_text(message, "error")) return Refusal{text_of(message, "error")};
    if (has_text(message, "log")) return LogLine{text_of(message, "level"), text_of(message, "log")};
    if (message.contains("lost")) return LostLines{static_cast<std::uint64_t>(number_of(message, "lost"))};
    if (message.contains("words")) return CompleteAnswer{id, words_of(message)};
    if (message.contains("subscribed")) return SubscribeAnswer{id, flag_of(message, "subscribed")};
    if (!message.contains("status")) return tl::unexpected(std::string("an answer of an unknown kind"));
    RunAnswer answer{id, static_cast<int>(number_of(message, "status")), text_of(message, "text"),
                     std::nullopt};
    if (auto* json = message.if_contains("json")) answer.json = std::move(*json);
    return answer;
}

std::string encode(const ClientMessage& message) {
    return std::visit([](const auto& one) { return as_line(as_object(one)); }, message);
}

std::string encode(const ServerMessage& message) {
    return std::visit([](const auto& one) { return as_line(as_object(one)); }, message);
}

}  // namespace lamplight::console
