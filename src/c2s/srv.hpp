#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace lamplight::c2s {

/// One SRV record (RFC 2782).
struct Srv {
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
    std::uint16_t port = 0;
    std::string target;  ///< without the last dot; empty: `.`

    bool operator==(const Srv&) const = default;
};

/// More than that are not tried.
inline constexpr std::size_t most_srv_records = 16;

/// The owner of the domain says that there is no such service there: one record, whose target is `.`.
bool says_no_service(const std::vector<Srv>& records);

/// In the order in which they are to be tried: lower priorities first, among equals by chance as the weights
/// say; targets `.` left out, at most most_srv_records. `random` gives a number from 0 to the one it is
/// given, inclusive. Pure.
std::vector<Srv> in_order(std::vector<Srv> records,
                          const std::function<std::uint32_t(std::uint32_t)>& random);

}  // namespace lamplight::c2s
