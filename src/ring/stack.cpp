#include "ring/stack.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <cstddef>

namespace lamplight::ring {

namespace {

constexpr std::size_t needed_bytes = 2 * 1024 * 1024;

/// Of the calling thread; nothing known counts as nothing wrong.
std::size_t stack_bytes() {
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return needed_bytes;
    std::size_t size = needed_bytes;
    pthread_attr_getstacksize(&attributes, &size);
    pthread_attr_destroy(&attributes);
    return size;
}

}  // namespace

bool stack_suffices() {
    return stack_bytes() >= needed_bytes;
}

std::string stack_trouble() {
    return fmt::format(
        "the stack of {} KiB is too small for Corosync's library, which needs {}: start with `ulimit -s "
        "8192`, or "
        "LimitSTACK=8M in the unit",
        stack_bytes() / 1024, needed_bytes / 1024);
}

}  // namespace lamplight::ring
