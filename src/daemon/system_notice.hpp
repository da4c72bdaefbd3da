#pragma once

#include <string_view>

namespace lamplight::daemon {

/// What the service manager is told; nothing happens where there is none. Does not block.
namespace system_notice {
void ready(std::string_view status);
void reloading();
void stopping();
}  // namespace system_notice

}  // namespace lamplight::daemon
