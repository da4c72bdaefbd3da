#pragma once

#include "conf/configuration.hpp"
#include "conf/options.hpp"

#include <optional>
#include <string>

namespace lamplight::conf {

/// What lamplight.conf says, before the other files, the host and the machine have been asked.
struct LamplightConf {
    Configuration settings;  ///< lamplight_conf is filled in beforehand: paths are relative to its folder
    Place name_place;        ///< of `name`, when it is set
    std::optional<state::Eid> entityid;  ///< not set: another file or the machine decides
    Place entityid_place;
};

const OptionTable<LamplightConf>& lamplight_table();

/// Why a text cannot be this daemon's name, which is also a file name; empty when it can.
std::string refuse_name(std::string_view name);

/// Why `name` is no module's; empty when it may be one.
std::string refuse_module(std::string_view name);
/// Lower case, with `.so`.
std::string module_file_name(std::string_view name);

}  // namespace lamplight::conf
