#include "ring/failure.hpp"

#include <corosync/corotypes.h>
#include <fmt/format.h>
#include <unistd.h>

namespace lamplight::ring {

namespace {

const char* name_of(int code) {
    return cs_strerror(static_cast<cs_error_t>(code));
}

std::string what_is_wrong(int code) {
    switch (code) {
        case CS_ERR_LIBRARY:
            return "Corosync does not answer";
        case CS_ERR_TRY_AGAIN:
            return "Corosync is not ready";
        case CS_ERR_ACCESS:
            return fmt::format(
                "this process may not join: give its user a file in Corosync's uidgid.d, `uidgid {{ uid: {} "
                "}}`",
                ::geteuid());
        case CS_ERR_EXIST:
            return "this process is in the group already";
        case CS_ERR_TOO_MANY_GROUPS:
            return "the group is full: Corosync's library takes 128 members";
        case CS_ERR_NO_MEMORY:
        case CS_ERR_NO_SPACE:
            return "there is no room for another connection to Corosync in /dev/shm";
        case CS_ERR_NO_RESOURCES:
            return "this process may not open more files";
        default:
            return "Corosync refuses";
    }
}

}  // namespace

Failure make_failure(int code) {
    return {.code = code, .text = fmt::format("{} ({})", name_of(code), code)};
}

std::string explain(int code) {
    return fmt::format("{} ({})", what_is_wrong(code), name_of(code));
}

}  // namespace lamplight::ring
