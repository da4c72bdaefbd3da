#include "state/vote.hpp"

#include "state/engine.hpp"

#include <array>

namespace lamplight::state {

std::string_view to_string(VoteOutcome outcome) {
    static constexpr std::array<std::string_view, vote_outcome_count> texts = {
        "applied",         "confirmed",   "refused_old",       "refused_own",
        "refused_speaker", "refused_far", "refused_not_member"};
    return texts.at(static_cast<std::size_t>(outcome));
}

std::string_view to_string(Cause cause) {
    static constexpr std::array<std::string_view, 16> texts = {"console",
                                                               "api",
                                                               "PBX",
                                                               "restored",
                                                               "vote",
                                                               "snapshot",
                                                               "withdrawal",
                                                               "member left",
                                                               "member failed",
                                                               "member silent",
                                                               "member restarting",
                                                               "hold expired",
                                                               "member returned",
                                                               "PBX lost",
                                                               "forgotten",
                                                               "nearer bus"};
    return texts.at(static_cast<std::size_t>(cause));
}

std::string_view to_string(Standing standing) {
    static constexpr std::array<std::string_view, 4> texts = {"unheard", "present", "stale", "gone"};
    return texts.at(static_cast<std::size_t>(standing));
}

std::string_view to_string(MemberStatus status) {
    static constexpr std::array<std::string_view, 6> texts = {"absent",     "present", "silent",
                                                              "restarting", "left",    "failed"};
    return texts.at(static_cast<std::size_t>(status));
}

}  // namespace lamplight::state
