// A frame from a member of saEvt: decode() must refuse or describe it, and every record that it describes
// must survive being written again.
#include "wire/evt/frame.hpp"

#include <cstdlib>
#include <vector>

using namespace lamplight::wire;
using namespace lamplight::wire::evt;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

/// The record alone, in a frame with no byte to spare.
void check_again(const Record& record) {
    std::vector<std::uint8_t> buffer(header_bytes + size_of(record));
    FrameWriter writer(buffer);
    require(writer.add(record) && writer.bytes() == buffer.size());
    std::size_t given = 0;
    require(decode(buffer, [&](const Record& again) {
                require(again == record);
                return ++given == 1;
            }).has_value());
    require(given == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::size_t bytes = header_bytes;
    const auto done = decode({data, size}, [&](const Record& record) {
        if (!std::holds_alternative<Unknown>(record)) bytes += size_of(record);
        require(bytes <= size);
        check_again(record);
        return true;
    });
    if (!done) require(to_string(done.error()) != "?");
    return 0;
}
