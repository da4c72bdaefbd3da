#pragma once

#include "conf/options.hpp"
#include "state/types.hpp"

#include <optional>
#include <string>

namespace lamplight::conf {

/// What of asterisk.conf matters here.
struct AsteriskConf {
    std::optional<state::Eid> entityid;  ///< of the PBX that these files belong to
    std::string systemname;
    Place systemname_place;
    bool autosystemname = false;  ///< the host name is the systemname
};

const OptionTable<AsteriskConf>& asterisk_table();

}  // namespace lamplight::conf
