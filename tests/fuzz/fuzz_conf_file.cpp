// The reader of configuration files: whatever stands in them, it ends, and what it gives is sound. A byte
// 0x01 begins the next file; they may include each other as main.conf, 1.conf, 2.conf …
#include "conf/ais_conf.hpp"
#include "conf/asterisk_conf.hpp"
#include "conf/corosync_conf.hpp"
#include "conf/file.hpp"
#include "conf/lamplight_conf.hpp"
#include "conf/logger_conf.hpp"
#include "conf/memory_files.hpp"
#include "conf/modules_conf.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

using namespace lamplight;

void require(bool condition) {
    if (!condition) std::abort();
}

conf::MemoryFiles split(std::string_view input) {
    conf::MemoryFiles files;
    for (int number = 0; number < 8; ++number) {
        const std::size_t end = input.find('\x01');
        files.put(number == 0 ? "/c/main.conf" : fmt::format("/c/{}.conf", number),
                  std::string(input.substr(0, end)));
        if (end == input.npos) break;
        input.remove_prefix(end + 1);
    }
    return files;
}

void check_file(const conf::File& file) {
    const auto known = [&](conf::Where where) { return where.file < file.names.size() && where.line > 0; };
    for (const conf::Section& section : file.sections) {
        require(known(section.where));
        for (const conf::Option& option : section.options) {
            require(known(option.where) && !option.name.empty());
            require(conf::trimmed(option.value) == option.value);
        }
    }
}

void check_problems(const conf::Problems& problems) {
    for (const conf::Problem& problem : problems) {
        require(!problem.what.empty());
        require(to_string(problem).find('\n') == std::string::npos);
    }
}

template <typename Target>
void apply(const conf::OptionTable<Target>& table, const conf::File& file) {
    Target target{};
    conf::Problems problems;
    table.set_defaults(target);
    table.apply(file, target, problems);
    check_problems(problems);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 65536) return 0;
    const conf::MemoryFiles files = split({reinterpret_cast<const char*>(data), size});
    const conf::File file = conf::read_file("/c/main.conf", "/c", files);
    check_file(file);
    check_problems(file.problems);
    apply(conf::lamplight_table(), file);
    apply(conf::asterisk_table(), file);
    apply(conf::modules_table(), file);
    apply(conf::logger_table(), file);
    apply(conf::corosync_table(), file);
    conf::LoggerGeneral general;
    conf::Problems problems;
    conf::read_channels(file, "/var/log", "host", general, problems);
    for (const conf::AisChannel& channel : conf::read_event_channels(file, problems))
        require(!channel.name.empty() && channel.name.size() <= conf::longest_channel_name);
    check_problems(problems);
    return 0;
}
