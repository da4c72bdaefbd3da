#include "console/mailbox.hpp"

#include "console/custom_device.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace lamplight::console {

namespace {

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

}  // namespace

tl::expected<state::Mailbox, std::string> parse_mailbox(std::string_view text) {
    const auto at = text.find('@');
    const auto name = text.substr(0, at);
    const auto context = at == std::string_view::npos ? std::string_view("default") : text.substr(at + 1);
    if (name.empty() || context.empty())
        return tl::unexpected(
            fmt::format("'{}' is no mailbox: it is written MAILBOX or MAILBOX@CONTEXT.", text));
    if (name.size() > wire_name_bytes || context.size() > wire_name_bytes)
        return tl::unexpected(fmt::format(
            "'{}' is too long: the wires of Asterisk carry {} bytes of a mailbox, and of a context.", text,
            wire_name_bytes));
    if (std::any_of(text.begin(), text.end(), is_control))
        return tl::unexpected(std::string("A mailbox's name holds no control characters."));
    return state::Mailbox{std::string(name), std::string(context)};
}

std::string to_string(const state::Mailbox& mailbox) {
    return fmt::format("{}@{}", mailbox.name, mailbox.context);
}

tl::expected<std::uint32_t, std::string> parse_messages(std::string_view text) {
    std::uint32_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || rest != end || number > most_messages)
        return tl::unexpected(
            fmt::format("'{}' is no number of messages: 0 to {} are possible.", text, most_messages));
    return number;
}

std::string to_string(const state::MessageCounts& counts) {
    return fmt::format("{} new and {} old message{}", counts.new_messages, counts.old_messages,
                       counts.old_messages == 1 ? "" : "s");
}

}  // namespace lamplight::console
