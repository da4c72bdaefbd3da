#include "bench/crowd.hpp"

#include "bench/board.hpp"

#include <fmt/format.h>

namespace lamplight::bench {

tl::expected<Crowd, std::string> Crowd::open(const std::filesystem::path& file) {
    static_assert(sizeof(Head) == 64 && sizeof(Part) == 128);
    auto mapped = MappedFile::open(file);
    if (!mapped) return tl::unexpected(mapped.error());
    const bool has_head = mapped->bytes() >= sizeof(Head);
    Crowd crowd(std::move(*mapped));
    if (!has_head || crowd.devices() == 0 || crowd.head().devices > most_devices ||
        crowd.head().parts > most_parts ||
        crowd.file_.bytes() != sizeof(Head) + crowd.head().parts * sizeof(Part))
        return tl::unexpected(fmt::format("{}: its size is not that of its parts", file.string()));
    return crowd;
}

}  // namespace lamplight::bench
