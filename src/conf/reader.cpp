#include "conf/reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace lamplight::conf {

namespace {

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

tl::unexpected<ReadError> failure_of(int error) {
    const bool gone = error == ENOENT || error == ENOTDIR;
    return tl::unexpected(
        ReadError{gone ? ReadFailure::missing : ReadFailure::not_readable, std::strerror(error)});
}

tl::unexpected<ReadError> too_large() {
    return tl::unexpected(
        ReadError{ReadFailure::too_large, fmt::format("it is larger than {} MiB", largest_file_bytes >> 20)});
}

tl::expected<std::string, ReadError> read_all(int fd) {
    std::string content;
    std::array<char, 65536> buffer;
    while (true) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failure_of(errno);
        if (got == 0) return content;
        content.append(buffer.data(), static_cast<std::size_t>(got));
        // A file that grows while it is read must not fill the memory.
        if (content.size() > largest_file_bytes) return too_large();
    }
}

}  // namespace

tl::expected<std::string, ReadError> DiskFiles::read(const std::string& path) const {
    // O_NONBLOCK: a FIFO named by mistake must not hang the daemon before it is seen to be none of ours.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) return failure_of(errno);
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return failure_of(errno);
    if (!S_ISREG(status.st_mode))
        return tl::unexpected(ReadError{ReadFailure::not_a_file, "it is not a regular file"});
    if (static_cast<std::uint64_t>(status.st_size) > largest_file_bytes) return too_large();
    return read_all(file.get());
}

std::vector<std::string> DiskFiles::matches(const std::string& pattern) const {
    glob_t found{};
    std::vector<std::string> paths;
    if (::glob(pattern.c_str(), GLOB_BRACE, nullptr, &found) == 0)
        paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    return paths;
}

}  // namespace lamplight::conf
