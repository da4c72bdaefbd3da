#pragma once

#include "state/engine.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace lamplight::bus::sync {

/// What a peer's name ids mean: its numbers to our devices. Memory: 4 bytes an id, in pages, so that one far
/// id costs 4 KB and not a table.
class NameTable {
public:
    enum class Meaning : std::uint8_t {
        unknown,  ///< never defined in this table: the definition was missed
        device,   ///< `device` says which
        refused,  ///< defined, but the engine would not take the name
        named,    ///< no device: the engine was not asked for one, or forgot it meanwhile; `name` says which
    };
    struct Entry {
        Meaning meaning = Meaning::unknown;
        state::DeviceId device{};
        const std::string* name = nullptr;
    };

    /// Another table number than the last voids everything; the first one of all is just taken.
    void use(std::uint32_t table);
    void clear();

    Entry find(std::uint32_t id) const;
    void define(std::uint32_t id, state::DeviceId device);
    void define_name(std::uint32_t id, std::string_view name);
    void define_refused(std::uint32_t id);
    /// These devices are no longer in the engine, or there under another number. Names are kept, so that a
    /// later vote finds its device again. Calling it twice does no harm. Cost: O(ids) a call.
    void forget(const std::vector<state::DeviceForgotten>& devices, const state::Engine& engine);

private:
    static constexpr std::uint32_t page_size = 1024;
    // Values beyond every device id.
    static constexpr std::uint32_t unknown = 0xffffffff;
    static constexpr std::uint32_t refused = 0xfffffffe;
    static constexpr std::uint32_t named = 0xfffffffd;
    using Page = std::array<std::uint32_t, page_size>;

    void set(std::uint32_t id, std::uint32_t value);

    std::uint32_t table_ = 0;
    std::vector<std::unique_ptr<Page>> pages_;
    boost::unordered_flat_map<std::uint32_t, std::string> names_;
};

}  // namespace lamplight::bus::sync
