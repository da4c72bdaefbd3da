#pragma once

#include <tl/expected.hpp>

#include <filesystem>
#include <string>

namespace lamplight::console {

/// A listening socket of the file system that belongs to one living process, and the file's removal at the
/// end.
///
/// A lock on `PATH.lock`, held for life, decides who lives: a socket left over by a dead daemon is replaced,
/// one whose lock is held is refused. The lock file stays; removing it would let two daemons hold two of
/// them.
class ControlSocket {
public:
    /// Binds and listens (blocks for the group's look-up). The socket is 0660 and of `group` where that group
    /// exists and may be given, else 0600. The error says what is in the way and what to do.
    static tl::expected<ControlSocket, std::string> open(const std::filesystem::path& path,
                                                         const std::string& group);
    ControlSocket(ControlSocket&& other) noexcept;
    ControlSocket& operator=(ControlSocket&& other) noexcept;
    ~ControlSocket();

    /// The listening descriptor, handed over once; -1 afterwards.
    int take_descriptor();
    const std::filesystem::path& path() const { return path_; }

private:
    ControlSocket(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}
    tl::expected<void, std::string> remove_stale() const;
    tl::expected<void, std::string> bind_and_listen(const std::string& group);

    std::filesystem::path path_;
    int lock_ = -1;
    int descriptor_ = -1;
    unsigned long device_ = 0;  ///< what we bound, so that another daemon's socket is never removed
    unsigned long inode_ = 0;
};

}  // namespace lamplight::console
