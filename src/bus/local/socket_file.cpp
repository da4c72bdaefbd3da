#include "bus/local/socket_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace lamplight::bus::local {

namespace {

constexpr std::string_view ending = ".bus";
constexpr int backlog = 128;

std::string text_of(int error) {
    return std::strerror(error);
}

/// False when the path is too long for a socket's address (107 bytes).
bool make_address(const std::filesystem::path& path, sockaddr_un& address) {
    address = {};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    return true;
}

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

FileDescriptor make_socket() {
    return FileDescriptor(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/// Two daemons that start at once must not both find the same stale file. The folder's lock is held for a
/// millisecond at most; whoever holds it longer is none of ours and is not waited for.
class FolderLock {
public:
    explicit FolderLock(const std::filesystem::path& folder)
        : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
        for (int tries = 0; folder_ && tries < 100; ++tries) {
            if (::flock(folder_.get(), LOCK_EX | LOCK_NB) == 0) return;
            ::usleep(1000);
        }
    }

private:
    FileDescriptor folder_;
};

std::optional<gid_t> group_lamplight() {
    char buffer[4096];
    group entry{};
    group* found = nullptr;
    if (::getgrnam_r("lamplight", &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr)
        return std::nullopt;
    return entry.gr_gid;
}

/// A file that appears under its final name by rename() has its rights from the start.
tl::expected<FileDescriptor, std::string> listen_hidden(const std::filesystem::path& hidden) {
    sockaddr_un address;
    if (!make_address(hidden, address))
        return tl::unexpected(
            fmt::format("{}: the path is longer than a socket's may be (107 bytes): name a shorter "
                        "run_dir",
                        hidden.string()));
    ::unlink(hidden.c_str());
    FileDescriptor socket = make_socket();
    if (!socket) return tl::unexpected(fmt::format("cannot make a socket: {}", text_of(errno)));
    ::fchmod(socket.get(), 0600);  // bind() takes the file's rights from the socket
    if (::bind(socket.get(), generic(address), sizeof address) != 0)
        return tl::unexpected(
            fmt::format("no socket can be made in {}: {}", hidden.parent_path().string(), text_of(errno)));
    const auto group = group_lamplight();
    if (group && ::chown(hidden.c_str(), static_cast<uid_t>(-1), *group) == 0) ::chmod(hidden.c_str(), 0660);
    if (::listen(socket.get(), backlog) != 0) {
        const int error = errno;
        ::unlink(hidden.c_str());
        return tl::unexpected(fmt::format("{}: cannot listen: {}", hidden.string(), text_of(error)));
    }
    return socket;
}

/// Why the file in our place may not be replaced; empty when a dead daemon left it.
std::string in_the_way(const std::filesystem::path& path) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) return {};
    if (!S_ISSOCK(status.st_mode))
        return fmt::format("{} is in the way and is no socket: move it away", path.string());
    const auto connection = connect_to(path);
    if (connection)
        return fmt::format(
            "{} belongs to a living daemon (pid {}): give this one another name in lamplight.conf, or "
            "stop that one",
            path.string(), credentials_of(connection->get()).pid);
    if (connection.error() == EAGAIN)
        return fmt::format(
            "{} belongs to a living daemon that is busy: give this one another name, or stop that one",
            path.string());
    if (connection.error() == ECONNREFUSED || connection.error() == ENOENT) return {};
    return fmt::format("{}: cannot find out whether it is in use: {}", path.string(),
                       text_of(connection.error()));
}

}  // namespace

Credentials credentials_of(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
    return {peer.pid, peer.uid};
}

bool Listener::reachable() const {
    struct stat status{};
    return ::lstat(path.c_str(), &status) == 0 && status.st_ino == inode;
}

void Listener::remove_file() const {
    if (reachable()) ::unlink(path.c_str());
}

tl::expected<Listener, std::string> listen_in(const std::filesystem::path& run_dir, std::string_view name) {
    if (name.empty() || name.front() == '.' || name.find('/') != std::string_view::npos)
        return tl::unexpected(
            fmt::format("'{}' cannot be the name of a socket: choose another name in lamplight.conf", name));
    const std::filesystem::path path = run_dir / (std::string(name) + std::string(ending));
    sockaddr_un address;
    if (!make_address(path, address))
        return tl::unexpected(
            fmt::format("{}: the path is longer than a socket's may be (107 bytes): name a shorter "
                        "run_dir",
                        path.string()));
    const std::filesystem::path hidden = run_dir / fmt::format(".{}.new", ::getpid());
    const FolderLock lock(run_dir);
    auto socket = listen_hidden(hidden);
    if (!socket) return tl::unexpected(socket.error());
    struct stat status{};
    ::lstat(hidden.c_str(), &status);
    const auto fail = [&](std::string why) {
        ::unlink(hidden.c_str());
        return tl::unexpected(std::move(why));
    };
    if (std::string why = in_the_way(path); !why.empty()) return fail(std::move(why));
    if (::rename(hidden.c_str(), path.c_str()) != 0)
        return fail(fmt::format("{}: cannot be made: {}", path.string(), text_of(errno)));
    return Listener{std::move(*socket), path, status.st_ino};
}

tl::expected<FileDescriptor, int> connect_to(const std::filesystem::path& path) {
    sockaddr_un address;
    if (!make_address(path, address)) return tl::unexpected(ENAMETOOLONG);
    FileDescriptor socket = make_socket();
    if (!socket) return tl::unexpected(errno);
    if (::connect(socket.get(), generic(address), sizeof address) != 0) return tl::unexpected(errno);
    return socket;
}

std::optional<FileDescriptor> accept_from(const Listener& listener, int& error) {
    FileDescriptor socket(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    error = 0;
    if (socket) return socket;
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ECONNABORTED) error = errno;
    return std::nullopt;
}

std::string_view bus_name_of(std::string_view file_name) {
    if (file_name.size() <= ending.size() || file_name.front() == '.' || !file_name.ends_with(ending))
        return {};
    return file_name.substr(0, file_name.size() - ending.size());
}

tl::expected<std::vector<std::string>, std::string> names_in(const std::filesystem::path& run_dir) {
    std::vector<std::string> names;
    std::error_code error;
    std::filesystem::directory_iterator entry(run_dir, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const std::string file = entry->path().filename().string();
        if (const std::string_view name = bus_name_of(file); !name.empty()) names.emplace_back(name);
    }
    if (error)
        return tl::unexpected(
            fmt::format("cannot read the folder {}: {}", run_dir.string(), error.message()));
    return names;
}

}  // namespace lamplight::bus::local
