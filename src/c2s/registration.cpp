#include "c2s/registration.hpp"

#include <algorithm>

namespace lamplight::c2s {

std::string_view why_not_register(const Refused& refused) {
    if (!refused.mechanism.starts_with("SCRAM-"))
        return "the refusal does not tell whether the account exists";
    if (refused.challenged) return "the server seems to know it, so the password is wrong";
    const bool is_recent = std::ranges::any_of(refused.offered, [](const std::string& mechanism) {
        return mechanism == "SCRAM-SHA-256" || mechanism == "SCRAM-SHA-512";
    });
    if (!is_recent) return "the server may be one that replaces the password of an account that exists";
    return {};
}

}  // namespace lamplight::c2s
