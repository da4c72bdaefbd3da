#pragma once

#include "conf/configuration.hpp"
#include "conf/options.hpp"

namespace lamplight::conf {

/// res_corosync.conf as Asterisk reads it (asterisk-facts 3.7): a line adds an event, none takes one away.
const OptionTable<CorosyncSettings>& corosync_table();

}  // namespace lamplight::conf
