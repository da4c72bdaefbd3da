#pragma once

#include "bus/ais/evt/registry.hpp"
#include "bus/ais/evt/retained.hpp"
#include "wire/evt/frame.hpp"

#include <cstdint>
#include <queue>
#include <utility>
#include <vector>

namespace lamplight::bus::ais::evt {

/// A state on its way to others: all that was known when its begin came back from the group, at which moment
/// everybody else saw the same begin. What has happened since then everybody has seen, so what is gone when
/// the walk comes to it is left out.
class StateWalk {
public:
    StateWalk(std::uint32_t number, std::vector<wire::evt::Process> targets)
        : number_(number), targets_(std::move(targets)) {}

    enum class Phase : std::uint8_t {
        begin,            ///< waits to be said
        begin_under_way,  ///< said, not back
        content,
        end,
        end_under_way,
    };
    Phase phase() const { return phase_; }
    std::uint32_t number() const { return number_; }
    const std::vector<wire::evt::Process>& targets() const { return targets_; }
    bool has_frame() const { return phase_ != Phase::begin_under_way && phase_ != Phase::end_under_way; }

    void came_back(Place now, Registry& registry, const RetainedEvents& retained);
    /// Writes the next frame; gives its bytes.
    std::size_t take(wire::MutableBytes out, state::Time now, Registry& registry, RetainedEvents& retained);

private:
    using Writer = wire::evt::FrameWriter;
    std::size_t fill(wire::MutableBytes out, state::Time now, Registry& registry, RetainedEvents& retained);
    // Each writes what fits and says whether all is written.
    bool add_channels(Writer& writer, Registry& registry);
    bool add_unlinked(Writer& writer, Registry& registry);
    bool add_events(Writer& writer, state::Time now, Registry& registry, const RetainedEvents& retained);
    bool add_cleared(Writer& writer, state::Time now, RetainedEvents& retained);

    std::uint32_t number_;
    std::vector<wire::evt::Process> targets_;
    Phase phase_ = Phase::begin;
    Place began_ = 0;
    ChannelId last_channel_ = ChannelId::none;
    std::uint64_t mark_ = 0;
    std::uint64_t marks_end_ = 0;
    std::uint64_t cleared_ = 0;
    std::uint64_t cleared_end_ = 0;
    using Next = std::pair<Place, ChannelId>;
    std::priority_queue<Next, std::vector<Next>, std::greater<>> events_;  ///< the next of each channel
};

}  // namespace lamplight::bus::ais::evt
