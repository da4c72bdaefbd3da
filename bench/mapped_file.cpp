#include "bench/mapped_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lamplight::bench {

tl::expected<MappedFile, std::string> MappedFile::open(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return tl::unexpected(fmt::format("{}: {}", file.string(), std::strerror(errno)));
    struct stat status{};
    const bool known = ::fstat(fd, &status) == 0;
    const auto bytes = static_cast<std::size_t>(status.st_size);
    void* memory =
        known && bytes > 0 ? ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    ::close(fd);
    if (memory == MAP_FAILED)
        return tl::unexpected(fmt::format("{}: it cannot be mapped, or is empty", file.string()));
    return MappedFile(memory, bytes);
}

MappedFile::~MappedFile() {
    if (memory_ != nullptr) ::munmap(memory_, bytes_);
}

}  // namespace lamplight::bench
