#include "daemon/folders.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lamplight::daemon {

namespace {

tl::unexpected<StartError> cannot(const std::filesystem::path& folder, std::string_view option,
                                  std::string_view what, std::string_view what_to_do) {
    return tl::unexpected(
        StartError{ExitStatus::cannot_create,
                   fmt::format("{} = {}: {}: {}", option, folder.string(), what, what_to_do)});
}

}  // namespace

tl::expected<void, StartError> ensure_folder(const std::filesystem::path& folder, std::string_view option) {
    if (::mkdir(folder.c_str(), 0750) != 0 && errno != EEXIST) {
        const int error = errno;
        if (error == ENOENT)
            return cannot(folder, option, fmt::format("there is no folder {}", folder.parent_path().string()),
                          "make it first, or name another one");
        return cannot(
            folder, option, fmt::format("cannot be made: {}", std::strerror(error)),
            fmt::format("make it, and give it to the user that runs lamplightd (uid {})", ::geteuid()));
    }
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error))
        return cannot(folder, option, "is no folder", "move that file away, or name another folder");
    if (::access(folder.c_str(), R_OK | W_OK | X_OK) != 0)
        return cannot(folder, option, fmt::format("cannot be written to: {}", std::strerror(errno)),
                      fmt::format("give it to the user that runs lamplightd (uid {})", ::geteuid()));
    return {};
}

}  // namespace lamplight::daemon
