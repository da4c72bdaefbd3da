#include "c2s/sasl.hpp"

#include <algorithm>
#include <array>

namespace lamplight::c2s {

namespace {

/// What a mechanism needs, and whether it gives more away than an own hash with a salt does.
struct Known {
    std::string_view name;
    enum class Needs : std::uint8_t { certificate, secret } needs;
    enum class On : std::uint8_t { encrypted, both, clear } links;
    enum class Gives : std::uint8_t { nothing, password } gives;
};
using Needs = Known::Needs;
using On = Known::On;
using Gives = Known::Gives;

/// The strongest first.
constexpr std::array<Known, 6> known{{
    {"EXTERNAL", Needs::certificate, On::encrypted, Gives::nothing},
    {"SCRAM-SHA-512", Needs::secret, On::both, Gives::nothing},
    {"SCRAM-SHA-256", Needs::secret, On::both, Gives::nothing},
    {"SCRAM-SHA-1", Needs::secret, On::both, Gives::nothing},
    {"DIGEST-MD5", Needs::secret, On::clear, Gives::password},
    {"PLAIN", Needs::secret, On::both, Gives::password},
}};

bool may_use(const Known& mechanism, const Account& account, bool encrypted) {
    if (mechanism.needs == Needs::certificate && account.certificate.empty()) return false;
    if (mechanism.needs == Needs::secret && account.secret.empty()) return false;
    return encrypted ? mechanism.links != On::clear : mechanism.links != On::encrypted;
}

}  // namespace

std::string_view to_string(Sasl::Refusal refusal) {
    switch (refusal) {
        case Sasl::Refusal::malformed:
            return "malformed challenge";
        case Sasl::Refusal::too_many_iterations:
            return "too many or too few iterations";
        case Sasl::Refusal::server_not_verified:
            return "server not verified";
        case Sasl::Refusal::library:
            return "refused by libgsasl";
    }
    return "unknown";
}

std::vector<std::string> usable_mechanisms(std::span<const std::string> offered, const Account& account,
                                           bool encrypted) {
    std::vector<std::string> out;
    for (const Known& mechanism : known) {
        if (!encrypted && mechanism.gives == Gives::password && !out.empty()) break;
        if (may_use(mechanism, account, encrypted) &&
            std::ranges::find(offered, mechanism.name) != offered.end())
            out.emplace_back(mechanism.name);
    }
    return out;
}

}  // namespace lamplight::c2s
