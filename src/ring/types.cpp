#include "ring/types.hpp"

#include <fmt/format.h>

namespace lamplight::ring {

std::string to_string(Member member) {
    return fmt::format("node {} pid {}", member.node_id, member.pid);
}

}  // namespace lamplight::ring
