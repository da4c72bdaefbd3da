#include "bus/ais/ais_bus.hpp"

extern "C" {
/// What the daemon looks for.
extern const lamplight::bus::Plugin lamplight_plugin;
const lamplight::bus::Plugin lamplight_plugin{
    .abi = lamplight::bus::plugin_abi,
    .build = LAMPLIGHT_VERSION,
    .name = "res_ais.so",
    .description = "SAForum AIS",
    .config_file = "ais.conf",
    .make = &lamplight::bus::ais::AisBus::make,
};
}
