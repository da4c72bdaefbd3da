// Hints out of any dialplan: it ends, and no hint is unsound.
#include "conf/extensions_conf.hpp"
#include "conf/memory_files.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

namespace {

using namespace lamplight;

void require(bool condition) {
    if (!condition) std::abort();
}

void check_hint(const state::HintDefinition& hint, const std::set<std::string>& contexts) {
    require(contexts.contains(hint.context));
    require(!hint.extension.empty() && hint.extension.size() <= 255);
    require(hint.text.size() <= conf::Globals::longest_bytes);
    for (const std::string& device : hint.devices) {
        require(!device.empty() && device.size() <= 255);
        require(device.find('&') == std::string::npos);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 65536) return 0;
    conf::MemoryFiles files;
    files.put("/c/extensions.conf", std::string(reinterpret_cast<const char*>(data), size));
    const conf::File file = conf::read_file("/c/extensions.conf", "/c", files);
    conf::Problems problems;
    const state::HintPlan plan = conf::read_hints(file, conf::Globals(), 255, problems);
    std::set<std::string> contexts;
    for (const state::HintContext& context : plan.contexts)
        require(contexts.insert(context.name).second);
    for (const state::HintDefinition& hint : plan.hints)
        check_hint(hint, contexts);
    for (const conf::Problem& problem : problems)
        require(to_string(problem).find('\n') == std::string::npos);
    return 0;
}
