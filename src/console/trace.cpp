#include "console/trace.hpp"

#include <source_location>

namespace lamplight::console {

namespace {

// The names of Asterisk's functions: the log shows them, and people search for them.

void process_collection(log::Log& log, const state::Engine& engine, state::DeviceId device,
                        state::DeviceState before) {
    const auto name = engine.device_name(device);
    // No lambda here: its lines would carry another function's name.
    std::vector<state::VoteView> votes;
    engine.for_each_vote(device, [&votes](const state::VoteView& vote) { votes.push_back(vote); });
    for (const auto& vote : votes) {
        if (vote.counts) log.debug(1, "Adding per-server state of '{}' for '{}'", log_text(vote.state), name);
    }
    const auto after = engine.aggregate(device);
    log.debug(1, "Aggregate devstate result is '{}' for '{}'", log_text(after), name);
    if (after == before) {
        log.debug(1, "Aggregate state for device '{}' has not changed from '{}'", name, log_text(before));
    } else {
        log.debug(1, "Aggregate state for device '{}' has changed to '{}'", name, log_text(after));
    }
}

void handle_devstate_change(log::Log& log, const state::Engine& engine, state::DeviceId device,
                            state::DeviceState before) {
    log.debug(1, "Processing device state change for '{}'", engine.device_name(device));
    process_collection(log, engine, device, before);
}

}  // namespace

bool traces(const log::Log& log) {
    return log.shows(log::Level::debug, 1, std::source_location::current().file_name());
}

void trace_change(log::Log& log, const state::Engine& engine, state::DeviceId device,
                  state::DeviceState before) {
    if (traces(log)) handle_devstate_change(log, engine, device, before);
}

}  // namespace lamplight::console
