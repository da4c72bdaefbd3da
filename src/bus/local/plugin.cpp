#include "bus/local/local_bus.hpp"

extern "C" {
/// What the daemon looks for. No configuration file: the bus is on when no other is.
extern const lamplight::bus::Plugin lamplight_plugin;
const lamplight::bus::Plugin lamplight_plugin{
    .abi = lamplight::bus::plugin_abi,
    .build = LAMPLIGHT_VERSION,
    .name = "bus_local.so",
    .description = "Local bus: nodes on one host",
    .config_file = nullptr,
    .make = &lamplight::bus::local::LocalBus::make,
};
}
