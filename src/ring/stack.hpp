#pragma once

#include <string>

namespace lamplight::ring {

/// libcpg takes what Corosync sent in a buffer of 1 MiB on the stack. Whether the calling thread has room for
/// it. Reads /proc once a call in the first thread of a process.
bool stack_suffices();
/// What to do about it.
std::string stack_trouble();

}  // namespace lamplight::ring
