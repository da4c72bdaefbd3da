#include "samples.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace lamplight::wire::vote {
namespace {

/// The seeds are in the tree, so that the fuzzer needs no generator; this keeps them true. After a change of
/// the format write them anew from the failing buffer: the first line of the failure names the file.
TEST(Seeds, AreTheFramesThatTheEncodersWriteToday) {
    const std::filesystem::path folder = LAMPLIGHT_TEST_DATA "/../corpus/fuzz_wire_vote";
    for (const auto& [name, frame] : samples::all()) {
        SCOPED_TRACE((folder / name).string());
        std::ifstream in(folder / name, std::ios::binary);
        const samples::Buffer seed{std::istreambuf_iterator<char>(in), {}};
        EXPECT_EQ(seed, frame);
    }
}

}  // namespace
}  // namespace lamplight::wire::vote
