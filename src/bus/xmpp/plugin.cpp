#include "bus/xmpp/xmpp_bus.hpp"

extern "C" {
/// What the daemon looks for. xmpp.conf counts as well: the daemon knows both.
extern const lamplight::bus::Plugin lamplight_plugin;
const lamplight::bus::Plugin lamplight_plugin{
    .abi = lamplight::bus::plugin_abi,
    .build = LAMPLIGHT_VERSION,
    .name = "res_jabber.so",
    .description = "AJI - Asterisk Jabber Interface",
    .config_file = "jabber.conf",
    .make = &lamplight::bus::xmpp::XmppBus::make,
};
}
