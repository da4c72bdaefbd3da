#pragma once

#include "bus/local/file_descriptor.hpp"

#include <sys/types.h>
#include <tl/expected.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The sockets in run_dir, as calls of the system; none of them blocks for long.
namespace lamplight::bus::local {

/// Who is at the other end (SO_PEERCRED).
struct Credentials {
    pid_t pid = 0;
    uid_t uid = 0;
};
Credentials credentials_of(int socket);

/// A listening socket and the file by which it is found.
struct Listener {
    FileDescriptor socket;
    std::filesystem::path path;
    ino_t inode = 0;

    /// Whether the file is still there and ours.
    bool reachable() const;
    /// Removes the file if it is still ours.
    void remove_file() const;
};

/// Makes `run_dir/NAME.bus`, 0660 of group `lamplight`, 0600 where there is none. The file appears when it
/// can be connected to. One that a dead daemon left is replaced; one of a living daemon, or anything that is
/// no socket, is left alone and said.
tl::expected<Listener, std::string> listen_in(const std::filesystem::path& run_dir, std::string_view name);

/// A connection to a socket file, or errno: ECONNREFUSED, nobody listens; EAGAIN, too many wait; ENOENT, it
/// went.
tl::expected<FileDescriptor, int> connect_to(const std::filesystem::path& path);

/// The next one who connected; empty with errno in `error`, 0 when there is none.
std::optional<FileDescriptor> accept_from(const Listener& listener, int& error);

/// `pbx1.bus` → `pbx1`; empty for everything else, hidden files too.
std::string_view bus_name_of(std::string_view file_name);

/// The names of all NAME.bus in the folder, or what is wrong with it.
tl::expected<std::vector<std::string>, std::string> names_in(const std::filesystem::path& run_dir);

}  // namespace lamplight::bus::local
