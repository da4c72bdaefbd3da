// A line of the console's socket, read as either side reads it; what was understood must survive being
// written again.
#include "console/protocol.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace console = lamplight::console;

namespace {

void require(bool held) {
    if (!held) std::abort();
}

template <typename Message, typename Parse>
void there_and_back(const Message& message, const Parse& parse) {
    auto line = console::encode(message);
    require(!line.empty() && line.find('\n') == line.size() - 1);
    line.pop_back();
    if (line.size() > console::request_bytes) return;
    const auto again = parse(line);
    require(again.has_value() && again->index() == message.index());
    require(console::encode(*again) == line + '\n');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    if (const auto message = console::parse_client_message(line))
        there_and_back(*message, console::parse_client_message);
    if (const auto message = console::parse_server_message(line))
        there_and_back(*message, console::parse_server_message);
    // Any bytes may be a device's name in an answer.
    there_and_back(console::ServerMessage(console::RunAnswer{1, 0, std::string(line), {}}),
                   console::parse_server_message);
    return 0;
}
