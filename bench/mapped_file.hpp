#pragma once

#include <tl/expected.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>

namespace lamplight::bench {

/// A file that several processes count in, as memory of all of them.
class MappedFile {
public:
    static tl::expected<MappedFile, std::string> open(const std::filesystem::path& file);
    ~MappedFile();
    MappedFile(MappedFile&& other) noexcept
        : memory_(std::exchange(other.memory_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    MappedFile& operator=(MappedFile&& other) noexcept {
        std::swap(memory_, other.memory_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }

    std::byte* memory() const { return static_cast<std::byte*>(memory_); }
    std::size_t bytes() const { return bytes_; }

private:
    MappedFile(void* memory, std::size_t bytes) : memory_(memory), bytes_(bytes) {}

    void* memory_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace lamplight::bench
