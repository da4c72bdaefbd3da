#include "daemon/system_notice.hpp"

#ifdef LAMPLIGHT_WITH_SYSTEMD
#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <ctime>
#endif

namespace lamplight::daemon::system_notice {

#ifdef LAMPLIGHT_WITH_SYSTEMD

void ready(std::string_view status) {
    sd_notify(0, fmt::format("READY=1\nSTATUS={}", status).c_str());
}

void reloading() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const long long microseconds = now.tv_sec * 1'000'000LL + now.tv_nsec / 1000;
    sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", microseconds).c_str());
}

void stopping() {
    sd_notify(0, "STOPPING=1");
}

#else

void ready(std::string_view) {}
void reloading() {}
void stopping() {}

#endif

}  // namespace lamplight::daemon::system_notice
