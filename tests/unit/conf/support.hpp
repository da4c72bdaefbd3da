#pragma once

#include "conf/file.hpp"
#include "conf/memory_files.hpp"
#include "conf/problem.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace lamplight::conf {

inline MemoryFiles one_file(const std::string& path, std::string content) {
    MemoryFiles files;
    files.put(path, std::move(content));
    return files;
}

/// The problems as an operator reads them.
inline std::vector<std::string> lines_of(const Problems& problems) {
    std::vector<std::string> lines;
    for (const Problem& problem : problems)
        lines.push_back(std::string(to_string(problem.severity)) + " " + to_string(problem));
    return lines;
}

/// `section.name=value` of everything outside of templates.
inline std::vector<std::string> options_of(const File& file) {
    std::vector<std::string> options;
    for (const Section& section : file.sections)
        if (!section.is_template)
            for (const Option& option : section.options)
                options.push_back(section.name + "." + option.name + "=" + option.value);
    return options;
}

}  // namespace lamplight::conf
