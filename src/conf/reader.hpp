#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace lamplight::conf {

enum class ReadFailure : std::uint8_t { missing, not_a_file, not_readable, too_large };
struct ReadError {
    ReadFailure failure{};
    std::string why;  ///< `Permission denied`
};

/// Where configuration files come from: the disk, or a test's map. Paths are absolute.
class FileSource {
public:
    virtual ~FileSource() = default;
    /// The whole content.
    virtual tl::expected<std::string, ReadError> read(const std::string& path) const = 0;
    /// The files that match a pattern of glob(7), with `{a,b}`, sorted.
    virtual std::vector<std::string> matches(const std::string& pattern) const = 0;
};

/// Files larger than this are refused: no configuration is.
inline constexpr std::uint64_t largest_file_bytes = 64u << 20;

/// The real files.
class DiskFiles final : public FileSource {
public:
    tl::expected<std::string, ReadError> read(const std::string& path) const override;
    std::vector<std::string> matches(const std::string& pattern) const override;
};

}  // namespace lamplight::conf
