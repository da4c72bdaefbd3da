#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace lamplight::c2s {

/// An address (RFC 7622): `local@domain/resource`, `domain`, `local@domain`. Local part and domain are
/// compared without regard to the case of ASCII letters and are kept in lower case; the resource is as
/// written. Other scripts are taken byte for byte: PRECIS is the server's business.
struct Jid {
    std::string local;
    std::string domain;
    std::string resource;

    auto operator<=>(const Jid&) const = default;

    Jid bare() const { return {local, domain, {}}; }
    bool is_bare() const { return resource.empty(); }
};

/// Empty when a part that has to be there is not, is longer than 1,023 bytes, or has a character it may not
/// have (in the local part: " & ' / : < > @ and white space; anywhere: control characters).
std::optional<Jid> parse_jid(std::string_view text);
std::string to_string(const Jid& jid);

}  // namespace lamplight::c2s

template <>
struct std::hash<lamplight::c2s::Jid> {
    std::size_t operator()(const lamplight::c2s::Jid& jid) const noexcept {
        return std::hash<std::string>()(jid.local) ^ (std::hash<std::string>()(jid.domain) << 1) ^
               (std::hash<std::string>()(jid.resource) << 2);
    }
};
