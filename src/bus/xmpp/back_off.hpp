#pragma once

#include "state/types.hpp"

#include <cstdint>
#include <optional>

namespace lamplight::bus::xmpp {

/// When to try again: 1 s, doubling to 60 s, each with jitter so that fifty servers do not come back in step.
/// Pure; the random numbers are an argument.
class BackOff {
public:
    static constexpr state::Duration least = std::chrono::seconds(1);
    static constexpr state::Duration most = std::chrono::seconds(60);

    /// The pause before the next try: between half of the step and the whole of it. `lasting`: what failed
    /// will not mend itself soon (a wrong password): the longest step at once. `wants_another`: the try did
    /// what it was for and the next one is needed, without a pause; but twice in a row it is `passing`.
    enum class Trouble : std::uint8_t { passing, lasting, wants_another };
    state::Duration next(Trouble trouble, std::uint64_t random);
    /// The pause after the server gave our resource to somebody else, or said so (an administrator who ends a
    /// session looks the same): `rival`, then `rivals` until there was none for `rival_memory`, each up to a
    /// quarter longer; then it is looked whether there is a rival (RivalCheck). A stream in between that was
    /// steady does not make it shorter.
    state::Duration next_after_rival(state::Time now, std::uint64_t random);
    static constexpr state::Duration rival = std::chrono::seconds(60);
    static constexpr state::Duration rivals = std::chrono::minutes(5);
    static constexpr state::Duration rival_memory = std::chrono::hours(1);
    /// A stream has been bound for `steady`: the next pause is a short one again.
    void succeeded();
    static constexpr state::Duration steady = std::chrono::seconds(10);

private:
    std::optional<state::Time> rival_at_;  ///< the last time
    state::Duration step_{};
    bool wanted_another_ = false;  ///< the last time
};

}  // namespace lamplight::bus::xmpp
