#include "console/control_socket.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace lamplight::console {

namespace {

tl::unexpected<std::string> because(const std::filesystem::path& path, std::string_view what) {
    return tl::unexpected(
        fmt::format("{}: {}: {}", path.string(), what, std::generic_category().message(errno)));
}

std::optional<gid_t> group_id(const std::string& name) {
    std::vector<char> space(16 * 1024);
    group found{};
    group* result = nullptr;
    if (::getgrnam_r(name.c_str(), &found, space.data(), space.size(), &result) != 0 || result == nullptr)
        return std::nullopt;
    return found.gr_gid;
}

std::optional<sockaddr_un> address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto& text = path.native();
    if (text.size() >= sizeof address.sun_path) return std::nullopt;
    std::memcpy(address.sun_path, text.data(), text.size());
    return address;
}

/// Who listens there, lock or not: its process id, 0 when it cannot be told.
std::optional<pid_t> listener(const sockaddr_un& address) {
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) return std::nullopt;
    const int outcome = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const bool listens = outcome == 0 || errno == EAGAIN;
    ucred who{};
    socklen_t size = sizeof who;
    if (outcome != 0 || ::getsockopt(probe, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) who.pid = 0;
    ::close(probe);
    return listens ? std::optional(who.pid) : std::nullopt;
}

std::string in_use(const std::filesystem::path& path, pid_t pid) {
    const std::string who = pid > 0 ? fmt::format("a living daemon, process {}", pid) : "a living daemon";
    return fmt::format("{} is in use by {}: stop it, or give this one another 'name' or 'run_dir'",
                       path.string(), who);
}

}  // namespace

tl::expected<ControlSocket, std::string> ControlSocket::open(const std::filesystem::path& path,
                                                             const std::string& group) {
    const auto address = address_of(path);
    if (!address)
        return tl::unexpected(fmt::format("{}: a socket's path may have {} bytes; choose a shorter 'run_dir'",
                                          path.string(), sizeof(sockaddr_un::sun_path) - 1));
    const auto lock_path = path.string() + ".lock";
    const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) return because(lock_path, "cannot be opened");
    ControlSocket socket(path, lock);
    const bool locked = ::flock(lock, LOCK_EX | LOCK_NB) == 0;
    const auto living = listener(*address);
    if (!locked || living) return tl::unexpected(in_use(path, living.value_or(0)));
    if (const auto removed = socket.remove_stale(); !removed) return tl::unexpected(removed.error());
    if (const auto bound = socket.bind_and_listen(group); !bound) return tl::unexpected(bound.error());
    return socket;
}

tl::expected<void, std::string> ControlSocket::remove_stale() const {
    struct stat found{};
    if (::lstat(path_.c_str(), &found) != 0) {
        if (errno == ENOENT) return {};
        return because(path_, "cannot be looked at");
    }
    if (!S_ISSOCK(found.st_mode))
        return tl::unexpected(fmt::format("{} is there and no socket: move it away", path_.string()));
    if (::unlink(path_.c_str()) != 0) return because(path_, "a dead daemon's socket cannot be removed");
    return {};
}

tl::expected<void, std::string> ControlSocket::bind_and_listen(const std::string& group) {
    descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor_ < 0) return because(path_, "cannot make a socket");
    // The mode of the unbound socket becomes the file's: at no moment may anybody else connect.
    ::fchmod(descriptor_, 0600);
    const auto address = *address_of(path_);
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return because(path_, "cannot be bound");
    struct stat made{};
    if (::lstat(path_.c_str(), &made) == 0) {
        device_ = made.st_dev;
        inode_ = made.st_ino;
    }
    const auto id = group_id(group);
    if (id && ::lchown(path_.c_str(), static_cast<uid_t>(-1), *id) == 0) ::chmod(path_.c_str(), 0660);
    if (::listen(descriptor_, 64) != 0) return because(path_, "cannot be listened on");
    return {};
}

ControlSocket::ControlSocket(ControlSocket&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      device_(other.device_),
      inode_(std::exchange(other.inode_, 0)) {}

ControlSocket& ControlSocket::operator=(ControlSocket&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(lock_, other.lock_);
    std::swap(descriptor_, other.descriptor_);
    std::swap(device_, other.device_);
    std::swap(inode_, other.inode_);
    return *this;
}

ControlSocket::~ControlSocket() {
    if (descriptor_ >= 0) ::close(descriptor_);
    struct stat found{};
    if (inode_ != 0 && ::lstat(path_.c_str(), &found) == 0 && found.st_ino == inode_ &&
        found.st_dev == device_)
        ::unlink(path_.c_str());
    if (lock_ >= 0) ::close(lock_);
}

int ControlSocket::take_descriptor() {
    return std::exchange(descriptor_, -1);
}

}  // namespace lamplight::console
