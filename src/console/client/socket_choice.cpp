#include "console/client/socket_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace lamplight::console::client {

namespace {

namespace fs = std::filesystem;

std::string none_in(const fs::path& run_dir) {
    return fmt::format(
        "No daemon is running: there is no NAME.ctl in {}. Start one with 'systemctl start lamplightd' or "
        "'lamplightd -C FILE', or name its configuration with -C FILE.",
        run_dir.string());
}

std::string several(const std::vector<fs::path>& sockets) {
    std::string text = "Several daemons are running; choose one with -C FILE, its lamplight.conf:";
    for (const auto& socket : sockets)
        text += fmt::format("\n  {} ({})", socket.stem().string(), socket.string());
    return text;
}

}  // namespace

tl::expected<fs::path, std::string> only_socket(const fs::path& run_dir) {
    std::error_code failure;
    std::vector<fs::path> sockets;
    fs::directory_iterator entries(run_dir, failure);
    if (failure == std::errc::permission_denied)
        return tl::unexpected(fmt::format(
            "You may not look into {}: become root or a member of group lamplight.", run_dir.string()));
    for (; !failure && entries != fs::directory_iterator(); entries.increment(failure)) {
        std::error_code ignored;
        if (entries->path().extension() == ".ctl" && entries->is_socket(ignored))
            sockets.push_back(entries->path());
    }
    std::sort(sockets.begin(), sockets.end());
    if (sockets.empty()) return tl::unexpected(none_in(run_dir));
    if (sockets.size() > 1) return tl::unexpected(several(sockets));
    return sockets.front();
}

}  // namespace lamplight::console::client
