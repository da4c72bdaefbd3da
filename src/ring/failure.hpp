#pragma once

#include "ring/inquiry.hpp"

#include <string>

namespace lamplight::ring {

/// `CS_ERR_LIBRARY (2)`, of a cs_error_t.
Failure make_failure(int code);

/// Why Corosync did not let us into a group, for people: `Corosync does not answer (CS_ERR_LIBRARY)`.
std::string explain(int code);

}  // namespace lamplight::ring
