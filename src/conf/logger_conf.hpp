#pragma once

#include "conf/configuration.hpp"
#include "conf/file.hpp"
#include "conf/options.hpp"

#include <filesystem>
#include <string>

namespace lamplight::conf {

/// [general] of logger.conf.
struct LoggerGeneral {
    LoggerSettings settings;
    bool append_host_name = false;
};

const OptionTable<LoggerGeneral>& logger_table();

/// Reads [logfiles] of `file` into `general.settings.channels`. Relative file names are below `log_dir`.
void read_channels(const File& file, const std::filesystem::path& log_dir, const std::string& host_name,
                   LoggerGeneral& general, Problems& problems);

}  // namespace lamplight::conf
