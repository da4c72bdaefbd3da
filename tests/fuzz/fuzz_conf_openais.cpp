// The reader of OpenAIS' file: whatever stands in it, what it gives is sound, and no problem is an error.
#include "conf/openais_conf.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace lamplight;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 65536) return 0;
    conf::AisSettings settings;
    conf::Problems problems;
    conf::read_openais({reinterpret_cast<const char*>(data), size}, "/etc/ais/openais.conf", settings,
                       problems);
    require(settings.queue_resume > 0 && settings.queue_resume < settings.queue_limit);
    require(settings.queue_limit <= conf::most_delivery_queue);
    require(problems.size() <= conf::most_problems + 2);
    for (const conf::Problem& problem : problems) {
        require(problem.severity != conf::Severity::error && !problem.what.empty());
        require(to_string(problem).find('\n') == std::string::npos);
    }
    return 0;
}
