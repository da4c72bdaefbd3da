#include "bus/corosync/corosync_bus.hpp"

extern "C" {
/// What the daemon looks for.
extern const lamplight::bus::Plugin lamplight_plugin;
const lamplight::bus::Plugin lamplight_plugin{
    .abi = lamplight::bus::plugin_abi,
    .build = LAMPLIGHT_VERSION,
    .name = "res_corosync.so",
    .description = "Corosync",
    .config_file = "res_corosync.conf",
    .make = &lamplight::bus::corosync::CorosyncBus::make,
};
}
