#pragma once

#include "conf/reader.hpp"

#include <fnmatch.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace lamplight::conf {

/// Configuration files that exist in memory only, for tests and fuzzing. Patterns are those of fnmatch(3).
class MemoryFiles final : public FileSource {
public:
    MemoryFiles() = default;
    explicit MemoryFiles(std::map<std::string, std::string> files) : files_(std::move(files)) {}

    void put(const std::string& path, std::string content) { files_[path] = std::move(content); }
    /// From now on reading `path` fails so.
    void fail(const std::string& path, ReadError error) { failures_[path] = std::move(error); }

    tl::expected<std::string, ReadError> read(const std::string& path) const override {
        if (const auto bad = failures_.find(path); bad != failures_.end()) return tl::unexpected(bad->second);
        const auto found = files_.find(path);
        if (found == files_.end())
            return tl::unexpected(ReadError{ReadFailure::missing, "No such file or directory"});
        return found->second;
    }

    std::vector<std::string> matches(const std::string& pattern) const override {
        std::vector<std::string> found;
        for (const auto& [path, content] : files_)
            if (::fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0)
                found.push_back(path);
        return found;
    }

private:
    std::map<std::string, std::string> files_;
    std::map<std::string, ReadError> failures_;
};

}  // namespace lamplight::conf
