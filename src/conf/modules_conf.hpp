#pragma once

#include "conf/configuration.hpp"
#include "conf/options.hpp"

namespace lamplight::conf {

const OptionTable<ModuleRules>& modules_table();

}  // namespace lamplight::conf
