// A scenario file: read, never run.
#include "sim/scenario.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto scenario = lamplight::sim::Scenario::parse({reinterpret_cast<const char*>(data), size});
    if (!scenario && scenario.error().empty()) std::abort();
    return 0;
}
