#pragma once

#include "conf/configuration.hpp"

#include <span>
#include <string>

namespace lamplight::bus::ais {

/// `ais evt show event channels`, as Asterisk prints it (asterisk-facts 4.3), with line ends. Pure.
std::string channels_text(std::span<const conf::AisChannel> channels);

}  // namespace lamplight::bus::ais
